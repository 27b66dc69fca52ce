"""Where a home's base load comes from: one contract for the generator, for meter readings and for standard profiles."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simulators.people.weather_file import year_seconds

FloatArray = NDArray[np.float64]


class DemandSource(Protocol):
    """Base load of n homes, minute by minute, constant within a minute; positive is drawn from the grid."""

    @property
    def count(self) -> int:
        """Number of homes."""

    def demand_w(self, start: np.datetime64, count: int) -> FloatArray:
        """Power in `count` minutes from the UTC minute `start`: shape (count, n)."""


class ProfileDemand:
    """Quarter-hour profiles of one year, held for 15 minutes and repeated every year by local date and time.

    The rows begin on 1 January 00:00 local standard time: 35,040 of them, or 35,136 for a leap year, whose 29
    February is left out in other years. In a leap year a common year's profile repeats 28 February.
    """

    def __init__(self, power_w: FloatArray, *, utc_offset_h: float) -> None:
        """`power_w` has shape (quarter hours, n). Raises ValueError for another length or non-finite values."""
        if power_w.ndim != 2 or power_w.shape[0] not in {35_040, 35_136}:  # noqa: PLR2004 - rows and homes
            msg = (
                f"profiles of shape {power_w.shape}; allowed: (35040, n) or, for a leap year, (35136, n) quarter hours"
            )
            raise ValueError(msg)
        if not np.isfinite(power_w).all():
            msg = "profiles hold a value that is not finite; allowed: finite watts"
            raise ValueError(msg)
        leap_day = slice(59 * 96, 60 * 96)
        common = power_w.shape[0] == 35_040  # noqa: PLR2004 - quarter hours of a common year
        self._power_w = power_w if common else np.delete(power_w, leap_day, axis=0)
        self._utc_offset_min = round(utc_offset_h * 60)

    @property
    def count(self) -> int:
        """Number of homes."""
        return int(self._power_w.shape[1])

    def demand_w(self, start: np.datetime64, count: int) -> FloatArray:
        """Power in `count` minutes from the UTC minute `start`: shape (count, n)."""
        minutes = np.arange(count) + start.astype("datetime64[m]").astype(np.int64) + self._utc_offset_min
        seconds = year_seconds(minutes.astype("datetime64[m]"))
        return self._power_w[(seconds // 900).astype(np.int64)]
