"""Heat is neither made nor lost, with every option of house and water heater in use; the panel's registers add up.

Complements test_fmu_energy.py, whose devices keep the options at their start values. Tolerance 1e-9 of the turnover.
"""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fmu.model import load
from simulators.fleet.fmu_fleet import Fleet

Column = NDArray[np.float64]
Columns = Mapping[str, Column]

N = 5
TOLERANCE = 1e-9
WATER_J_PER_L_K = 4183.0
OVERSHOOT_K = 2.0  # what a thermostat that acts once per sub-step lets through at most
MIDDLE_K = 0.05  # what losses and conduction may add, taken at temperatures in the middle of a sub-step
STEPS_S = st.lists(st.sampled_from([1.0, 60.0, 61.0, 300.0, 900.0]), min_size=1, max_size=10)
SEEDS = st.integers(min_value=0, max_value=2**32 - 1)

HOUSE: dict[str, tuple[float, float]] = {
    "capacity_air_j_per_k": (2e6, 1e7),
    "capacity_mass_j_per_k": (5e6, 5e7),
    "resistance_air_mass_k_per_w": (0.0008, 0.003),
    "infiltration_stack_w_per_k": (0.0, 300.0),
    "infiltration_wind_w_per_k": (0.0, 300.0),
    "airing_stack_w_per_k": (0.0, 300.0),
    "airing_wind_w_per_k": (0.0, 300.0),
    "crankcase_w": (0.0, 100.0),
    "airing_humidity_max": (0.0, 0.2),
    "capacity_wall_j_per_k": (5e6, 5e7),
    "wall_mass_w_per_k": (0.0, 300.0),
    "wall_outdoor_w_per_k": (0.0, 300.0),
    "capacity_slab_j_per_k": (5e6, 1e8),
    "slab_air_w_per_k": (0.0, 300.0),
    "slab_ground_w_per_k": (0.0, 300.0),
    "slab_outdoor_w_per_k": (0.0, 300.0),
    "solar_window_air": (0.0, 1.0),
    "solar_window_mass": (0.0, 1.0),
    "solar_wall": (0.0, 0.1),
    "heat_capacity_w": (0.0, 20_000.0),
    "cool_capacity_w": (0.0, 20_000.0),
    "backup_power_w": (0.0, 9_000.0),
    "backup_lockout_degc": (-20.0, 20.0),
    "modulation_min": (0.0, 1.0),
    "part_load_loss_heat": (0.0, 0.5),
    "part_load_loss_cool": (0.0, 0.5),
    "defrost_time_share": (0.0, 0.3),
    "sensible_heat_ratio": (0.3, 1.0),
    "sensible_heat_ratio_slope": (0.0, 0.2),
    "fan_power_w": (0.0, 500.0),
    "distribution_efficiency": (0.5, 1.0),
    "mass_start_offset_k": (-10.0, 10.0),
    "wall_start_offset_k": (-10.0, 10.0),
    "slab_start_offset_k": (-10.0, 10.0),
    "hydronic": (0.0, 1.0),
    "flow_cold_degc": (20.0, 75.0),
    "flow_warm_degc": (20.0, 75.0),
    "heat_cop_outdoor_slope": (-0.1, 0.1),
    "heat_cop_flow_slope": (-0.1, 0.1),
}
STORES = {
    "capacity_air_j_per_k": "temperature_indoor_degc",
    "capacity_mass_j_per_k": "temperature_mass_degc",
    "capacity_wall_j_per_k": "temperature_wall_degc",
    "capacity_slab_j_per_k": "temperature_slab_degc",
}
TANK: dict[str, tuple[float, float]] = {
    "volume_l": (50.0, 400.0),
    "ua_w_per_k": (0.0, 4.0),
    "element_power_w": (0.0, 6_000.0),
    "deadband_k": (1.0, 10.0),
    "temperature_start_degc": (5.0, 80.0),
    "heat_pump_capacity_w": (0.0, 4_000.0),
    "heat_pump_cop": (1.0, 5.0),
    "heat_pump_fan_w": (0.0, 100.0),
    "heat_pump_minimum_on_s": (0.0, 1_200.0),
    "legionella_interval_s": (0.0, 3_600.0),
    "legionella_hold_s": (60.0, 600.0),
}


def spread(rng: np.random.Generator, ranges: Mapping[str, tuple[float, float]]) -> dict[str, Column]:
    """A value per device, at times at one end of its range."""
    return {
        name: np.where(rng.random(N) < 0.2, rng.choice([low, high], N), rng.uniform(low, high, N))
        for name, (low, high) in ranges.items()
    }


