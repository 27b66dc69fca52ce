"""Whatever happens to a device, no energy appears or vanishes, and no limit is exceeded.

Each model is driven through random sequences of step lengths and inputs from the whole range that its table allows;
the balance is drawn up from outside, from the FMU's own outputs. Tolerance 1e-9 of the energy turned over.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from fmu.model import load
from simulators.fleet.fmu_fleet import Fleet

Column = NDArray[np.float64]
Columns = Mapping[str, Column]

DEVICES = 4
TOLERANCE = 1e-9
WATER_J_PER_L_K = 4183.0
STEPS_S = st.lists(st.sampled_from([1.0, 2.5, 60.0, 61.0, 300.0, 900.0]), min_size=1, max_size=12)
SEEDS = st.integers(min_value=0, max_value=2**32 - 1)

# Parameters that matter for energy and limits: low and high of an even spread.
PARAMETERS: dict[str, dict[str, tuple[float, float]]] = {
    "battery": {
        "energy_capacity_wh": (500.0, 20_000.0),
        "capacity_fade": (0.0, 0.4),
        "power_max_w": (0.0, 10_000.0),
        "inverter_efficiency": (0.8, 1.0),
        "inverter_no_load_w": (0.0, 100.0),
        "inverter_resistive_pu": (0.0, 0.05),
        "resistance_pu": (0.0, 0.3),
        "standby_w": (0.0, 20.0),
        "soc_min": (0.0, 0.3),
        "soc_reserve": (0.0, 0.5),
        "soc_max": (0.5, 1.0),
        "soc_start": (0.0, 1.0),
        "derate_charge_above_soc": (0.4, 1.0),
        "derate_discharge_below_soc": (0.0, 0.5),
    },
    "ev_charger": {
        "battery_capacity_wh": (1_000.0, 90_000.0),
        "power_max_w": (0.0, 22_000.0),
        "power_min_w": (0.0, 4_000.0),
        "power_step_w": (0.0, 700.0),
        "efficiency": (0.5, 1.0),
        "standby_w": (0.0, 10.0),
        "taper_above_soc": (0.5, 1.0),
        "soc_max": (0.3, 1.0),
        "soc_start": (0.0, 1.0),
        "discharge_power_max_w": (0.0, 5_000.0),
    },
    "house": {
        "capacity_air_j_per_k": (2e6, 1e7),
        "capacity_mass_j_per_k": (5e6, 5e7),
        "resistance_air_mass_k_per_w": (0.0008, 0.003),
        "resistance_air_outdoor_k_per_w": (0.003, 0.05),
        "resistance_mass_outdoor_k_per_w": (0.003, 0.05),
        "aperture_air_m2": (0.0, 10.0),
        "aperture_mass_m2": (0.0, 10.0),
        "heat_capacity_w": (0.0, 20_000.0),
        "cool_capacity_w": (0.0, 20_000.0),
        "backup_power_w": (0.0, 9_000.0),
        "standby_w": (0.0, 50.0),
    },
    "water_heater": {
        "volume_l": (30.0, 400.0),
        "ua_w_per_k": (0.0, 4.0),
        "element_power_w": (0.0, 6_000.0),
        "deadband_k": (1.0, 10.0),
        "temperature_start_degc": (5.0, 80.0),
    },
    "pv_inverter": {
        "dc_power_w": (500.0, 20_000.0),
        "ac_power_va": (500.0, 15_000.0),
        "losses": (0.0, 0.3),
        "inverter_efficiency": (0.9, 0.99),
        "power_factor": (0.8, 1.0),
    },
    "base_load": {"power_factor": (0.5, 1.0), "zip_impedance": (0.0, 0.5), "zip_current": (0.0, 0.5)},
    "meter": {"energy_import_start_wh": (0.0, 1e8), "energy_export_start_wh": (0.0, 1e8)},
}
SWITCHES = {
    "pv_inverter": ("volt_var_on", "volt_watt_on", "frequency_droop_on", "power_factor_absorbing"),
    "water_heater": ("upper_element",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step as seen from outside: length, inputs before it, outputs before and after it."""

    length_s: float
    inputs: Columns
    before: Columns
    after: Columns

    @property
    def hours(self) -> float:
        return self.length_s / 3600.0

    def change(self, output: str) -> Column:
        return self.after[output] - self.before[output]


