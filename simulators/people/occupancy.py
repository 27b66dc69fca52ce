"""Who is at home, awake or asleep: one three-state Markov chain per person, in quarter-hour steps.

The chain is built from its wanted marginals: each step keeps as many people as possible in their state (the maximal
coupling of two consecutive marginals) and re-draws a small share from the new marginal, which gives spells of hours.
Its marginals are therefore exact, and with them the expectations that the appliance calibration divides by. The idea
of driving appliances by an occupancy chain is Richardson, Thomson and Infield's (2008, Energy and Buildings 40); the
marginals below are this model's own, drawn by hand after the general shape of European time-use diaries.
"""

from enum import IntEnum
from functools import cache

import numpy as np
from numpy.typing import NDArray

from simulators.people import chance
from simulators.people.day import QUARTERS, Kind, quarter_hours

FloatArray = NDArray[np.float64]
Points = tuple[tuple[float, float], ...]


class PersonState(IntEnum):
    """Where a person is."""

    AWAY = 0
    ASLEEP = 1
    ACTIVE = 2


class PersonType(IntEnum):
    """How a person spends workdays."""

    HOME_BASED = 0
    OUTGOING = 1  # work or school


OUTGOING_SHARE = 0.6
_REDRAWN = 0.025  # share re-drawn each quarter hour: a spell lasts ten hours unless the marginal ends it first

# Each pattern: (hour, share away), then (hour, share asleep); linear between, hours after 24 belong to the next date.
_OUTGOING_WORKDAY: tuple[Points, Points] = (
    (
        *((2, 0.01), (4, 0.01), (5, 0.03), (6, 0.08), (7, 0.28), (8, 0.58), (9, 0.70), (12, 0.70), (14, 0.66)),
        *((15, 0.60), (16, 0.48), (17, 0.34), (18, 0.24), (19, 0.19), (20, 0.17), (21, 0.14), (22, 0.09)),
        *((23, 0.05), (24, 0.03), (26, 0.01), (28, 0.01)),
    ),
    (
        *((2, 0.92), (4, 0.93), (5, 0.87), (6, 0.60), (7, 0.25), (8, 0.08), (9, 0.04), (12, 0.02), (20, 0.03)),
        *((21, 0.08), (22, 0.25), (23, 0.55), (24, 0.78), (25, 0.87), (26, 0.92), (28, 0.93)),
    ),
)
_HOME_BASED_WORKDAY: tuple[Points, Points] = (
    (
        *((2, 0.01), (6, 0.01), (8, 0.06), (10, 0.24), (12, 0.18), (14, 0.22), (16, 0.26), (18, 0.15)),
        *((20, 0.10), (22, 0.05), (24, 0.02), (28, 0.01)),
    ),
    (
        *((2, 0.92), (4, 0.93), (6, 0.84), (7, 0.55), (8, 0.25), (9, 0.10), (12, 0.04), (14, 0.08), (17, 0.03)),
        *((21, 0.08), (22, 0.25), (23, 0.55), (24, 0.78), (26, 0.90), (28, 0.93)),
    ),
)
_SATURDAY: tuple[Points, Points] = (
    (
        *((2, 0.02), (6, 0.02), (8, 0.08), (10, 0.26), (12, 0.30), (14, 0.34), (16, 0.34), (18, 0.26)),
        *((20, 0.24), (22, 0.20), (24, 0.10), (26, 0.03), (28, 0.02)),
    ),
    (
        *((2, 0.88), (4, 0.92), (6, 0.87), (7, 0.72), (8, 0.45), (9, 0.20), (10, 0.08), (12, 0.03), (20, 0.03)),
        *((22, 0.18), (23, 0.42), (24, 0.65), (25, 0.82), (26, 0.89), (28, 0.92)),
    ),
)
_SUNDAY: tuple[Points, Points] = (
    (
        *((2, 0.02), (6, 0.02), (8, 0.03), (10, 0.14), (12, 0.20), (14, 0.32), (16, 0.34), (18, 0.24)),
        *((20, 0.15), (22, 0.06), (24, 0.02), (28, 0.01)),
    ),
    (
        *((2, 0.88), (4, 0.92), (6, 0.89), (7, 0.80), (8, 0.58), (9, 0.30), (10, 0.13), (11, 0.06), (20, 0.03)),
        *((21, 0.08), (22, 0.27), (23, 0.58), (24, 0.80), (26, 0.90), (28, 0.93)),
    ),
)
_EVENING_HOUR = 20.0  # from here a Friday is a Saturday


