"""Killed at any moment, history opens again with whole batches only, none lost that was promised, none doubled."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import numpy as np
import pytest

from tests.builders import small_pilot
from twin.clock import WallClock
from twin.store.embedded import EmbeddedStore
from twin.store.spool import Spool
from twin.store.writer import HistoryWriter

pytestmark = pytest.mark.integration

ROWS = 1_000
PROGRAM = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tests.builders import small_pilot
from twin.clock import WallClock
from twin.model.telemetry import Report
from twin.store.embedded import EmbeddedStore
from twin.store.port import Batch
from twin.store.spool import Spool
from twin.store.writer import HistoryWriter

folder, way, number, rows = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
start = datetime(2026, 3, 1, tzinfo=UTC)
store = EmbeddedStore(folder / "history.duckdb", small_pilot())
if way == "spool":
    writer = HistoryWriter(store, Spool(folder / "spool", segment_rows=2_500), WallClock(), interval_s=0.02)
    writer.start()
    write = writer.submit
else:
    write = store.write
print("ready", flush=True)
while True:
    times = [start + timedelta(seconds=number * rows + row) for row in range(rows)]
    values = {"power_w": 1.0, "voltage_v": 230.0}
    write(Batch(reports=[
        Report(device="h1-meter", measured_at=at, published_at=at, received_at=at, values=values) for at in times
    ]))
    print(number, flush=True)
    number += 1
"""


def promised_until_killed(folder: Path, way: str, first: int, *, lines: int, after_s: float) -> int:
    """How many batches, counted from 0, a process said it had taken before SIGKILL met it; `first` is its first.

    It is killed `after_s` after it has said `lines` of them.
    """
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder), way, str(first), str(ROWS)],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(1 + lines)]
        killing = Timer(after_s, process.send_signal, [signal.SIGKILL])
        killing.start()
        said += process.stdout.readlines()
        killing.join()
        assert process.wait(10) == -signal.SIGKILL
    assert said[0] == "ready\n"
    return first + sum(line.endswith("\n") for line in said[1:])


def moments(seed: int) -> Iterator[tuple[int, float]]:
    """Lines to wait for, and the seeded delay after them: some kills come early, some amid the work."""
    lines = (6, 0, 3, 9, 1)
    return zip(lines, np.random.default_rng(seed).uniform(0.0, 0.05, len(lines)), strict=True)


def test_a_killed_store_opens_with_whole_batches(tmp_path: Path) -> None:
    promised = 0
    for lines, after_s in moments(20260301):
        promised = promised_until_killed(tmp_path, "store", promised, lines=lines, after_s=after_s)
        store = EmbeddedStore(tmp_path / "history.duckdb", small_pilot())
        rows = store.rows()
        store.close()
        assert rows % ROWS == 0
        assert promised * ROWS <= rows <= (promised + 1) * ROWS  # the last may be in without having been promised
    assert promised >= 19


def test_a_killed_twin_loses_and_doubles_no_row(tmp_path: Path) -> None:
    promised = 0
    for lines, after_s in moments(20260302):
        promised = promised_until_killed(tmp_path, "spool", promised, lines=lines, after_s=after_s)
    assert promised >= 19

    store = EmbeddedStore(tmp_path / "history.duckdb", small_pilot())
    writer = HistoryWriter(store, Spool(tmp_path / "spool"), WallClock())
    writer.start()
    writer.flush(30)
    writer.close()

    seen = store.rows()
    assert seen % ROWS == 0
    assert promised * ROWS <= seen <= (promised + 1) * ROWS
    store.close()
