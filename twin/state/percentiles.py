"""Percentiles of the most recent values, in bounded memory. Refuses nothing; an empty window reads as zero."""

from collections import deque
from collections.abc import Sequence

import numpy as np

from twin.model.health import Percentiles


class Window:
    """The last `capacity` values of a stream. One writer; readers copy and may see the newest value or not."""

    __slots__ = ("_values",)

    def __init__(self, capacity: int) -> None:
        self._values: deque[float] = deque(maxlen=capacity)  # its extend costs a tenth of a NumPy ring's

    def __len__(self) -> int:
        """How many values the window holds."""
        return len(self._values)

    def add(self, value: float) -> None:
        """Take one value; the oldest one leaves when the window is full."""
        self._values.append(value)

    def extend(self, values: Sequence[float]) -> None:
        """Take many values at once, oldest first."""
        self._values.extend(values)

    def quantiles(self, *shares: float) -> tuple[float, ...]:
        """The value below which each share (0..1) of the window lies; zeros while the window is empty."""
        held = list(self._values)
        if not held:
            return (0.0,) * len(shares)
        return tuple(float(value) for value in np.quantile(held, shares))

    def summary(self) -> Percentiles:
        """Median, 99th percentile and maximum, in the unit of the values (ms by the meaning of Percentiles)."""
        p50, p99, highest = self.quantiles(0.5, 0.99, 1.0)
        return Percentiles(p50=p50, p99=p99, max=highest)