@cache
def marginals() -> FloatArray:
    """Share of people in each state: shape (kind, person type, quarter, state)."""
    hours = quarter_hours()
    result = np.empty((len(Kind), len(PersonType), QUARTERS, len(PersonState)))
    for person, workday in ((PersonType.HOME_BASED, _HOME_BASED_WORKDAY), (PersonType.OUTGOING, _OUTGOING_WORKDAY)):
        result[Kind.WORKDAY, person] = _shares(workday, hours)
        result[Kind.SATURDAY, person] = _shares(_SATURDAY, hours)
        result[Kind.SUNDAY, person] = _shares(_SUNDAY, hours)
        late = (hours >= _EVENING_HOUR)[:, None]
        result[Kind.FRIDAY, person] = np.where(late, result[Kind.SATURDAY, person], result[Kind.WORKDAY, person])
    return result


def _shares(points: tuple[Points, Points], hours: FloatArray) -> FloatArray:
    away, asleep = (np.interp(hours, *np.array(line).T) for line in points)
    return np.stack([away, asleep, 1.0 - away - asleep], axis=-1)


@cache
def _cumulative_transitions() -> FloatArray:
    """Cumulative rows of the transition into each quarter: shape (kind, person type, quarter, from, 2)."""
    share = marginals()
    before, after = np.roll(share, 1, axis=2), share
    keep = np.minimum(before, after)
    deficit = after - keep
    total = deficit.sum(axis=-1, keepdims=True)
    spread = np.divide(deficit, total, out=np.zeros_like(deficit), where=total > 0)
    stay = keep / before
    moving = stay[..., :, None] * np.eye(3) + (1.0 - stay)[..., :, None] * spread[..., None, :]
    rows = (1.0 - _REDRAWN) * moving + _REDRAWN * after[..., None, :]
    rows[:, :, 0] = after[:, :, 0][..., None, :]  # the first quarter is drawn from its marginal
    return np.cumsum(rows, axis=-1)[..., :2]


def person_types(seed: int, homes: NDArray[np.int64], person: NDArray[np.int64]) -> NDArray[np.intp]:
    """The lasting type of each person; `person` counts within the home."""
    u = chance.uniform(chance.keys(seed, homes, chance.ALWAYS, chance.Purpose.PERSON_TYPE), person)
    return (u < OUTGOING_SHARE).astype(np.intp)


def person_states(
    seed: int, homes: NDArray[np.int64], person: NDArray[np.int64], types: NDArray[np.intp], *, day: int, kind: Kind
) -> NDArray[np.uint8]:
    """State of each person in every simulated quarter hour: shape (QUARTERS, persons)."""
    key = chance.keys(seed, homes, day, chance.Purpose.PERSON_STATE)
    u = chance.uniform(key[None, :], person[None, :] * QUARTERS + np.arange(QUARTERS)[:, None])
    thresholds = _cumulative_transitions()[kind]
    states = np.empty(u.shape, dtype=np.uint8)
    now = np.zeros(homes.size, dtype=np.intp)
    for quarter in range(QUARTERS):  # over time, never over people
        limits = thresholds[:, quarter].reshape(-1, 2)[types * 3 + now]
        now = (u[quarter] > limits[:, 0]).astype(np.intp) + (u[quarter] > limits[:, 1])
        states[quarter] = now
    return states
