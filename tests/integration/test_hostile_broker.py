"""The hostile stream over a real broker, at more than a thousand bad messages a second, into the running twin."""

import threading
import time
from pathlib import Path

import psutil
import pytest

from tests.builders import small_pilot
from tests.hostile import BAD_IN_A_ROUND, KINDS_OF_BAD, LARGE_BYTES, Stream
from tests.ingest_stage import KeptHistory
from twin.adapters.registry import load
from twin.bus.broker import EmbeddedBroker
from twin.bus.mqtt import MqttBus
from twin.clock import WallClock
from twin.dispatch import Dispatcher
from twin.ingest import Ingest
from twin.model.device import Pathway
from twin.state.commands import CommandBook
from twin.state.registry import PilotState

pytestmark = pytest.mark.integration

ROUNDS = 300
ROUND_S = 0.015  # 17 bad messages in 15 ms
LARGE_EVERY = 50  # the largest payloads would else measure the loopback, not the twin
PATIENCE_S = 60.0
MEGABYTE = 1_000_000


def test_hostile_messages_over_a_real_broker_cost_no_good_one(tmp_path: Path) -> None:
    broker = EmbeddedBroker.start(tmp_path / "broker")
    clock = WallClock()
    pilot = small_pilot(homes=2, pathways=(Pathway.GATEWAY,))
    bus = MqttBus(url=broker.url, client_id="twin", clock=clock)
    far = MqttBus(url=broker.url, client_id="far", clock=clock)
    state, history, adapters = PilotState(pilot, clock), KeptHistory(), {"canonical": load("canonical")(pilot)}
    dispatcher = Dispatcher(state=state, book=CommandBook(pilot), adapters=adapters, bus=bus, clock=clock)
    ingest = Ingest(state=state, commands=dispatcher, adapters=adapters, bus=bus, history=history, clock=clock)
    try:
        for each in (bus, far):
            each.open()
            each.wait_until_ready(10.0)
        ingest.start()
        stream = Stream(pilot, clock)
        started_s = time.monotonic()
        pause = threading.Event()
        before = largest = psutil.Process().memory_info().rss
        for number in range(ROUNDS):
            large = bytes(LARGE_BYTES if number % LARGE_EVERY == 0 else MEGABYTE + 1)
            for topic, payload in stream.round(number, large=large):
                far.publish(topic, payload)
            pause.wait(max(0.0, started_s + number * ROUND_S - time.monotonic()))
            largest = max(largest, psutil.Process().memory_info().rss)
        sent_s = time.monotonic() - started_s
        expected = ROUNDS * (1 + BAD_IN_A_ROUND)
        while ingest.health().messages < expected and time.monotonic() < started_s + PATIENCE_S:
            pause.wait(0.05)
        pause.wait(0.3)  # the last batch on its way to history
    finally:
        ingest.close()
        far.close()
        bus.close()
        broker.stop()

    good = [(report.device, report.values["power_w"]) for report in history.reports]
    assert good == stream.good
    assert dict(state.dead_letter_counts) == {reason: count * ROUNDS for reason, count in KINDS_OF_BAD.items()}
    assert ROUNDS * BAD_IN_A_ROUND / sent_s >= 1_000, "the stream was not as fast as it claims to be"
    assert largest - before < 300 * MEGABYTE
    assert ingest.alive