def input_ranges(model: str) -> dict[str, tuple[float, float]]:
    return {
        v.name: (max(v.min or 0.0, -2e4), min(v.max or 0.0, 2e4))
        for v in load(model).variables
        if v.causality == "input"
    }


def assert_balanced(came: Column, went: Column, turnover: Column) -> None:
    assert np.all(np.abs(came - went) <= TOLERANCE * np.maximum(turnover, 1.0))


def copies(views: Mapping[str, Column]) -> dict[str, Column]:
    return {name: view.copy() for name, view in views.items()}


@settings(max_examples=40)
@given(steps_s=STEPS_S, seed=SEEDS)
def test_the_heat_of_a_house_with_every_option_adds_up(steps_s: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = spread(rng, HOUSE)
    with Fleet(model="house", n=N, parameters=p) as fleet:
        for length_s in steps_s:
            for name, column in spread(rng, input_ranges("house")).items():
                fleet.inputs[name][:] = column
            before = copies(fleet.outputs)
            fleet.step(0.0, length_s)
            now = copies(fleet.outputs)
            assert all(np.isfinite(column).all() for column in now.values())
            inputs = fleet.inputs
            sun_w = (p["solar_window_air"] + p["solar_window_mass"]) * inputs["solar_window_w"]
            sun_w = sun_w + p["solar_wall"] * inputs["solar_wall_w"] + 6.0 * inputs["irradiance_global_w_m2"]
            np.testing.assert_allclose(now["heat_gain_solar_w"], sun_w, rtol=1e-12, atol=1e-9)
            stored_j = np.sum([p[capacity] * (now[degc] - before[degc]) for capacity, degc in STORES.items()], axis=0)
            gained_w = now["heat_w"] + sun_w + inputs["heat_gain_internal_w"]
            capacity_j = np.sum([p[capacity] for capacity in STORES], axis=0)
            turnover_j = (np.abs(gained_w) + np.abs(now["heat_loss_w"])) * length_s + capacity_j
            assert_balanced((gained_w - now["heat_loss_w"]) * length_s, stored_j, turnover_j)
            # limits: heat and electricity no larger than all the equipment together
            fan_w = p["fan_power_w"]
            most_heat_w = 1.5 * p["heat_capacity_w"] + p["backup_power_w"] + fan_w
            assert np.all(now["heat_w"] <= most_heat_w + 1e-6)
            assert np.all(now["heat_w"] >= -1.5 * p["cool_capacity_w"] - 1e-6)
            most_power_w = 2.0 * 1.5 * np.maximum(p["heat_capacity_w"], p["cool_capacity_w"])
            assert np.all(now["power_w"] <= most_power_w + p["backup_power_w"] + fan_w + p["crankcase_w"] + 1e-6)
            assert np.all(now["power_w"] >= 0.0)


@settings(max_examples=40)
@given(steps_s=STEPS_S, seed=SEEDS)
def test_the_heat_of_a_heat_pump_tank_with_legionella_cycles_adds_up(steps_s: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = spread(rng, TANK)
    p["heat_pump"] = rng.integers(0, 2, N).astype(np.float64)
    p["upper_element"] = rng.integers(0, 2, N).astype(np.float64)
    p["nodes"] = rng.integers(1, 13, N).astype(np.float64)
    with Fleet(model="water_heater", n=N, parameters=p) as fleet:
        for length_s in steps_s:
            for name, column in spread(rng, input_ranges("water_heater")).items():
                fleet.inputs[name][:] = column
            before = copies(fleet.outputs)
            fleet.step(0.0, length_s)
            now = copies(fleet.outputs)
            assert all(np.isfinite(column).all() for column in now.values())
            came_j = (now["power_w"] + now["heat_ambient_w"]) * length_s
            went_j = (now["heat_delivered_w"] + now["loss_w"]) * length_s
            capacity_j = p["volume_l"] * WATER_J_PER_L_K
            stored_j = capacity_j * (now["temperature_mean_degc"] - before["temperature_mean_degc"])
            assert_balanced(came_j, went_j + stored_j, np.abs(came_j) + np.abs(went_j) + capacity_j)
            wanted_degc = np.clip(fleet.inputs["setpoint_degc"] + fleet.inputs["setpoint_offset_k"], 5.0, 95.0)
            cycling = p["legionella_interval_s"] > 0.0
            limit_degc = np.where(cycling, np.maximum(wanted_degc, 60.0), wanted_degc) + OVERSHOOT_K
            hottest_degc = np.maximum.reduce(
                [
                    before["temperature_outlet_degc"],
                    limit_degc,
                    fleet.inputs["temperature_mains_degc"],
                    fleet.inputs["temperature_ambient_degc"],
                ]
            )
            assert np.all(now["temperature_outlet_degc"] <= hottest_degc + MIDDLE_K)
            assert np.all(now["temperature_delivered_degc"] <= 40.6)
            most_w = np.maximum(p["element_power_w"], 3.0 * p["heat_pump_capacity_w"]) + p["heat_pump_fan_w"] + 1.0
            assert np.all((now["power_w"] >= 0.0) & (now["power_w"] <= most_w))


@settings(max_examples=25)
@given(steps_s=STEPS_S, seed=SEEDS)
def test_the_registers_of_a_panel_are_the_integrals_of_its_circuits(steps_s: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    circuits = range(1, 13)
    expected_wh = {k: np.zeros(N) for k in circuits}
    turnover_wh = np.ones(N)
    standby_w = rng.uniform(0.0, 10.0, N)
    with Fleet(model="panel", n=N, parameters={"standby_w": standby_w}) as fleet:
        for length_s in steps_s:
            for name, column in spread(rng, input_ranges("panel")).items():
                fleet.inputs[name][:] = column
            fleet.step(0.0, length_s)
            main = fleet.inputs["main_closed"] > 0.5
            total_w, off_w = standby_w.copy(), np.zeros(N)
            for k in circuits:
                demand_w = fleet.inputs[f"circuit_{k}_demand_w"]
                passing_w = np.where(main & (fleet.inputs[f"circuit_{k}_closed"] > 0.5), demand_w, 0.0)
                assert fleet.outputs[f"circuit_{k}_power_w"].tolist() == passing_w.tolist()
                expected_wh[k] += passing_w * length_s / 3600.0
                turnover_wh += np.abs(passing_w) * length_s / 3600.0
                total_w += passing_w
                off_w += demand_w - passing_w
            assert_balanced(fleet.outputs["power_w"], total_w, np.full(N, 1e5))
            assert_balanced(fleet.outputs["power_switched_off_w"], off_w, np.full(N, 1e5))
        for k in circuits:
            assert_balanced(fleet.outputs[f"circuit_{k}_energy_wh"], expected_wh[k], turnover_wh)


@pytest.mark.parametrize("model", ["house", "water_heater"])
@settings(max_examples=15)
@given(seed=SEEDS)
def test_every_option_walks_the_same_path_alone_together_and_in_short_steps(model: str, seed: int) -> None:
    """A fleet equals its devices one by one bit for bit, and one 900-s step fifteen 60-s steps to rounding."""
    rng = np.random.default_rng(seed)
    p = spread(rng, HOUSE if model == "house" else TANK)
    if model == "water_heater":
        p["heat_pump"] = rng.integers(0, 2, N).astype(np.float64)
        p["nodes"] = rng.choice([1.0, 3.0, 12.0, 12.0], N)
    inputs = spread(rng, {k: (max(a, -5e3), min(b, 5e3)) for k, (a, b) in input_ranges(model).items()})

    def run(keep: slice, lengths_s: list[float]) -> list[dict[str, Column]]:
        seen = []
        mine = {name: column[keep] for name, column in p.items()}
        with Fleet(
            model=model, n=len(p["heat_pump" if model == "water_heater" else "fan_power_w"][keep]), parameters=mine
        ) as f:
            for name, column in inputs.items():
                f.inputs[name][:] = column[keep]
            for length_s in lengths_s:
                f.step(0.0, length_s)
                seen.append(copies(f.outputs))
        return seen

    together = run(slice(None), [900.0])[0]
    for i in range(N):
        alone = run(slice(i, i + 1), [900.0])[0]
        for name, column in together.items():
            assert column[i : i + 1].tobytes() == alone[name].tobytes(), name
    short = run(slice(None), [60.0] * 15)
    for name, column in together.items():
        flows = name.endswith("_w")
        expected = np.mean([row[name] for row in short], axis=0) if flows else short[-1][name]
        np.testing.assert_allclose(column, expected, rtol=1e-9, atol=1e-6 if flows else 1e-9, err_msg=name)
