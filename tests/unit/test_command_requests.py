"""What may be asked of a device, and who wins when two ask."""

import math

import pytest

from tests.ingest_stage import Stage
from twin.model.command import CommandState
from twin.state.command_check import CommandError


@pytest.mark.parametrize(
    ("device", "quantity", "value", "duration_s", "priority", "allowed"),
    [
        ("h9-battery", "power_setpoint_w", 1.0, 60.0, 5, "device id"),
        ("h1-meter", "power_setpoint_w", 1.0, 60.0, 5, "nothing"),
        ("h1-battery", "soc", 0.5, 60.0, 5, "power_setpoint_w"),
        ("h1-battery", "power_setpoint_w", 5_001.0, 60.0, 5, "-5000 to 5000 W"),
        ("h1-battery", "power_setpoint_w", -5_001.0, 60.0, 5, "-5000 to 5000 W"),
        ("h1-battery", "power_setpoint_w", math.nan, 60.0, 5, "-5000 to 5000 W"),
        ("h1-battery", "power_setpoint_w", math.inf, 60.0, 5, "-5000 to 5000 W"),
        ("h1-ev-charger", "power_limit_w", -1.0, 60.0, 5, "0 to 7400 W"),
        ("h1-pv", "active_power_limit", 1.1, 60.0, 5, "0 to 1 1"),
        ("h1-heat-pump", "setpoint_offset_k", -6.0, 60.0, 5, "-5 to 5 K"),
        ("h1-water-heater", "setpoint_tank_degc", 95.0, 60.0, 5, "30 to 90 degC"),
        ("h1-battery", "power_setpoint_w", 1.0, 0.0, 5, "more than 0"),
        ("h1-battery", "power_setpoint_w", 1.0, math.nan, 5, "more than 0"),
        ("h1-battery", "power_setpoint_w", 1.0, 86_401.0, 5, "up to 86400 s"),
        ("h1-battery", "power_setpoint_w", 1.0, 60.0, 10, "0 to 9"),
        ("h1-battery", "power_setpoint_w", 1.0, 60.0, -1, "0 to 9"),
    ],
)
def test_what_no_device_could_do_is_refused_with_what_is_allowed(
    device: str, quantity: str, value: float, duration_s: float, priority: int, allowed: str
) -> None:
    stage = Stage()
    with pytest.raises(CommandError) as refused:
        stage.dispatcher.request(
            device=device, quantity=quantity, value=value, duration_s=duration_s, priority=priority, origin="test"
        )
    assert allowed in refused.value.allowed
    assert stage.commands == []
    assert stage.dispatcher.records() == ()


def test_the_same_requests_at_the_same_times_get_the_same_ids() -> None:
    ids = []
    for _ in range(2):
        stage = Stage()
        records = [
            stage.dispatcher.request(device="h1-battery", quantity="power_setpoint_w", value=value, duration_s=60)
            for value in (1.0, 2.0)
        ]
        ids.append([record.command.id for record in records])
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 2
    assert all(len(command) <= 64 for command in ids[0])


@pytest.mark.parametrize("priority", [5, 6])
def test_an_equal_or_stronger_command_takes_over(priority: int) -> None:
    stage = Stage()
    first = stage.dispatcher.request(device="h1-battery", quantity="power_setpoint_w", value=1.0, duration_s=60)
    second = stage.dispatcher.request(
        device="h1-battery", quantity="power_setpoint_w", value=2.0, duration_s=60, priority=priority
    )
    old = stage.dispatcher.record(first.command.id)
    assert old is not None
    assert (old.state, old.steps[-1].reason) == (CommandState.SUPERSEDED, f"by {second.command.id}")
    assert second.state is CommandState.SENT
    assert stage.state.device("h1-battery").desired["power_setpoint_w"].command_id == second.command.id


def test_a_weaker_command_is_refused_while_a_stronger_one_is_in_force_even_when_that_is_verified() -> None:
    stage = Stage()
    stage.telemetry({"h1-meter": {"power_w": 500.0}, "h1-battery": {"power_w": 0.0, "power_setpoint_w": 0.0}})
    strong = stage.dispatcher.request(
        device="h1-battery", quantity="power_setpoint_w", value=2000.0, duration_s=60, priority=8
    )
    stage.answer(strong.command.id, "acknowledged")
    stage.pass_time(1)
    stage.telemetry({"h1-meter": {"power_w": 2500.0}, "h1-battery": {"power_w": 2000.0, "power_setpoint_w": 2000.0}})
    verified = stage.dispatcher.record(strong.command.id)
    assert verified is not None
    assert verified.state is CommandState.VERIFIED
    weak = stage.dispatcher.request(device="h1-battery", quantity="power_setpoint_w", value=0.0, duration_s=60)
    assert weak.state is CommandState.REFUSED
    assert strong.command.id in weak.steps[-1].reason
    assert stage.state.device("h1-battery").desired["power_setpoint_w"].value == 2000.0
    assert len(stage.commands) == 1
    stage.pass_time(61)
    later = stage.dispatcher.request(device="h1-battery", quantity="power_setpoint_w", value=0.0, duration_s=60)
    assert later.state is CommandState.SENT


def test_commands_for_other_devices_and_quantities_do_not_meet() -> None:
    stage = Stage()
    for device, quantity in (("h1-battery", "power_setpoint_w"), ("h1-ev-charger", "power_limit_w")):
        stage.dispatcher.request(device=device, quantity=quantity, value=1500.0, duration_s=60)
    assert {record.state for record in stage.dispatcher.records()} == {CommandState.SENT}


def test_finished_commands_are_kept_in_bounded_number() -> None:
    stage = Stage()
    for number in range(1_105):
        stage.dispatcher.request(device="h1-battery", quantity="power_setpoint_w", value=float(number), duration_s=60)
    assert len(stage.dispatcher.records()) == 1_001
    assert stage.dispatcher.counts()[CommandState.SUPERSEDED] == 1_104
