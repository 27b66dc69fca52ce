"""How many points a second get from the bus into InfluxDB, beside the client's own batching writer in the same run.

Needs a server: HEARTHGRID_TEST_INFLUX_URL and HEARTHGRID_TEST_INFLUX_TOKEN (and _ORG); without it says so, exit code 2.

    python -m benchmarks.influx [--homes 500] [--seconds 20] [--rate 12000]

A point is one report of one device, with all its values. The whole path of a running twin: messages on a MemoryBus,
decoded, gated, into the state, onto disk in the spool, and from there to the server, which runs on the same machine.
The client's writer is given the same reports as Point objects, as its documentation shows; it keeps no spool. `own us`
and `server us` are processor time a point of this process and of the server; `both cores` is what the machine's cores
could carry at that cost, whoever else uses them.
"""

import argparse
import gc
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import influxdb_client
import psutil

from benchmarks.ingest import messages
from tests.builders import small_pilot
from twin.adapters.canonical import adapter as canonical
from twin.bus.memory import MemoryBroker
from twin.bus.port import Frame
from twin.clock import WallClock
from twin.dispatch import Dispatcher
from twin.ingest import Ingest
from twin.model.device import Pathway
from twin.model.telemetry import Report
from twin.model.topology import Pilot
from twin.state.commands import CommandBook
from twin.state.registry import PilotState
from twin.store.influx.address import Address
from twin.store.influx.client import Influx
from twin.store.influx.layout import Layout, Retention
from twin.store.influx.lines import Lines
from twin.store.influx.setup import prepare_buckets, remove
from twin.store.influx.store import InfluxStore
from twin.store.port import Batch
from twin.store.spool import Spool
from twin.store.writer import HistoryWriter

TARGET_POINTS_PER_S = 10_000
CORES = os.cpu_count() or 1
PAUSE = threading.Event()
CLIENT: Any = influxdb_client  # its types are not complete
Rounds = Sequence[Sequence[tuple[str, bytes]]]


@contextmanager
def buckets(name: str) -> Iterator[Address]:
    """Fresh buckets, removed afterwards."""
    address = Address(
        url=os.environ["HEARTHGRID_TEST_INFLUX_URL"],
        org=os.environ.get("HEARTHGRID_TEST_INFLUX_ORG", "hearthgrid"),
        bucket=f"benchmark-{os.getpid()}-{name}",
        token=os.environ["HEARTHGRID_TEST_INFLUX_TOKEN"],
    )
    influx = Influx(address, WallClock())
    try:
        prepare_buckets(influx, Retention(raw=None))
        yield address
    finally:
        remove(influx)
        influx.close()


class Way:
    """The path of a running twin from bus to server."""

    def __init__(self, pilot: Pilot, address: Address, folder: Path) -> None:
        clock = WallClock()
        broker = MemoryBroker(clock=clock)
        bus, self.far = broker.client("twin"), broker.client("far")
        state = PilotState(pilot, clock)
        adapters = {"canonical": canonical(pilot)}
        dispatcher = Dispatcher(state=state, book=CommandBook(pilot), adapters=adapters, bus=bus, clock=clock)
        self.store = InfluxStore(address, pilot, clock)
        self.writer = HistoryWriter(self.store, Spool(folder / address.bucket), clock)
        self.ingest = Ingest(
            state=state, commands=dispatcher, adapters=adapters, bus=bus, history=self.writer, clock=clock
        )
        self.writer.start()
        self.ingest.start()
        bus.open()
        self.far.open()

    def settle(self) -> None:
        """Wait until all that was published is on the server."""
        while self.ingest.health().queue:
            PAUSE.wait(0.01)
        self.ingest.close()
        self.writer.flush(300)

    def close(self) -> None:
        """Let go."""
        self.writer.close()
        self.store.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Wall time of the whole, and processor time of this process and of the server."""

    points: int
    took_s: float
    own_s: float
    server_s: float

    @property
    def per_s(self) -> float:
        return self.points / self.took_s

    def __str__(self) -> str:
        own_us, server_us = (spent / self.points * 1e6 for spent in (self.own_s, self.server_s))
        return f"{self.per_s:>12,.0f}{own_us:>12.1f}{server_us:>12.1f}{CORES * 1e6 / (own_us + server_us):>16,.0f}"


class Watch:
    """Starts when made."""

    def __init__(self) -> None:
        self._server_s = _server_cpu_s()
        self._own_s, self._start_s = time.process_time(), time.perf_counter()

    def cost(self, points: int) -> Cost:
        """Since then."""
        took_s, own_s = time.perf_counter() - self._start_s, time.process_time() - self._own_s
        return Cost(points=points, took_s=took_s, own_s=own_s, server_s=_server_cpu_s() - self._server_s)


def _server_cpu_s() -> float:
    """Of the process that listens at the server's port on this machine; NaN when there is none to be seen."""
    port = urlsplit(os.environ["HEARTHGRID_TEST_INFLUX_URL"]).port
    for one in psutil.net_connections("tcp"):
        if one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port and one.pid:
            spent = psutil.Process(one.pid).cpu_times()
            return float(spent.user + spent.system)
    return nan


