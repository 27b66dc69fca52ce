"""Frames between the bus's thread and the ingest's, bounded in number and bytes.

What the broker keeps until it is acknowledged is never dropped: when the queue is full, the bus's thread waits a
little for each such frame, and so the broker waits. What it does not keep (QoS 0) is refused when the queue is full.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from twin.bus.port import Frame

BYTES_LIMIT = 64_000_000
_HOLD_S = 2.0  # well below any keep-alive: the bus's thread must get to its pings


class Waiting(NamedTuple):
    """A frame and who is to understand it. `size` is that of the payload as it came, which may have been cut off."""

    take: Callable[[Frame], None]
    frame: Frame
    size: int


class FrameQueue:
    """First in, first out; one thread takes, any thread puts."""

    def __init__(self, limit: int, *, bytes_limit: int = BYTES_LIMIT, hold_s: float = _HOLD_S) -> None:
        self.limit = limit
        self._bytes_limit = bytes_limit
        self._hold_s = hold_s
        self._frames: deque[Waiting] = deque()
        self._bytes = 0
        self._change = threading.Condition()

    def __len__(self) -> int:
        """Frames waiting."""
        return len(self._frames)

    def put(self, waiting: Waiting, *, hold: bool) -> bool:
        """Append a frame; False when the queue is full and nobody keeps the frame for us.

        `hold` makes a frame that the broker keeps wait, for a bounded time, while the queue is full.
        """
        with self._change:
            if self._full:
                if waiting.frame.token is None:
                    return False
                if hold:
                    self._change.wait_for(lambda: not self._full, self._hold_s)
            self._frames.append(waiting)
            self._bytes += len(waiting.frame.payload)
            if len(self._frames) == 1:
                self._change.notify_all()
            return True

    def take(self, limit: int, timeout_s: float) -> Sequence[Waiting]:
        """Up to `limit` frames, oldest first; waits up to `timeout_s` for the first one."""
        with self._change:
            if not self._frames and timeout_s > 0:
                self._change.wait_for(lambda: bool(self._frames), timeout_s)
            was_full = self._full
            taken = [self._frames.popleft() for _ in range(min(limit, len(self._frames)))]
            self._bytes -= sum(len(waiting.frame.payload) for waiting in taken)
            if was_full:
                self._change.notify_all()
            return taken

    @property
    def _full(self) -> bool:
        return len(self._frames) >= self.limit or self._bytes >= self._bytes_limit
