"""Battery, EV charger and smart inverter against further runs of OCHRE and OpenDER: other sizes, steps and events.

Origin, licence and tolerance of each reference run: tests/data/fmu/electric/README.md.
"""

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from simulators.fleet.fmu_fleet import Fleet

Column = NDArray[np.float64]

FOLDER = Path(__file__).resolve().parents[1] / "data" / "fmu" / "electric"
RATING_VA = 5000.0
EV_EFFICIENCY = 0.9  # OCHRE's
EV_KWH_PER_MILE = 0.325  # OCHRE's, for sedans

# kW, kWh, minutes per step
BATTERIES = {
    "small": (3.0, 6.0, 15.0),
    "large_minutes": (10.0, 27.0, 1.0),
    "fast": (10.0, 10.0, 15.0),
    "constant": (5.0, 13.5, 15.0),
    "constant_minutes": (5.0, 5.0, 1.0),
}
# miles of range, kW, minutes per step
VEHICLES = {
    "phev20_level1": (20.0, 1.4, 15.0),
    "phev50_level2": (50.0, 3.6, 15.0),
    "bev100_level1": (100.0, 1.4, 15.0),
    "bev100_level2": (100.0, 7.2, 15.0),
    "bev250_level2": (250.0, 11.5, 15.0),
    "bev250_minutes": (250.0, 11.5, 5.0),
}
BOTH = {"volt_var_on": 1.0, "volt_watt_on": 1.0}
INVERTERS: dict[str, dict[str, float]] = {
    "volt_var": BOTH,
    "watt_var": {"watt_var_on": 1.0},
    "volt_var_oversized": {**BOTH, "ac_power_va": 9000.0, "active_power_max_pu": 8.0 / 9.0},
    "watt_var_oversized": {
        "watt_var_on": 1.0,
        "volt_watt_on": 1.0,
        "ac_power_va": 9000.0,
        "active_power_max_pu": 8.0 / 9.0,
    },
    "power_factor_injecting": {"power_factor": 0.9, "power_factor_absorbing": 0.0},
    "power_factor_absorbing": {"power_factor": 0.8},
    "droop": {"volt_watt_on": 1.0},
    "droop_clouds": {},
    "trip_ov1": BOTH,
    "trip_ov2": BOTH,
    "trip_uv1": BOTH,
    "trip_uv2": BOTH,
    "trip_dip": BOTH,
    "trip_of1": {"volt_var_on": 1.0},
    "trip_uf2": {"volt_var_on": 1.0},
    "enter_service_moving": {**BOTH, "enter_service_delay_s": 60.0, "enter_service_ramp_s": 120.0},
}


def reference(name: str) -> dict[str, Column]:
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return dict(zip(header, np.array(rows, dtype=np.float64).T, strict=True))


def rmse(ours: Column, theirs: Column) -> float:
    return float(np.sqrt(np.mean((ours - theirs) ** 2)))


@pytest.mark.parametrize("run", BATTERIES)
def test_batteries_move_the_energy_that_ochre_moves(run: str) -> None:
    power_kw, energy_kwh, minutes = BATTERIES[run]
    theirs = reference(f"ochre_battery_{run}")
    parameters = {
        "energy_capacity_wh": energy_kwh * 1e3,
        "power_max_w": power_kw * 1e3,
        "soc_min": 0.15,
        "soc_max": 0.95,
        "soc_start": 0.5,
    }
    if run.startswith("constant"):
        parameters |= {"resistance_pu": 0.0, "inverter_efficiency": 0.97 * 0.98}
    power_w, soc = np.empty((2, len(theirs["soc"])))
    with Fleet(model="battery", n=1, parameters=parameters) as fleet:
        for k, setpoint_kw in enumerate(theirs["setpoint_kw"]):
            fleet.inputs["power_setpoint_w"][:] = setpoint_kw * 1e3
            fleet.step(k * minutes * 60.0, minutes * 60.0)
            power_w[k], soc[k] = fleet.outputs["power_w"][0], fleet.outputs["soc"][0]
    for direction in (1.0, -1.0):
        moved = np.clip(direction * power_w, 0.0, None).sum()
        expected = np.clip(direction * theirs["power_kw"] * 1e3, 0.0, None).sum()
        assert moved == pytest.approx(expected, rel=0.005)
    assert rmse(soc[:-1], theirs["soc"][1:]) < 0.005
    assert soc.min() < 0.16  # the run reaches both ends
    assert soc.max() > 0.94


