"""The device models against tools nobody here wrote: OCHRE, OpenDER and pvlib.

Origin, licence and tolerance of each reference run: tests/data/fmu/README.md.
"""

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from simulators.fleet.fmu_fleet import Fleet

Column = NDArray[np.float64]

FOLDER = Path(__file__).resolve().parents[1] / "data" / "fmu"


def reference(name: str) -> dict[str, Column]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return dict(zip(header, np.array(rows, dtype=np.float64).T, strict=True))


def run(fleet: Fleet, inputs: dict[str, Column], step_s: float, outputs: list[str]) -> dict[str, Column]:
    """Outputs after each step of a fleet of one device."""
    steps = len(next(iter(inputs.values())))
    seen = {name: np.empty(steps) for name in outputs}
    for k in range(steps):
        for name, column in inputs.items():
            fleet.inputs[name][:] = column[k]
        fleet.step(k * step_s, step_s)
        for name, column in seen.items():
            column[k] = fleet.outputs[name][0]
    return seen


def rmse(ours: Column, theirs: Column) -> float:
    return float(np.sqrt(np.mean((ours - theirs) ** 2)))


def test_a_battery_moves_the_energy_that_ochre_moves() -> None:
    theirs = reference("ochre_battery.csv")
    with Fleet(model="battery", n=1, parameters={"soc_min": 0.15, "soc_max": 0.95, "soc_start": 0.5}) as fleet:
        setpoint = {"power_setpoint_w": theirs["setpoint_kw"] * 1e3}
        ours = run(fleet, setpoint, 900.0, ["power_w", "soc"])
    expected_w = theirs["power_kw"] * 1e3
    for direction in (1.0, -1.0):
        moved = np.clip(direction * ours["power_w"], 0.0, None).sum()
        assert moved == pytest.approx(np.clip(direction * expected_w, 0.0, None).sum(), rel=0.005)
    assert rmse(ours["soc"][:-1], theirs["soc"][1:]) < 0.005


def test_a_water_heater_uses_the_energy_that_ochre_uses() -> None:
    theirs = reference("ochre_waterheater.csv")
    tap_degc = (105.0 - 32.0) / 1.8  # OCHRE tempers draws to 105 degrees Fahrenheit
    start = {"temperature_start_degc": theirs["temperature_mean_degc"][0], "temperature_tap_degc": tap_degc}
    with Fleet(model="water_heater", n=1, parameters=start) as fleet:
        fleet.inputs["setpoint_degc"][:] = 51.0
        inputs = {name: theirs[name] for name in ("draw_l_min", "temperature_ambient_degc")}
        ours = run(fleet, inputs, 60.0, ["power_w", "temperature_outlet_degc", "heat_delivered_w", "loss_w"])
    for flow in ("power_w", "heat_delivered_w", "loss_w"):
        assert ours[flow].sum() == pytest.approx(theirs[flow].sum(), rel=0.02), flow
    assert rmse(ours["temperature_outlet_degc"], theirs["temperature_outlet_degc"]) < 0.5


def test_a_smart_inverter_answers_voltage_and_frequency_as_opender_does() -> None:
    theirs = reference("opender.csv")
    rating_va = 5000.0
    parameters = {"dc_power_w": 2.0 * rating_va, "ac_power_va": rating_va, "volt_var_on": 1.0, "volt_watt_on": 1.0}
    with Fleet(model="pv_inverter", n=1, parameters=parameters) as fleet:
        fleet.inputs["irradiance_poa_w_m2"][:] = 1000.0  # more sun than rating: the limit plays the array
        inputs = {
            "voltage_pu": theirs["voltage_pu"],
            "frequency_hz": theirs["frequency_hz"],
            "active_power_limit": theirs["power_dc_w"] / rating_va,
        }
        ours = run(fleet, inputs, 1.0, ["power_w", "reactive_power_var"])
    settled = [59, 119, 179, 239, 299, 359]  # last second of each voltage step
    for name in ("power_w", "reactive_power_var"):
        mine, expected = -ours[name], theirs[name]  # OpenDER counts feed-in positive
        assert np.all(np.abs(mine - expected)[settled] < 0.001 * rating_va), name
        assert rmse(mine, expected) < 0.01 * rating_va, name


def test_a_pv_array_gives_what_pvlib_computes() -> None:
    theirs = reference("pvlib_pvwatts.csv")
    with Fleet(model="pv_inverter", n=1) as fleet:
        inputs = {name: theirs[name] for name in ("irradiance_poa_w_m2", "temperature_ambient_degc", "wind_speed_m_s")}
        ours = run(fleet, inputs, 3600.0, ["power_w", "power_dc_available_w", "temperature_cell_degc"])
    assert theirs["power_ac_w"].max() > 3000.0
    np.testing.assert_allclose(-ours["power_w"], theirs["power_ac_w"], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(ours["power_dc_available_w"], theirs["power_dc_w"], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(ours["temperature_cell_degc"], theirs["temperature_cell_degc"], rtol=1e-9)
