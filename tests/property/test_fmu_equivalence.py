"""One kernel, many ways to run it: all of them give the same bits.

A fleet of n equals n fleets of one, in any order; the FMI 2.0 file equals the FMI 3.0 file; a saved state continues
exactly; a long step walks the path of the short steps it is made of.
"""

import shutil
from collections.abc import Mapping

import fmpy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fmu.build import DIST, fmu_name
from fmu.model import load, model_names
from simulators.fleet.fmu_fleet import Fleet
from simulators.fleet.parameters import MODELS, parameters

Column = NDArray[np.float64]

RATINGS: dict[str, dict[str, float]] = {
    "battery": {"energy_wh": 10_000.0, "power_w": 5_000.0},
    "pv": {"dc_power_w": 6_000.0, "ac_power_va": 5_000.0, "volt_var": 1.0, "volt_watt": 1.0},
    "ev_charger": {"power_w": 7_400.0, "vehicle_energy_wh": 60_000.0},
    "heat_pump": {"heat_power_w": 8_000.0, "floor_area_m2": 120.0},
    "water_heater": {"volume_l": 200.0, "power_w": 3_000.0},
    "base_load": {},
    "meter": {},
    "smart_panel": {},
}
KINDS = sorted(RATINGS)
SEEDS = st.integers(min_value=0, max_value=2**32 - 1)
# Where a device works most of the time; the rest of these ranges only takes it out of service.
USUAL = {"voltage_pu": (0.85, 1.13), "frequency_hz": (59.3, 60.6), "permit_service": (0.45, 1.0)}
EXAMPLES = 12


def plausible_inputs(model: str, rng: np.random.Generator, n: int) -> dict[str, Column]:
    """Inputs from the middle of their ranges, where devices switch, saturate and cross zero."""
    columns = {}
    for v in load(model).variables:
        if v.causality == "input":
            low, high = USUAL.get(v.name, (max(v.min or 0.0, -8e3), min(v.max or 0.0, 8e3)))
            columns[v.name] = rng.uniform(low, high, n)
    return columns


def run(kind: str, chosen: Mapping[str, Column], steps: list[tuple[float, dict[str, Column]]]) -> list[Column]:
    """Outputs after each step, one row per output."""
    n = len(next(iter(chosen.values())))
    seen = []
    time_s = 0.0
    with Fleet(model=MODELS[kind], n=n, parameters=chosen) as fleet:
        for length_s, inputs in steps:
            for name, column in inputs.items():
                fleet.inputs[name][:] = column
            fleet.step(time_s, length_s)
            time_s += length_s
            seen.append(np.array(list(fleet.outputs.values())))
    return seen


def random_run(kind: str, seed: int, n: int) -> tuple[dict[str, Column], list[tuple[float, dict[str, Column]]]]:
    rng = np.random.default_rng(seed)
    chosen = parameters(kind, [RATINGS[kind]] * n, seed)
    lengths_s = rng.choice([1.0, 60.0, 300.0, 900.0], 8)
    return chosen, [(float(length_s), plausible_inputs(MODELS[kind], rng, n)) for length_s in lengths_s]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=EXAMPLES)
