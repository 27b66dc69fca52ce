"""Topics, filters, broker addresses, the outbox and the memory bus's own behaviour."""

import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from tests.contract.bus_arms import Inbox
from twin.bus import topics
from twin.bus.broker import password_is, password_line
from twin.bus.memory import MemoryBroker
from twin.bus.mqtt import MAX_PAYLOAD, MqttBus
from twin.bus.outbox import Outbox, Outgoing
from twin.bus.port import BusError, Frame
from twin.bus.router import Router, matches
from twin.bus.url import BrokerUrl, tls_context
from twin.clock import WallClock


def test_topics_are_those_of_the_design() -> None:
    assert topics.endpoint("elm", "gateway-1", topics.TELEMETRY) == "hg/1/elm/gateway-1/telemetry"
    assert topics.clock("elm") == "hg/1/elm/clock"
    assert topics.grid("elm", 3) == "hg/1/elm/grid/3"
    assert topics.oem("acme", "#") == "oem/acme/#"


def test_an_endpoints_topic_is_taken_apart_and_nothing_else_is() -> None:
    assert topics.parse("hg/1/elm/gateway-1/birth") == ("elm", "gateway-1", "birth")
    for other in ("hg/1/elm/clock", "hg/2/elm/gateway-1/birth", "hg/1/elm/gateway-1/birth/x", "oem/acme/a/b/c", ""):
        assert topics.parse(other) is None


LEVEL = st.sampled_from(["a", "b", "", "$SYS", "hg"])
TOPIC = st.lists(LEVEL, min_size=1, max_size=4).map("/".join).filter(bool)
FILTER = st.lists(st.one_of(LEVEL, st.just("+")), max_size=4).flatmap(
    lambda levels: st.sampled_from(["/".join(levels), "/".join([*levels, "#"])])
).filter(bool)  # fmt: skip


@given(TOPIC, FILTER)
def test_filters_match_as_in_an_independent_implementation(topic: str, topic_filter: str) -> None:
    assert matches(topic_filter, topic) == topic_matches_sub(topic_filter, topic)


def test_filters_match_as_in_the_standard() -> None:
    # MQTT 3.1.1, section 4.7.1, non-normative comments
    assert matches("sport/tennis/player1/#", "sport/tennis/player1")
    assert matches("sport/#", "sport")
    assert matches("sport/tennis/+", "sport/tennis/player1")
    assert not matches("sport/tennis/+", "sport/tennis/player1/ranking")
    assert not matches("sport/+", "sport")
    assert matches("sport/+", "sport/")
    assert matches("+/+", "/finance")
    assert not matches("+", "/finance")
    assert not matches("#", "$SYS/broker")


def test_overlapping_filters_each_get_the_frame_and_a_new_one_is_seen_at_once() -> None:
    router, first, second = Router(), Inbox(), Inbox()
    router.add("a/+", first, by_hand=False)
    assert len(router.route("a/b").handlers) == 1
    router.add("a/#", second, by_hand=True)
    route = router.route("a/b")
    assert route.handlers == (first, second)
    assert route.by_hand
    assert router.filters == ("a/+", "a/#")


@pytest.mark.parametrize(
    ("text", "host", "port", "tls"),
    [
        ("mqtt://localhost", "localhost", 1883, False),
        ("mqtts://broker.example:9999/", "broker.example", 9999, True),
        ("mqtts://[::1]", "::1", 8883, True),
    ],
)
def test_a_broker_address_is_read(text: str, host: str, port: int, tls: bool) -> None:  # noqa: FBT001
    url = BrokerUrl.parse(text)
    assert (url.host, url.port, url.tls, url.user) == (host, port, tls, None)


def test_a_password_is_read_and_never_shown() -> None:
    url = BrokerUrl.parse("mqtt://twin:p%40ss%2Fword@h:1")
    assert (url.user, url.password) == ("twin", "p@ss/word")
    assert "ss" not in str(url) + repr(url)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("localhost:1883", "not a broker's scheme"),
        ("", "no scheme"),
        ("http://h", "http is not"),
        ("mqtt://", "names no host"),
        ("mqtt://:1883", "names no host"),
        ("mqtt://h:0", "port 0"),
        ("mqtt://h:70000", "out of range"),
        ("mqtt://h:port", "cast to integer"),
        ("mqtt://h/topic", "nothing may follow"),
        ("mqtt://:secret@h", "needs a user"),
        ("mqtt://twin:secret@h:0", "port 0"),
        (f"mqtt://{'h' * 300}", "names no host"),
    ],
)
def test_other_addresses_are_refused_with_what_is_allowed(text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong) as refusal:
        BrokerUrl.parse(text)
    assert "allowed is mqtt://" in str(refusal.value)
    assert "secret" not in str(refusal.value)


