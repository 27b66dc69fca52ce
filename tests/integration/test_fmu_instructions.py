"""Each kernel is compiled twice for x86-64, plainly and for AVX2: on every processor the same bits come out.

A processor without AVX2 runs the plain kernel on both sides; then this shows nothing, and fails nothing.
"""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fmu.build import DIST, PLATFORMS, compile_binary, fmu_name, source_files
from fmu.model import Model, load, model_names
from simulators.fleet import fmu_fleet
from simulators.fleet.fmu_fleet import Fleet

pytestmark = pytest.mark.integration

LINUX = PLATFORMS["x86_64-linux"]
PLAIN_KERNEL = b'#include "fleet.h"\nModelStep *fastest_model_step(void) { return model_step; }\n'
DEVICES = 1027  # several blocks, and a rest that no number of lanes divides
STEPS_S = (1.0, 60.0, 60.0, 900.0, 7.5, 60.0, 60.0)
# Every second device has these, so that neighbours in one vector go different ways.
PARAMETERS = {
    "battery": {"inverter_no_load_w": 30.0, "derate_charge_above_soc": 0.8, "soc_start": 0.99},
    "pv_inverter": {"volt_var_on": 1.0, "volt_watt_on": 1.0, "power_limit_response_s": 90.0},
    "ev_charger": {"power_step_w": 230.0, "discharge_power_max_w": 7000.0},
    "house": {"modulation_min": 0.3, "cool_capacity_w": 6000.0, "infiltration_stack_w_per_k": 15.0},
    "water_heater": {"heat_pump": 1.0, "nodes": 12.0, "legionella_interval_s": 300.0},
}
# Where devices work most of the time.
USUAL = {"voltage_pu": (0.85, 1.13), "frequency_hz": (59.9, 60.1), "temperature_outdoor_degc": (-15.0, 38.0)}


def with_plain_kernel(model: Model, path: Path) -> None:
    """Write the shipped FMU to `path` with a library that knows the plain kernel only."""
    library = f"binaries/{LINUX.folder(3)}/{model.identifier}{LINUX.extension}"
    sources = source_files(model, 3) | {"kernel_avx2.c": PLAIN_KERNEL}
    with zipfile.ZipFile(DIST / fmu_name(model, 3)) as shipped, zipfile.ZipFile(path, "w") as plain:
        for name in shipped.namelist():
            if name != library:
                plain.writestr(name, shipped.read(name))
        plain.writestr(library, compile_binary(sources, model.identifier, LINUX))


def outputs(model: Model) -> list[NDArray[np.float64]]:
    """All outputs after each step, under inputs that make devices switch, saturate and cross zero."""
    rng = np.random.default_rng(11)
    starts = {v.name: v.start for v in model.variables}
    second = np.arange(DEVICES) % 2 == 1
    chosen = {k: np.where(second, value, starts[k]) for k, value in PARAMETERS.get(model.name, {}).items()}
    seen = []
    with Fleet(model=model.name, n=DEVICES, parameters=chosen) as fleet:
        for k, step_s in enumerate(STEPS_S):
            for v in model.variables:
                if v.causality == "input":
                    assert v.min is not None
                    assert v.max is not None
                    low, high = USUAL.get(v.name, (max(v.min, -8e3), min(v.max, 8e3)))
                    fleet.inputs[v.name][:] = rng.uniform(low, high, DEVICES)
            fleet.step(k * 60.0, step_s)
            seen.append(np.array(list(fleet.outputs.values())))
    return seen


@pytest.mark.parametrize("name", model_names())
def test_wider_instructions_give_the_same_bits(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load(name)
    shipped = outputs(model)
    with_plain_kernel(model, tmp_path / fmu_name(model, 3))
    monkeypatch.setattr(fmu_fleet, "_REPOSITORY_FMUS", tmp_path)
    fmu_fleet._unpacked.cache_clear()
    try:
        plain = outputs(model)
    finally:
        fmu_fleet._unpacked.cache_clear()
    for step, (left, right) in enumerate(zip(shipped, plain, strict=True)):
        assert left.tobytes() == right.tobytes(), f"{name}: step {step} differs"
    assert len(np.unique(shipped[-1][0])) > 1  # the devices did something, each its own
