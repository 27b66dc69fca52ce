"""What a house, a water heater, a meter and a panel do when somebody lives with them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from simulators.fleet.calibration import fit_house, simulate
from simulators.fleet.fmu_fleet import Fleet, FleetError
from tests.fleet_run import run

Column = NDArray[np.float64]

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S


@pytest.mark.parametrize(("outdoor_degc", "state"), [(12.0, 1.0), (-5.0, 0.0)], ids=["on", "off"])
def test_a_switching_heat_pump_keeps_its_minimum_times(outdoor_degc: float, state: float) -> None:
    """In mild weather its runs would be too short, in cold weather its pauses."""
    times = {"minimum_on_s": 900.0, "minimum_off_s": 900.0, "deadband_k": 0.1, "backup_power_w": 0.0}
    shortest = []
    for parameters in (times, times | {"minimum_on_s": 0.0, "minimum_off_s": 0.0}):
        with Fleet(model="house", n=1, parameters=parameters) as f:
            f.inputs["temperature_outdoor_degc"][:] = outdoor_degc
            mode = run(f, DAY_S, "mode")
        changes = np.flatnonzero(np.diff(mode)) + 1
        lengths_s = np.diff(changes) * 60.0
        shortest.append(lengths_s[mode[changes[:-1]] == state].min())
    assert shortest[0] >= 900.0 > shortest[1]


def test_a_modulating_heat_pump_holds_the_setpoint_without_switching() -> None:
    with Fleet(model="house", n=1, parameters={"modulation_min": 0.2, "deadband_k": 0.2}) as f:
        f.inputs["temperature_outdoor_degc"][:] = 0.0
        run(f, DAY_S, "mode")
        indoor = run(f, DAY_S, "temperature_indoor_degc")
        mode = run(f, HOUR_S, "mode")
    assert np.abs(indoor - 20.0).max() < 0.01
    assert set(mode) == {1.0}


def test_part_load_losses_defrost_and_ducts_each_cost_electricity() -> None:
    """The same heat in the room, by more and more electricity."""
    extra = [{}, {"part_load_loss_heat": 0.2}, {"defrost_time_share": 0.07}, {"distribution_efficiency": 0.8}]
    spent = []
    for parameters in extra:
        with Fleet(model="house", n=1, parameters={"modulation_min": 0.1, "deadband_k": 0.2} | parameters) as f:
            f.inputs["temperature_outdoor_degc"][:] = 1.0
            run(f, DAY_S, "power_w")
            spent.append(run(f, DAY_S, "power_w").mean())
    assert all(power_w > 1.05 * spent[0] for power_w in spent[1:])


def test_the_backup_heater_stays_off_above_its_lockout() -> None:
    modes = []
    for lockout_degc in (100.0, -5.0):
        start = {"temperature_start_degc": 12.0, "backup_lockout_degc": lockout_degc}
        with Fleet(model="house", n=1, parameters=start) as f:
            f.inputs["temperature_outdoor_degc"][:] = 0.0
            modes.append(run(f, HOUR_S, "power_w").max())
    assert modes[0] > modes[1] + 3900.0


def test_a_resting_compressor_keeps_its_oil_warm_in_the_cold_only() -> None:
    spent = []
    for outdoor_degc in (20.0, 5.0):
        with Fleet(model="house", n=1, parameters={"crankcase_w": 50.0, "standby_w": 3.0}) as f:
            f.inputs["enabled"][:] = 0.0
            f.inputs["temperature_outdoor_degc"][:] = outdoor_degc
            spent.append(run(f, HOUR_S, "power_w").mean())
    assert spent == pytest.approx([3.0, 53.0])


def test_a_machine_at_part_load_dries_less_and_so_cools_with_less_electricity() -> None:
    """The same load by a machine of the right size and by one four times as large, both modulating, no other losses."""
    ratio = []
    for capacity_w in (4_000.0, 16_000.0):
        coil = {"cool_capacity_w": capacity_w, "sensible_heat_ratio": 0.7, "modulation_min": 0.0, "deadband_k": 0.1}
        with Fleet(model="house", n=1, parameters=coil | {"temperature_start_degc": 26.0}) as f:
            f.inputs["temperature_outdoor_degc"][:] = 35.0
            power_w = run(f, DAY_S, "power_w")[-600:].sum()
            heat_w = run(f, 60.0, "heat_w")[0]
            assert abs(f.outputs["temperature_indoor_degc"][0] - 26.0) < 0.1
        ratio.append(-heat_w / power_w * 600.0)
    assert ratio[1] > 1.15 * ratio[0]


def test_dry_air_is_cooled_better_than_moist_air() -> None:
    heat = []
    for wet_bulb_degc in (15.0, 21.0):
        parameters = {
            "cool_capacity_w": 8000.0,
            "sensible_heat_ratio": 0.75,
            "sensible_heat_ratio_slope": 0.035,
            "temperature_start_degc": 28.0,
        }
        with Fleet(model="house", n=1, parameters=parameters) as f:
            f.inputs["temperature_outdoor_degc"][:] = 32.0
            f.inputs["temperature_wet_bulb_indoor_degc"][:] = wet_bulb_degc
            heat.append(run(f, 60.0, "heat_w")[0])
    assert heat[0] < heat[1] < 0.0


# ---- finding a house's parameters ----


def measured_house() -> dict[str, Column]:
    """Six days of a house whose parameters are known."""
    rng = np.random.default_rng(8)
    steps = 6 * 96
    hours = np.arange(steps) / 4.0
    columns = {
        "temperature_indoor_degc": np.full(steps, 20.0),
        "temperature_outdoor_degc": 3.0 + 5.0 * np.sin(hours / 24.0 * 2.0 * np.pi) + np.repeat(rng.normal(0, 3, 6), 96),
        "heat_w": np.repeat(rng.uniform(0.0, 8000.0, steps // 16), 16),
        "solar_window_w": np.maximum(1500.0 * np.sin((hours % 24.0 - 6.0) / 12.0 * np.pi), 0.0),
    }
    return columns | {"temperature_indoor_degc": simulate(TRUE | APERTURES, columns, 900.0)[:, 0]}


TRUE = {
    "capacity_air_j_per_k": 6e6,
    "capacity_mass_j_per_k": 3e7,
    "resistance_air_mass_k_per_w": 0.002,
    "resistance_air_outdoor_k_per_w": 0.02,
    "resistance_mass_outdoor_k_per_w": 0.01,
    "infiltration_stack_w_per_k": 20.0,
    "solar_window_air": 0.3,
    "solar_window_mass": 0.5,
    "mass_start_offset_k": -1.0,
}
APERTURES = {"aperture_air_m2": 0.0, "aperture_mass_m2": 0.0}


def test_the_parameters_of_a_known_house_are_found_again() -> None:
    found = fit_house(measured_house(), 900.0)
    assert found.rmse_k < 0.02
    for name in ("capacity_air_j_per_k", "capacity_mass_j_per_k", "resistance_air_mass_k_per_w"):
        assert found.parameters[name] == pytest.approx(TRUE[name], rel=0.1), name


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda c: c.pop("heat_w"), r"missing \['heat_w'\]"),
        (lambda c: c.update(colour=c["heat_w"]), r"unknown \['colour'\]"),
        (lambda c: c.update(heat_w=c["heat_w"][1:]), "heat_w: must be 576 finite values"),
        (lambda c: c["heat_w"].__setitem__(3, np.nan), "heat_w: must be 576 finite values"),
        (lambda c: c.update({k: v[:96] for k, v in c.items()}), "at least two days are needed"),
    ],
)
def test_measurements_that_cannot_be_used_are_refused(spoil: object, complaint: str) -> None:
    columns = measured_house()
    assert callable(spoil)
    spoil(columns)
    with pytest.raises(ValueError, match=complaint):
        fit_house(columns, 900.0)


# ---- water heater ----


def test_a_legionella_cycle_comes_once_a_week_holds_and_ends() -> None:
    cycle = {"legionella_interval_s": 7 * DAY_S, "legionella_hold_s": 1800.0}
    with Fleet(model="water_heater", n=1, parameters=cycle) as f:
        seen = []
        for _ in range(round(15 * DAY_S / 300.0)):
            f.step(0.0, 300.0)
            seen.append([f.outputs[k][0] for k in ("legionella_active", "temperature_outlet_degc")])
    active, outlet = np.array(seen).T
    starts = np.flatnonzero(np.diff(active) > 0.0) * 300.0 / DAY_S
    assert len(starts) == 2
    assert starts[0] == pytest.approx(7.0, abs=0.01)
    assert active.sum() * 300.0 < 6 * HOUR_S
    assert 60.0 <= outlet[active > 0.5].max() <= 62.0
    assert outlet[active < 0.5][-1] < 56.0


@pytest.mark.parametrize("heat_pump", [0.0, 1.0], ids=["elements", "heat pump"])
def test_a_legionella_cycle_that_is_due_waits_until_the_tank_may_heat(heat_pump: float) -> None:
    """The grid keeps the tank off and saves; the cycle comes after it, by the elements, whatever the lever says."""
    cycle = {"legionella_interval_s": DAY_S, "heat_pump": heat_pump}
    with Fleet(model="water_heater", n=1, parameters=cycle) as f:
        f.inputs["enabled"][:] = 0.0
        f.inputs["setpoint_offset_k"][:] = -5.0
        run(f, 1.5 * DAY_S, "power_w", 300.0)
        assert f.outputs["legionella_active"][0] == 1.0
        assert f.outputs["temperature_outlet_degc"][0] < 50.0
        f.inputs["enabled"][:] = 1.0
        power_w = run(f, 6 * HOUR_S, "power_w")
        outlet = run(f, DAY_S / 4, "temperature_outlet_degc")
        assert f.outputs["legionella_active"][0] == 0.0
    assert power_w.max() == pytest.approx(4500.0 + heat_pump)
    assert 58.0 < outlet[0] < 62.0


@pytest.mark.parametrize("upper_element", [0.0, 1.0])
def test_a_strong_element_in_a_small_tank_stops_soon_after_the_setpoint(upper_element: float) -> None:
    """Within the minute, at 2 K past it; a usual tank overshoots by what its element heats in one minute."""
    small = {
        "volume_l": 15.0,
        "element_power_w": 6000.0,
        "upper_element": upper_element,
        "temperature_start_degc": 15.0,
    }
    with Fleet(model="water_heater", n=1, parameters=small | {"nodes": 6.0}) as f:
        outlet = run(f, HOUR_S, "temperature_outlet_degc")
    assert 53.0 < outlet.max() <= 54.0
    with Fleet(model="water_heater", n=1, parameters={"temperature_start_degc": 15.0, "nodes": 1.0}) as f:
        outlet = run(f, 5 * HOUR_S, "temperature_outlet_degc")
    assert 52.0 <= outlet.max() < 52.0 + 4500.0 * 60.0 / (250.0 * 4183.0)


def test_a_cold_tank_is_heated_from_the_top_until_that_has_the_setpoint() -> None:
    with Fleet(model="water_heater", n=1, parameters={"temperature_start_degc": 15.0}) as f:
        while f.outputs["temperature_outlet_degc"][0] < 51.9:
            f.step(0.0, 60.0)
        assert f.outputs["temperature_mean_degc"][0] == pytest.approx(15.0 + 37.0 * 3 / 12, abs=1.0)
        run(f, 2 * HOUR_S, "power_w")
        assert f.outputs["temperature_mean_degc"][0] > 44.0


def test_a_raised_setpoint_stores_heat_and_a_mixed_tap_stays_at_its_temperature() -> None:
    with Fleet(model="water_heater", n=1) as f:
        run(f, DAY_S, "power_w")
        usual_degc = f.outputs["temperature_mean_degc"][0]
        f.inputs["setpoint_offset_k"][:] = 20.0
        power_w = run(f, 6 * HOUR_S, "power_w")
        assert f.outputs["temperature_mean_degc"][0] > usual_degc + 12.0
        assert power_w.max() == pytest.approx(4500.0)
        f.inputs["setpoint_offset_k"][:] = 0.0
        f.inputs["draw_l_min"][:] = 6.0
        delivered_w = run(f, 600.0, "heat_delivered_w")
        assert f.outputs["temperature_delivered_degc"][0] == pytest.approx(40.6)
        assert delivered_w.mean() == pytest.approx(6.0 / 60.0 * 4183.0 * 30.6, rel=1e-6)
        assert f.outputs["heat_unmet_w"][0] == 0.0


def test_an_empty_tank_leaves_a_mixed_tap_short() -> None:
    with Fleet(model="water_heater", n=1, parameters={"temperature_start_degc": 20.0}) as f:
        f.inputs["enabled"][:] = 0.0
        f.inputs["draw_l_min"][:] = 6.0
        short_w = run(f, 60.0, "heat_unmet_w")[0]
    assert short_w == pytest.approx(6.0 / 60.0 * 4183.0 * 20.6, rel=0.02)


def test_a_heat_pump_tank_needs_a_fraction_of_the_electricity_and_cools_the_room() -> None:
    spent, taken = [], []
    for pumps in (0.0, 1.0):
        with Fleet(model="water_heater", n=1, parameters={"heat_pump": pumps}) as f:
            f.inputs["draw_l_min"][:] = 0.1
            spent.append(run(f, 3 * DAY_S, "power_w").mean())
            taken.append(f.outputs["heat_ambient_w"][0])
    assert 0.25 * spent[0] < spent[1] < 0.5 * spent[0]
    assert taken[0] == 0.0


def test_in_a_freezing_room_the_elements_replace_the_heat_pump() -> None:
    with Fleet(model="water_heater", n=1, parameters={"heat_pump": 1.0, "temperature_start_degc": 30.0}) as f:
        f.inputs["temperature_ambient_degc"][:] = 2.0
        assert run(f, HOUR_S, "power_w").max() == pytest.approx(4501.0)


# ---- meter and panel ----


def test_opening_a_relay_takes_that_circuit_off_and_the_main_relay_all() -> None:
    with Fleet(model="panel", n=1) as f:
        f.inputs["circuit_1_demand_w"][:] = 1000.0
        f.inputs["circuit_2_demand_w"][:] = -400.0
        f.step(0.0, HOUR_S / 4)
        assert f.outputs["power_w"][0] == 605.0
        f.inputs["circuit_1_closed"][:] = 0.0
        f.step(0.0, HOUR_S / 4)
        assert f.outputs["power_w"][0] == -395.0
        assert f.outputs["power_switched_off_w"][0] == 1000.0
        f.inputs["main_closed"][:] = 0.0
        f.step(0.0, HOUR_S / 4)
        assert f.outputs["power_w"][0] == 5.0
        assert f.outputs["circuit_1_energy_wh"][0] == 250.0
        assert f.outputs["circuit_2_energy_wh"][0] == -200.0


def test_a_meters_registers_equal_the_integral_over_a_year_of_quarter_hours() -> None:
    rng = np.random.default_rng(4)
    power_w = rng.uniform(-8e3, 8e3, (35_040 // 8, 1))
    with Fleet(model="meter", n=1) as f:
        for k, value in enumerate(power_w):
            f.inputs["power_total_w"][:] = value
            f.step(k * 900.0, 900.0)
        got = [f.outputs[f"energy_{way}_wh"][0] for way in ("import", "export")]
    wanted = [np.clip(sign * power_w, 0.0, None).sum() / 4.0 for sign in (1.0, -1.0)]
    np.testing.assert_allclose(got, wanted, rtol=1e-12)


@pytest.mark.parametrize(("shares", "expected_w"), [((1.0, 0.0), 810.0), ((0.0, 1.0), 900.0), ((0.0, 0.0), 1000.0)])
def test_a_zip_load_follows_the_voltage_as_its_shares_say(shares: tuple[float, float], expected_w: float) -> None:
    with Fleet(model="base_load", n=1, parameters={"zip_impedance": shares[0], "zip_current": shares[1]}) as f:
        f.inputs["demand_w"][:] = 1000.0
        f.inputs["voltage_pu"][:] = 0.9
        f.step(0.0, 60.0)
        assert f.outputs["power_w"][0] == pytest.approx(expected_w, rel=1e-12)


@pytest.mark.parametrize(
    ("model", "parameter", "value"),
    [
        ("house", "modulation_min", 1.5),
        ("house", "distribution_efficiency", np.nan),
        ("water_heater", "legionella_degc", 40.0),
        ("water_heater", "heat_pump_cop", 0.5),
        ("panel", "standby_w", -1.0),
    ],
)
def test_parameters_out_of_range_are_refused_by_name(model: str, parameter: str, value: float) -> None:
    with pytest.raises(FleetError, match=rf"{parameter}\[0\]: .* is outside"):
        Fleet(model=model, n=1, parameters={parameter: value})
