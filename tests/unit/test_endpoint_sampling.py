"""When far sides report, and what their messages promise: intervals, phases, order, age, determinism."""

import hashlib
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from simulators.endpoints.controls import Controls
from simulators.endpoints.port import Outgoing
from simulators.endpoints.registry import agents
from tests.builders import small_pilot
from tests.endpoint_stage import START_S, Stage, columns
from twin.adapters.port import Presence, Readings
from twin.model.device import KINDS, DeviceKind, Pathway
from twin.model.topology import Pilot

WIRES = ("canonical", "hems_home", "oem_acme")


def traffic(pilot: Pilot, seconds: range) -> list[Outgoing]:
    """Everything that all far sides of `pilot` send."""
    world = agents(pilot, Controls(pilot), START_S)
    values = columns(pilot)
    sent = [message for agent in world for message in agent.birth(START_S)]
    for second in seconds:
        sent += [message for agent in world for message in agent.sample(START_S + second, values)]
    return sent + [message for agent in world for message in agent.farewell(START_S + seconds.stop)]


def digest(messages: list[Outgoing]) -> str:
    return hashlib.sha256(repr(messages).encode()).hexdigest()


@pytest.mark.parametrize(("wire", "interval_s"), [("canonical", 1), ("hems_home", 5), ("oem_acme", 60)])
def test_an_endpoint_speaks_once_at_the_start_and_once_per_interval(wire: str, interval_s: int) -> None:
    stage = Stage(wire, small_pilot())
    values = columns(stage.pilot)
    assert len(stage.agent.sample(START_S, values)) == 1
    times = [second for second in range(1, 301) if stage.agent.sample(START_S + second, values)]
    assert 300 / interval_s - 1 <= len(times) <= 300 / interval_s + 1
    assert set(np.diff(times).tolist()) == {interval_s}


@pytest.mark.parametrize("wire", WIRES)
def test_a_step_longer_than_the_interval_gives_one_message_per_step(wire: str) -> None:
    stage = Stage(wire, small_pilot())
    values = columns(stage.pilot)
    assert [len(stage.agent.sample(START_S + 60 * step, values)) for step in range(10)] == [1] * 10


def test_many_homes_do_not_speak_at_once() -> None:
    pilot = small_pilot(homes=200, pathways=[Pathway.HEMS])
    stage = Stage("hems_home", pilot)
    values = columns(pilot)
    stage.agent.sample(START_S, values)
    per_second = [stage.agent.sample(START_S + second, values) for second in range(1, 6)]
    assert all(20 <= len(messages) <= 60 for messages in per_second), [len(messages) for messages in per_second]
    within = np.array([message.due_s % 1.0 for messages in per_second for message in messages])
    assert np.histogram(within, bins=4, range=(0.0, 1.0))[0].min() > 20


@pytest.mark.parametrize("wire", ["canonical", "hems_home"])
def test_sequences_count_up_and_arrive_in_order(wire: str) -> None:
    stage = Stage(wire, small_pilot())
    values = columns(stage.pilot)
    sent = [message for second in range(0, 400, 5) for message in stage.agent.sample(START_S + second, values)]
    readings = [stage.read(message) for message in sent]
    assert all(isinstance(made, Readings) for made in readings)
    assert [made.sequence for made in readings if isinstance(made, Readings)] == list(range(1, len(sent) + 1))
    assert {made.session for made in readings if isinstance(made, Readings)} == {"7-1780315200"}
    due = [message.due_s for message in sent]
    assert due == sorted(due)


@pytest.mark.parametrize("wire", WIRES)
def test_values_are_measured_then_published_then_due(wire: str) -> None:
    stage = Stage(wire, small_pilot())
    for second in range(0, 300, 60):
        for message in stage.agent.sample(START_S + second, columns(stage.pilot)):
            made = stage.read(message)
            assert isinstance(made, Readings)
            for report in made.reports:
                assert report.measured_at < made.published_at
                assert made.published_at.timestamp() < message.due_s + 0.001