def drive(model: str, steps_s: list[float], seed: int) -> tuple[dict[str, Column], list[Step]]:
    """Random devices through random steps; returns their parameters and what was seen."""
    rng = np.random.default_rng(seed)
    chosen = {name: rng.uniform(low, high, DEVICES) for name, (low, high) in PARAMETERS[model].items()}
    for name in SWITCHES.get(model, ()):
        chosen[name] = rng.integers(0, 2, DEVICES).astype(np.float64)
    if model == "water_heater":
        chosen["nodes"] = rng.integers(1, 13, DEVICES).astype(np.float64)
    if model == "battery":
        chosen["soc_reserve"] = np.minimum(chosen["soc_reserve"], chosen["soc_max"])
    ranges = {
        v.name: (max(v.min or 0.0, -2e4), min(v.max or 0.0, 2e4))
        for v in load(model).variables
        if v.causality == "input"
    }
    seen: list[Step] = []
    time_s = 0.0
    with Fleet(model=model, n=DEVICES, parameters=chosen) as fleet:
        for length_s in steps_s:
            for name, (low, high) in ranges.items():
                at_an_end = rng.random(DEVICES) < 0.2
                ends = rng.choice([low, high], DEVICES)
                fleet.inputs[name][:] = np.where(at_an_end, ends, rng.uniform(low, high, DEVICES))
            before = {name: view.copy() for name, view in fleet.outputs.items()}
            fleet.step(time_s, length_s)
            time_s += length_s
            after = {name: view.copy() for name, view in fleet.outputs.items()}
            inputs = {name: view.copy() for name, view in fleet.inputs.items()}
            seen.append(Step(length_s=length_s, inputs=inputs, before=before, after=after))
            assert all(np.isfinite(view).all() for view in after.values())
    return chosen, seen


def assert_balanced(came: Column, went: Column, turnover: Column) -> None:
    assert np.all(np.abs(came - went) <= TOLERANCE * np.maximum(turnover, 1.0))


def battery(p: Columns, step: Step) -> None:
    """AC energy in = stored + lost; power and state of charge within limits."""
    drawn_wh = step.after["power_w"] * step.hours
    went_wh = step.change("energy_stored_wh") + step.change("loss_wh")
    assert_balanced(drawn_wh, went_wh, np.abs(drawn_wh) + step.after["energy_stored_wh"])
    assert np.all(step.change("loss_wh") >= -1e-9)
    converted_w = step.after["power_w"] - p["standby_w"]
    assert np.all(np.abs(converted_w) <= p["power_max_w"] + 1e-6)
    wanted_w = step.inputs["power_setpoint_w"]
    assert np.all(converted_w * np.sign(wanted_w) >= -1e-9)  # never the other way
    assert np.all(np.abs(converted_w) <= np.abs(wanted_w) + 1e-6)  # never more than wanted
    soc = step.after["soc"]
    assert np.all(soc <= np.maximum(p["soc_max"], step.before["soc"]) + 1e-12)
    assert np.all(soc >= np.minimum(p["soc_min"], step.before["soc"]) - 1e-12)
    reserved = step.inputs["grid_forming"] <= 0.5
    floor = np.minimum(np.maximum(p["soc_min"], p["soc_reserve"]), step.before["soc"])
    assert np.all(soc[reserved] >= floor[reserved] - 1e-12)


def ev_charger(p: Columns, step: Step) -> None:
    """Energy from the grid and from elsewhere = stored + lost + driven; driving wanted = driven + unmet; 6 A rule."""
    came_wh = step.after["power_w"] * step.hours + step.change("elsewhere_energy_wh")
    driven_wh = step.change("driving_energy_wh")
    went_wh = step.change("energy_stored_wh") + step.change("loss_wh") + driven_wh
    assert_balanced(came_wh, went_wh, np.abs(came_wh) + p["battery_capacity_wh"] + driven_wh)
    away = step.inputs["plugged"] <= 0.5
    wanted_wh = np.where(away, step.inputs["driving_power_w"], 0.0) * step.hours
    assert_balanced(wanted_wh, driven_wh + step.change("driving_energy_unmet_wh"), wanted_wh)
    charging_w = step.after["power_w"] - p["standby_w"]
    limit_w = np.minimum(step.inputs["power_limit_w"], p["power_max_w"])
    assert np.all(charging_w <= limit_w + 1e-6)
    assert np.all(charging_w[limit_w < p["power_min_w"]] <= 1e-6)
    assert np.all(charging_w >= -p["discharge_power_max_w"] - 1e-6)
    assert np.allclose(charging_w[away], 0.0)
    assert np.all((step.after["soc"] >= 0.0) & (step.after["soc"] <= 1.0))


def house(p: Columns, step: Step) -> None:
    """Heat in - heat out = change of stored heat; no more electricity than the machines can take."""
    gained_w = step.after["heat_w"] + step.after["heat_gain_solar_w"] + step.inputs["heat_gain_internal_w"]
    lost_w = step.after["heat_loss_w"]
    air_j = p["capacity_air_j_per_k"] * step.change("temperature_indoor_degc")
    mass_j = p["capacity_mass_j_per_k"] * step.change("temperature_mass_degc")
    turnover_j = (np.abs(gained_w) + np.abs(lost_w)) * step.length_s
    stored_j = (p["capacity_air_j_per_k"] + p["capacity_mass_j_per_k"]) * 1.0
    assert_balanced((gained_w - lost_w) * step.length_s, air_j + mass_j, turnover_j + stored_j)
    disabled = step.inputs["enabled"] <= 0.5
    assert np.allclose(step.after["power_w"][disabled], p["standby_w"][disabled])
    assert np.all(step.after["power_w"] >= p["standby_w"] - 1e-9)
    compressor_max_w = 1.5 * np.maximum(p["heat_capacity_w"], p["cool_capacity_w"])
    assert np.all(step.after["power_w"] <= compressor_max_w + p["backup_power_w"] + p["standby_w"])