def drive(theirs: dict[str, Column], range_miles: float, power_kw: float, minutes: float) -> tuple[Column, Column]:
    """Power and state of charge of a vehicle that arrives as theirs does."""
    plugged, soc_before = theirs["plugged"], theirs["soc"]
    parameters = {
        "battery_capacity_wh": range_miles * EV_KWH_PER_MILE * 1e3,
        "power_max_w": power_kw * 1e3,
        "power_min_w": 720.0,  # 6 A at 120 V
        "efficiency": EV_EFFICIENCY,
        "soc_start": soc_before[0],
    }
    power_w, soc = np.empty((2, len(plugged)))
    with Fleet(model="ev_charger", n=1, parameters=parameters) as fleet:
        for k in range(len(plugged)):
            fleet.inputs["plugged"][:] = plugged[k]
            fleet.inputs["soc_on_arrival"][:] = soc_before[k]
            fleet.step(k * minutes * 60.0, minutes * 60.0)
            power_w[k], soc[k] = fleet.outputs["power_w"][0], fleet.outputs["soc"][0]
    return power_w, soc


@pytest.mark.parametrize("run", VEHICLES)
def test_vehicles_charge_the_energy_that_ochre_charges(run: str) -> None:
    theirs = reference(f"ochre_ev_{run}")
    power_w, soc = drive(theirs, *VEHICLES[run])
    assert (np.diff(theirs["plugged"]) > 0.0).sum() >= 4  # sessions
    assert power_w.sum() == pytest.approx(theirs["power_kw"].sum() * 1e3, rel=0.005)
    assert rmse(power_w, theirs["power_kw"] * 1e3) < 0.005 * VEHICLES[run][1] * 1e3
    staying = (theirs["plugged"][:-1] > 0.5) & (theirs["plugged"][1:] > 0.5)
    assert rmse(soc[:-1][staying], theirs["soc"][1:][staying]) < 0.005


def sun_for_w_m2(power_w: Column, power_max_w: float) -> Column:
    """Irradiance at which an array of twice the rating and an inverter of 96 % yield this AC power (PVWatts)."""
    share = np.minimum(power_w, power_max_w) / (power_max_w / 0.9637)
    constant = -0.0059 - share
    load = 2.0 * constant / (-0.9858 - np.sqrt(0.9858**2 + 4.0 * 0.0162 * constant))
    return np.where(power_w > 0.0, load / 0.96 / 2.0 * 1000.0, 0.0)


@pytest.mark.parametrize("run", INVERTERS)
def test_a_smart_inverter_does_what_opender_does(run: str) -> None:
    theirs = reference(f"opender_{run}")
    parameters = {"ac_power_va": RATING_VA, "active_power_max_pu": 1.0, "gamma": 0.0, "losses": 0.0} | INVERTERS[run]
    rating_va = parameters["ac_power_va"]
    power_max_w = rating_va * parameters["active_power_max_pu"]
    parameters["dc_power_w"] = 2.0 * power_max_w
    seconds = len(theirs["power_w"])
    inputs = {
        "irradiance_poa_w_m2": sun_for_w_m2(theirs["power_dc_w"], power_max_w),
        "voltage_pu": theirs["voltage_pu"],
        "frequency_hz": theirs["frequency_hz"],
    }
    ours = {"power_w": np.empty(seconds), "reactive_power_var": np.empty(seconds)}
    with Fleet(model="pv_inverter", n=1, parameters=parameters) as fleet:
        for k in range(seconds):
            for name, column in inputs.items():
                fleet.inputs[name][:] = column[k]
            fleet.step(float(k), 1.0)
            for name, seen in ours.items():
                seen[k] = -fleet.outputs[name][0]  # OpenDER counts feed-in positive
    still = settled(theirs)
    assert still.sum() >= 3 or run == "enter_service_moving"
    for name, mine in ours.items():
        assert rmse(mine, theirs[name]) < 0.01 * rating_va, name
        assert np.all(np.abs(mine - theirs[name])[still] < 0.001 * rating_va), name


def settled(theirs: dict[str, Column]) -> NDArray[np.bool_]:
    """Seconds at which inputs have not changed for 25 s and the reference has not moved for 5 s."""
    columns = np.array([theirs[name] for name in ("voltage_pu", "power_dc_w", "frequency_hz")])
    changed = np.any(np.diff(columns, axis=1) != 0.0, axis=0)
    outputs = np.array([theirs["power_w"], theirs["reactive_power_var"]])
    moved = np.any(np.abs(np.diff(outputs, axis=1)) > 0.05, axis=0)
    seconds = len(theirs["power_w"])
    still = np.zeros(seconds, dtype=bool)
    for k in range(26, seconds):
        still[k] = not changed[k - 25 : k].any() and not moved[k - 5 : k].any()
    return still
