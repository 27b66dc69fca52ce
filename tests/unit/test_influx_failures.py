"""What a history server may do to the one who writes to it, and what becomes of it: nothing lost, nothing doubled."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.builders import small_pilot
from tests.influx_peer import Answer, Peer, running
from twin.app import Twin, open_store
from twin.bus.memory import MemoryBroker
from twin.clock import WallClock
from twin.model.event import Event, Severity
from twin.model.telemetry import Report
from twin.store.influx.address import Address
from twin.store.influx.client import Limits
from twin.store.influx.store import InfluxStore
from twin.store.port import Batch, StoreError
from twin.store.spool import Spool
from twin.store.writer import HistoryWriter

START = datetime(2026, 3, 1, tzinfo=UTC)
TOKEN = "very-s3cret"
CLOCK = WallClock()
DEVICES = [device.id for device in small_pilot().devices]


class Stopwatch(WallClock):
    """A stopwatch that is moved by hand."""

    passed_s = 0.0

    def monotonic_s(self) -> float:
        return self.passed_s


@pytest.fixture
def peer() -> Iterator[Peer]:
    with running() as peer:
        yield peer


def store_on(peer: Peer, *, clock: WallClock | None = None, write_s: float = 5.0) -> InfluxStore:
    address = Address(url=peer.url, org="lab", bucket="hg", token=TOKEN)
    return InfluxStore(address, small_pilot(), clock or WallClock(), Limits(write_s=write_s, ask_s=5.0))


def batch(number: int, rows: int = 10) -> Batch:
    """The rows of one second, then of the next."""
    reports = []
    for row in range(number * rows, (number + 1) * rows):
        at = START + timedelta(seconds=row // len(DEVICES))
        device = DEVICES[row % len(DEVICES)]
        reports.append(
            Report(device=device, measured_at=at, published_at=at, received_at=at, values={"power_w": float(row)})
        )
    return Batch(reports=reports)


def powers(peer: Peer) -> list[float]:
    return sorted(fields["power_w"] for fields in peer.buckets.get("hg", {}).values())


def refused(store: InfluxStore, given: Batch) -> StoreError:
    with pytest.raises(StoreError) as caught:
        store.write(given)
    assert TOKEN not in f"{caught.value!s} {caught.value.__cause__!r} {caught.value.__context__!r}"
    return caught.value


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_that_fails_is_told_again(peer: Peer, status: int) -> None:
    store = store_on(peer)
    peer.answers.append(Answer(status=status, message="no space left on device"))

    error = refused(store, batch(0))
    assert error.retryable
    assert f"fails for bucket 'hg' ({status}: no space left on device)" in str(error)

    store.write(batch(0))
    assert powers(peer) == [float(row) for row in range(10)]
    assert store.rows() == 10


def test_a_server_that_asks_to_wait_is_left_alone_for_that_long(peer: Peer) -> None:
    clock = Stopwatch()
    store = store_on(peer, clock=clock)
    peer.answers.append(Answer(status=429, message="limit", headers={"Retry-After": "20"}))

    assert "has too much to do (429: limit)" in str(refused(store, batch(0)))
    clock.passed_s = 5.0
    assert "asks to wait; 15 s more" in str(refused(store, batch(0)))
    assert peer.requests == 1

    clock.passed_s = 20.0
    store.write(batch(0))
    assert peer.points("hg") == 10


def test_an_answer_that_never_comes_is_given_up_and_the_rewrite_doubles_nothing(peer: Peer) -> None:
    store = store_on(peer, write_s=0.2)
    peer.answers.append(Answer(silent=True, take=True))

    error = refused(store, batch(0))
    assert error.retryable
    assert "does not answer in time" in str(error)

    store.write(batch(0))
    assert peer.requests == 2
    assert peer.points("hg") == 10
    assert store.rows() == 10


def test_a_server_that_is_gone_is_named_and_found_again(peer: Peer) -> None:
    store = store_on(peer)
    store.write(batch(0))
    peer.stop()

    error = refused(store, batch(1))
    assert error.retryable
    assert f"InfluxDB at {peer.url}, org 'lab' cannot be reached: is it running?" in str(error)

    peer.start()
    store.write(batch(1))
    assert peer.points("hg") == 20


def test_a_body_that_is_too_large_is_halved_until_it_is_taken(peer: Peer) -> None:
    store = store_on(peer)
    peer.always = Answer(status=413, message="too large", if_longer=4_000)

    store.write(batch(0, 1_000))

    assert peer.points("hg") == 1_000
    assert max(peer.bodies[1:]) > 4_000 >= min(peer.bodies)


def test_a_line_that_is_too_large_by_itself_is_said_and_stops_no_other(peer: Peer) -> None:
    store = store_on(peer)
    peer.always = Answer(status=413, message="too large", if_longer=2_000)
    events = [Event(at=START, severity=Severity.WARNING, kind="a", subject=f"{n}", text="x" * n) for n in (1, 3_000, 2)]

    error = refused(store, Batch(events=events))

    assert not error.retryable
    assert peer.points("hg_log") == 2


def test_points_that_the_server_drops_are_said_and_the_others_are_there(peer: Peer) -> None:
    store = store_on(peer)
    conflict = (
        "partial write: field type conflict: input field power_w is type float, already exists as integer dropped=1"
    )
    peer.answers.append(Answer(status=422, message=conflict, take=True))

    error = refused(store, batch(0))

    assert not error.retryable
    assert "refuses this for bucket 'hg' (422: partial write" in str(error)
    assert peer.points("hg") == 10


def test_rows_older_than_the_bucket_keeps_are_counted_and_said(peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    store = store_on(peer)
    expired = "partial write: points beyond retention policy dropped=4"
    peer.answers.extend([Answer(status=422, message=expired)] * 2)

    with caplog.at_level(logging.WARNING):
        store.write(batch(0))
        store.write(batch(1))

    assert "4 points were older than bucket hg keeps; 8 by now" in caplog.text


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (401, "does not know the token: set another in HEARTHGRID_INFLUX_TOKEN"),
        (403, "needs read and write"),
        (404, "run `twin store init`"),
    ],
)
def test_what_an_operator_must_mend_waits_for_it(peer: Peer, status: int, why: str) -> None:
    store = store_on(peer)
    peer.answers.append(Answer(status=status, message="no"))

    error = refused(store, batch(0))
    assert error.retryable
    assert why in str(error)

    store.write(batch(0))
    assert peer.points("hg") == 10


def test_the_token_goes_to_the_server_and_nowhere_else(peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        store = store_on(peer)
        store.write(batch(0))
        peer.answers.append(Answer(status=500, message="x"))
        refused(store, batch(1))

    assert peer.tokens == {f"Token {TOKEN}"}
    assert TOKEN not in caplog.text


def test_a_store_opens_while_its_server_is_away(peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    peer.stop()
    store = store_on(peer)

    assert "history waits in the spool" in caplog.text
    assert store.rows() == 0
    with pytest.raises(StoreError, match="is it running") as away:
        store.latest()
    assert away.value.retryable

    peer.start()
    store.write(batch(0))
    assert (store.rows(), peer.points("hg")) == (10, 10)


@pytest.mark.parametrize(
    ("status", "message", "why"),
    [
        (401, "unauthorized access", "does not know the token: set another in HEARTHGRID_INFLUX_TOKEN"),
        (404, 'could not find bucket "hg_log"', "lacks a bucket: run `twin store init`"),
        (404, 'organization name "lab" not found', "no such organisation: look at org"),
    ],
)
def test_a_server_that_refuses_at_the_start_ends_it(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, status: int, message: str, why: str
) -> None:
    monkeypatch.setenv("HEARTHGRID_INFLUX_TOKEN", TOKEN)
    peer.asked = Answer(status=status, message=message)

    with pytest.raises(ValueError, match=why) as refused:
        open_store(f"influx:{peer.url}?org=lab&bucket=hg", small_pilot())
    assert TOKEN not in str(refused.value)


def test_a_twin_starts_and_hears_while_its_server_is_away(peer: Peer, tmp_path: Path) -> None:
    peer.stop()
    pilot, clock = small_pilot(), WallClock()
    bus = MemoryBroker(clock=clock).client("twin")
    twin = Twin(pilot, bus=bus, clock=clock, store=store_on(peer), spool=Spool(tmp_path / "spool"))
    twin.start()
    twin.writer.submit(batch(0))
    assert "is it running?" in twin.health().store.last_error or twin.health().store.pending == 10

    peer.start()
    twin.writer.flush(60)
    twin.catch_up()

    assert (peer.points("hg"), twin.health().store.failing_since) == (10, None)
    twin.stop()


def test_what_ten_minutes_bring_survives_a_server_that_fails_in_every_way(peer: Peer, tmp_path: Path) -> None:
    """Eighteen devices' ten minutes at a row a second each; twice the server is gone for minutes of it."""
    rows, seconds = len(DEVICES), 600
    ways = [
        Answer(status=503, message="busy"),
        Answer(status=500, message="full", take=True),
        Answer(status=413, message="large", if_longer=20_000),
        Answer(status=429, message="limit", headers={"Retry-After": "0.01"}),
        Answer(broken=True),
        Answer(broken=True, take=True),
    ]
    peer.answers.extend(ways[way] for way in np.random.default_rng(4).integers(len(ways), size=40))
    store = store_on(peer)
    spool = Spool(tmp_path / "spool", segment_rows=500, memory_rows=1_000)
    writer = HistoryWriter(store, spool, WallClock(), interval_s=0.001, rows_at_once=500)
    writer.start()
    most_in_memory = 0

    def hurry() -> None:
        """Ten minutes in a few seconds: the pauses between tries shrink alike."""
        writer._pause_s = min(writer._pause_s, 0.002)
        writer._wake.set()
        CLOCK.sleep(0.001)

    for second in range(seconds):
        if second in (150, 400):
            peer.stop()
        if second in (300, 500):
            peer.start()
        writer.submit(batch(second, rows))
        most_in_memory = max(most_in_memory, spool._memory)
        hurry()
    deadline_s = CLOCK.monotonic_s() + 60
    while writer.health().pending and CLOCK.monotonic_s() < deadline_s:
        hurry()

    assert powers(peer) == [float(row) for row in range(rows * seconds)]
    assert store.rows() == rows * seconds
    assert most_in_memory <= 1_000
    assert writer.health().pending == 0
    assert list((tmp_path / "spool").glob("*.refused")) == []
    writer.close()
    store.close()


def test_a_full_spool_takes_no_more_until_the_server_is_back(peer: Peer, tmp_path: Path) -> None:
    store = store_on(peer)
    writer = HistoryWriter(store, Spool(tmp_path / "spool", limit_bytes=20_000), WallClock(), interval_s=0.01)
    peer.stop()
    writer.start()
    taken = 0

    def fill() -> None:
        nonlocal taken
        while True:
            writer.submit(batch(taken))
            taken += 1

    with pytest.raises(StoreError, match=r"the spool .* is full") as full:
        fill()
    assert full.value.retryable

    peer.start()
    writer._pause_s = 0.0
    writer._wake.set()
    writer.flush(30)
    writer.submit(batch(taken))
    writer.flush(30)

    assert powers(peer) == [float(row) for row in range(10 * (taken + 1))]
    writer.close()
    store.close()
