"""`twin fmu`: what is in a file, whether it is sound, and what could be which of our quantities."""

import re
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fmu.build import DIST
from simulators.fleet import fmu_archive
from simulators.fleet.fmu_check import faults
from tests.vendor_fmu import build_vendor_fmu
from twin.cli import fmu as fmu_cli
from twin.cli.main import app

SHIPPED = sorted(DIST.glob("*.fmu"))


def twin(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["fmu", *arguments])
    return result.exit_code, result.output


def altered(folder: Path, shipped: Path, pattern: str, replacement: str) -> Path:
    """A copy whose model description has one change."""
    path = folder / shipped.name
    with zipfile.ZipFile(shipped) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "modelDescription.xml":
                text, count = re.subn(pattern, replacement, content.decode(), count=1)
                assert count == 1, "the planted fault has no place"
                content = text.encode()
            new.writestr(name, content)
    return path


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_shipped_file_is_sound(path: Path) -> None:
    assert faults(path) == []


@pytest.mark.parametrize(
    ("file", "pattern", "replacement", "fault"),
    [
        ("Battery.fmi3.fmu", r'(name="soc_start".*?) start="0.5"', r'\1 start="1.5"', "soc_start: start 1.5 is above"),
        ("Battery.fmi2.fmu", r'(name="soc_start".*?)start="0.5"', r'\1start="-1"', "soc_start: start -1 is below"),
        ("Battery.fmi3.fmu", r'(name="soc_start".*?) start="0.5"', r'\1 start="0.5 0.4"', "2 start values for 1"),
        (
            "Battery.fmi3.fmu",
            r'<UInt64 name="n"',
            '<Int64 name="n"',
            "no structural parameter or constant of type UInt64",
        ),
        ("Battery.fmi3.fmu", r'(name="n".*?)start="1"', r'\1start="0"', "n: a dimension must start with 1 or more"),
        (
            "Battery.fmi2.fmu",
            'modelIdentifier="Battery"',
            'modelIdentifier="Cell"',
            "there is no binaries/linux64/Cell.so",
        ),
    ],
)
def test_each_planted_fault_is_found(file: str, pattern: str, replacement: str, fault: str, tmp_path: Path) -> None:
    found = faults(altered(tmp_path, DIST / file, pattern, replacement))
    assert any(fault in text for text in found), found


def test_list_shows_every_shipped_file() -> None:
    code, output = twin("list")
    assert code == 0
    assert all(path.name in output for path in SHIPPED)


def test_check_says_good_or_every_fault_with_exit_code_2(tmp_path: Path) -> None:
    code, output = twin("check", str(DIST / "Meter.fmi3.fmu"))
    assert code == 0
    assert "good: Meter, FMI 3.0" in output
    bad = altered(tmp_path, DIST / "Meter.fmi2.fmu", 'modelIdentifier="Meter"', 'modelIdentifier="Metre"')
    code, output = twin("check", str(bad))
    assert code == 2
    assert "there is no binaries/linux64/Metre.so" in output
    code, output = twin("check", str(tmp_path / "nowhere.fmu"))
    assert code == 2
    assert "cannot be read as an FMU" in output


@pytest.mark.parametrize("command", ["check", "describe"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no such file"),
        (b"", "is no whole zip archive, perhaps cut off"),
        ((DIST / "Battery.fmi2.fmu").read_bytes()[:20_000], "perhaps cut off: File is not a zip file, at 20000 bytes"),
    ],
    ids=["absent", "empty", "cut off"],
)
def test_what_is_no_archive_is_refused_in_plain_words(
    command: str, content: bytes | None, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "any.fmu"
    if content is not None:
        path.write_bytes(content)
    code, output = twin(command, str(path))
    assert code == 2
    assert said in " ".join(output.split())


def test_an_archive_without_a_description_or_of_unbearable_size_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "other.fmu"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "nothing here")
    code, output = twin("check", str(path))
    assert (code, "has no modelDescription.xml" in output) == (2, True)
    monkeypatch.setattr(fmu_archive, "MOST_BYTES", 1_000)
    code, output = twin("check", str(DIST / "Meter.fmi2.fmu"))
    assert code == 2
    assert "at most 1000 are taken" in " ".join(output.split())


def test_a_file_that_cannot_run_here_is_not_called_good(tmp_path: Path) -> None:
    path = build_vendor_fmu(tmp_path, with_binary=False)
    code, output = twin("check", str(path))
    assert code == 2
    assert 'unit "kWh" of variable "E_nom"' in output  # and what else is wrong with it
    assert "no binary for this machine" in " ".join(output.split())
    assert "cannot be run here" in twin("describe", str(path))[1]


def test_fmi_1_is_refused_by_name_alone(tmp_path: Path) -> None:
    path = tmp_path / "old.fmu"
    text = (
        '<?xml version="1.0" encoding="UTF-8"?><fmiModelDescription fmiVersion="1.0" modelName="Old" guid="x"'
        ' modelIdentifier="Old" numberOfContinuousStates="0" numberOfEventIndicators="0"><ModelVariables/>'
        "<Implementation><CoSimulation_StandAlone><Capabilities/></CoSimulation_StandAlone></Implementation>"
        "</fmiModelDescription>"
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("modelDescription.xml", text)
    code, output = twin("check", str(path))
    assert code == 2
    assert output.splitlines()[0].endswith("is of FMI 1.0; 2.0 and 3.0 can be run")
    assert len(output.splitlines()) == 1
    assert "cannot be run: it is of FMI 1.0" in twin("describe", str(path))[1]


def test_a_start_value_that_is_no_number_is_a_fault(tmp_path: Path) -> None:
    bad = altered(tmp_path, DIST / "Battery.fmi2.fmu", r'(name="soc_start".*?)start="0.5"', r'\1start="half"')
    code, output = twin("check", str(bad))
    assert code == 2
    assert "half" in output


def test_units_that_nobody_knows_are_named_with_the_way_out(tmp_path: Path) -> None:
    bad = altered(tmp_path, DIST / "Battery.fmi2.fmu", r'(name="power_max_w".*?)unit="W"', r'\1unit="Wat"')
    assert "does not define its units 'Wat': a map has to give `unit`" in twin("describe", str(bad))[1]
    assert '"Wat" of variable "power_max_w"' in twin("check", str(bad))[1]


def test_describe_shows_variables_with_units_and_what_maps(tmp_path: Path) -> None:
    code, output = twin("describe", str(build_vendor_fmu(tmp_path, with_binary=False)))
    assert code == 0
    assert re.search(r"P_cmd +input +Real +kW", output)
    assert "power_setpoint_w [W]: P_cmd [kW]" in output
    assert "heat_pump: no, nothing for temperature_indoor_degc" in output


def test_without_a_reader_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fmu_cli, "ENTRY_POINT_GROUP", "hearthgrid.nothing")
    code, output = twin("list")
    assert code == 2
    assert "no reader of FMU files is installed" in output