@given(seed=SEEDS)
def test_a_fleet_equals_its_devices_one_by_one(kind: str, seed: int) -> None:
    n = 5
    chosen, steps = random_run(kind, seed, n)
    together = run(kind, chosen, steps)
    for i in range(n):
        mine = {name: column[i : i + 1] for name, column in chosen.items()}
        alone = run(kind, mine, [(h, {k: c[i : i + 1] for k, c in inputs.items()}) for h, inputs in steps])
        for fleet_row, device_row in zip(together, alone, strict=True):
            assert fleet_row[:, i].tobytes() == device_row[:, 0].tobytes()


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=EXAMPLES)
@given(seed=SEEDS)
def test_the_order_of_devices_does_not_matter(kind: str, seed: int) -> None:
    n = 7
    chosen, steps = random_run(kind, seed, n)
    order = np.random.default_rng(seed).permutation(n)
    shuffled = run(
        kind,
        {name: column[order] for name, column in chosen.items()},
        [(h, {k: c[order] for k, c in inputs.items()}) for h, inputs in steps],
    )
    for straight, mixed in zip(run(kind, chosen, steps), shuffled, strict=True):
        assert np.ascontiguousarray(straight[:, order]).tobytes() == mixed.tobytes()


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=EXAMPLES)
@given(seed=SEEDS)
def test_a_saved_state_continues_bit_for_bit_even_elsewhere(kind: str, seed: int) -> None:
    n = 6
    chosen, steps = random_run(kind, seed, n)
    model = MODELS[kind]

    def advance(fleet: Fleet, part: list[tuple[float, dict[str, Column]]]) -> bytes:
        for length_s, inputs in part:
            for name, column in inputs.items():
                fleet.inputs[name][:] = column
            fleet.step(0.0, length_s)
        return fleet.save()

    with Fleet(model=model, n=n, parameters=chosen) as fleet, Fleet(model=model, n=n) as elsewhere:
        half = advance(fleet, steps[:4])
        end = advance(fleet, steps[4:])
        fleet.restore(half)
        assert fleet.save() == half
        assert advance(fleet, steps[4:]) == end
        elsewhere.restore(half)
        assert advance(elsewhere, steps[4:]) == end


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=EXAMPLES)
@given(seed=SEEDS)
def test_one_long_step_walks_the_path_of_fifteen_short_ones(kind: str, seed: int) -> None:
    """States are equal to rounding; power over the long step is the mean over the short ones."""
    n = 4
    chosen, _ = random_run(kind, seed, n)
    inputs = plausible_inputs(MODELS[kind], np.random.default_rng(seed), n)
    with Fleet(model=MODELS[kind], n=n, parameters=chosen) as fleet:
        names = list(fleet.outputs)
    long = dict(zip(names, run(kind, chosen, [(900.0, inputs)])[0], strict=True))
    rows = run(kind, chosen, [(60.0, inputs)] * 15)
    short = dict(zip(names, rows[-1], strict=True))
    means = dict(zip(names, np.mean(rows, axis=0), strict=True))
    for name in names:
        # flows are means over the step, everything else is a state at its end
        expected = means[name] if name.endswith(("_w", "_var")) else short[name]
        np.testing.assert_allclose(long[name], expected, rtol=1e-9, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("kind", KINDS)
def test_fmi2_equals_fmi3_bit_for_bit(kind: str) -> None:
    """The single-device file in FMPy against one device of the fleet file."""
    model = load(MODELS[kind])
    chosen, steps = random_run(kind, 11, 1)
    outputs = [v.name for v in model.variables if v.causality == "output"]
    folder = fmpy.extract(str(DIST / fmu_name(model, 2)))
    description = fmpy.read_model_description(folder)
    references = {v.name: v.valueReference for v in description.modelVariables}
    device = fmpy.fmi2.FMU2Slave(
        guid=description.guid,
        unzipDirectory=folder,
        modelIdentifier=model.identifier,
        instanceName="device",
    )
    device.instantiate()
    device.setupExperiment(startTime=0.0)
    device.setReal([references[name] for name in chosen], [float(c[0]) for c in chosen.values()])
    device.enterInitializationMode()
    device.exitInitializationMode()
    time_s = 0.0
    for (length_s, inputs), expected in zip(steps, run(kind, chosen, steps), strict=True):
        device.setReal([references[name] for name in inputs], [float(c[0]) for c in inputs.values()])
        device.doStep(time_s, length_s)
        time_s += length_s
        got = np.array(device.getReal([references[name] for name in outputs]))
        assert got.tobytes() == np.ascontiguousarray(expected[:, 0]).tobytes()
    device.freeInstance()
    shutil.rmtree(folder)


def test_every_model_is_covered() -> None:
    assert sorted(MODELS.values()) == model_names()
    assert sorted(MODELS) == KINDS
