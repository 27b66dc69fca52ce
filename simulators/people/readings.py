"""Interval readings of one meter, whichever file they came in, and the error that all readers raise."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

MAX_POWER_W = 100_000.0
_DAY_S = 86_400
_MINUTE_S = 60


class MeterDataError(ValueError):
    """Readings that cannot be used: names the file, the row or element, the value and what is allowed."""

    def __init__(self, file: str, *, where: str = "", value: object = None, allowed: str) -> None:
        what = f": {value!r}" if value is not None else ""
        super().__init__(f"{file}{', ' + where if where else ''}{what}; allowed: {allowed}")
        self.file, self.where, self.value, self.allowed = file, where, value, allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Mean power over [start_s, start_s + length_s), Unix seconds; `where` is its place in the file."""

    start_s: int
    length_s: int
    power_w: float
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """Equally long, gapless intervals from `start_s` (Unix seconds, a whole minute) with their mean power."""

    start_s: int
    step_s: int
    power_w: FloatArray

    @classmethod
    def of(cls, file: str, readings: Sequence[Reading]) -> Self:
        """Check that readings follow each other without gap or overlap for at least a day. Raises MeterDataError."""
        first = readings[0]
        if first.length_s <= 0:
            raise MeterDataError(file, where=first.where, value=first.length_s, allowed="an interval of at least 1 s")
        if first.start_s % _MINUTE_S:
            raise MeterDataError(file, where=first.where, value=first.start_s, allowed="a start on a whole minute")
        due = first.start_s
        for reading in readings:
            if reading.start_s != due or reading.length_s != first.length_s:
                found = f"{reading.length_s} s from {np.datetime64(reading.start_s, 's')}Z"
                expected = f"{first.length_s} s from {np.datetime64(due, 's')}Z: one equal interval, no gap, no overlap"
                raise MeterDataError(file, where=reading.where, value=found, allowed=expected)
            if not 0.0 <= reading.power_w <= MAX_POWER_W:
                limit = f"0 to {MAX_POWER_W:g} W mean power; consumption, not net of generation"
                raise MeterDataError(file, where=reading.where, value=f"{reading.power_w:g} W", allowed=limit)
            due += first.length_s
        if due - first.start_s < _DAY_S:
            raise MeterDataError(file, where=first.where, value=f"{due - first.start_s} s", allowed="at least one day")
        powers = np.array([reading.power_w for reading in readings], dtype=np.float64)
        return cls(start_s=first.start_s, step_s=first.length_s, power_w=powers)
