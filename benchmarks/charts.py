"""How long the console's charts take to load from a full history: `python -m benchmarks.charts [--days 2]`.

A day of one home (its meter and devices) and a week of the feeder, from a store of 1-s rows of 55 homes, beside the
plain way: one question a curve, fetched whole and averaged by NumPy. The bars are 300 ms and 1 s.
"""
# ruff: noqa: S608

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np

from tests.builders import small_pilot
from twin.model.topology import Pilot
from twin.store.columns import DeviceCodes
from twin.store.embedded import EmbeddedStore

END = datetime(2026, 3, 8, tzinfo=UTC)
POINTS = 480
HEAD = ("head_power_w", "losses_w", "v_min_pu", "v_max_pu", "transformer_loading", "line_loading")
BARS_MS = {"a day of one home": 300.0, "a week of the feeder": 1_000.0}


def fill(path: Path, pilot: Pilot, days: int) -> None:
    """`days` of telemetry of every device and a week of the feeder, both every second."""
    EmbeddedStore(path, pilot).close()
    devices = len(pilot.devices)
    with duckdb.connect(path, config={"threads": "2", "memory_limit": "2GB"}) as connection:
        connection.register("tags", dict(DeviceCodes(pilot).tags()))
        for quarter in range(days * 4):
            origin = int(END.timestamp()) - days * 86_400 + quarter * 21_600
            connection.execute(
                f"""
                INSERT INTO telemetry BY NAME
                SELECT to_timestamp({origin} + i // {devices}) AS measured_at,
                       measured_at AS published_at, measured_at AS received_at,
                       tags.* EXCLUDE (code), 'good' AS quality, round(5000 * random(), 1) AS power_w,
                       CASE WHEN kind IN ('battery', 'ev_charger') THEN random() END AS soc,
                       CASE WHEN kind = 'meter' THEN round(230 + random(), 2) END AS voltage_v
                FROM range({21_600 * devices}) AS rows(i) JOIN tags ON code = i % {devices} ORDER BY i
                """
            )
        figures = ", ".join(f"random() AS {name}" for name in _grid_columns(connection))
        connection.execute(
            f"""
            INSERT INTO grid BY NAME
            SELECT to_timestamp({int(END.timestamp()) - 604_800} + i) AS measured_at, measured_at AS received_at,
                   0 AS feeder, {figures}
            FROM range(604800) AS rows(i)
            """
        )


def _grid_columns(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute("SELECT column_name FROM duckdb_columns() WHERE table_name = 'grid'").fetchall()
    return [name for (name,) in rows if name not in {"measured_at", "received_at", "feeder"}]


def timed(question: Callable[[], object], *, times: int = 5) -> tuple[float, float]:
    """Milliseconds of the first asking, and the median of all."""
    spans = []
    for _ in range(times):
        before = time.perf_counter()
        question()
        spans.append((time.perf_counter() - before) * 1e3)
    return spans[0], float(np.median(spans))


def plain(path: Path, curves: Sequence[tuple[str, str, str]], days: int) -> None:
    """Curves (table, column, condition) by one question each, fetched whole and averaged here."""
    with duckdb.connect(path, read_only=True, config={"threads": "2"}) as connection:
        for table, column, condition in curves:
            found = connection.execute(
                f"SELECT epoch(measured_at) AS at_s, {column} AS value FROM {table} "
                f"WHERE measured_at >= $start AND measured_at < $end AND {condition} ORDER BY 1",
                {"start": END - timedelta(days=days), "end": END},
            ).fetchnumpy()
            at_s = np.asarray(found["at_s"], np.float64)
            bins = np.linspace(float(at_s[0]), float(at_s[-1]), POINTS + 1)
            np.histogram(at_s, bins, weights=np.asarray(found["value"], np.float64))


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=2, help="days of telemetry of every device in the store")
    options = parser.parse_args()
    pilot = small_pilot(homes=55)
    home = list(pilot.homes[6].devices)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "history.duckdb"
        began = time.perf_counter()
        fill(path, pilot, options.days)
        print(f"{options.days} days of {len(pilot.devices)} devices and a week of the feeder, 1-s rows:", end=" ")
        print(f"built in {time.perf_counter() - began:.0f} s, {path.stat().st_size / 1e6:.0f} MB")
        store = EmbeddedStore(path, pilot)
        day, week = END - timedelta(days=1), END - timedelta(days=7)
        ours = {
            "a day of one home": timed(lambda: store.devices_series(home, "power_w", day, END, points=POINTS)),
            "a week of the feeder": timed(
                lambda: [store.grid_series(one, week, END, points=POINTS) for one in HEAD[:2]]
            ),
        }
        store.close()
        beside = {
            "a day of one home": timed(
                lambda: plain(path, [("telemetry", "power_w", f"device = '{one}'") for one in home], 1), times=3
            ),
            "a week of the feeder": timed(
                lambda: plain(path, [("grid", one, "true") for one in ("head_power_a_w", "losses_w")], 7), times=3
            ),
        }
        for chart, (first, median) in ours.items():
            verdict = "met" if max(first, median) < BARS_MS[chart] else "NOT MET"
            print(
                f"  {chart:<22} first {first:6.0f} ms, median {median:6.0f} ms "
                f"(bar {BARS_MS[chart]:.0f} ms: {verdict}); "
                f"plainly {beside[chart][1]:6.0f} ms, {beside[chart][1] / median:.1f}x"
            )


if __name__ == "__main__":
    main()
