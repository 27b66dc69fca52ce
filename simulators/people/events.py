"""Random starts and the minutes they fill: Poisson events per quarter hour, painted as piecewise-constant courses.

Courses are summed as whole numbers (watts, millilitres per minute), so that the sum is exact and does not depend on
the order in which homes or events are added.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.people import chance
from simulators.people.chance import FloatArray, KeyArray
from simulators.people.day import MINUTES, QUARTER, QUARTERS, WARM_UP_MINUTES

IntArray = NDArray[np.int64]
_MOST_PER_QUARTER = 8  # more starts of one kind in a quarter hour are not drawn; the mean is below one
_DRAWS_PER_EVENT = 3
_APART = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """Starts of one kind of thing in one day; arrays over events. `minute` counts from the start of the warm-up."""

    home: IntArray  # position in the slice
    minute: IntArray
    chance: tuple[FloatArray, FloatArray]  # two further uniform draws per event, for length and size


def draw_events(count_key: KeyArray, event_key: KeyArray, expected: FloatArray) -> Events:
    """Poisson starts with the expected number per quarter hour and home, shape (QUARTERS, n); keys are per home."""
    u = chance.uniform(count_key[None, :], np.arange(QUARTERS)[:, None])
    probability = np.exp(-expected)
    quarter, home = np.nonzero(u > probability)
    mean, u = expected[quarter, home], u[quarter, home]
    term = probability[quarter, home]
    cumulative, count = term.copy(), np.ones(home.size, dtype=np.int64)
    for number in range(1, _MOST_PER_QUARTER):
        term *= mean / number
        cumulative += term
        more = u > cumulative
        if not more.any():
            break
        count += more
    quarter, home = np.repeat(quarter, count), np.repeat(home, count)
    within = np.arange(home.size) - np.repeat(np.cumsum(count) - count, count)
    counter = (quarter * _MOST_PER_QUARTER + within) * _DRAWS_PER_EVENT
    key = event_key[home]
    minute = quarter * QUARTER + np.floor(chance.uniform(key, counter) * QUARTER).astype(np.int64)
    return Events(home=home, minute=minute, chance=(chance.uniform(key, counter + 1), chance.uniform(key, counter + 2)))


def whole_between(limits: tuple[int, int], u: FloatArray) -> IntArray:
    """Whole numbers spread evenly over both limits and everything between."""
    return limits[0] + np.floor(u * (limits[1] - limits[0] + 1)).astype(np.int64)


def one_at_a_time(home: IntArray, start: IntArray, length: IntArray) -> IntArray:
    """Start minutes moved back so that no run of a home begins before its previous one has ended.

    A queue has end_i = max(start_i, end_{i-1}) + length_i: a running maximum once the lengths before are taken off.
    """
    order = np.lexsort((start, home))
    before = np.cumsum(length[order]) - length[order]
    apart = home[order] * _APART  # so far apart that one home never waits for another
    begin = np.maximum.accumulate(start[order] + apart - before) + before - apart
    result = np.empty_like(start)
    result[order] = begin
    return result


class Canvas:
    """Adds rectangles to a day of minutes, shape (1440, homes); rectangles may reach over either end."""

    def __init__(self, homes: int) -> None:
        """Begin with zeros."""
        self._homes = homes
        self._where: list[IntArray] = []
        self._what: list[FloatArray] = []

    def add(self, home: IntArray, start: IntArray, end: IntArray, level: FloatArray) -> None:
        """Add `level` from minute `start` to `end`, exclusive, both counted from the start of the warm-up."""
        begin = np.clip(start - WARM_UP_MINUTES, 0, MINUTES)
        finish = np.clip(end - WARM_UP_MINUTES, 0, MINUTES)
        self._where += [begin * self._homes + home, finish * self._homes + home]
        self._what += [level, -level]

    def minutes(self) -> FloatArray:
        """The sum of all rectangles: shape (1440, homes)."""
        cells = (MINUTES + 1) * self._homes
        if not self._where:
            return np.zeros((MINUTES, self._homes))
        where, what = np.concatenate(self._where), np.concatenate(self._what)
        steps = np.bincount(where, what, minlength=cells).astype(np.float64)
        result: FloatArray = np.cumsum(steps.reshape(MINUTES + 1, self._homes), axis=0)[:MINUTES]
        return result
