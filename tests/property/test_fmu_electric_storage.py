"""Battery and EV charger as stories: efficiency curve, reserve, derating, fade; currents, taper, arrival, departure."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulators.fleet.fmu_fleet import Fleet

Column = NDArray[np.float64]

HOUR_S = 3600.0
PHASE_VOLTAGE_V = 230.0
MINIMUM_CURRENT_A = 6.0  # IEC 61851-1
CAPACITY_WH = 10_000.0
POWER_W = 5_000.0
SEEDS = st.integers(min_value=0, max_value=2**32 - 1)


def battery(n: int = 1, **parameters: float | Column) -> Fleet:
    usual: dict[str, float | Column] = {"energy_capacity_wh": CAPACITY_WH, "power_max_w": POWER_W}
    return Fleet(model="battery", n=n, parameters=usual | parameters)


def charger(**parameters: float) -> Fleet:
    return Fleet(model="ev_charger", n=1, parameters=parameters)


def run(fleet: Fleet, output: str, count: int, length_s: float, **inputs: float) -> list[float]:
    """An output of the first device after each of `count` steps with constant inputs."""
    for name, value in inputs.items():
        fleet.inputs[name][:] = value
    seen = []
    for k in range(count):
        fleet.step(k * length_s, length_s)
        seen.append(float(fleet.outputs[output][0]))
    return seen


@pytest.mark.parametrize("direction", [1.0, -1.0])
def test_the_efficiency_curve_rises_from_small_loads_and_falls_towards_the_rating(direction: float) -> None:
    """Constant, proportional and quadratic loss: best where constant and quadratic loss are equal."""
    power_w = POWER_W * np.linspace(0.02, 1.0, 99)
    fleet = battery(
        99, resistance_pu=0.0, inverter_efficiency=0.98, inverter_no_load_w=20.0, inverter_resistive_pu=0.016
    )
    with fleet:
        before_wh = fleet.outputs["energy_stored_wh"].copy()
        fleet.inputs["power_setpoint_w"][:] = direction * power_w
        fleet.step(0.0, 60.0)
        cell_w = (fleet.outputs["energy_stored_wh"] - before_wh) * 60.0
    proportional_w = power_w * 0.02 if direction > 0.0 else power_w * (1.0 / 0.98 - 1.0)
    loss_w = 20.0 + 0.016 / POWER_W * power_w**2 + proportional_w
    np.testing.assert_allclose(direction * power_w - cell_w, loss_w, rtol=1e-9)
    best = power_w[np.argmin(loss_w / power_w)]
    assert best == pytest.approx(np.sqrt(20.0 * POWER_W / 0.016), rel=0.02)


@pytest.mark.parametrize("direction", [1.0, -1.0])
def test_power_that_the_cells_limit_has_the_losses_of_the_curve(direction: float) -> None:
    """What fits into (or is left in) the cells decides the AC power: the efficiency curve, read backwards."""
    cell_w = POWER_W * np.linspace(0.1, 0.8, 50)
    room = cell_w / 60.0 / CAPACITY_WH
    fleet = battery(
        50,
        soc_min=0.1,
        soc_start=1.0 - room if direction > 0.0 else 0.1 + room,
        resistance_pu=0.0,
        inverter_efficiency=0.98,
        inverter_no_load_w=20.0,
        inverter_resistive_pu=0.016,
    )
    with fleet:
        fleet.inputs["power_setpoint_w"][:] = direction * POWER_W
        fleet.step(0.0, 60.0)
        power_w = np.abs(fleet.outputs["power_w"])
    constant_w = 20.0 + 0.016 / POWER_W * power_w**2
    through_w = 0.98 * power_w - constant_w if direction > 0.0 else power_w / 0.98 + constant_w
    np.testing.assert_allclose(through_w, cell_w, rtol=1e-9)


def test_a_round_trip_costs_what_inverter_and_resistance_take() -> None:
    with battery(soc_start=0.5, inverter_efficiency=0.97, resistance_pu=0.04) as fleet:
        run(fleet, "soc", 1, HOUR_S, power_setpoint_w=2000.0)
        charged = fleet.outputs["soc"][0] - 0.5
        out_wh = 0.0
        fleet.inputs["power_setpoint_w"][:] = -2000.0
        while fleet.outputs["soc"][0] > 0.5:
            fleet.step(0.0, 1.0)
            out_wh -= fleet.outputs["power_w"][0] / HOUR_S
    assert charged == pytest.approx(0.2 * 0.97 * 0.992, rel=0.002)  # 0.2 C: a drop of 0.04 x 0.2
    assert out_wh / 2000.0 == pytest.approx(0.97**2 * 0.992**2, rel=0.002)


def test_the_reserve_is_kept_for_outages() -> None:
    with battery(soc_start=0.5, soc_min=0.1, soc_reserve=0.3) as fleet:
        assert run(fleet, "soc", 3, HOUR_S, power_setpoint_w=-POWER_W)[-1] == pytest.approx(0.3)
        assert run(fleet, "soc", 3, HOUR_S, grid_forming=1.0)[-1] == pytest.approx(0.1)
        assert run(fleet, "power_w", 1, HOUR_S) == [0.0]


def test_power_is_derated_near_full_and_near_empty() -> None:
    ends = {"derate_charge_above_soc": 0.9, "derate_discharge_below_soc": 0.2, "soc_min": 0.1}
    soc = np.array([0.5, 0.9, 0.95, 0.98, 0.5, 0.2, 0.15, 0.12])
    with battery(8, soc_start=soc, **ends) as fleet:
        fleet.inputs["power_setpoint_w"][:] = POWER_W * np.array([1.0] * 4 + [-1.0] * 4)
        fleet.step(0.0, 1.0)
        share = np.abs(fleet.outputs["power_w"]) / POWER_W
    np.testing.assert_allclose(share, [1.0, 1.0, 0.5, 0.2] * 2, rtol=1e-9)


def test_a_faded_battery_holds_less_and_drops_more_voltage() -> None:
    with battery(2, capacity_fade=np.array([0.0, 0.25]), soc_start=0.4) as fleet:
        fleet.inputs["power_setpoint_w"][:] = 2000.0
        fleet.step(0.0, HOUR_S)
        gained = fleet.outputs["soc"] - 0.4
        lost = fleet.outputs["loss_wh"]
    assert gained[1] / gained[0] == pytest.approx(1.0 / 0.75, rel=0.01)
    assert lost[1] > lost[0]


def test_standby_is_drawn_day_and_night() -> None:
    with battery(standby_w=12.0) as fleet:
        assert run(fleet, "power_w", 2, HOUR_S) == [12.0, 12.0]
        assert fleet.outputs["loss_wh"][0] == pytest.approx(24.0)
        assert fleet.outputs["soc"][0] == 0.5


@given(seed=SEEDS)
def test_a_battery_stops_at_its_ends_whatever_its_losses(seed: int) -> None:
    """Except for what an inverter leaves that could not cover its own no-load loss for a minute."""
    rng = np.random.default_rng(seed)
    n = 8
    left = 50.0 / 60.0 / CAPACITY_WH
    fleet = battery(
        n,
        inverter_efficiency=rng.uniform(0.9, 1.0, n),
        inverter_no_load_w=rng.uniform(0.0, 50.0, n),
        inverter_resistive_pu=rng.uniform(0.0, 0.05, n),
        resistance_pu=rng.uniform(0.0, 0.2, n),
        soc_start=rng.uniform(0.1, 1.0, n),
    )
    with fleet:
        fleet.inputs["power_setpoint_w"][:] = POWER_W
        fleet.step(0.0, 4 * HOUR_S)
        np.testing.assert_allclose(fleet.outputs["soc"], 1.0, atol=1e-12)
        fleet.inputs["power_setpoint_w"][:] = -POWER_W
        fleet.step(0.0, 4 * HOUR_S)
        assert np.all(fleet.outputs["soc"] >= 0.1 - 1e-12)
        assert np.all(fleet.outputs["soc"] <= 0.1 + left)


@pytest.mark.parametrize(
    ("limit_a", "step_a", "charged_a"),
    [(32.0, 0.0, 32.0), (5.9, 0.0, 0.0), (6.0, 1.0, 6.0), (15.99, 1.0, 15.0), (15.99, 0.0, 15.99), (40.0, 1.0, 32.0)],
)
def test_a_charging_point_offers_6_amperes_or_more_in_whole_amperes_if_asked(
    limit_a: float, step_a: float, charged_a: float
) -> None:
    fleet = charger(
        power_max_w=32.5 * PHASE_VOLTAGE_V if step_a else 32.0 * PHASE_VOLTAGE_V,
        power_min_w=MINIMUM_CURRENT_A * PHASE_VOLTAGE_V,
        power_step_w=step_a * PHASE_VOLTAGE_V,
    )
    with fleet:
        drawn_w = run(fleet, "power_w", 1, 60.0, power_limit_w=limit_a * PHASE_VOLTAGE_V)[0]
    assert drawn_w == pytest.approx(charged_a * PHASE_VOLTAGE_V)


def test_charging_tapers_towards_full_and_reaches_it() -> None:
    with charger(taper_above_soc=0.8, soc_start=0.7, battery_capacity_wh=30_000.0) as fleet:
        drawn_w = np.array(run(fleet, "power_w", 200, 300.0))
        assert fleet.outputs["soc"][0] == pytest.approx(1.0)
    assert drawn_w[0] == 7400.0
    assert np.all(np.diff(drawn_w) <= 1e-9)
    assert drawn_w[-1] == 0.0
    assert ((drawn_w > 370.0) & (drawn_w < 7300.0)).sum() > 5


@pytest.mark.parametrize(("soc", "share"), [(0.8, 1.0), (0.85, 0.75), (0.9, 0.5), (0.95, 0.25), (0.998, 0.05)])
def test_the_taper_is_a_straight_line_down_to_a_twentieth(soc: float, share: float) -> None:
    with charger(taper_above_soc=0.8, soc_start=soc) as fleet:
        assert run(fleet, "power_w", 1, 1.0) == pytest.approx([7400.0 * share])


def test_driving_empties_the_vehicle_and_what_it_cannot_give_is_counted() -> None:
    with charger(battery_capacity_wh=40_000.0, soc_start=0.5) as fleet:
        away = run(fleet, "soc", 2, HOUR_S, plugged=0.0, driving_power_w=12_000.0)
        assert away == pytest.approx([0.2, 0.0])
        assert fleet.outputs["driving_energy_wh"][0] == pytest.approx(20_000.0)
        assert fleet.outputs["driving_energy_unmet_wh"][0] == pytest.approx(4_000.0)
        assert fleet.outputs["power_w"][0] == 0.0


def test_energy_missing_at_departure_is_counted_once_per_departure() -> None:
    with charger(battery_capacity_wh=50_000.0, soc_start=0.6, soc_departure=0.8) as fleet:
        run(fleet, "soc", 1, 60.0, plugged=1.0, power_limit_w=0.0)
        away = run(fleet, "departure_energy_missing_wh", 3, 60.0, plugged=0.0)
        run(fleet, "soc", 2, 60.0, plugged=1.0)
        again = run(fleet, "departure_energy_missing_wh", 1, 60.0, plugged=0.0)
    assert away == pytest.approx([10_000.0] * 3)
    assert again == pytest.approx([20_000.0])


def test_a_vehicle_that_leaves_with_what_it_needs_misses_nothing() -> None:
    with charger(soc_start=0.8, soc_departure=0.8) as fleet:
        run(fleet, "soc", 1, 60.0, plugged=1.0, power_limit_w=0.0)
        assert run(fleet, "departure_energy_missing_wh", 1, 60.0, plugged=0.0) == [0.0]


def test_a_vehicle_that_is_away_from_the_beginning_has_not_departed() -> None:
    with charger(soc_start=0.3, soc_departure=0.8) as fleet:
        assert run(fleet, "departure_energy_missing_wh", 2, 60.0, plugged=0.0) == [0.0, 0.0]


def test_an_arriving_vehicle_brings_the_charge_it_is_said_to_have() -> None:
    with charger(battery_capacity_wh=50_000.0, soc_start=0.6) as fleet:
        run(fleet, "soc", 2, HOUR_S, plugged=0.0, driving_power_w=5_000.0, soc_on_arrival=0.7)
        assert fleet.outputs["soc"][0] == pytest.approx(0.4)
        assert run(fleet, "soc", 1, 60.0, plugged=1.0, power_limit_w=0.0) == [0.7]
        assert fleet.outputs["elsewhere_energy_wh"][0] == pytest.approx(15_000.0)
        assert run(fleet, "soc", 1, 60.0, soc_on_arrival=0.2) == [0.7]  # it has arrived already


def test_vehicle_to_home_gives_power_down_to_what_the_driver_keeps() -> None:
    lever = {"discharge_request_w": 3000.0}
    with charger(soc_start=0.6, battery_capacity_wh=40_000.0, discharge_power_max_w=2500.0, soc_home_min=0.5) as fleet:
        assert run(fleet, "power_w", 1, HOUR_S, **lever) == pytest.approx([-2500.0])
        assert run(fleet, "soc", 3, HOUR_S)[-1] == pytest.approx(0.5)
        assert run(fleet, "power_w", 1, HOUR_S, plugged=0.0) == [0.0]
    with charger(soc_start=0.6) as fleet:  # a charger that cannot
        assert run(fleet, "power_w", 1, HOUR_S, **lever)[0] > 0.0
