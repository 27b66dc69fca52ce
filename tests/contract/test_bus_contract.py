"""What every bus promises, told once and held against the memory bus and MQTT on both brokers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.bus_arms import Arm, Inbox, MemoryArm, MqttArm, until
from twin.bus import broker
from twin.bus.port import BusError, Frame


@pytest.fixture(scope="module")
def mosquitto_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    if broker.find().kind != "mosquitto":
        pytest.skip("no mosquitto on this machine")
    yield from _run("mosquitto", tmp_path_factory.mktemp("mosquitto"))


@pytest.fixture(scope="module")
def amqtt_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    yield from _run("amqtt", tmp_path_factory.mktemp("amqtt"))


def _run(kind: broker.Kind, folder: Path) -> Iterator[int]:
    running = broker.EmbeddedBroker.start(folder, kind=kind)
    yield running.port
    running.stop()


BROKERS = [pytest.param(kind, marks=pytest.mark.integration) for kind in ("mosquitto", "amqtt")]


@pytest.fixture(params=["memory", *BROKERS])
def arm(request: pytest.FixtureRequest) -> Iterator[Arm]:
    kind: str = request.param
    made: Arm = MemoryArm() if kind == "memory" else MqttArm(request.getfixturevalue(f"{kind}_port"))
    yield made
    made.close()


@pytest.fixture
def here(request: pytest.FixtureRequest) -> str:
    """A topic level, and a client name, of this test's own: the brokers outlive tests."""
    name: str = request.node.originalname
    return name.replace("_", "-")


def test_messages_arrive_in_the_order_of_their_topic(arm: Arm, here: str) -> None:
    inbox = Inbox()
    reader, writer = arm.client(f"{here}-r"), arm.client(f"{here}-w")
    reader.subscribe(f"{here}/#", inbox)
    arm.ready(reader)
    arm.ready(writer)
    for number in range(300):
        for topic in "abc":
            writer.publish(f"{here}/{topic}", b"%d" % number)
    until(lambda: len(inbox.frames) >= 900)
    for topic in "abc":
        came = [frame.payload for frame in inbox.frames if frame.topic == f"{here}/{topic}"]
        assert came == [b"%d" % number for number in range(300)]
    until(lambda: writer.outbox == 0)


def test_wildcards_select_topics(arm: Arm, here: str) -> None:
    one_level, below, exact = Inbox(), Inbox(), Inbox()
    bus = arm.client(here)
    bus.subscribe(f"{here}/1/+/telemetry", one_level)
    bus.subscribe(f"{here}/2/#", below)
    bus.subscribe(f"{here}/3", exact)
    arm.ready(bus)
    for topic in ("1/a/telemetry", "1/a/birth", "1/a/b/telemetry", "2", "2/x", "2/x/y", "3", "3/x", "4"):
        bus.publish(f"{here}/{topic}", topic.encode())
    bus.publish(f"{here}/3", b"last")
    until(lambda: b"last" in exact.payloads)
    assert one_level.payloads == [b"1/a/telemetry"]
    assert below.payloads == [b"2", b"2/x", b"2/x/y"]
    assert exact.payloads == [b"3", b"last"]


def test_a_late_subscriber_gets_the_last_retained_message_marked_as_such(arm: Arm, here: str) -> None:
    early, late, later = Inbox(), Inbox(), Inbox()
    writer = arm.client(f"{here}-w")
    writer.subscribe(f"{here}/+", early)
    arm.ready(writer)
    writer.publish(f"{here}/status", b"old", retain=True)
    writer.publish(f"{here}/status", b"new", retain=True)
    writer.publish(f"{here}/value", b"passing")
    early.wait_for(b"old", b"new", b"passing")
    assert not any(frame.retained for frame in early.frames)

    reader = arm.client(f"{here}-r")
    arm.ready(reader)
    reader.subscribe(f"{here}/+", late)
    late.wait_for(b"new")
    assert late.frames[0].retained

    writer.publish(f"{here}/status", b"", retain=True)
    late.wait_for(b"new", b"")
    last = arm.client(f"{here}-l")
    last.subscribe(f"{here}/+", later)
    arm.ready(last)
    writer.publish(f"{here}/value", b"end")
    later.wait_for(b"end")


