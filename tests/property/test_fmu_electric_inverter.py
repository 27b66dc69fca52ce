"""The smart inverter's rules as stories, and its limits under whatever the grid does (IEEE 1547-2018).

Numbers come from the standard's default settings for category B and III; tolerances are rounding unless stated.
"""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulators.fleet.fmu_fleet import Fleet, FleetError

Column = NDArray[np.float64]

RATING_VA = 5000.0
SUNNY = {"dc_power_w": 2.0 * RATING_VA, "ac_power_va": RATING_VA, "gamma": 0.0, "losses": 0.0}
FULL_SUN_W_M2 = 1000.0
LIMITS = {"reactive_injection_max_pu": 0.44, "reactive_absorption_max_pu": 0.44}
SEEDS = st.integers(min_value=0, max_value=2**32 - 1)


class Inverter:
    """One inverter in the sun; powers as fed in, in per unit of the rating."""

    def __init__(self, **parameters: float) -> None:
        self.fleet = Fleet(model="pv_inverter", n=1, parameters=SUNNY | parameters)
        self.fleet.inputs["irradiance_poa_w_m2"][:] = FULL_SUN_W_M2
        self.time_s = 0.0

    def step(self, length_s: float, **inputs: float) -> float:
        for name, value in inputs.items():
            self.fleet.inputs[name][:] = value
        self.fleet.step(self.time_s, length_s)
        self.time_s += length_s
        return self.active

    def steps(self, count: int, length_s: float, **inputs: float) -> list[float]:
        return [self.step(length_s, **inputs) for _ in range(count)]

    def output(self, name: str) -> float:
        return float(self.fleet.outputs[name][0])

    @property
    def active(self) -> float:
        return -self.output("power_w") / RATING_VA

    @property
    def absorbed(self) -> float:
        return self.output("reactive_power_var") / RATING_VA

    @property
    def loss_w(self) -> float:
        return self.output("loss_w")

    @property
    def in_service(self) -> bool:
        return self.output("in_service") > 0.5


@pytest.mark.parametrize(
    ("name", "value", "clearing_s"),
    [
        ("voltage_pu", 1.11, 13),
        ("voltage_pu", 1.21, 1),
        ("voltage_pu", 0.87, 21),
        ("voltage_pu", 0.45, 2),
        ("frequency_hz", 61.3, 300),
        ("frequency_hz", 62.1, 1),
        ("frequency_hz", 58.4, 300),
        ("frequency_hz", 56.4, 1),
    ],
)
def test_a_trip_comes_by_the_end_of_its_clearing_time_and_not_before(name: str, value: float, clearing_s: int) -> None:
    inverter = Inverter()
    inverter.step(1.0)
    for _ in range(clearing_s - 1):
        inverter.step(1.0, **{name: value})
        assert inverter.in_service
    inverter.step(1.0, **{name: value})
    assert not inverter.in_service
    assert inverter.active == 0.0


def test_a_voltage_that_comes_back_in_time_trips_nothing() -> None:
    inverter = Inverter()
    for _ in range(5):
        inverter.steps(12, 1.0, voltage_pu=1.11)
        assert inverter.step(1.0, voltage_pu=1.0) == 1.0
    assert inverter.in_service


def test_beyond_the_voltages_of_momentary_cessation_no_current_flows_for_that_time_only() -> None:
    inverter = Inverter(volt_var_on=1.0)
    for voltage in (1.11, 0.5):
        assert inverter.step(1.0, voltage_pu=voltage) == 0.0
        assert inverter.absorbed == 0.0
        assert inverter.step(1.0, voltage_pu=1.0) > 0.8
    riding = Inverter(momentary_cessation_on=0.0)
    assert riding.step(1.0, voltage_pu=1.11) == 1.0


def test_after_an_outage_service_is_entered_after_300_s_and_the_power_rises_in_300_s() -> None:
    inverter = Inverter()
    assert inverter.step(60.0) == 1.0
    assert inverter.step(60.0, voltage_pu=0.0) == 0.0
    waiting = inverter.steps(4, 60.0, voltage_pu=1.0)
    assert waiting == [0.0] * 4
    rising = inverter.steps(6, 60.0)
    assert rising[0] < 0.001  # the last second of the delay
    np.testing.assert_allclose(rising[1:], [0.1, 0.3, 0.5, 0.7, 0.9], atol=0.005)
    assert inverter.steps(2, 60.0)[-1] == 1.0


@pytest.mark.parametrize(("name", "value"), [("voltage_pu", 1.06), ("voltage_pu", 0.9), ("frequency_hz", 60.2)])
def test_the_delay_begins_anew_when_the_grid_leaves_the_window(name: str, value: float) -> None:
    inverter = Inverter(in_service_start=0.0, frequency_droop_on=0.0)
    usual = {"voltage_pu": 1.0, "frequency_hz": 60.0}
    inverter.steps(290, 1.0)
    inverter.step(1.0, **{name: value})
    inverter.steps(299, 1.0, **usual)
    assert not inverter.in_service
    inverter.step(1.0)
    assert inverter.in_service


