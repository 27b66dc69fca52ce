"""When far sides report: each at its own moment of its own interval, so that a thousand homes do not speak at once."""

from collections.abc import Sequence
from zlib import crc32

import numpy as np
from numpy.typing import NDArray


def seed_of(pilot_seed: int, *names: str) -> list[int]:
    """A seed of its own for whatever `names` name; independent of how many others there are."""
    return [pilot_seed, *(crc32(name.encode()) for name in names)]


class Schedule:
    """Slots with a period and a phase each. The first time all are due, so that nobody waits for a first value."""

    def __init__(self, periods_s: Sequence[float], seeds: Sequence[Sequence[int]]) -> None:
        self._period_s = np.array(periods_s, dtype=np.float64)
        shares = [float(np.random.default_rng(seed).random()) for seed in seeds]
        phase_s = np.array(shares) * self._period_s
        self._phase_s = np.floor(phase_s)
        self._round = np.full(len(periods_s), -np.inf)
        self.offset_s: list[float] = np.round(phase_s - self._phase_s, 3).tolist()
        """Per slot how far into the second it speaks, below 1."""

    def due(self, now_s: float) -> list[int]:
        """Slots whose period has come round since they were last due; once, however long ago that was."""
        round_now: NDArray[np.float64] = np.floor((now_s - self._phase_s) / self._period_s)
        due = np.flatnonzero(round_now > self._round)
        self._round[due] = round_now[due]
        found: list[int] = due.tolist()
        return found