def test_what_was_not_acknowledged_comes_again_when_the_client_returns(arm: Arm, here: str) -> None:
    first, second = Inbox(), Inbox()
    writer, reader = arm.client(f"{here}-w"), arm.client(f"{here}-r")
    reader.subscribe(f"{here}/t", first, acknowledge_by_hand=True)
    arm.ready(reader)
    arm.ready(writer)
    for number in range(6):
        writer.publish(f"{here}/t", b"%d" % number)
    first.wait_for(b"0", b"1", b"2", b"3", b"4", b"5")
    reader.acknowledge(first.frames[:4])
    reader.close()
    writer.publish(f"{here}/t", b"6")

    again = arm.client(f"{here}-r")
    again.subscribe(f"{here}/t", second, acknowledge_by_hand=True)
    arm.ready(again)
    second.wait_for(b"4", b"5", b"6")
    assert all(frame.redelivered for frame in second.frames[:2])
    assert not any(frame.retained for frame in second.frames)


def test_acknowledgements_of_an_earlier_connection_are_dropped(arm: Arm, here: str) -> None:
    inbox, marks = Inbox(), Inbox()
    writer, reader = arm.client(f"{here}-w"), arm.client(f"{here}-r")
    reader.subscribe(f"{here}/t", inbox, acknowledge_by_hand=True)
    reader.subscribe(f"{here}/mark", marks)
    arm.ready(reader)
    arm.ready(writer)
    writer.publish(f"{here}/t", b"1")
    writer.publish(f"{here}/t", b"2")
    inbox.wait_for(b"1", b"2")
    for _ in range(2):  # as long as the right frames are not acknowledged, they come again
        old = list(inbox.frames)
        inbox.frames.clear()
        arm.cut(reader)
        arm.mend(reader)
        inbox.wait_for(b"1", b"2")
        reader.acknowledge(old)
    reader.acknowledge(inbox.frames)
    writer.publish(f"{here}/mark", b"seen")
    marks.wait_for(b"seen")
    inbox.frames.clear()
    arm.cut(reader)
    arm.mend(reader)
    writer.publish(f"{here}/t", b"3")
    inbox.wait_for(b"3")


def test_only_frames_that_can_be_acknowledged_have_a_token(arm: Arm, here: str) -> None:
    by_hand, by_itself = Inbox(), Inbox()
    bus = arm.client(here)
    bus.subscribe(f"{here}/hand", by_hand, acknowledge_by_hand=True)
    bus.subscribe(f"{here}/self", by_itself)
    arm.ready(bus)
    for topic in ("hand", "self"):
        bus.publish(f"{here}/{topic}", b"at least once", qos=1)
        bus.publish(f"{here}/{topic}", b"at most once", qos=0)
    until(lambda: len(by_hand.frames) == len(by_itself.frames) == 2)
    assert by_hand.frames[0].token is not None
    assert by_itself.frames[0].token is None
    bus.acknowledge(by_hand.frames + by_itself.frames)


def test_the_will_is_published_and_retained_when_a_client_vanishes(arm: Arm, here: str) -> None:
    watching, late = Inbox(), Inbox()
    watcher, endpoint = arm.client(f"{here}-w"), arm.client(f"{here}-e")
    watcher.subscribe(f"{here}/status", watching)
    endpoint.set_will(f"{here}/status", b"offline")
    arm.ready(watcher)
    arm.ready(endpoint)
    endpoint.publish(f"{here}/status", b"online", retain=True)
    watching.wait_for(b"online")
    arm.cut(endpoint)
    watching.wait_for(b"online", b"offline")
    other = arm.client(f"{here}-o")
    other.subscribe(f"{here}/status", late)
    arm.ready(other)
    late.wait_for(b"offline")
    assert late.frames[0].retained


def test_no_will_is_published_when_a_client_closes(arm: Arm, here: str) -> None:
    watching = Inbox()
    watcher, endpoint = arm.client(f"{here}-w"), arm.client(f"{here}-e")
    watcher.subscribe(f"{here}/status", watching)
    endpoint.set_will(f"{here}/status", b"offline")
    arm.ready(watcher)
    arm.ready(endpoint)
    endpoint.publish(f"{here}/status", b"leaving")
    endpoint.close()
    assert not endpoint.connected
    watching.wait_for(b"leaving")
    watcher.publish(f"{here}/status", b"later")
    watching.wait_for(b"leaving", b"later")


