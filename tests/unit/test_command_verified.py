"""Does the meter agree? Honest and lying devices, noisy households, slow clouds; the rule of ADR 0007."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.builders import small_pilot
from tests.ingest_stage import START, Stage, seconds
from twin.model.command import CommandState
from twin.model.device import DeviceKind, Pathway
from twin.model.telemetry import Report
from twin.model.topology import Pilot
from twin.state.commands import CommandBook

Values = Mapping[str, Mapping[str, float]]


class Home:
    """One home whose devices and meter report as told; the book follows."""

    def __init__(self, pilot: Pilot | None = None) -> None:
        self.pilot = pilot or small_pilot(homes=1, pathways=(Pathway.GATEWAY,))
        self.book = CommandBook(self.pilot)
        self.command = ""

    def report(self, at_s: float, values: Values) -> None:
        at = START + seconds(at_s)
        self.book.reports(
            [
                Report(device=name, measured_at=at, published_at=at, received_at=at, values=of)
                for name, of in values.items()
            ],
            session="s",
            now=at,
        )

    def ask(self, at_s: float, device: str, quantity: str, value: float) -> None:
        now = START + seconds(at_s)
        record = self.book.request(
            device=device, quantity=quantity, value=value, duration_s=300, priority=5, origin="test", now=now
        )
        self.command = record.command.id
        self.book.sent(self.command, now)
        endpoint = self.pilot.device[device].endpoint
        self.book.answer(endpoint=endpoint, command=self.command, outcome="acknowledged", reason="", now=now)

    def state(self) -> CommandState:
        record = self.book.record(self.command)
        assert record is not None
        return record.state


def battery(meter_w: float, power_w: float, setpoint_w: float) -> Values:
    return {"h1-meter": {"power_w": meter_w}, "h1-battery": {"power_w": power_w, "power_setpoint_w": setpoint_w}}


def asked_to_charge(rest_w: float = 400.0) -> Home:
    home = Home()
    for at_s in range(4):
        home.report(at_s, battery(rest_w, 0.0, 0.0))
    home.ask(3.5, "h1-battery", "power_setpoint_w", 3000.0)
    return home


def test_an_honest_device_is_verified_at_the_first_meter_reading() -> None:
    home = asked_to_charge()
    home.report(4, battery(3420.0, 3000.0, 3000.0))
    assert home.state() is CommandState.VERIFIED


def test_a_device_that_only_claims_it_is_not() -> None:
    home = asked_to_charge()
    for at_s in range(4, 30):
        home.report(at_s, battery(400.0, 3000.0, 3000.0))
    assert home.state() is CommandState.APPLIED
    home.book.tick(START + seconds(310), lambda _: True)
    record = home.book.record(home.command)
    assert record is not None
    assert record.state is CommandState.EXPIRED
    assert "moved by 3000 W, the rest of the home by -3000 W" in record.steps[-1].reason


def test_a_device_that_delivers_less_than_half_of_what_it_claims_is_not() -> None:
    home = asked_to_charge()
    for at_s in range(4, 12):
        home.report(at_s, battery(400.0 + 1400.0, 3000.0, 3000.0))
    assert home.state() is CommandState.APPLIED


def test_a_kettle_at_the_wrong_moment_only_delays_it() -> None:
    home = asked_to_charge()
    home.report(4, battery(3400.0 + 2200.0, 3000.0, 3000.0))
    assert home.state() is CommandState.APPLIED
    home.report(5, battery(3400.0, 3000.0, 3000.0))
    assert home.state() is CommandState.VERIFIED


def test_other_devices_that_move_at_the_same_time_do_not_matter() -> None:
    home = Home()
    before = {"h1-pv": {"power_w": -4000.0}, "h1-heat-pump": {"power_w": 0.0}}
    after = {"h1-pv": {"power_w": -1000.0}, "h1-heat-pump": {"power_w": 2500.0}}
    home.report(0, {**battery(-3600.0, 0.0, 0.0), **before})
    home.ask(0.5, "h1-battery", "power_setpoint_w", -2000.0)
    home.report(1, {**battery(400.0 - 1000.0 + 2500.0 - 2000.0, -2000.0, -2000.0), **after})
    assert home.state() is CommandState.VERIFIED


def test_an_offset_that_moves_no_power_is_verified_when_the_agreement_lasts() -> None:
    home = Home()
    quiet = {"h1-meter": {"power_w": 400.0}, "h1-heat-pump": {"power_w": 0.0, "setpoint_offset_k": 0.0}}
    shifted = {"h1-meter": {"power_w": 400.0}, "h1-heat-pump": {"power_w": 0.0, "setpoint_offset_k": -1.0}}
    home.report(0, quiet)
    home.ask(0.5, "h1-heat-pump", "setpoint_offset_k", -1.0)
    home.report(1, shifted)
    home.report(2, shifted)
    assert home.state() is CommandState.APPLIED
    home.report(3, shifted)
    assert home.state() is CommandState.VERIFIED


@pytest.mark.parametrize(
    ("device", "quantity", "before", "after", "value"),
    [
        ("h1-pv", "active_power_limit", -4000.0, -1200.0, 0.2),
        ("h1-ev-charger", "power_limit_w", 7000.0, 1400.0, 1400.0),
        ("h1-heat-pump", "setpoint_offset_k", 2500.0, 0.0, -2.0),
        ("h1-water-heater", "setpoint_tank_degc", 0.0, 3000.0, 75.0),
    ],
)
def test_every_kind_is_held_against_the_meter(
    device: str, quantity: str, before: float, after: float, value: float
) -> None:
    home, liar = Home(), Home()
    for each in (home, liar):
        each.report(0, {"h1-meter": {"power_w": 300.0 + before}, device: {"power_w": before}})
        each.ask(0.5, device, quantity, value)
    home.report(1, {"h1-meter": {"power_w": 330.0 + after}, device: {"power_w": after, quantity: value}})
    liar.report(1, {"h1-meter": {"power_w": 330.0 + before}, device: {"power_w": after, quantity: value}})
    assert (home.state(), liar.state()) == (CommandState.VERIFIED, CommandState.APPLIED)


def test_a_cloud_minutes_late_is_compared_with_what_the_meter_measured_at_the_same_moment() -> None:
    """Meter on a gateway every second; battery in a cloud every minute, late. The household changes in between."""
    pilot = small_pilot(homes=2, pathways=(Pathway.GATEWAY, Pathway.OEM), kinds=(DeviceKind.METER, DeviceKind.BATTERY))
    devices = tuple(
        replace(device, endpoint="acme") if device.id == "h1-battery" else device for device in pilot.devices
    )
    home = Home(replace(pilot, devices=devices))
    for at_s in range(60):
        home.report(at_s, {"h1-meter": {"power_w": 400.0 if at_s < 30 else 2400.0}})
    home.ask(60, "h1-battery", "power_setpoint_w", 3000.0)
    for at_s in range(61, 130):
        home.report(at_s, {"h1-meter": {"power_w": 5400.0 if at_s < 100 else 3400.0}})
    home.report(5, {"h1-battery": {"power_w": 0.0, "power_setpoint_w": 0.0}})
    home.report(120, {"h1-battery": {"power_w": 3000.0, "power_setpoint_w": 3000.0}})
    assert home.state() is CommandState.VERIFIED


def test_a_home_without_a_meter_reading_cannot_be_verified() -> None:
    home = Home()
    home.report(0, {"h1-battery": {"power_w": 0.0, "power_setpoint_w": 0.0}})
    home.ask(0.5, "h1-battery", "power_setpoint_w", 3000.0)
    for at_s in range(1, 6):
        home.report(at_s, {"h1-battery": {"power_w": 3000.0, "power_setpoint_w": 3000.0}})
    assert home.state() is CommandState.APPLIED
    home.book.tick(START + seconds(310), lambda _: True)
    record = home.book.record(home.command)
    assert record is not None
    assert "no meter reading" in record.steps[-1].reason


def test_a_command_through_every_pathway_is_judged_alike() -> None:
    stage = Stage(small_pilot(homes=3))
    for number in (1, 2, 3):
        record = stage.dispatcher.request(
            device=f"h{number}-battery", quantity="power_setpoint_w", value=1000.0, duration_s=300
        )
        assert record.state is CommandState.SENT
    assert len(stage.commands) == 1  # the canonical one; the others went out in their own words