def test_without_permit_of_service_the_inverter_is_off_and_stays_off() -> None:
    inverter = Inverter(enter_service_delay_s=10.0, enter_service_ramp_s=0.0)
    assert inverter.step(1.0, permit_service=0.0) == 0.0
    assert max(inverter.steps(60, 1.0)) == 0.0
    assert inverter.steps(11, 1.0, permit_service=1.0)[-1] == 1.0


def test_after_a_trip_reactive_power_begins_from_zero_and_active_power_without_a_limit() -> None:
    inverter = Inverter(volt_var_on=1.0, volt_watt_on=1.0, enter_service_delay_s=10.0, enter_service_ramp_s=0.0)
    inverter.steps(60, 1.0, voltage_pu=0.93)
    assert inverter.absorbed == pytest.approx(-0.44 * 0.05 / 0.06)
    inverter.step(1.0, frequency_hz=62.5)
    waiting_then_first_s = inverter.steps(10, 1.0, frequency_hz=60.0)
    assert waiting_then_first_s[:-1] == [0.0] * 9
    assert waiting_then_first_s[-1] > 0.99
    first_var = inverter.absorbed
    inverter.step(1.0)
    assert 0.0 > first_var > inverter.absorbed > -0.25


def test_a_droop_that_ended_while_waiting_does_not_slow_the_return() -> None:
    inverter = Inverter(enter_service_delay_s=10.0, enter_service_ramp_s=0.0, frequency_response_s=100.0)
    inverter.steps(5, 1.0, frequency_hz=61.0)
    inverter.step(1.0, voltage_pu=1.3)
    assert inverter.steps(10, 1.0, frequency_hz=60.0, voltage_pu=1.0)[-1] == 1.0


def test_service_entered_at_high_frequency_brings_power_when_the_frequency_is_back() -> None:
    """There was no power before the disturbance from which a droop could be counted; OpenDER waits as well."""
    inverter = Inverter(enter_service_delay_s=10.0, enter_service_ramp_s=0.0)
    inverter.step(1.0, voltage_pu=1.3)
    assert inverter.steps(30, 1.0, voltage_pu=1.0, frequency_hz=60.09) == [0.0] * 30
    assert inverter.in_service
    assert inverter.steps(60, 1.0, frequency_hz=60.0)[-1] == pytest.approx(1.0)


def test_an_inverter_out_of_service_draws_nothing_from_the_array() -> None:
    inverter = Inverter()
    assert inverter.step(60.0, voltage_pu=1.11) == 0.0  # cessation, then the trip
    assert inverter.output("power_dc_used_w") == inverter.loss_w == 0.0
    assert inverter.step(60.0, voltage_pu=1.0) == 0.0
    assert inverter.output("power_dc_used_w") == inverter.loss_w == 0.0
    tripping = Inverter(momentary_cessation_on=0.0)
    assert tripping.step(60.0, voltage_pu=1.11) == pytest.approx(12.0 / 60.0)
    whole = Inverter()
    whole.step(60.0)
    assert tripping.loss_w == pytest.approx(0.2 * whole.loss_w)


def test_over_frequency_takes_power_from_what_was_given_before() -> None:
    inverter = Inverter(volt_watt_on=1.0)
    inverter.steps(60, 1.0, voltage_pu=1.08)
    assert inverter.active == pytest.approx(0.5)
    inverter.steps(60, 1.0, frequency_hz=60.6)
    assert inverter.active == pytest.approx(0.5 - (0.6 - 0.036) / (60.0 * 0.05))
    inverter.steps(60, 1.0, frequency_hz=60.0)
    assert inverter.active == pytest.approx(0.5)


def test_a_cloud_that_passes_during_a_droop_leaves_no_trace() -> None:
    inverter = Inverter()
    inverter.step(1.0)
    before = inverter.steps(60, 1.0, frequency_hz=60.6)[-1]
    assert inverter.steps(10, 1.0, irradiance_poa_w_m2=100.0)[-1] < 0.3 < before
    assert inverter.step(1.0, irradiance_poa_w_m2=FULL_SUN_W_M2) == pytest.approx(before)


def test_under_frequency_uses_what_was_held_back_but_never_more_than_there_is() -> None:
    inverter = Inverter(volt_watt_on=1.0, volt_watt_response_s=100.0)
    inverter.step(1.0, voltage_pu=1.09)  # volt-watt holds three quarters back
    held_back = inverter.active
    inverter.steps(60, 1.0, frequency_hz=59.7, voltage_pu=1.0)
    gained = (0.3 - 0.036) / (60.0 * 0.05)
    assert inverter.active == pytest.approx(min(held_back + gained, 1.0), abs=1e-6)
    assert Inverter().step(60.0, frequency_hz=59.0) == 1.0


