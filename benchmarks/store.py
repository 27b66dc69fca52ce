"""What history costs, beside the plain ways to keep it, in one run: `python -m benchmarks.store [--days 7]`.

Prints rows a second of the whole write path (submit, spool, DuckDB) and its ratio to `executemany`, to a table with a
primary key and to bare Parquet files; the cost of a submit; how long other threads wait for the interpreter lock
meanwhile; and, on a store of `--days` days of 1-s rows of 55 homes, how long the console's questions take.
"""
# ruff: noqa: S608

import argparse
import gc
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.builders import small_pilot
from twin.clock import WallClock
from twin.model.device import KINDS
from twin.model.telemetry import Report
from twin.model.topology import Pilot
from twin.store.columns import DeviceCodes
from twin.store.embedded import EmbeddedStore
from twin.store.port import Batch
from twin.store.spool import Spool
from twin.store.writer import HistoryWriter

START = datetime(2026, 3, 1, tzinfo=UTC)
BATCH = 100
EXECUTEMANY_ROWS = 2_000
COLUMNS = ("device", "measured_at", "received_at", "power_w", "soc", "voltage_v")


def reports(pilot: Pilot, count: int, *, step_s: int = 60) -> list[Report]:
    """Reports of every device in turn, one round a minute: a day of back-fill."""
    values = {
        device.id: dict.fromkeys(KINDS[device.kind].reports, 1.0) | {"power_w": float(number)}
        for number, device in enumerate(pilot.devices)
    }
    made = []
    for number in range(count):
        device = pilot.devices[number % len(pilot.devices)].id
        at = START + timedelta(seconds=number // len(pilot.devices) * step_s)
        made.append(Report(device=device, measured_at=at, published_at=at, received_at=at, values=values[device]))
    return made


def batches(rows: list[Report]) -> Iterator[Batch]:
    """As the twin submits them."""
    return (Batch(reports=rows[at : at + BATCH]) for at in range(0, len(rows), BATCH))


class Probe:
    """A thread that wants the interpreter every half millisecond and notes how much later it gets it."""

    def __init__(self) -> None:
        self.late_ms: list[float] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.is_set():
            before = time.perf_counter()
            time.sleep(0.0005)
            self.late_ms.append((time.perf_counter() - before - 0.0005) * 1e3)

    def __str__(self) -> str:
        p50, p99, top = np.percentile(self.late_ms, (50, 99, 100))
        return f"p50 {p50:.2f}, p99 {p99:.2f}, longest {top:.2f} ms"


def whole_path(folder: Path, pilot: Pilot, rows: list[Report]) -> float:
    """Rows a second from submit to DuckDB."""
    store = EmbeddedStore(folder / "history.duckdb", pilot)
    writer = HistoryWriter(store, Spool(folder / "spool"), WallClock())
    writer.start()
    given = list(batches(rows))
    spent = 0.0
    began = time.perf_counter()
    with Probe() as probe:
        for batch in given:
            before = time.perf_counter()
            writer.submit(batch)
            spent += time.perf_counter() - before
        submitted = time.perf_counter() - began
        writer.flush(60)
    took = time.perf_counter() - began
    health = writer.health()
    writer.close()
    began = time.perf_counter()
    store.close()
    assert health.rows == len(rows)
    print(f"  submit             {spent / len(rows) * 1e6:8.1f} us a report (batches of {BATCH})")
    print(f"  all submitted      {submitted:8.2f} s, all in the store {took:.2f} s for {len(rows):,} rows")
    print(f"  write of a segment p50 {health.write_ms.p50:.0f}, p99 {health.write_ms.p99:.0f} ms")
    print(f"  other threads wait {probe}")
    print(f"  close              {(time.perf_counter() - began) * 1e3:8.0f} ms")
    return len(rows) / took


def paced(folder: Path, pilot: Pilot, rows: list[Report], rate: int, seconds: int = 5) -> None:
    """Reports that come `rate` a second, as from a live pilot or a back-fill, for some seconds."""
    store = EmbeddedStore(folder / f"{rate}.duckdb", pilot)
    writer = HistoryWriter(store, Spool(folder / f"{rate}-spool"), WallClock())
    writer.start()
    spent = time.process_time()
    due = time.perf_counter()
    with Probe() as probe:
        for batch in list(batches(rows))[: seconds * rate // BATCH]:
            writer.submit(batch)
            due += BATCH / rate
            time.sleep(max(0.0, due - time.perf_counter()))
    writer.flush(30)
    share = (time.process_time() - spent) / seconds
    took = writer.health().write_ms.p50
    print(f"  {rate:6,} rows/s: {share:4.0%} of a core, write p50 {took:.0f} ms, other threads wait {probe}")
    writer.close()
    store.close()


def plain(rows: list[Report]) -> list[tuple[object, ...]]:
    """Rows for the ways beside ours."""
    return [
        (one.device, one.measured_at, one.received_at, *(one.values.get(name) for name in COLUMNS[3:])) for one in rows
    ]


def executemany(folder: Path, rows: list[Report], key: str = "") -> float:
    """Rows a second of DuckDB's executemany."""
    given = plain(rows[:EXECUTEMANY_ROWS])
    with duckdb.connect(folder / "executemany.duckdb") as connection:
        connection.execute(
            f"CREATE OR REPLACE TABLE t (device VARCHAR, measured_at TIMESTAMPTZ, received_at TIMESTAMPTZ, "
            f"power_w DOUBLE, soc DOUBLE, voltage_v DOUBLE{key})"
        )
        began = time.perf_counter()
        connection.begin()
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", given)
        connection.commit()
        return len(given) / (time.perf_counter() - began)


def arrow(rows: list[Report]) -> pa.Table:
    """The same rows as an Arrow table."""
    return pa.table(dict(zip(COLUMNS, map(list, zip(*plain(rows), strict=True)), strict=True)))


def primary_key(folder: Path, rows: list[Report]) -> float:
    """Rows a second of columnar batches into a table whose primary key keeps rows single."""
    with duckdb.connect(folder / "key.duckdb") as connection:
        connection.execute(
            "CREATE TABLE t (device VARCHAR, measured_at TIMESTAMPTZ, received_at TIMESTAMPTZ, power_w DOUBLE, "
            "soc DOUBLE, voltage_v DOUBLE, PRIMARY KEY (device, measured_at))"
        )
        began = time.perf_counter()
        for at in range(0, len(rows), 10_000):
            connection.register("incoming", arrow(rows[at : at + 10_000]))
            connection.execute("INSERT OR IGNORE INTO t SELECT * FROM incoming")
            connection.unregister("incoming")
        return len(rows) / (time.perf_counter() - began)


def parquet(folder: Path, rows: list[Report]) -> float:
    """Rows a second into one Parquet file a batch of 10,000, nothing looked up, nothing single."""
    began = time.perf_counter()
    for at in range(0, len(rows), 10_000):
        pq.write_table(arrow(rows[at : at + 10_000]), folder / f"{at}.parquet", compression="zstd")
    return len(rows) / (time.perf_counter() - began)


def questions(folder: Path, pilot: Pilot, days: int) -> None:
    """The console's questions to a store of `days` days of 1-s rows of every device."""
    path = folder / "week.duckdb"
    EmbeddedStore(path, pilot).close()
    devices = len(pilot.devices)
    origin = int(START.timestamp())
    began = time.perf_counter()
    with duckdb.connect(path, config={"threads": "2", "memory_limit": "2GB"}) as connection:
        connection.register("tags", dict(DeviceCodes(pilot).tags()))
        for quarter in range(days * 4):
            connection.execute(
                f"""
                INSERT INTO telemetry BY NAME
                SELECT to_timestamp({origin} + {quarter * 21_600} + i // {devices}) AS measured_at,
                       measured_at AS published_at, measured_at AS received_at,
                       tags.* EXCLUDE (code), 'good' AS quality, round(5000 * random(), 1) AS power_w,
                       CASE WHEN kind IN ('battery', 'ev_charger') THEN random() END AS soc,
                       CASE WHEN kind = 'meter' THEN round(230 + random(), 2) END AS voltage_v
                FROM range({21_600 * devices}) AS rows(i) JOIN tags ON code = i % {devices} ORDER BY i
                """
            )
    print(f"a store of {days} days, {devices} devices, 1-s rows: built in {time.perf_counter() - began:.0f} s")
    began = time.perf_counter()
    store = EmbeddedStore(path, pilot)
    print(f"  open               {(time.perf_counter() - began) * 1e3:8.1f} ms")
    day = START + timedelta(days=days - 1)
    late = Report(device="h7-battery", measured_at=day, published_at=day, received_at=day, values={"soc": 0.5})
    asked: dict[str, Callable[[], object]] = {
        "rows": store.rows,
        "latest": store.latest,
        "an hour of a device": lambda: store.device_series("h7-battery", "soc", day, day + timedelta(hours=1)),
        "a day of a device": lambda: store.device_series("h7-battery", "soc", day, day + timedelta(days=1)),
        "all days of a device": lambda: store.device_series("h7-battery", "soc", START, day + timedelta(days=1)),
        "a late row written": lambda: store.write(Batch(reports=[late])),
    }
    for name, question in asked.items():
        spans = []
        for _ in range(5):
            before = time.perf_counter()
            question()
            spans.append((time.perf_counter() - before) * 1e3)
        print(f"  {name:<21}{np.median(spans):6.1f} ms (first {spans[0]:.1f})")
    print(f"  {path.stat().st_size / store.rows():.1f} bytes a row, {store.rows():,} rows")
    store.close()


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=0, help="also ask a store of that many days")
    parser.add_argument("--rows", type=int, default=450_000, help="rows written by each way")
    options = parser.parse_args()
    pilot = small_pilot(homes=55)
    rows = reports(pilot, options.rows)
    gc.collect()
    gc.freeze()  # the rows prepared here are not the twin's garbage to look through
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Probe() as idle:
            time.sleep(1)
        print(f"idle: other threads wait {idle}")
        print("whole write path")
        ours = whole_path(folder, pilot, rows)
        print("paced")
        for rate in (300, 10_000, 22_500):  # 55 homes live; 1,700 homes live; a day of 55 homes in 20 s
            paced(folder, pilot, rows, rate)
        print(f"{'way':<36}{'rows/s':>12}{'ours is':>10}")
        print(f"{'submit, spool, DuckDB':<36}{ours:>12,.0f}")
        for way, speed in (
            ("executemany", executemany(folder, rows)),
            ("executemany, primary key", executemany(folder, rows, ", PRIMARY KEY (device, measured_at)")),
            ("Arrow batches, primary key", primary_key(folder, rows)),
            ("Parquet files", parquet(folder, rows)),
        ):
            print(f"{way:<36}{speed:>12,.0f}{ours / speed:>9.1f}x")
        if options.days:
            questions(folder, pilot, options.days)
    gc.unfreeze()


if __name__ == "__main__":
    main()
