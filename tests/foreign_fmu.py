"""Runs of the shipped FMUs' binaries, also those of other platforms, by a small driver that is compiled for each."""

import importlib.util
import os
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fmpy
import numpy as np

DRIVER = Path(__file__).parent / "data" / "fmu" / "foreign" / "driver.c"
DEVICES = 5
STEPS_S = (60.0,) * 90 + (900.0,) * 60 + (1.0,) * 30
_SPAN = {"W": 6e3, "var": 3e3, "degC": 12.0, "K": 2.0, "W/m2": 500.0, "L/min": 6.0, "m/s": 5.0, "Hz": 0.8}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A platform: how Zig names it, its folders inside an FMU by version of FMI, its file names, and who runs it."""

    zig: str
    folders: Mapping[int, str]
    library: str
    program: str
    runner: tuple[str, ...] = ()


LINUX = Target(zig="x86_64-linux-gnu", folders={2: "linux64", 3: "x86_64-linux"}, library="{}.so", program="driver")


def driver(target: Target, folder: Path) -> Path:
    """The driver compiled for `target`."""
    spec = importlib.util.find_spec("fmpy")
    assert spec is not None
    assert spec.origin is not None
    program = folder / target.program
    command = [sys.executable, "-m", "ziglang", "cc", "-target", target.zig, "-O1", "-ffp-contract=off"]
    command += ["-I", str(Path(spec.origin).parent / "c-code"), str(DRIVER), "-o", str(program)]
    subprocess.run([*command, *(() if "windows" in target.zig else ("-ldl",))], check=True, timeout=300)
    return program


def answers(fmu: Path, target: Target, program: Path, folder: Path) -> list[str]:
    """What the FMU's binary for `target` prints, run by the plan of this FMU."""
    description = fmpy.read_model_description(str(fmu), validate=False)
    version = int(description.fmiVersion[0])
    name = target.library.format(description.coSimulation.modelIdentifier)
    library = folder / f"{fmu.stem}-{target.folders[version]}-{name}"
    with zipfile.ZipFile(fmu) as archive:
        library.write_bytes(archive.read(f"binaries/{target.folders[version]}/{name}"))
    plan = folder / f"{fmu.stem}.plan"
    plan.write_text("\n".join(_plan(description, version)))
    done = subprocess.run(
        [*target.runner, str(program), str(library), str(plan)],
        check=True,
        timeout=300,
        stdout=subprocess.PIPE,
        env={**os.environ, "WINEDEBUG": "-all"},
        text=True,
    )
    return done.stdout.splitlines()


def _plan(description: Any, version: int) -> Iterator[str]:  # noqa: ANN401 - FMPy has no types
    """Inputs at random within what such devices see, all outputs after every step; the same on every platform."""
    generator = np.random.default_rng(20_260_601)
    count = DEVICES if version == 3 else 1
    variables = description.modelVariables
    inputs = [v for v in variables if v.causality == "input"]
    outputs = [v for v in variables if v.causality == "output"]
    rows = sum(_rows(v) for v in outputs) * count
    size = next((v for v in variables if v.causality == "structuralParameter"), None)
    token = description.guid if version == 2 else description.instantiationToken
    yield f"{version} {token}" + ("" if size is None else f" {size.valueReference} {count}")
    yield "begin"
    time_s = 0.0
    for step_s in STEPS_S:
        for variable in inputs:
            values = generator.uniform(*_range(variable), size=count * _rows(variable))
            yield f"set 1 {len(values)} {variable.valueReference} {' '.join(map(_bits, values.tolist()))}"
        yield f"step {_bits(time_s)} {_bits(step_s)}"
        yield f"get {len(outputs)} {rows} {' '.join(str(v.valueReference) for v in outputs)}"
        time_s += step_s


def _range(variable: Any) -> tuple[float, float]:  # noqa: ANN401 - FMPy has no types
    span = 0.12 if variable.name.endswith("_pu") else _SPAN.get(variable.unit, 1.0)
    start = float(str(variable.start).split()[0])
    return max(float(variable.min), start - span), min(float(variable.max), start + span)


def _rows(variable: Any) -> int:  # noqa: ANN401 - FMPy has no types
    sizes = [int(d.start) for d in variable.dimensions or () if d.start is not None]
    return int(np.prod(sizes)) if sizes else 1


def _bits(value: float) -> str:
    return struct.pack(">d", value).hex()
