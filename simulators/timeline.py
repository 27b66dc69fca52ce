"""How the world walks through time: long steps while it fills in history, short ones from then on.

mosaik counts whole seconds from the world's epoch. The step at second t covers the time since the step before it
and ends at t; what it finds is measured at t. All simulators share one Timeline, so all of them step together.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

BACKFILL_STEP_S = 60


class Timeline:
    """Decides each next step once, whoever asks first, and remembers it for the others.

    `live_at_s` is where history ends, in seconds after `epoch`. When the pilot's time is the wall's, it moves on
    while history is being filled in: `wall_s` then tells how far the wall is, in seconds after `epoch`.
    `first_s` is how long the step ending at `epoch` is.
    """

    def __init__(
        self,
        *,
        epoch: datetime,
        live_at_s: int,
        step_s: int,
        first_s: int,
        wall_s: Callable[[], float] | None = None,
    ) -> None:
        self.epoch = epoch
        self.live_at_s = live_at_s
        self._step_s = step_s
        self._wall_s = wall_s
        self._epoch_s = int(epoch.timestamp())
        self._previous: dict[int, int] = {0: -first_s}
        self._next: dict[int, int] = {}
        self.live = live_at_s <= 0

    def length_s(self, t: int) -> int:
        """Seconds that the step ending at `t` covers."""
        return t - self._previous[t]

    def after(self, t: int) -> int:
        """The time of the step after the one at `t`."""
        if t not in self._next:
            step = self._decide(t)
            self._next[t] = t + step
            self._previous[t + step] = t
            self._forget()
        return self._next[t]

    def postpone(self) -> None:
        """Not live yet after all: the wall has moved on; the next step decides anew."""
        self.live = False

    def utc_s(self, t: float) -> float:
        """Unix time in seconds of `t`."""
        return self._epoch_s + t

    def moment(self, t: float) -> datetime:
        """`t` as a UTC time."""
        return datetime.fromtimestamp(self._epoch_s, UTC) + timedelta(seconds=t)

    def _decide(self, t: int) -> int:
        if self._wall_s is None:
            self.live = t >= self.live_at_s
            return self._step_s if self.live else min(BACKFILL_STEP_S, self.live_at_s - t)
        behind = self._wall_s() - t
        if not self.live and behind < self._step_s:
            self.live, self.live_at_s = True, t
        if behind >= BACKFILL_STEP_S + self._step_s and (self._epoch_s + t) % BACKFILL_STEP_S == 0:
            return BACKFILL_STEP_S  # also after the machine slept: long steps catch up
        return self._step_s

    def _forget(self) -> None:
        # Simulators are at most one step apart; anything older is never asked for again.
        for memory in (self._previous, self._next):
            while len(memory) > 8:  # noqa: PLR2004
                memory.pop(next(iter(memory)))
