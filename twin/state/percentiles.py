"""Percentiles of the most recent values, in bounded memory. Refuses nothing; an empty window reads as zero."""

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

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
        ordered = np.sort(np.array(held))
        return tuple(_at(ordered, share * (len(held) - 1)) for share in shares)

    def summary(self) -> Percentiles:
        """Median, 99th percentile and maximum, in the unit of the values (ms by the meaning of Percentiles)."""
        p50, p99, highest = self.quantiles(0.5, 0.99, 1.0)
        return Percentiles(p50=p50, p99=p99, max=highest)


def _at(ordered: NDArray[np.float64], place: float) -> float:
    """Between the two values next to `place`, as np.quantile does by default; a fifth of its cost."""
    below = int(place)
    low = float(ordered[below])
    return low if place == below else low + (float(ordered[below + 1]) - low) * (place - below)
