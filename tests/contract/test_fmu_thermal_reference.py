"""House and water heater against OCHRE: fitted on a week and run open loop, and simply run.

Origin, licence and tolerance of each reference run: tests/data/fmu/thermal/README.md.
"""

import csv
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fmu.model import load
from fmu.validate.equipment import envelope_columns, fitted, live_unseen
from simulators.fleet.calibration import simulate
from simulators.fleet.fmu_fleet import Fleet

Column = NDArray[np.float64]

FOLDER = Path(__file__).resolve().parents[1] / "data" / "fmu" / "thermal"
STEP_S = 900.0
WEEK = 7 * 96
TAP_DEGC = (105.0 - 32.0) / 1.8  # OCHRE tempers draws to 105 degrees Fahrenheit

LIVES = (
    "ochre_house_up11_jan",
    "ochre_house_up11_feb",
    "ochre_house_up11_jun",
    "ochre_house_up11_jul",
    "ochre_house_up11_aug",
    "ochre_house_up11_sep",
    "ochre_house_beopt_jan",
    "ochre_house_beopt_jun",
    "ochre_house_beopt_jul",
    "ochre_house_beopt_aug",
    "ochre_house_beopt_sep",
    "ochre_house_up11_jan_thermostat",
    "ochre_house_up11_jul_thermostat",
    "ochre_house_beopt_jan_thermostat",
    "ochre_house_beopt_jul_thermostat",
)
HOUSES = (*LIVES, "ochre_house_up00_jan")  # heated by gas


@cache
def reference(name: str) -> dict[str, Column]:
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return dict(zip(header, np.array(rows, dtype=np.float64).T, strict=True))


def rmse(ours: Column, theirs: Column) -> float:
    return float(np.sqrt(np.mean((ours - theirs) ** 2)))


@pytest.mark.parametrize("name", HOUSES)
def test_a_house_fitted_on_a_week_follows_ochre_through_three_unseen_ones(name: str) -> None:
    """Open loop: only OCHRE's heat, weather and gains go in, its temperature is never looked at again."""
    measured = envelope_columns(reference(name))
    theirs = measured["temperature_indoor_degc"]
    ours = simulate(fitted(name).parameters, measured, STEP_S)[:, 0]
    assert theirs.std() > 1.0  # a temperature that hardly moves would prove nothing
    assert rmse(ours[WEEK:], theirs[WEEK:]) < 0.5


@pytest.mark.parametrize("name", LIVES)
def test_a_house_that_heats_and_cools_itself_uses_the_energy_that_ochre_uses(name: str) -> None:
    """Ducts, coil, ice and COP are found on the first week, as the envelope is; then three unseen weeks."""
    life = live_unseen(name)
    assert abs(life.heat_excess) < 5.0
    assert abs(life.electricity_excess) < 5.0
    assert life.rmse_k < 0.5


@pytest.mark.parametrize("season", ["heating", "cooling"])
def test_capacity_and_cop_follow_ochres_curves(season: str) -> None:
    """One step from each indoor temperature (heating) or wet bulb (cooling), relative to OCHRE's rated point."""
    points = reference(f"ochre_curves_{season}")
    heats = season == "heating"
    rated = np.flatnonzero((points["capacity"] == 1.0) & (points["cop"] == 1.0))[0]
    n = len(points["cop"])
    setpoint = "setpoint_heat_degc" if heats else "setpoint_cool_degc"
    start_degc = points["indoor_degc"] if heats else np.full(n, 24.0)
    parameters = {"cool_capacity_w": 8000.0, "backup_power_w": 0.0, "temperature_start_degc": start_degc}
    with Fleet(model="house", n=n, parameters=parameters) as fleet:
        fleet.inputs["temperature_outdoor_degc"][:] = points["outdoor_degc"]
        fleet.inputs[setpoint][:] = start_degc + (5.0 if heats else -5.0)
        fleet.inputs["setpoint_heat_degc" if not heats else "setpoint_cool_degc"][:] = 10.0 if not heats else 35.0
        if not heats:
            fleet.inputs["temperature_wet_bulb_indoor_degc"][:] = points["indoor_degc"]
        fleet.step(0.0, 1.0)
        capacity = np.abs(fleet.outputs["heat_w"])
        cop = capacity / fleet.outputs["power_w"]
    np.testing.assert_allclose(capacity / capacity[rated], points["capacity"], rtol=0.05)
    np.testing.assert_allclose(cop / cop[rated], points["cop"], rtol=0.05)


