"""What a far side answers to a command, the same over every wire."""

from datetime import datetime

import numpy as np
import pytest

from simulators.endpoints import orders
from simulators.endpoints.canonical import CanonicalAgent
from simulators.endpoints.controls import Controls
from simulators.endpoints.hems_home import HemsHomeAgent
from simulators.endpoints.oem_acme import OemAcmeAgent
from tests.builders import small_pilot
from tests.endpoint_stage import START_S, Stage, columns, order
from twin.model.device import DeviceKind

WIRES = {"canonical": "h1", "hems_home": "h2", "oem_acme": "h3"}

over_every_wire = pytest.mark.parametrize(("wire", "home"), WIRES.items())


@over_every_wire
def test_a_good_command_is_acknowledged_after_the_way_there_and_back(wire: str, home: str) -> None:
    stage = Stage(wire, small_pilot())
    (message,) = stage.command(order(f"{home}-battery"))
    answer = stage.answer(order(f"{home}-ev-charger", "power_limit_w", identity="c-2"))
    assert (answer.endpoint, answer.command, answer.outcome) == (stage.endpoint.id, "c-2", "acknowledged")
    assert answer.published_at.timestamp() > START_S
    assert message.due_s > START_S
    assert not message.retain


@over_every_wire
def test_a_duplicate_gets_the_first_answer_again_and_tells_the_device_nothing_new(wire: str, home: str) -> None:
    stage = Stage(wire, small_pilot())
    first = stage.answer(order(f"{home}-battery", value=1500.0))
    other = stage.answer(order(f"{home}-battery", value=-700.0, identity="c-2"))
    again = stage.answer(order(f"{home}-battery", value=1500.0), now_s=START_S + 30.0)
    assert first.outcome == other.outcome == again.outcome == "acknowledged"
    assert again.reason == first.reason
    stage.agent.sample(START_S + 31.0, columns(stage.pilot))
    told = stage.controls.active(DeviceKind.BATTERY, "power_setpoint_w", START_S + 31.0)
    assert told[~np.isnan(told)].tolist() == [-700.0]


@over_every_wire
def test_a_command_that_comes_too_late_is_expired_and_never_told(wire: str, home: str) -> None:
    stage = Stage(wire, small_pilot())
    answer = stage.answer(order(f"{home}-battery", lasts_s=10.0), now_s=START_S + 60.0)
    assert answer.outcome == "expired"
    assert "before it came" in answer.reason
    stage.agent.sample(START_S + 61.0, columns(stage.pilot))
    assert np.isnan(stage.controls.active(DeviceKind.BATTERY, "power_setpoint_w", START_S)).all()


@over_every_wire
def test_a_lower_priority_gives_way_and_an_equal_one_takes_over(wire: str, home: str) -> None:
    stage = Stage(wire, small_pilot())
    battery = f"{home}-battery"
    assert stage.answer(order(battery, identity="high", priority=8)).outcome == "acknowledged"
    lower = stage.answer(order(battery, identity="low", priority=3))
    assert (lower.outcome, lower.reason) == ("superseded", "high holds it with priority 8 over 3")
    equal = stage.answer(order(battery, identity="equal", priority=8))
    assert (equal.outcome, equal.reason) == ("acknowledged", "in place of high")
    later = stage.answer(order(battery, identity="later", priority=0, lasts_s=2000.0), now_s=START_S + 901.0)
    assert later.outcome == "acknowledged", "an expired command holds nothing"


@over_every_wire
@pytest.mark.parametrize(
    ("device", "quantity", "value", "reason"),
    [
        ("battery", "power_setpoint_w", 5001.0, "outside -5000..5000 of"),
        ("battery", "power_setpoint_w", -5001.0, "outside -5000..5000 of"),
        ("ev-charger", "power_limit_w", 7401.0, "outside 0..7400 of"),
        ("ev-charger", "power_limit_w", -1.0, "is outside 0..1e+07 W"),
        ("pv", "active_power_limit", 1.2, "is outside 0..1 1"),
        ("heat-pump", "setpoint_offset_k", 9.0, "is outside -5..5 K"),
        ("battery", "soc", 0.5, "is no control of a battery; power_setpoint_w is"),
        ("meter", "voltage_v", 230.0, "is no control of a meter; nothing is"),
    ],
)
def test_what_a_device_cannot_do_is_refused_with_the_reason(
    wire: str, home: str, device: str, quantity: str, value: float, reason: str
) -> None:
    answer = Stage(wire, small_pilot()).answer(order(f"{home}-{device}", quantity, value))
    assert answer.outcome == "refused"
    assert reason in answer.reason