def test_messages_for_an_absent_client_wait_in_its_session(arm: Arm, here: str) -> None:
    before, after = Inbox(), Inbox()
    writer, reader = arm.client(f"{here}-w"), arm.client(f"{here}-r")
    reader.subscribe(f"{here}/t", before)
    arm.ready(reader)
    arm.ready(writer)
    reader.close()
    for number in range(50):
        writer.publish(f"{here}/t", b"%d" % number)
    until(lambda: writer.outbox == 0)
    again = arm.client(f"{here}-r")
    again.subscribe(f"{here}/t", after)
    arm.ready(again)
    after.wait_for(*(b"%d" % number for number in range(50)))
    assert before.frames == []


def test_the_outbox_holds_messages_in_order_and_says_when_it_is_full(arm: Arm, here: str) -> None:
    inbox = Inbox()
    reader, writer = arm.client(f"{here}-r"), arm.client(f"{here}-w", max_outbox=5)
    reader.subscribe(f"{here}/t", inbox)
    arm.ready(reader)
    arm.ready(writer)
    arm.cut(writer)
    writer.publish(f"{here}/t", b"at most once, so lost", qos=0)
    for number in range(5):
        writer.publish(f"{here}/t", b"%d" % number)
    assert writer.outbox == 5
    with pytest.raises(BusError, match="outbox is full") as caught:
        writer.publish(f"{here}/t", b"one too many")
    assert caught.value.retryable
    arm.mend(writer)
    until(lambda: writer.outbox == 0)
    writer.publish(f"{here}/t", b"5")
    inbox.wait_for(b"0", b"1", b"2", b"3", b"4", b"5")


def test_subscriptions_hold_after_a_reconnect(arm: Arm, here: str) -> None:
    inbox = Inbox()
    reader, writer = arm.client(f"{here}-r"), arm.client(f"{here}-w")
    reader.subscribe(f"{here}/t", inbox)
    arm.ready(reader)
    arm.ready(writer)
    writer.publish(f"{here}/t", b"before")
    inbox.wait_for(b"before")
    arm.cut(reader)
    writer.publish(f"{here}/t", b"meanwhile")
    arm.mend(reader)
    writer.publish(f"{here}/t", b"after")
    inbox.wait_for(b"before", b"meanwhile", b"after")


def test_a_handler_may_publish_and_may_fail(arm: Arm, here: str, caplog: pytest.LogCaptureFixture) -> None:
    answers = Inbox()
    bus = arm.client(here)

    def answer(frame: Frame) -> None:
        bus.publish(f"{here}/answer", frame.payload)
        if frame.payload == b"1":
            raise RuntimeError("this one is too much")

    bus.subscribe(f"{here}/question", answer)
    bus.subscribe(f"{here}/answer", answers)
    arm.ready(bus)
    for number in range(3):
        bus.publish(f"{here}/question", b"%d" % number)
    answers.wait_for(b"0", b"1", b"2")
    until(lambda: "this one is too much" in caplog.text)


def test_a_bus_that_is_not_open_takes_nothing(arm: Arm, here: str) -> None:
    bus = arm.client(here)
    with pytest.raises(BusError, match="not open") as caught:
        bus.publish(f"{here}/t", b"too early")
    assert not caught.value.retryable
    arm.ready(bus)
    with pytest.raises(BusError, match="will"):
        bus.set_will(f"{here}/t", b"too late")
    bus.close()
    bus.close()
    with pytest.raises(BusError, match="not open"):
        bus.publish(f"{here}/t", b"too late")


@pytest.mark.parametrize("wrong", ["a/#/b", "a+", "#a", "", "a\0b"])
def test_filters_that_mqtt_does_not_allow_are_refused(arm: Arm, wrong: str) -> None:
    with pytest.raises(ValueError, match="filter"):
        arm.client("any").subscribe(wrong, Inbox())


@pytest.mark.parametrize("wrong", ["a/#", "+/b", "", "a\0b"])
def test_topics_with_wildcards_are_refused(arm: Arm, wrong: str) -> None:
    with pytest.raises(ValueError, match="topic"):
        arm.client("any").publish(wrong, b"")


def test_hands_arrivals_the_stopwatch(arm: Arm, here: str) -> None:
    inbox = Inbox()
    bus = arm.client(here)
    bus.subscribe(here, inbox)
    arm.ready(bus)
    bus.publish(here, b"1")
    bus.publish(here, b"2")
    inbox.wait_for(b"1", b"2")
    assert 0 < inbox.frames[0].arrived_s <= inbox.frames[1].arrived_s