def test_tls_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    missing, nonsense = tmp_path / "missing.pem", tmp_path / "nonsense.pem"
    nonsense.write_text("not a certificate")
    with pytest.raises(ValueError, match=r"CA file .*missing\.pem"):
        tls_context(ca_file=missing)
    with pytest.raises(ValueError, match=r"CA file .*nonsense\.pem"):
        tls_context(ca_file=nonsense)
    with pytest.raises(ValueError, match=r"certificate .*missing\.pem"):
        tls_context(cert_file=missing)
    with pytest.raises(ValueError, match="without a certificate"):
        tls_context(key_file=nonsense)


def test_a_bus_refuses_what_could_never_work() -> None:
    clock = WallClock()
    with pytest.raises(ValueError, match="client id"):
        MqttBus(url="mqtt://localhost", client_id="", clock=clock)
    with pytest.raises(ValueError, match="1 to 20000 are allowed"):
        MqttBus(url="mqtt://localhost", client_id="x", clock=clock, max_outbox=70_000)
    bus = MqttBus(url="mqtt://localhost", client_id="x", clock=clock)
    with pytest.raises(BusError, match="at most 11000000 are allowed") as refusal:
        bus.publish("t", b" " * (MAX_PAYLOAD + 1))
    assert not refusal.value.retryable


def message(payload: bytes, qos: int = 1) -> Outgoing:
    return Outgoing("t", payload, qos, retain=False)


def test_an_outbox_is_bounded_in_messages_and_in_bytes() -> None:
    outbox = Outbox(max_messages=3, max_bytes=10)
    assert outbox.full_for(b"a lone message may be of any size") is None
    number = outbox.add(message(b"12345678"))
    assert outbox.full_for(b"90") is None
    assert "8 bytes wait" in (outbox.full_for(b"901") or "")
    outbox.add(message(b"9"))
    outbox.add(message(b""))
    assert "3 messages wait" in (outbox.full_for(b"") or "")
    outbox.sent(number, packet_id=77)
    outbox.settle(77)
    outbox.settle(77)
    outbox.settle(78)
    assert len(outbox) == 2
    assert outbox.full_for(b"123456789") is None


def test_after_a_reconnect_the_outbox_sends_again_in_order_what_must_arrive() -> None:
    outbox = Outbox(max_messages=10, max_bytes=100)
    for packet_id, (payload, qos) in enumerate([(b"a", 1), (b"lost", 0), (b"b", 1), (b"c", 1)]):
        outbox.sent(outbox.add(message(payload, qos)), packet_id)
    outbox.settle(2)
    again = outbox.reconnected()
    assert [one.payload for _, one in again] == [b"a", b"c"]
    outbox.settle(0)  # of the old connection: nothing has this id now
    assert len(outbox) == 2
    outbox.sent(again[0][0], 0)
    outbox.settle(0)
    assert [one.payload for _, one in outbox.reconnected()] == [b"c"]


def test_memory_delivers_within_publish_and_nested_publishes_after_what_came_before() -> None:
    broker, seen = MemoryBroker(), []
    bus, other = broker.client("bus"), broker.client("other")

    def ask(frame: Frame) -> None:
        seen.append(f"first {frame.topic}")
        if frame.topic == "question":
            bus.publish("answer", b"")
            seen.append("published")

    bus.subscribe("+", ask)
    other.subscribe("+", lambda frame: seen.append(f"second {frame.topic}"))
    bus.open()
    other.open()
    bus.publish("question", b"")
    assert seen == ["first question", "published", "second question", "first answer", "second answer"]


def test_memory_takes_over_a_name_as_a_broker_does() -> None:
    broker, watching = MemoryBroker(), Inbox()
    watcher, first, second = broker.client("watcher"), broker.client("twice"), broker.client("twice")
    watcher.subscribe("status", watching)
    first.set_will("status", b"gone")
    watcher.open()
    first.open()
    second.open()
    assert (first.connected, second.connected) == (False, True)
    assert watching.payloads == [b"gone"]


def test_memory_says_what_was_left_behind(caplog: pytest.LogCaptureFixture) -> None:
    bus = MemoryBroker().client("bus")
    bus.open()
    bus.drop()
    bus.publish("t", b"never sent")
    with caplog.at_level(logging.WARNING):
        bus.close()
    assert "1 messages unsent" in caplog.text


def test_a_password_line_knows_its_password_and_no_other() -> None:
    line = password_line("twin", "s3cret")
    assert line.startswith("twin:$7$101$")
    assert "s3cret" not in line
    assert password_is(line, "s3cret")
    assert not password_is(line, "s3cre")
    assert not password_is(line, "")
    assert password_line("twin", "s3cret") != line
