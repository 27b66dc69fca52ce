"""The writer between the twin and its history: nothing lost, nothing doubled, nobody kept waiting."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.builders import small_pilot
from twin.clock import DrivenClock
from twin.model.telemetry import Report
from twin.store.embedded import EmbeddedStore
from twin.store.port import Batch, StoreError
from twin.store.spool import Spool
from twin.store.writer import HistoryWriter

START = datetime(2026, 3, 1, tzinfo=UTC)


class Stubborn(EmbeddedStore):
    """The embedded store, failing for as long as `error` is set."""

    error: StoreError | None = None
    tries = 0

    def write(self, batch: Batch) -> None:
        self.tries += 1
        if self.error is not None:
            raise self.error
        super().write(batch)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Stubborn]:
    store = Stubborn(tmp_path / "history.duckdb", small_pilot())
    yield store
    store.close()


def writer_on(store: Stubborn, folder: Path, *, memory_rows: int = 60_000, interval_s: float = 0.01) -> HistoryWriter:
    spool = Spool(folder / "spool", segment_rows=40, memory_rows=memory_rows)
    return HistoryWriter(store, spool, DrivenClock(START), interval_s=interval_s)


def batch(number: int, rows: int = 10) -> Batch:
    times = [START + timedelta(seconds=number * rows + row) for row in range(rows)]
    return Batch(
        reports=[
            Report(device="h1-meter", measured_at=at, published_at=at, received_at=at, values={"power_w": 1.0})
            for at in times
        ]
    )


def poison(number: int) -> Batch:
    (report,) = batch(number, 1).reports
    return Batch(
        reports=[
            Report(
                device=report.device,
                measured_at=report.measured_at,
                published_at=report.measured_at,
                received_at=report.measured_at,
                values={"flux": 1.0},
            )
        ]
    )


def test_what_is_submitted_from_many_threads_is_in_the_store(store: Stubborn, tmp_path: Path) -> None:
    writer = writer_on(store, tmp_path)
    writer.start()

    def submit(first: int) -> None:
        for number in range(first, first + 25):
            writer.submit(batch(number))

    threads = [threading.Thread(target=submit, args=(first,)) for first in (0, 25, 50, 75)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    writer.flush()

    health = writer.health()
    assert store.rows() == health.rows == 1_000
    assert (health.pending, health.spool_bytes, health.failing_since) == (0, 0, None)
    assert 0 < health.write_ms.p50 <= health.write_ms.p99 <= health.write_ms.max
    writer.close()


def test_it_waits_for_its_moment_unless_many_rows_do(store: Stubborn, tmp_path: Path) -> None:
    writer = HistoryWriter(store, Spool(tmp_path / "spool"), DrivenClock(START), interval_s=3_600.0, rows_at_once=100)
    writer.start()
    writer.submit(batch(0, 99))
    assert writer.health().pending == 99

    writer.submit(batch(1, 1))
    with writer._drained:
        assert writer._drained.wait_for(lambda: not writer.health().pending, 10)
    writer.close()


def test_what_an_earlier_process_left_is_written_at_the_start(store: Stubborn, tmp_path: Path) -> None:
    left = Spool(tmp_path / "spool")
    left.append(batch(0))
    left.append(batch(1))
    left.close()
    store.write(batch(0))  # the process was killed after the write and before the spool let go

    writer = writer_on(store, tmp_path)
    assert writer.health().pending == 20
    writer.start()
    writer.flush()

    assert store.rows() == 20
    writer.close()


def test_a_store_that_fails_is_tried_again_and_nothing_is_lost(store: Stubborn, tmp_path: Path) -> None:
    writer = writer_on(store, tmp_path, memory_rows=100)
    store.error = StoreError("the disk is full: make room", retryable=True)
    writer.start()
    for number in range(50):
        writer.submit(batch(number))
    with pytest.raises(StoreError, match="500 rows still wait.*the disk is full"):  # noqa: RUF043
        writer.flush(timeout_s=0.05)

    ill = writer.health()
    assert (ill.failing_since, ill.last_error, ill.pending) == (START, "the disk is full: make room", 500)
    assert sum(len(segment.batches or ()) for segment in writer._spool._segments) <= 10

    store.error = None
    writer.flush()
    well = writer.health()
    assert (well.rows, well.pending, well.failing_since) == (500, 0, None)
    writer.close()


def test_the_pause_between_tries_grows_to_its_limit(store: Stubborn, tmp_path: Path) -> None:
    writer = writer_on(store, tmp_path, interval_s=1.0)
    store.error = StoreError("no", retryable=True)
    writer.submit(batch(0))
    pauses = []
    for _ in range(8):
        writer._drain()
        pauses.append(writer._pause_s)

    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    store.error = None
    writer._drain()
    assert writer._pause_s == 0.0
    writer.close()


def test_what_no_store_will_ever_take_is_set_aside_and_said(store: Stubborn, tmp_path: Path) -> None:
    writer = writer_on(store, tmp_path)
    writer.submit(batch(0))
    writer.submit(poison(1_000))
    writer.submit(batch(1))
    writer.start()
    writer.flush()

    health = writer.health()
    assert (health.rows, health.pending, health.failing_since) == (20, 0, None)
    assert "flux" in health.last_error
    (kept,) = (tmp_path / "spool").glob("*.refused")
    assert b"flux" in kept.read_bytes()
    writer.close()


def test_closing_writes_what_waits(store: Stubborn, tmp_path: Path) -> None:
    writer = writer_on(store, tmp_path, interval_s=3_600.0)
    writer.start()
    for number in range(30):
        writer.submit(batch(number))
    writer.close()

    assert store.rows() == 300
    with pytest.raises(StoreError, match="closed"):
        writer.submit(batch(0))


def test_closing_on_a_failing_store_leaves_the_rest_for_the_next_start(store: Stubborn, tmp_path: Path) -> None:
    store.error = StoreError("no", retryable=True)
    writer = writer_on(store, tmp_path, interval_s=3_600.0)
    writer.start()
    writer.submit(batch(0))
    writer.close()
    store.error = None

    after = writer_on(store, tmp_path)
    after.start()
    after.flush()
    assert store.rows() == 10
    after.close()