def test_a_droop_answers_90_percent_in_its_response_time() -> None:
    inverter = Inverter()
    inverter.step(1.0)
    inverter.steps(5, 1.0, frequency_hz=61.0)
    at_5_s = inverter.active
    settled = inverter.steps(60, 1.0)[-1]
    assert (1.0 - at_5_s) / (1.0 - settled) == pytest.approx(0.875, abs=0.01)  # mean of the fifth second


@pytest.mark.parametrize(("sun", "share"), [(0.04, 0.0), (0.05, 0.25), (0.125, 0.625), (0.2, 1.0), (0.9, 1.0)])
def test_reactive_capability_grows_with_active_power(sun: float, share: float) -> None:
    inverter = Inverter(volt_var_on=1.0)
    inverter.step(60.0, voltage_pu=1.0, active_power_limit=sun)
    inverter.steps(2, 60.0, voltage_pu=1.09)
    assert inverter.active == pytest.approx(min(sun, np.sqrt(1.0 - 0.44**2)))
    assert inverter.absorbed == pytest.approx(share * 0.44, abs=1e-9)


def test_reactive_power_goes_first_where_both_do_not_fit() -> None:
    inverter = Inverter(volt_var_on=1.0)
    inverter.steps(2, 60.0, voltage_pu=0.9)
    assert inverter.absorbed == pytest.approx(-0.44)
    assert inverter.active == pytest.approx(np.sqrt(1.0 - 0.44**2))


@pytest.mark.parametrize(("absorbing", "sign"), [(1.0, 1.0), (0.0, -1.0)])
def test_a_constant_power_factor_keeps_its_ratio_up_to_the_rating(absorbing: float, sign: float) -> None:
    inverter = Inverter(power_factor=0.92, power_factor_absorbing=absorbing)
    for limit in (0.5, 1.0):
        inverter.steps(2, 60.0, active_power_limit=limit)
        apparent = np.hypot(inverter.active, inverter.absorbed)
        assert inverter.active / apparent == pytest.approx(0.92)
        assert np.sign(inverter.absorbed) == sign
    assert apparent == pytest.approx(1.0)


def test_an_oversized_inverter_has_room_for_reactive_power_beside_all_its_active_power() -> None:
    inverter = Inverter(volt_var_on=1.0, active_power_max_pu=0.88)
    inverter.steps(2, 60.0, voltage_pu=0.9)
    assert inverter.active == pytest.approx(0.88)
    assert inverter.absorbed == pytest.approx(-0.44)
    assert inverter.steps(2, 60.0, active_power_limit=0.5)[-1] == pytest.approx(0.44)


@pytest.mark.parametrize("share", [1.0, 0.97])
def test_watt_var_follows_its_curve_and_shares_the_rating_at_the_top(share: float) -> None:
    inverter = Inverter(watt_var_on=1.0, active_power_max_pu=share)
    for limit, absorbed in ((0.4, 0.0), (0.5, 0.0), (0.75, 0.22), (0.85, 0.308)):
        inverter.steps(2, 60.0, active_power_limit=limit)
        assert inverter.active == pytest.approx(limit * share)
        assert inverter.absorbed == pytest.approx(absorbed, abs=1e-9)
    inverter.steps(2, 60.0, active_power_limit=1.0)
    assert np.hypot(inverter.active, inverter.absorbed) == pytest.approx(1.0)
    assert inverter.absorbed == pytest.approx(0.44 * (inverter.active / share - 0.5) / 0.5)


def test_current_is_limited_at_low_voltage() -> None:
    inverter = Inverter(volt_var_on=1.0)
    inverter.steps(15, 1.0, voltage_pu=0.6)
    assert inverter.in_service
    assert np.hypot(inverter.active, inverter.absorbed) == pytest.approx(1.2 * 0.6)


def test_a_commanded_limit_moves_in_its_response_time() -> None:
    inverter = Inverter(power_limit_response_s=30.0)
    inverter.step(1.0)
    falling = inverter.steps(20, 1.0, active_power_limit=0.5)
    np.testing.assert_allclose(falling[:15], 1.0 - (np.arange(15) + 0.5) / 30.0)
    np.testing.assert_allclose(falling[15:], 0.5)
    assert Inverter().step(1.0, active_power_limit=0.3) == pytest.approx(0.3)