def sent(pilot: Pilot, rounds: Rounds, folder: Path, name: str, points_per_s: float) -> Cost:
    """From the bus to the server, messages coming at an even pace."""
    count = len(rounds) * len(pilot.devices)
    with buckets(name) as address:
        way = Way(pilot, address, folder)
        flat = [message for batch in rounds for message in batch]
        per_message = len(pilot.devices) / len(pilot.endpoints)
        most_pending = 0
        watch, start_s = Watch(), time.perf_counter()
        for number, (topic, payload) in enumerate(flat):
            ahead_s = start_s + number * per_message / points_per_s - time.perf_counter()
            if ahead_s > 0:
                PAUSE.wait(ahead_s)
            way.far.publish(topic, payload)
            if number % 1_000 == 0:
                most_pending = max(most_pending, way.writer.health().pending)
        sent_s = time.perf_counter() - start_s
        way.settle()
        cost = watch.cost(count)
        write_ms = way.writer.health().write_ms
        way.close()
        there(address, pilot, count)
    print(
        f"{name}: published in {sent_s:.1f} s, the last point on the server {cost.took_s - sent_s:.2f} s later; "
        f"at most {most_pending:,} waited; a write p50 {write_ms.p50:.0f}, p99 {write_ms.p99:.0f} ms"
    )
    return cost


def there(address: Address, pilot: Pilot, count: int) -> None:
    """Every point is on the server, by its own count."""
    store = InfluxStore(address, pilot, WallClock())
    assert store.rows() == count, f"{store.rows()} of {count} points are on the server"
    store.close()


def store_alone(pilot: Pilot, reports: Sequence[Report]) -> Cost:
    """The store's own part: reports in hand, 10,000 at a time."""
    with buckets("store") as address:
        store = InfluxStore(address, pilot, WallClock())
        watch = Watch()
        for start in range(0, len(reports), 10_000):
            store.write(Batch(reports=reports[start : start + 10_000]))
        cost = watch.cost(len(reports))
        store.close()
        there(address, pilot, len(reports))
    return cost


def decoded(pilot: Pilot, rounds: Rounds) -> list[Report]:
    """The reports that the messages carry."""
    adapter, now = canonical(pilot), WallClock().now()
    found: list[Report] = []
    for batch in rounds:
        for topic, payload in batch:
            heard = adapter.decode(Frame(topic=topic, payload=payload, retained=False, arrived_s=0.0), now)
            found.extend(heard.reports)  # type: ignore[union-attr]
    return found


def clients_own(pilot: Pilot, reports: Sequence[Report]) -> Cost:
    """The client's batching writer: reports in hand, as Point objects."""
    layout = Layout(pilot)
    failed: list[object] = []
    with buckets("client") as address:
        watch = Watch()
        with CLIENT.InfluxDBClient(url=address.url, token=address.token, org=address.org) as client:
            options = CLIENT.WriteOptions(batch_size=5_000, flush_interval=1_000)
            with client.write_api(write_options=options, error_callback=lambda *error: failed.append(error)) as writer:
                for report in reports:
                    place = layout.device(report.device)
                    point = CLIENT.Point(place.measurement)
                    for name, tag in place.tags.items():
                        point.tag(name, tag)
                    for name, value in report.values.items():
                        point.field(name, value)
                    point.field("published_us", int(report.published_at.timestamp() * 1e6))
                    point.field("received_us", int(report.received_at.timestamp() * 1e6))
                    point.field("quality", report.quality.value)
                    point.time(report.measured_at, CLIENT.WritePrecision.NS)
                    writer.write(bucket=address.bucket, record=point)
        cost = watch.cost(len(reports))
        assert not failed, failed[0]
        there(address, pilot, len(reports))
    return cost


def lines_alone(pilot: Pilot, reports: Sequence[Report]) -> float:
    """CPU microseconds a point of the hand-built line protocol."""
    lines = Lines(Layout(pilot))
    cpu_s = time.process_time()
    for start in range(0, len(reports), 5_000):
        "\n".join(point.line for point in lines.reports(reports[start : start + 5_000])).encode()
    return (time.process_time() - cpu_s) / len(reports) * 1e6


def main() -> int:
    """Print everything; 2 without a server, 1 when the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--homes", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rate", type=int, default=12_000)
    options = parser.parse_args()
    if not os.environ.get("HEARTHGRID_TEST_INFLUX_URL") or not os.environ.get("HEARTHGRID_TEST_INFLUX_TOKEN"):
        sys.stderr.write("no InfluxDB: set HEARTHGRID_TEST_INFLUX_URL and HEARTHGRID_TEST_INFLUX_TOKEN\n")
        return 2
    pilot = small_pilot(homes=options.homes, pathways=(Pathway.GATEWAY,))
    count = max(1, options.rate * options.seconds // len(pilot.devices))
    rounds = list(messages(pilot, WallClock(), count))
    reports = decoded(pilot, rounds)
    gc.collect()
    gc.freeze()  # what was prepared here is not the twin's garbage to look through
    print(f"{options.homes} homes, {len(pilot.devices)} devices, {len(reports):,} points, {CORES} cores")
    with tempfile.TemporaryDirectory() as folder:
        whole = sent(pilot, rounds, Path(folder), "paced", options.rate)
        full = sent(pilot, rounds, Path(folder), "hurried", 10 * options.rate)
    print(f"{'':<44}{'points/s':>12}{'own us':>12}{'server us':>12}{'both cores':>16}")
    print(f"{f'bus to server, paced at {options.rate:,}':<44}{whole}")
    print(f"{'bus to server, as fast as it goes':<44}{full}")
    alone, client = store_alone(pilot, reports), clients_own(pilot, reports)
    print(f"{'InfluxStore alone':<44}{alone}")
    print(f"{'client: Point and batching WriteApi':<44}{client}")
    print(f"a hand-built line takes {lines_alone(pilot, reports):.1f} us of CPU")
    print(
        f"the store alone is {alone.per_s / client.per_s:.1f} times the client's writer, the whole path from the bus "
        f"{full.per_s / client.per_s:.1f} times (target {TARGET_POINTS_PER_S:,} points/s)"
    )
    gc.unfreeze()
    return 0 if max(whole.per_s, full.per_s) >= TARGET_POINTS_PER_S else 1


if __name__ == "__main__":
    sys.exit(main())