@over_every_wire
def test_nobody_answers_for_a_live_device_or_for_rubbish(wire: str, home: str) -> None:
    stage = Stage(wire, small_pilot(live=[f"{home}-battery"]))
    assert stage.command(order(f"{home}-battery")) == []
    outbound = stage.adapter.encode(stage.endpoint.id, order(f"{home}-pv", "active_power_limit", 0.5))
    for rubbish in (b"", b"{}", b"[1]", b"\xff", b'{"id": 5}'):
        assert stage.agent.receive(outbound.topic, rubbish, START_S) == []
    assert isinstance(stage.agent, CanonicalAgent | HemsHomeAgent | OemAcmeAgent)
    assert stage.agent.unreadable_commands == 5
    assert stage.agent.receive(outbound.topic.replace(stage.endpoint.id, "nobody"), outbound.payload, START_S) == []


@pytest.mark.parametrize(
    ("wire", "topic", "payload"),
    [
        ("canonical", "hg/1/small/gw-h1/command", b'"device":"h2-battery"'),
        ("hems_home", "hems/small/hems-h2/set", b'"path":"battery/9/setpoint"'),
        ("hems_home", "hems/small/hems-h2/set", b'"path":"battery/setpoint"'),
        ("hems_home", "hems/small/hems-h2/set", b'"path":"kettle/1/power"'),
        ("hems_home", "hems/small/hems-h2/set", b'"value":true'),
        ("hems_home", "hems/small/hems-h2/set", b'"rank":99'),
        ("hems_home", "hems/small/hems-h2/set", b'"until":"2026-06-01T12:15:00"'),
        ("hems_home", "hems/small/hems-h2/set", b'"home":"h1"'),
        ("oem_acme", "oem/acme/small/acme/commands", b'"siteId":"h1"'),
        ("oem_acme", "oem/acme/small/acme/commands", b'"unit":0'),
        ("oem_acme", "oem/acme/small/acme/commands", b'"setting":"colour"'),
        ("oem_acme", "oem/acme/small/acme/commands", b'"value":"1.5"'),
        ("oem_acme", "oem/acme/small/acme/commands", b'"durationMin":null'),
        ("oem_acme", "oem/acme/small/acme/commands", b'"priority":-1'),
    ],
)
def test_a_command_with_one_thing_wrong_is_refused_by_name(wire: str, topic: str, payload: bytes) -> None:
    stage = Stage(wire, small_pilot())
    good = stage.adapter.encode(stage.endpoint.id, order(f"{WIRES[wire]}-battery")).payload
    key, _, _ = payload.partition(b":")
    start = good.index(key + b":")
    end = min(end for end in (good.find(b',"', start), good.find(b"}", start)) if end > 0)
    (message,) = stage.agent.receive(topic, good[:start] + payload + good[end:], START_S)
    answer = stage.read(message)
    assert (answer.outcome, answer.command) == ("refused", "c-1")  # type: ignore[union-attr]
    assert np.isnan(stage.controls.active(DeviceKind.BATTERY, "power_setpoint_w", START_S)).all()


def test_the_cloud_keeps_a_command_until_the_site_communicates() -> None:
    stage = Stage("oem_acme", small_pilot())
    stage.agent.sample(START_S, columns(stage.pilot))
    assert stage.answer(order("h3-battery", value=1200.0)).outcome == "acknowledged"
    told_after = None
    for second in range(1, 121):
        stage.agent.sample(START_S + second, columns(stage.pilot))
        told = stage.controls.active(DeviceKind.BATTERY, "power_setpoint_w", START_S + second)
        if told_after is None and not np.isnan(told).all():
            told_after = second
    assert told_after is not None
    assert told_after > 1, "a cloud cannot reach a device that has not asked"


def test_a_command_that_expires_in_the_cloud_never_reaches_the_device() -> None:
    stage = Stage("oem_acme", small_pilot())
    stage.agent.sample(START_S, columns(stage.pilot))
    assert stage.answer(order("h3-battery", lasts_s=3.0)).outcome == "acknowledged"
    for second in range(4, 130):
        stage.agent.sample(START_S + second, columns(stage.pilot))
        assert np.isnan(stage.controls.active(DeviceKind.BATTERY, "power_setpoint_w", START_S)).all()


def test_the_memory_of_answers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "_REMEMBERED", 3)
    pilot = small_pilot()
    desk = orders.Desk(pilot, Controls(pilot))
    for number in range(10):
        desk.take("gw-h1", orders.Order(id=f"c-{number}", problem="no"), START_S)
    assert len(desk._answers) == 3
    assert ("gw-h1", "c-9") in desk._answers


def test_an_answer_is_published_after_the_command_came() -> None:
    stage = Stage("oem_acme", small_pilot())
    answer = stage.answer(order("h3-battery"))
    assert isinstance(answer.published_at, datetime)
    assert answer.published_at.timestamp() > START_S + 0.1, "the cloud takes its time"
