"""Two periods side by side, aligned on the time since each began: their figures, and the differences.

Refuses nothing: a period without values has no figures. Energy is of powers only, by the trapezoidal rule over the
stretches without a gap: a pause of more than three times the intervals next to it is not filled in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isnan

import numpy as np
from numpy.typing import NDArray

from twin.model.telemetry import Series

_GAP = 3.0  # times the longer of the intervals before and after


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One side: a quantity from `start` on, with a name for people."""

    name: str
    start: datetime
    series: Series


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of one period. `energy_wh` is None for what is no power; `covered_s` is how much of the time is without a gap."""

    values: int
    mean: float | None
    minimum: float | None
    maximum: float | None
    energy_wh: float | None
    covered_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Figures of both sides and B minus A; None where a side has no such figure."""

    a: Figures
    b: Figures
    mean: float | None
    minimum: float | None
    maximum: float | None
    energy_wh: float | None


def compare(a: Series, b: Series, quantity: str) -> Comparison:
    """Both series' figures and their differences, B minus A."""
    first, second = figures(a, quantity), figures(b, quantity)
    return Comparison(
        a=first,
        b=second,
        mean=_difference(first.mean, second.mean),
        minimum=_difference(first.minimum, second.minimum),
        maximum=_difference(first.maximum, second.maximum),
        energy_wh=_difference(first.energy_wh, second.energy_wh),
    )


def figures(series: Series, quantity: str) -> Figures:
    """The figures of one period. The mean is over time where there is time between values."""
    pairs = [(at.timestamp(), value) for at, value in zip(series.times, series.values, strict=True) if not isnan(value)]
    if not pairs:
        return Figures(values=0, mean=None, minimum=None, maximum=None, energy_wh=None, covered_s=0.0)
    times_s, values = (np.array(column) for column in zip(*pairs, strict=True))
    steps_s = np.diff(times_s)
    whole = steps_s <= _GAP * _usual(steps_s)
    area = float(np.sum((steps_s * (values[1:] + values[:-1]) / 2)[whole]))
    covered_s = float(np.sum(steps_s[whole]))
    return Figures(
        values=len(pairs),
        mean=area / covered_s if covered_s else float(np.mean(values)),
        minimum=float(np.min(values)),
        maximum=float(np.max(values)),
        energy_wh=area / 3_600 if quantity.endswith("_w") else None,
        covered_s=covered_s,
    )


def _usual(steps_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each step between values may be compared with: the longer of its neighbours, for rates change over time."""
    if steps_s.size < 2:  # noqa: PLR2004 - a step alone has no neighbour
        return steps_s
    around = np.concatenate([steps_s[1:2], steps_s, steps_s[-2:-1]])
    longer: NDArray[np.float64] = np.maximum(around[:-2], around[2:])
    return longer


def aligned(period: Period, on: datetime) -> Series:
    """The series moved so that its period begins at `on`."""
    shift: timedelta = on - period.start
    times: Sequence[datetime] = [at + shift for at in period.series.times]
    return Series(times=times, values=period.series.values)


def _difference(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else b - a
