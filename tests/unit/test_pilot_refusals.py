"""A pilot file that breaks a rule is refused before anything runs: line, place, value, and what is allowed."""

from pathlib import Path

import pytest

from twin.pilot import PilotError, load_pilot

DATA = Path(__file__).parents[1] / "data" / "pilots"
INVALID = sorted(DATA.glob("invalid-*.yaml"))


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_each_broken_rule_is_named_with_its_line(path: Path) -> None:
    expected = path.read_text().splitlines()[0].removeprefix("# expect: ")

    with pytest.raises(PilotError) as caught:
        load_pilot(path)

    assert expected in str(caught.value)
    assert str(caught.value).startswith(f"{path}:")


def test_the_valid_file_beside_them_is_accepted() -> None:
    pilot = load_pilot(DATA / "valid-two-homes.yaml")

    assert [home.id for home in pilot.homes] == ["h01", "h02"]
    assert [device.id for device in pilot.devices] == ["h01-meter", "h01-battery", "h02-meter"]
    assert pilot.home["h02"].phases == "b"  # its connection point's, since it names none


def test_all_problems_come_at_once_in_file_order(tmp_path: Path) -> None:
    text = (DATA / "valid-two-homes.yaml").read_text()
    path = tmp_path / "pilot.yaml"
    path.write_text(
        text.replace("phase: a", "phase: b").replace("LOAD2", "LOAD98").replace("site-ethernet", "tin-cans")
    )

    with pytest.raises(PilotError) as caught:
        load_pilot(path)

    assert [problem.place for problem in caught.value.problems] == [
        "endpoints[0].link",
        "homes[0].phase",
        "homes[1].connection_point",
    ]


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(PilotError, match=r"nowhere\.yaml:1: cannot be read"):
        load_pilot(tmp_path / "nowhere.yaml")


def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.yaml"
    path.write_text("- 1\n- 2\n")

    with pytest.raises(PilotError, match="a pilot file is a mapping"):
        load_pilot(path)