# COP at 7 degC outdoors and 35 degC flow, its change per kelvin outdoors and per kelvin of flow, relative to it.
MACHINES = {1.0: (5.059, 0.03045, -0.01731), 4.0: (4.252, 0.02243, -0.01418)}


@pytest.mark.parametrize("group", sorted(MACHINES), ids=["inverter", "on-off"])
def test_the_cop_of_a_machine_that_heats_water_follows_hplib(group: float) -> None:
    """From -15 to 20 degC outdoors and 30 to 55 degC flow; below a COP of 1 it is a heating rod in hplib as here."""
    table = reference("hplib_air_water")
    points = {name: column[table["group"] == group] for name, column in table.items()}
    cop, per_outdoor_k, per_flow_k = MACHINES[group]
    parameters: dict[str, Column | float] = {
        "hydronic": 1.0,
        "heat_cop": cop,
        "heat_cop_outdoor_slope": per_outdoor_k,
        "heat_cop_flow_slope": per_flow_k,
        "flow_cold_degc": points["flow_degc"],
        "flow_warm_degc": points["flow_degc"],
        "backup_power_w": 0.0,
    }
    with Fleet(model="house", n=len(points["cop"]), parameters=parameters) as fleet:
        fleet.inputs["temperature_outdoor_degc"][:] = points["outdoor_degc"]
        fleet.inputs["setpoint_heat_degc"][:] = 25.0
        fleet.step(0.0, 1.0)
        ours = fleet.outputs["heat_w"] / fleet.outputs["power_w"]
    np.testing.assert_allclose(ours, points["cop"], rtol=0.05)


def test_the_flow_temperature_falls_as_it_gets_warmer() -> None:
    """The COP rises by what the machine gains and by what the water asks for."""
    outdoor_degc = np.array([-20.0, -10.0, 5.0, 20.0])
    flow_degc = np.array([45.0, 45.0, 35.0, 25.0])
    with Fleet(model="house", n=4, parameters={"hydronic": 1.0, "heat_cop": 5.0, "backup_power_w": 0.0}) as fleet:
        fleet.inputs["temperature_outdoor_degc"][:] = outdoor_degc
        fleet.inputs["setpoint_heat_degc"][:] = 25.0
        fleet.step(0.0, 1.0)
        ours = fleet.outputs["heat_w"] / fleet.outputs["power_w"]
    expected = 5.0 * (1.0 + 0.03045 * (outdoor_degc - 7.0) - 0.01731 * (flow_degc - 35.0))
    np.testing.assert_allclose(ours, np.maximum(expected, 1.0), rtol=1e-12)


TANKS: dict[str, tuple[int, dict[str, float], float, float]] = {
    "ochre_water_heater_12_a": (21, {"volume_l": 250, "height_m": 1.22, "ua_w_per_k": 2.17, "nodes": 12}, 51, 10),
    "ochre_water_heater_12_b": (22, {"volume_l": 190, "height_m": 1.22, "ua_w_per_k": 1.9, "nodes": 12}, 52, 7),
    "ochre_water_heater_12_c": (23, {"volume_l": 300, "height_m": 1.5, "ua_w_per_k": 2.5, "nodes": 12}, 55, 15),
    "ochre_water_heater_10": (27, {"volume_l": 250, "height_m": 1.22, "ua_w_per_k": 2.17, "nodes": 10}, 51, 10),
    "ochre_water_heater_6": (24, {"volume_l": 250, "height_m": 1.22, "ua_w_per_k": 2.17, "nodes": 6}, 51, 10),
    "ochre_water_heater_3": (24, {"volume_l": 250, "height_m": 1.22, "ua_w_per_k": 2.17, "nodes": 3}, 51, 10),
    "ochre_water_heater_2": (28, {"volume_l": 190, "height_m": 1.22, "ua_w_per_k": 1.9, "nodes": 2}, 52, 7),
    "ochre_water_heater_1": (29, {"volume_l": 250, "height_m": 1.22, "ua_w_per_k": 2.17, "nodes": 1}, 51, 10),
}
HEAT_PUMP = {"heat_pump": 1.0, "heat_pump_cop": 3.0, "heat_pump_capacity_w": 1500.0, "deadband_k": 8.17}
PUMPED: dict[str, tuple[int, dict[str, float], float, float]] = {
    "ochre_heat_pump_water_heater_a": (25, {"volume_l": 190, "height_m": 1.22, "ua_w_per_k": 1.9}, 51, 10),
    "ochre_heat_pump_water_heater_b": (26, {"volume_l": 300, "height_m": 1.5, "ua_w_per_k": 2.2}, 52, 12),
    "ochre_heat_pump_water_heater_2": (30, {"volume_l": 250, "height_m": 1.3, "ua_w_per_k": 2.0, "nodes": 2}, 53, 15),
}


