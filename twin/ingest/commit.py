"""What is applied and not yet safe: batches on their way to history, and the frames to acknowledge once they are.

Nothing is acknowledged before history has it. While history cannot take a batch, the state goes on and the batches
wait here in order, up to a bound on frames; beyond it no more is taken off the queue.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from twin.bus.port import Bus, Frame
from twin.clock import Clock
from twin.ingest.hooks import History
from twin.model.event import Severity
from twin.state.registry import PilotState
from twin.store.port import Batch, StoreError

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0


class _Pending(NamedTuple):
    batch: Batch
    frames: Sequence[Frame]


class Commit:
    """Batches to history, then acknowledgements to the bus; in order, one thread."""

    def __init__(self, *, history: History, bus: Bus, state: PilotState, clock: Clock, frames_limit: int) -> None:
        self._history = history
        self._bus = bus
        self._state = state
        self._clock = clock
        self._frames_limit = frames_limit
        self._pending: deque[_Pending] = deque()
        self._frames = 0
        self._pause_s = 0.0
        self._next_try_s = 0.0

    @property
    def idle(self) -> bool:
        """True when everything applied is safe."""
        return not self._pending

    @property
    def full(self) -> bool:
        """True when so much waits that no more frames may be taken."""
        return self._frames >= self._frames_limit

    def add(self, batch: Batch, frames: Sequence[Frame]) -> None:
        """Append what one drain brought."""
        self._pending.append(_Pending(batch, frames))
        self._frames += len(frames)

    def push(self) -> None:
        """Hand over what waits until all is safe or history refuses; after a refusal not before the pause is over."""
        if not self._pending or self._clock.monotonic_s() < self._next_try_s:
            return
        while self._pending:
            batch, frames = self._pending[0]
            if not _empty(batch) and not self._submitted(batch):
                return
            self._pending.popleft()
            self._frames -= len(frames)
            self._bus.acknowledge(frames)

    def _submitted(self, batch: Batch) -> bool:
        """True when the batch needs no further try: history has it, or will never take it."""
        try:
            self._history.submit(batch)
        except StoreError as error:
            if error.retryable:
                self._wait(error)
                return False
            text = f"{len(batch.reports)} reports are lost to history: {error}"
            self._state.note(Severity.ALARM, "history-refused", "history", text)
        if self._pause_s:
            self._pause_s = 0.0
            self._state.note(Severity.INFORMATION, "history-recovered", "history", "batches are taken again")
        return True

    def _wait(self, error: StoreError) -> None:
        if not self._pause_s:
            text = f"nothing is acknowledged until it can: {error}"
            self._state.note(Severity.ALARM, "history-failed", "history", text)
        self._pause_s = min(_LONGEST_PAUSE_S, self._pause_s * 2 or _FIRST_PAUSE_S)
        self._next_try_s = self._clock.monotonic_s() + self._pause_s


def _empty(batch: Batch) -> bool:
    return not any((batch.reports, batch.grid, batch.commands, batch.events, batch.dead_letters, batch.samples))
