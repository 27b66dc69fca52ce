"""The shipped FMUs are what the sources in this repository make: rebuilding gives the same bytes.

Covers every file of every FMU, and the binaries for x86_64 Linux; `python fmu/build.py --check` covers the binaries
of all platforms (minutes with cold compiler caches).
"""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from fmu.build import DIST, FMI_VERSIONS, PLATFORMS, compile_binary, differences, fmu_name, package_files
from fmu.model import Model, load, model_names

pytestmark = pytest.mark.integration

LINUX = PLATFORMS["x86_64-linux"]
SHIPPED = [(load(name), fmi) for name in model_names() for fmi in FMI_VERSIONS]
NAMES = [fmu_name(model, fmi) for model, fmi in SHIPPED]
C_AND_HEADERS = (".c", ".h")


def unpack(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize(("model", "fmi"), SHIPPED, ids=NAMES)
def test_descriptions_sources_and_pages_are_up_to_date(model: Model, fmi: int) -> None:
    shipped = unpack(DIST / fmu_name(model, fmi))
    expected = package_files(model, fmi)
    assert {name: text for name, text in shipped.items() if not name.startswith("binaries/")} == expected


@pytest.mark.parametrize(("model", "fmi"), SHIPPED, ids=NAMES)
def test_the_sources_inside_an_fmu_compile_to_its_binary(model: Model, fmi: int) -> None:
    """Compiles what an importer would find in the file, in a folder of another name."""
    shipped = unpack(DIST / fmu_name(model, fmi))
    sources = {
        name.removeprefix("sources/"): text
        for name, text in shipped.items()
        if name.startswith("sources/") and name.endswith(C_AND_HEADERS)
    }
    binary = compile_binary(sources, model.identifier, LINUX)
    assert binary == shipped[f"binaries/{LINUX.folder(fmi)}/{model.identifier}.so"]


def test_a_difference_is_found_and_named() -> None:
    """The comparison itself can fail: a changed, a missing and an added file are all named."""
    battery, meter = ((DIST / fmu_name(load(name), 3)).read_bytes() for name in ("battery", "meter"))
    assert differences(battery, battery) == []
    found = differences(battery, meter)
    assert "modelDescription.xml" in found
    assert {"sources/battery.c", "sources/meter.c"} <= set(found)
    assert "sources/fmi3.c" not in found


def test_the_build_command_checks_a_model_and_says_what_differs() -> None:
    """With one platform only, the others are missing in the rebuild: exit 1 and their names."""
    command = [sys.executable, "fmu/build.py", "--check", "--model", "meter", "--platform", LINUX.name]
    done = subprocess.run(command, cwd=DIST.parents[1], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    first = done.stdout.splitlines()[0]
    assert first.startswith("Meter.fmi3.fmu: differs in binaries/")
    assert "x86_64-linux" not in first