OCHRE_DEADBAND_K = 10.0 / 1.8  # a tenth of it below the setpoint is where its tanks start


@cache
def heated_water() -> dict[str, dict[str, Column]]:
    """Every tank beside the others through 28 days of 1-min steps; means of 15 minutes, temperatures at their end."""
    tanks = TANKS | PUMPED
    minutes = 28 * 1440
    draw = np.zeros((minutes, len(tanks)))
    for tank, (seed, _, _, _) in enumerate(tanks.values()):
        drawn = reference(f"ochre_water_heater_draws_{seed}")
        draw[drawn["minute"].astype(int), tank] = drawn["draw_l_min"]
    own = [given | (HEAT_PUMP if name in PUMPED else {}) for name, (_, given, _, _) in tanks.items()]
    usual = {v.name: v.start for v in load("water_heater").variables}
    parameters: dict[str, Column | float] = {
        name: np.array([given.get(name, usual[name]) for given in own]) for name in set().union(*own)
    }
    setpoint_degc = np.array([degc for _, _, degc, _ in tanks.values()])
    mains_degc = np.array([degc for _, _, _, degc in tanks.values()])
    room_degc = 20.0 + 3.0 * np.sin(np.arange(minutes) / 1440.0 * 2.0 * np.pi)
    start: dict[str, Column | float] = {
        "temperature_start_degc": setpoint_degc - OCHRE_DEADBAND_K / 10.0,
        "temperature_tap_degc": TAP_DEGC,
    }
    names = ("power_w", "heat_delivered_w", "loss_w", "temperature_outlet_degc")
    seen = {name: np.empty((minutes, len(tanks))) for name in names}
    with Fleet(model="water_heater", n=len(tanks), parameters=parameters | start) as fleet:
        fleet.inputs["setpoint_degc"][:] = setpoint_degc
        fleet.inputs["temperature_mains_degc"][:] = mains_degc
        for k in range(minutes):
            fleet.inputs["draw_l_min"][:] = draw[k]
            fleet.inputs["temperature_ambient_degc"][:] = room_degc[k]
            fleet.inputs["temperature_wet_bulb_degc"][:] = room_degc[k] - 5.0
            fleet.step(k * 60.0, 60.0)
            for name, column in seen.items():
                column[k] = fleet.outputs[name]
    shown = {name: seen[name].reshape(-1, 15, len(tanks)).mean(axis=1) for name in names[:3]}
    shown["temperature_outlet_degc"] = seen["temperature_outlet_degc"][14::15]
    return {tank: {name: column[:, k] for name, column in shown.items()} for k, tank in enumerate(tanks)}


@pytest.mark.parametrize("name", sorted(TANKS | PUMPED))
def test_a_tank_takes_ochres_energy_and_gives_its_temperature_over_28_days(name: str) -> None:
    """Each number of nodes beside OCHRE with the same number: coarse tanks are heated to the bottom and lose more."""
    theirs, ours = reference(name), heated_water()[name]
    for flow in ("power_w", "heat_delivered_w", "loss_w"):
        assert ours[flow].mean() == pytest.approx(theirs[flow].mean(), rel=0.02), flow
    assert rmse(ours["temperature_outlet_degc"], theirs["temperature_outlet_degc"]) < 0.5
