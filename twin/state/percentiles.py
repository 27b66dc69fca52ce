"""Percentiles of the most recent values, in bounded memory. Refuses nothing; an empty window reads as zero."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from twin.model.health import Percentiles


class Window:
    """The last `capacity` values of a stream. One writer; readers copy and may see the newest value or not."""

    __slots__ = ("_count", "_ring")

    def __init__(self, capacity: int) -> None:
        self._ring: NDArray[np.float64] = np.empty(capacity)
        self._count = 0

    def __len__(self) -> int:
        """How many values the window holds."""
        return min(self._count, self._ring.size)

    def add(self, value: float) -> None:
        """Take one value; the oldest one leaves when the window is full."""
        self._ring[self._count % self._ring.size] = value
        self._count += 1

    def extend(self, values: Sequence[float]) -> None:
        """Take many values at once, oldest first."""
        size = self._ring.size
        newest = np.asarray(values[-size:], dtype=np.float64)
        first = self._count + len(values) - newest.size
        self._ring[(first + np.arange(newest.size)) % size] = newest
        self._count += len(values)

    def quantiles(self, *shares: float) -> tuple[float, ...]:
        """The value below which each share (0..1) of the window lies; zeros while the window is empty."""
        held = self._ring[: len(self)].copy()
        if held.size == 0:
            return (0.0,) * len(shares)
        return tuple(float(value) for value in np.quantile(held, shares))

    def summary(self) -> Percentiles:
        """Median, 99th percentile and maximum, in the unit of the values (ms by the meaning of Percentiles)."""
        p50, p99, highest = self.quantiles(0.5, 0.99, 1.0)
        return Percentiles(p50=p50, p99=p99, max=highest)
