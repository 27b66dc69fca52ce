"""The vendor's battery of tests/data/fmu/vendor as an FMU for this machine, and how a pilot maps it."""

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

import fmpy

from twin.model.topology import VendorModel, VendorVariable

SOURCE = Path(__file__).parent / "data" / "fmu" / "vendor"
EXTENSION = {"linux64": ".so", "darwin64": ".dylib", "win64": ".dll"}

MAP = {
    "power_setpoint_w": VendorVariable(variable="P_cmd", factor=-1.0),
    "power_w": VendorVariable(variable="P_ac", factor=-1.0),
    "soc": VendorVariable(variable="SoC"),
    "energy_capacity_wh": VendorVariable(variable="E_nom"),
    "loss_wh": VendorVariable(value=0.0),
}


def build_vendor_fmu(folder: Path, *, description: str | None = None, with_binary: bool = True) -> Path:
    """Compile and pack it; `description` replaces modelDescription.xml."""
    path = folder / "PowerBrick.fmu"
    platform = fmpy.platform
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("modelDescription.xml", description or (SOURCE / "modelDescription.xml").read_text())
        if with_binary:
            library = compiled(folder)
            archive.write(library, f"binaries/{platform}/PowerBrick{EXTENSION[platform]}")
    return path


def compiled(folder: Path) -> Path:
    library = folder / f"PowerBrick{EXTENSION[fmpy.platform]}"
    spec = importlib.util.find_spec("fmpy")
    assert spec is not None
    assert spec.origin is not None
    headers = Path(spec.origin).parent / "c-code"
    command = [sys.executable, "-m", "ziglang", "cc", "-shared", "-fPIC", "-O1", "-fno-sanitize=undefined"]
    command += ["-I", str(headers), str(SOURCE / "acme_battery.c"), "-o", str(library)]
    subprocess.run(command, check=True, timeout=120)
    return library


def vendor_model(path: Path, **changes: VendorVariable) -> VendorModel:
    return VendorModel(fmu=str(path), map={**MAP, **changes}, start={"SoC_0": 40.0, "enabled": 1.0})