def test_the_first_step_finds_everything_settled() -> None:
    inverter = Inverter(volt_var_on=1.0, volt_watt_on=1.0)
    first = inverter.step(1.0, voltage_pu=1.07, frequency_hz=60.3), inverter.absorbed
    inverter.steps(120, 1.0)
    assert (inverter.active, inverter.absorbed) == pytest.approx(first)


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ({"trip_uv1_pu": 0.93}, "trip_uv1_pu[0]: must not be above enter_service_low_pu"),
        ({"trip_of1_hz": 63.0}, "trip_of1_hz[0]: must not be above trip_of2_hz"),
        ({"frequency_nominal_hz": 50.0}, "enter_service_low_hz[0]: must not be above frequency_nominal_hz"),
        ({"watt_var_p2_pu": 0.2}, "watt_var_p1_pu[0]: must be below watt_var_p2_pu"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(parameters: Mapping[str, float], complaint: str) -> None:
    with pytest.raises(FleetError) as refusal:
        Fleet(model="pv_inverter", n=1, parameters=parameters)
    assert complaint in str(refusal.value)


@given(seed=SEEDS)
def test_no_grid_brings_an_inverter_beyond_its_limits(seed: int) -> None:
    """Ten inverters with random functions through random voltages and frequencies, mostly near the usual ones."""
    rng = np.random.default_rng(seed)
    n = 10
    switches = ("volt_var_on", "watt_var_on", "volt_watt_on", "frequency_droop_on", "power_factor_absorbing")
    parameters: dict[str, Column] = {name: rng.integers(0, 2, n).astype(np.float64) for name in switches}
    parameters["power_factor"] = rng.uniform(0.7, 1.0, n)
    parameters["enter_service_delay_s"] = rng.uniform(0.0, 100.0, n)
    parameters["enter_service_ramp_s"] = rng.uniform(0.0, 100.0, n)
    parameters["ac_power_va"] = rng.uniform(1e3, 1e4, n)
    rating = parameters["ac_power_va"]
    with Fleet(model="pv_inverter", n=n, parameters=parameters) as fleet:
        for k in range(40):
            fleet.inputs["irradiance_poa_w_m2"][:] = rng.uniform(0.0, 1200.0, n)
            fleet.inputs["voltage_pu"][:] = rng.normal(1.0, 0.06, n)
            fleet.inputs["frequency_hz"][:] = rng.normal(60.0, 0.3, n)
            fleet.inputs["active_power_limit"][:] = rng.uniform(0.2, 1.0, n)
            fleet.step(60.0 * k, float(rng.choice([1.0, 30.0, 60.0])))
            out = fleet.outputs
            active, reactive = -out["power_w"] / rating, out["reactive_power_var"] / rating
            assert np.all(active >= 0.0)
            assert np.all(active <= fleet.inputs["active_power_limit"] + 1e-9)
            assert np.all(active <= -out["power_available_w"] / rating + 1e-9)
            assert np.all(np.hypot(active, reactive) <= 1.0 + 1e-12)
            assert np.all(np.abs(reactive) <= 0.44 + 1e-12)
            assert np.all(out["power_dc_used_w"] <= out["power_dc_available_w"] * (1.0 + 1e-12))
            np.testing.assert_allclose(out["power_dc_used_w"], -out["power_w"] + out["loss_w"], rtol=1e-9, atol=1e-9)
            assert np.all(out["loss_w"] >= -1e-9)


@given(seed=SEEDS)
def test_a_long_step_passes_trips_and_enter_service_like_short_ones(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 6
    parameters = {"volt_var_on": np.ones(n), "enter_service_delay_s": rng.uniform(0.0, 400.0, n)}
    before = {"irradiance_poa_w_m2": np.full(n, 800.0), "voltage_pu": rng.choice([0.0, 1.0, 1.15], n)}
    after = {"voltage_pu": rng.choice([0.4, 0.87, 1.0, 1.03, 1.12], n), "frequency_hz": rng.choice([60.0, 60.5], n)}

    def passed(lengths_s: list[float]) -> tuple[dict[str, Column], Column]:
        with Fleet(model="pv_inverter", n=n, parameters=parameters) as fleet:
            for name, value in before.items():
                fleet.inputs[name][:] = value
            fleet.step(0.0, 60.0)
            for name, value in after.items():
                fleet.inputs[name][:] = value
            seen = []
            for k, length_s in enumerate(lengths_s):
                fleet.step(60.0 * (k + 1), length_s)
                seen.append({name: view.copy() for name, view in fleet.outputs.items()})
        flows = [name for name in seen[0] if name.endswith(("_w", "_var"))]
        return {name: np.mean([row[name] for row in seen], axis=0) for name in flows}, seen[-1]["in_service"]

    long, long_service = passed([900.0])
    short, short_service = passed([60.0] * 15)
    np.testing.assert_array_equal(long_service, short_service)
    for name, expected in short.items():
        np.testing.assert_allclose(long[name], expected, rtol=1e-9, atol=1e-9, err_msg=name)
