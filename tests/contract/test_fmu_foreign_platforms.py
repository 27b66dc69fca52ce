"""The FMUs' binaries for other platforms, run under wine and qemu: the same bits as on Linux x86_64.

Skipped where an emulator or the other platform's C library is absent (Debian: wine64, qemu-user-static,
libc6-arm64-cross); the folder of that library can be named by QEMU_LD_PREFIX.
"""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fmu.build import DIST
from tests.foreign_fmu import LINUX, Target, answers, driver

_ARM_ROOT = Path(os.environ.get("QEMU_LD_PREFIX", "/usr/aarch64-linux-gnu"))
_WINE = shutil.which("wine64") or shutil.which("wine")
_QEMU = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        sys.platform != "linux" or platform.machine() != "x86_64", reason="the yardstick is Linux on x86_64"
    ),
]


def windows() -> Target:
    if _WINE is None:
        pytest.skip("wine is absent")
    assert _WINE is not None
    return Target(
        zig="x86_64-windows-gnu",
        folders={2: "win64", 3: "x86_64-windows"},
        library="{}.dll",
        program="driver.exe",
        runner=(_WINE,),
    )


def arm() -> Target:
    if _QEMU is None or not (_ARM_ROOT / "lib" / "ld-linux-aarch64.so.1").exists():
        pytest.skip("qemu for aarch64, or its C library, is absent")
    assert _QEMU is not None
    return Target(
        zig="aarch64-linux-gnu.2.28",
        folders={3: "aarch64-linux"},  # FMI 2.0 has no name for it
        library="{}.so",
        program="driver-aarch64",
        runner=(_QEMU, "-L", str(_ARM_ROOT)),
    )


def compare(target: Target, folder: Path) -> None:
    """Every shipped FMU that has a binary for `target` gives the bits of the Linux run."""
    try:
        here, there = driver(LINUX, folder), driver(target, folder)
        subprocess.run([*target.runner, str(there)], timeout=120, check=False, stdout=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:  # the first compilation for a platform builds its C library
        pytest.skip("the machine is too busy to build or start the driver")
    for version in target.folders:
        for fmu in sorted(DIST.glob(f"*.fmi{version}.fmu")):
            expected = answers(fmu, LINUX, here, folder)
            assert len(expected) > 500, expected[:5]
            assert not [line for line in expected if line.startswith("log")], "the plan asks for what is refused"
            assert answers(fmu, target, there, folder) == expected, fmu.name


def test_windows_binaries_give_the_same_bits(tmp_path: Path) -> None:
    compare(windows(), tmp_path)


def test_aarch64_binaries_give_the_same_bits(tmp_path: Path) -> None:
    compare(arm(), tmp_path)
