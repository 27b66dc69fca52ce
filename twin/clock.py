"""Time, injected: the only reader of the wall clock.

`Clock.now` is the pilot's time (UTC, aware); `Clock.monotonic_s` is for measuring how long things take.
"""

import threading
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What time it is in the pilot, and a stopwatch."""

    def now(self) -> datetime:
        """The pilot's time, UTC and aware."""
        ...

    def monotonic_s(self) -> float:
        """Seconds of a stopwatch that never goes back; its zero means nothing."""
        ...


class WallClock:
    """Time as the machine tells it: live pilots."""

    def now(self) -> datetime:
        """The machine's time in UTC."""
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        """The machine's monotonic stopwatch."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait; only edges that pace themselves may call this."""
        if seconds > 0:
            time.sleep(seconds)


class DrivenClock:
    """Time as someone else tells it: the `clock` topic when a simulation sets the pace, or a test by hand.

    Time never goes back: an earlier time is ignored. While released (`follow_wall`) it is the wall clock's time.
    """

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._live = False
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The time last driven to, or the wall's while it follows the wall."""
        return max(self._now, datetime.now(UTC)) if self._live else self._now

    def monotonic_s(self) -> float:
        """The machine's stopwatch: how long our own work takes is real in any simulation."""
        return time.monotonic()

    def drive(self, to: datetime) -> None:
        """Set the time to `to`, unless that would go back."""
        with self._lock:
            self._live = False
            self._now = max(self._now, to)

    def follow_wall(self) -> None:
        """From here on time is the wall's."""
        self._live = True