def test_the_cloud_repeats_what_it_has_until_the_site_communicates_and_keeps_its_promise() -> None:
    stage = Stage("oem_acme", small_pilot(interval_s={Pathway.OEM: 10}))
    measured, ages = [], []
    for second in range(600):
        for message in stage.agent.sample(START_S + second, columns(stage.pilot, power_w=float(second))):
            made = stage.read(message)
            assert isinstance(made, Readings)
            report = made.reports[0]
            measured.append(report.measured_at)
            ages.append(message.due_s - report.measured_at.timestamp())
            assert report.values["power_w"] == report.measured_at.timestamp() - START_S, (
                "value and time belong together"
            )
    assert max(Counter(measured).values()) >= 6, "six polls or more of one cached value"
    assert 60 < max(ages) < stage.endpoint.max_age_s


def test_a_large_account_is_sent_in_pages_that_cover_every_site_once() -> None:
    pilot = small_pilot(homes=230, pathways=[Pathway.OEM], kinds=[DeviceKind.METER])
    stage = Stage("oem_acme", pilot)
    pages = [stage.read(message) for message in stage.agent.sample(START_S, columns(pilot))]
    assert len(pages) == 3
    devices = [report.device for page in pages if isinstance(page, Readings) for report in page.reports]
    assert sorted(devices) == sorted(device.id for device in pilot.devices)


@pytest.mark.parametrize("wire", WIRES)
def test_endpoints_come_and_go_as_their_adapter_understands_it(wire: str) -> None:
    stage = Stage(wire, small_pilot())
    born = [stage.read(message) for message in stage.agent.birth(START_S)]
    assert all(isinstance(made, Presence) and made.online for made in born)
    assert any(isinstance(made, Presence) and made.software for made in born)
    gone = [stage.read(message) for message in stage.agent.farewell(START_S)]
    ((endpoint, (topic, payload)),) = stage.agent.wills().items()
    willed = stage.read(Outgoing(START_S, topic, payload))
    for made in (*gone, willed):
        assert isinstance(made, Presence)
        assert (made.endpoint, made.online) == (endpoint, False)
    assert all(message.retain and message.qos == 1 for message in stage.agent.birth(START_S))
    assert {message.topic for message in stage.agent.farewell(START_S)} == {topic}


def test_a_live_device_is_not_spoken_for_and_keeps_its_place() -> None:
    pilot = small_pilot(batteries=2, live=["h1-battery", "h2-battery", "h3-battery"])
    for wire, home in zip(WIRES, ("h1", "h2", "h3"), strict=True):
        stage = Stage(wire, pilot)
        made = stage.read(stage.agent.sample(START_S, columns(pilot))[0])
        assert isinstance(made, Readings)
        spoken_for = {report.device for report in made.reports}
        assert f"{home}-battery" not in spoken_for
        assert f"{home}-battery-2" in spoken_for


def test_an_endpoint_with_only_live_devices_is_silent() -> None:
    everything = small_pilot()
    pilot = small_pilot(live=[device.id for device in everything.devices if device.home in {"h1", "h3"}])
    assert {message.topic.split("/")[0] for message in traffic(pilot, range(3))} == {"hems"}


def test_a_battery_that_follows_no_command_reports_no_setpoint() -> None:
    pilot = small_pilot()
    values = columns(pilot)
    values[DeviceKind.BATTERY]["power_setpoint_w"][:] = np.nan
    stage = Stage("canonical", pilot)
    made = stage.read(stage.agent.sample(START_S, values)[0])
    assert isinstance(made, Readings)
    battery = next(report for report in made.reports if report.device == "h1-battery")
    assert set(battery.values) == set(KINDS[DeviceKind.BATTERY].reports) - {"power_setpoint_w"}


def test_same_pilot_seed_and_start_give_the_same_bytes_and_another_seed_other_times() -> None:
    first, second = (digest(traffic(small_pilot(homes=9), range(0, 600, 7))) for _ in range(2))
    assert first == second
    assert digest(traffic(small_pilot(homes=9, seed=8), range(0, 600, 7))) != first


def test_an_adapter_without_a_simulated_far_side_is_named() -> None:
    pilot = small_pilot()
    strange = replace(pilot, endpoints=tuple(replace(endpoint, adapter="sunspec") for endpoint in pilot.endpoints))
    with pytest.raises(ValueError, match="'sunspec' has no simulated far side; there are: canonical"):
        agents(strange, Controls(strange), START_S)
