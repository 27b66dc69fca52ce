"""What the bus costs, each figure beside its reference in the same run: `python benchmarks/bus.py [--messages N]`.

Messages a second from a publisher through the broker to a subscriber in one process: MqttBus beside paho alone with an
empty callback, at QoS 0 and 1; the codec beside orjson and json.
"""

import argparse
import json
import tempfile
import threading
import timeit
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import orjson
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from twin.bus import broker, codec, wire
from twin.bus.mqtt import INFLIGHT, MqttBus
from twin.bus.port import BusError, Frame
from twin.clock import WallClock

CLOCK = WallClock()
PAYLOAD = b"x" * 300
BACKLOG = 5_000  # messages under way at most; more would measure queues
TIMEOUT_S = 120.0


class Count:
    """Counts arrivals, and says when all are in."""

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.arrived = 0
        self.done = threading.Event()

    def one(self) -> None:
        self.arrived += 1
        if self.arrived == self.expected:
            self.done.set()


def flow(messages: int, publish: Callable[[], None], count: Count) -> float:
    """Messages a second from the first publish to the last arrival."""
    pause = threading.Event()
    started_s = CLOCK.monotonic_s()
    for sent in range(messages):
        while sent - count.arrived > BACKLOG:
            pause.wait(0.0005)
        publish()
    if not count.done.wait(TIMEOUT_S):
        raise SystemExit(f"only {count.arrived} of {messages} messages arrived within {TIMEOUT_S:g} s")
    return messages / (CLOCK.monotonic_s() - started_s)


def through_bus(url: str, messages: int, qos: int, *, by_hand: bool = False) -> float:
    """MqttBus to MqttBus; `by_hand` acknowledges in batches of 100."""
    count = Count(messages)
    held: list[Frame] = []
    reader = MqttBus(url=url, client_id=f"bench-reader-{qos}-{by_hand}", clock=CLOCK)
    writer = MqttBus(url=url, client_id=f"bench-writer-{qos}-{by_hand}", clock=CLOCK)

    def take(frame: Frame) -> None:
        if by_hand:
            held.append(frame)
            if len(held) == 100:
                reader.acknowledge(held)
                held.clear()
        count.one()

    topic = f"bench/{qos}/{by_hand}"
    reader.subscribe(topic, take, acknowledge_by_hand=by_hand)
    for bus in (reader, writer):
        bus.open()
        bus.wait_until_ready(10)

    def publish() -> None:
        while True:
            try:
                return writer.publish(topic, PAYLOAD, qos=qos)
            except BusError:
                threading.Event().wait(0.001)

    rate = flow(messages, publish, count)
    reader.acknowledge(held)
    reader.close()
    writer.close()
    return rate


def through_paho(address: broker.EmbeddedBroker, messages: int, qos: int) -> float:
    """Two bare paho clients, the subscriber's callback counting only."""
    count = Count(messages)
    subscribed = threading.Event()
    clients = [Client(CallbackAPIVersion.VERSION2, client_id=f"bench-{role}-{qos}") for role in ("r", "w")]
    reader, writer = clients
    reader.on_message = lambda *_: count.one()
    reader.on_subscribe = lambda *_: subscribed.set()
    for client in clients:
        client.max_inflight_messages = INFLIGHT
        client.connect(broker.LOOPBACK, address.port)
        client.loop_start()
    reader.subscribe(f"paho/{qos}", qos)
    subscribed.wait(10)
    rate = flow(messages, lambda: void(writer.publish(f"paho/{qos}", PAYLOAD, qos)), count)
    for client in clients:
        client.disconnect()
        client.loop_stop()
    return rate


def void(_: object) -> None:
    """Drop a result."""


def bus_figures(messages: int) -> None:
    """Throughput on each broker of this machine."""
    for kind in dict.fromkeys((broker.find().kind, "amqtt")):
        many = messages if kind == "mosquitto" else messages // 10
        with tempfile.TemporaryDirectory() as folder:
            running = broker.EmbeddedBroker.start(Path(folder), kind=kind)
            try:
                for qos in (0, 1):
                    alone, bus = through_paho(running, many, qos), through_bus(running.url, many, qos)
                    print(f"{kind:10} QoS {qos}  paho alone         {alone:9,.0f} messages/s")
                    print(f"{kind:10} QoS {qos}  MqttBus            {bus:9,.0f} messages/s")
                by_hand = through_bus(running.url, many, 1, by_hand=True)
                print(f"{kind:10} QoS 1  MqttBus, by hand   {by_hand:9,.0f} messages/s")
            finally:
                running.stop()


def codec_figures() -> None:
    """Cost of a Telemetry of 6 devices with 5 quantities each."""
    at = datetime(2026, 6, 21, 12, tzinfo=UTC)
    values = {"power_w": 1234.5, "energy_wh": 1234567.1, "soc": 0.534, "voltage_v": 231.2, "reactive_power_var": 12.0}
    readings = [codec.Reading(f"home-1-device-{number}", at, values) for number in range(6)]

    def build() -> wire.Telemetry:
        return wire.Telemetry(
            endpoint="gateway-1",
            session="s1",
            sequence=7,
            published_at=at,
            readings=tuple(wire.DeviceValues(device=r.device, measured_at=at, values=r.values) for r in readings),
        )

    message = build()
    payload = codec.encode(message)
    plain = orjson.loads(payload)
    print(f"codec, {len(payload)} bytes, 6 devices x 5 quantities, us a message:")
    for name, work in (
        ("json.loads", lambda: json.loads(payload)),
        ("orjson.loads", lambda: orjson.loads(payload)),
        ("decode", lambda: codec.decode(wire.Telemetry, payload)),
        ("json.dumps", lambda: json.dumps(plain)),
        ("orjson.dumps", lambda: orjson.dumps(plain)),
        ("build + encode", lambda: codec.encode(build())),
        ("encode", lambda: codec.encode(message)),
        (
            "encode_telemetry",
            lambda: codec.encode_telemetry(
                endpoint="gateway-1", session="s1", sequence=7, published_at=at, readings=readings
            ),
        ),
    ):
        print(f"  {name:18}{min(timeit.repeat(work, number=2000, repeat=5)) / 2000 * 1e6:7.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=50_000, help="on mosquitto; a tenth of it on amqtt")
    codec_figures()
    bus_figures(parser.parse_args().messages)