def water_heater(p: Columns, step: Step) -> None:
    """Electricity = stored heat + delivered heat + loss; no layer hotter than setpoint, past or surroundings.

    A thermostat acts once per sub-step and lets 2 K through at most; losses and conduction in its middle add 0.05 K.
    Layers mix when one is more than 0.1 K hotter than that above: the top of twelve is at most 0.6 K below the mean.
    """
    stored_j_per_k = p["volume_l"] * WATER_J_PER_L_K
    stored_j = stored_j_per_k * step.change("temperature_mean_degc")
    flows = step.after["power_w"], step.after["heat_delivered_w"] + step.after["loss_w"]
    turnover_j = (np.abs(flows[0]) + np.abs(flows[1])) * step.length_s + stored_j_per_k
    assert_balanced(flows[0] * step.length_s, stored_j + flows[1] * step.length_s, turnover_j)
    assert np.all((step.after["power_w"] >= 0.0) & (step.after["power_w"] <= p["element_power_w"] + 1e-9))
    hottest = np.maximum.reduce(
        [step.before["temperature_outlet_degc"]]
        + [np.clip(step.inputs["setpoint_degc"] + step.inputs["setpoint_offset_k"], 5.0, 95.0) + 2.0]
        + [step.inputs[k] for k in ("temperature_mains_degc", "temperature_ambient_degc")]
    )
    assert np.all(step.after["temperature_outlet_degc"] <= hottest + 0.05)
    assert np.all(step.after["temperature_outlet_degc"] >= step.after["temperature_mean_degc"] - 0.6)


def pv_inverter(p: Columns, step: Step) -> None:
    """DC used = AC + loss, never more than the sun gives; the rating and the commanded limit hold."""
    out = step.after
    generated_w = -out["power_w"]
    assert_balanced(out["power_dc_used_w"], generated_w + out["loss_w"], out["power_dc_used_w"])
    assert np.all(out["power_dc_used_w"] <= out["power_dc_available_w"] * (1.0 + 1e-12))
    assert np.all(out["loss_w"] >= -1e-9)
    assert np.all(generated_w >= 0.0)
    assert np.all(generated_w <= -out["power_available_w"] + 1e-9)
    assert np.all(generated_w <= step.inputs["active_power_limit"] * p["ac_power_va"] + 1e-9)
    assert np.all(np.hypot(generated_w, out["reactive_power_var"]) <= p["ac_power_va"] * (1.0 + 1e-12))


def base_load(p: Columns, step: Step) -> None:
    """The power is the demand, scaled by the voltage as its ZIP shares say."""
    v = step.inputs["voltage_pu"]
    z, i = p["zip_impedance"], p["zip_current"]
    expected_w = step.inputs["demand_w"] * (z * v**2 + i * v + 1.0 - z - i)
    assert_balanced(step.after["power_w"], expected_w, np.abs(expected_w))


def meter(_: Columns, step: Step) -> None:
    """The registers move by the energy that passed, each in its own direction."""
    energy_wh = step.inputs["power_total_w"] * step.hours
    net_wh = step.change("energy_import_wh") - step.change("energy_export_wh")
    registers_wh = step.after["energy_import_wh"] + step.after["energy_export_wh"]
    assert_balanced(net_wh, energy_wh, np.abs(energy_wh) + registers_wh * 1e-5)
    assert np.all(step.change("energy_import_wh") >= 0.0)
    assert np.all(step.change("energy_export_wh") >= 0.0)


CHECKS: dict[str, Callable[[Columns, Step], None]] = {
    "battery": battery,
    "ev_charger": ev_charger,
    "house": house,
    "water_heater": water_heater,
    "pv_inverter": pv_inverter,
    "base_load": base_load,
    "meter": meter,
}


@pytest.mark.parametrize("model", sorted(CHECKS))
@given(steps_s=STEPS_S, seed=SEEDS)
def test_energy_is_accounted_for_and_limits_hold(model: str, steps_s: list[float], seed: int) -> None:
    parameters, seen = drive(model, steps_s, seed)
    for step in seen:
        CHECKS[model](parameters, step)


def test_a_large_register_stays_exact_over_many_small_steps() -> None:
    """Each increment is rounded to the register's last digit; the meter keeps what was cut off."""
    power_w = 100.0 / 3.0
    steps = 20_000
    with Fleet(model="meter", n=1, parameters={"energy_import_start_wh": 1e7}) as fleet:
        fleet.inputs["power_total_w"][:] = power_w
        for k in range(steps):
            fleet.step(float(k), 1.0)
        counted_wh = fleet.outputs["energy_import_wh"][0] - 1e7
    assert counted_wh == pytest.approx(power_w * steps / 3600.0, abs=4e-9)  # two units in the last place
