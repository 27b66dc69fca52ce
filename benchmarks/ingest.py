"""How fast telemetry becomes state: device updates a second, cost per update, wire-to-state latency.

Runs the production path (canonical adapter, gate, state, command book, batches to history that keeps nothing) in one
process on a MemoryBus. Beside it, in the same run, decoding alone: what the rest adds is the difference.

    python -m benchmarks.ingest [--homes 1000] [--rounds 12]

Costs are CPU time, so that a busy machine does not change them much; latency is wall time, and there it does.
"""

import argparse
import gc
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from tests.builders import small_pilot
from twin.adapters.canonical import adapter as canonical
from twin.bus import codec, topics
from twin.bus.memory import MemoryBroker
from twin.bus.port import Frame
from twin.clock import WallClock
from twin.dispatch import Dispatcher
from twin.ingest import Ingest
from twin.model.device import KINDS, Pathway
from twin.model.topology import Pilot
from twin.state.commands import CommandBook
from twin.state.registry import PilotState
from twin.store.port import Batch

TARGET_UPDATES_PER_S = 10_000
TARGET_P99_MS = 20.0


class NoHistory:
    """Takes every batch and keeps nothing: the store has a benchmark of its own."""

    def submit(self, batch: Batch) -> None:
        """Nothing to do."""


def messages(pilot: Pilot, clock: WallClock, rounds: int) -> Iterator[Sequence[tuple[str, bytes]]]:
    """One message for each home, with all its devices, in each of `rounds`, measured a millisecond apart."""
    start = clock.now()
    values = {kind: dict.fromkeys(described.reports, 1.0) | {"power_w": 432.1} for kind, described in KINDS.items()}
    for values_of in values.values():
        for name in values_of.keys() & {"setpoint_heat_degc", "setpoint_tank_degc"}:
            values_of[name] = 31.5
    for number in range(rounds):
        at = start + timedelta(milliseconds=number)
        yield [
            (
                topics.endpoint(pilot.name, endpoint.id, topics.TELEMETRY),
                codec.encode_telemetry(
                    endpoint=endpoint.id,
                    session="s",
                    sequence=number,
                    published_at=at,
                    readings=[
                        codec.Reading(device.id, at, values[device.kind])
                        for device in pilot.endpoint_devices[endpoint.id]
                    ],
                ),
            )
            for endpoint in pilot.endpoints
        ]


class Twin:
    """The production path on a MemoryBus."""

    def __init__(self, pilot: Pilot) -> None:
        clock = WallClock()
        broker = MemoryBroker(clock=clock)
        bus, self.far = broker.client("twin"), broker.client("far")
        self.state = PilotState(pilot, clock)
        adapters = {"canonical": canonical(pilot)}
        dispatcher = Dispatcher(state=self.state, book=CommandBook(pilot), adapters=adapters, bus=bus, clock=clock)
        self.ingest = Ingest(
            state=self.state, commands=dispatcher, adapters=adapters, bus=bus, history=NoHistory(), clock=clock
        )
        bus.open()
        self.far.open()


def per_update_us(work: Callable[[], int]) -> float:
    """CPU microseconds per device update of `work`, which says how many it did."""
    gc.collect()
    cpu_s = time.process_time()
    updates = work()
    return (time.process_time() - cpu_s) / updates * 1e6


def flat_out(pilot: Pilot, rounds: Sequence[Sequence[tuple[str, bytes]]]) -> None:
    """Everything at once, in one thread: what an update costs."""
    updates = (len(rounds) - 1) * len(pilot.devices)
    adapter = canonical(pilot)
    received_at = WallClock().now()

    def decode() -> int:
        for batch in rounds[1:]:
            for topic, payload in batch:
                adapter.decode(Frame(topic=topic, payload=payload, retained=False, arrived_s=0.0), received_at)
        return updates

    twin = Twin(pilot)

    def take(batches: Sequence[Sequence[tuple[str, bytes]]]) -> int:
        for batch in batches:
            for topic, payload in batch:
                twin.far.publish(topic, payload)
            twin.ingest.pump()
        return updates

    take(rounds[:1])  # every device is seen for the first time only once
    decode_us = per_update_us(decode)
    all_us = per_update_us(lambda: take(rounds[1:]))
    print(f"decode alone        {decode_us:7.2f} us of CPU an update")
    print(f"bus to state, all   {all_us:7.2f} us of CPU an update = {1e6 / all_us:,.0f} updates/s on one core")
    print(f"at {TARGET_UPDATES_PER_S:,} updates/s  {all_us * TARGET_UPDATES_PER_S / 1e6:7.2f} of a core (target < 0.5)")


def paced(pilot: Pilot, rounds: Sequence[Sequence[tuple[str, bytes]]], updates_per_s: float) -> None:
    """Spread over time, ingest on its own thread: latency from wire to state."""
    twin = Twin(pilot)
    gc.collect()
    gc.freeze()  # what was built before is no garbage; a full collection over it stops everything for tens of ms
    twin.ingest.start()
    flat = [message for batch in rounds for message in batch]
    period_s = len(pilot.devices) / len(pilot.endpoints) / updates_per_s
    pause = threading.Event()
    cpu_s, start_s = time.process_time(), time.perf_counter()
    for number, (topic, payload) in enumerate(flat):
        wait_s = start_s + number * period_s - time.perf_counter()
        if wait_s > 0:
            pause.wait(wait_s)
        twin.far.publish(topic, payload)
    wall_s = time.perf_counter() - start_s
    busy = (time.process_time() - cpu_s) / wall_s
    twin.ingest.close()
    health = twin.ingest.health()
    latency = health.update_latency_ms
    print(
        f"paced               {health.twin_updates / wall_s:,.0f} updates/s, {busy:.2f} of a core with the publisher; "
        f"wire to state p50 {latency.p50:.2f} ms, p99 {latency.p99:.2f} ms, max {latency.max:.2f} ms "
        f"(target p99 < {TARGET_P99_MS:g})"
    )


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--homes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=12)
    options = parser.parse_args()
    pilot = small_pilot(homes=options.homes, pathways=(Pathway.GATEWAY,))
    rounds = list(messages(pilot, WallClock(), options.rounds))
    print(f"{options.homes} homes, {len(pilot.devices)} devices, one message a home")
    flat_out(pilot, rounds)
    paced(pilot, rounds, 1.2 * TARGET_UPDATES_PER_S)


if __name__ == "__main__":
    main()
