"""History's one writer: what is submitted is on disk at once and in the store within about a second.

A store that fails is asked again after a growing pause, while the spool keeps what comes, in bounded memory. What a
store will never take is set aside beside the spool, and said so, rather than standing in the way of all that follows.
"""

import threading
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from itertools import chain

from twin.clock import Clock
from twin.model.health import Percentiles, StoreHealth
from twin.store.port import Batch, Store, StoreError
from twin.store.spool import Segment, Spool

_PAUSE_LIMIT_S = 30.0
_CLOSE_WAIT_S = 1.5
_WRITES_REMEMBERED = 500


class HistoryWriter:
    """Submits come from any thread; one thread of its own writes."""

    def __init__(
        self, store: Store, spool: Spool, clock: Clock, *, interval_s: float = 1.0, rows_at_once: int = 10_000
    ) -> None:
        """Write every `interval_s`, or as soon as `rows_at_once` rows wait. Nothing is written before `start`."""
        self._store = store
        self._spool = spool
        self._clock = clock
        self._interval_s = interval_s
        self._rows_at_once = rows_at_once
        self._wake = threading.Event()
        self._drained = threading.Condition()
        self._closing_at_s: float | None = None
        self._pause_s = 0.0  # before the next try, while the store fails
        self._rows = store.rows()
        self._write_ms: deque[float] = deque(maxlen=_WRITES_REMEMBERED)
        self._failing_since: datetime | None = None
        self._last_error = ""
        self._thread = threading.Thread(target=self._run, name="history-writer", daemon=True)

    def start(self) -> None:
        """Begin to write, first of all what an earlier process left in the spool."""
        self._wake.set()
        self._thread.start()

    def submit(self, batch: Batch) -> None:
        """Keep `batch` for the store; on return it survives a kill of this process.

        Raises StoreError (retryable) when the spool or its disk is full: then the bus must not be acknowledged.
        """
        self._spool.append(batch)
        if not self._pause_s and self._spool.pending_rows >= self._rows_at_once:
            self._wake.set()

    def flush(self, timeout_s: float = 10.0) -> None:
        """Wait until the store has all that was submitted before; StoreError (retryable) when it has not in time."""
        goal = self._spool.settled_rows + self._spool.pending_rows
        self._wake.set()
        with self._drained:
            if not self._drained.wait_for(lambda: self._spool.settled_rows >= goal, timeout_s):
                raise StoreError(
                    f"{self._spool.pending_rows} rows still wait after {timeout_s:g} s: "
                    f"{self._last_error or 'the store is slow'}",
                    retryable=True,
                )

    def health(self) -> StoreHealth:
        """How far behind the store is, and what ails it."""
        spans = sorted(self._write_ms)
        return StoreHealth(
            rows=self._rows,
            pending=self._spool.pending_rows,
            spool_bytes=self._spool.size_bytes,
            write_ms=Percentiles(
                p50=spans[len(spans) // 2], p99=spans[min(len(spans) - 1, len(spans) * 99 // 100)], max=spans[-1]
            )
            if spans
            else Percentiles(),
            failing_since=self._failing_since,
            last_error=self._last_error,
        )

    def close(self) -> None:
        """Write what waits, for 1.5 s at most, and let go of the spool; the rest stays in it for the next start."""
        self._closing_at_s = self._clock.monotonic_s()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_WAIT_S)
        self._spool.close()

    def _run(self) -> None:
        while self._closing_at_s is None:
            self._wake.wait(self._pause_s or self._interval_s)
            self._wake.clear()
            self._drain()
        self._drain()  # what was submitted while the loop was busy

    def _drain(self) -> None:
        """Write what waits by now, until the store fails or closing takes too long; what comes meanwhile waits."""
        waiting = self._spool.pending_rows
        try:
            while waiting > 0 and not self._out_of_time() and (segment := self._spool.oldest()) is not None:
                self._write(segment)
                waiting -= segment.rows
        except StoreError as error:
            self._failed(error)
        else:
            self._failing_since = None
            self._pause_s = 0.0
        with self._drained:
            self._drained.notify_all()

    def _write(self, segment: Segment) -> None:
        started_s = self._clock.monotonic_s()
        batches = self._spool.read(segment)
        try:
            self._store.write(_merged(batches))
        except StoreError as error:
            if error.retryable:
                raise
            self._write_singly(segment, batches)
        else:
            self._spool.drop(segment)
        self._write_ms.append((self._clock.monotonic_s() - started_s) * 1e3)
        self._rows = self._store.rows()

    def _write_singly(self, segment: Segment, batches: Sequence[Batch]) -> None:
        """One batch among many is at fault: write the others, and keep the segment for someone to look at."""
        refused = ""
        for batch in batches:
            try:
                self._store.write(batch)
            except StoreError as error:
                if error.retryable:
                    raise
                refused = str(error)
        self._last_error = f"{refused}; set aside in {self._spool.refuse(segment)}"

    def _failed(self, error: StoreError) -> None:
        self._failing_since = self._failing_since or self._clock.now()
        self._last_error = str(error)
        self._pause_s = min(2 * self._pause_s or self._interval_s, _PAUSE_LIMIT_S)
        try:
            self._spool.sync()
        except StoreError as second:
            self._last_error = f"{error}; {second}"

    def _out_of_time(self) -> bool:
        return self._closing_at_s is not None and self._clock.monotonic_s() - self._closing_at_s > _CLOSE_WAIT_S


def _merged(batches: Sequence[Batch]) -> Batch:
    if len(batches) == 1:
        return batches[0]
    return Batch(
        reports=list(chain.from_iterable(batch.reports for batch in batches)),
        grid=list(chain.from_iterable(batch.grid for batch in batches)),
        commands=list(chain.from_iterable(batch.commands for batch in batches)),
        events=list(chain.from_iterable(batch.events for batch in batches)),
        dead_letters=list(chain.from_iterable(batch.dead_letters for batch in batches)),
        samples=list(chain.from_iterable(batch.samples for batch in batches)),
    )
