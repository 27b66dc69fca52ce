"""How often each appliance is started, by quarter hour, kind of day and date, and what that means for one home.

The prior rate of an appliance follows who is awake at home times the appliance's habit. One calibrated activity level
per quarter hour, kind of day and half month multiplies all priors, so that the expected load of the population is the
BDEW standard profile H25. The levels are in `activity_level.csv`; `simulators.people.calibrate` makes them.
Realisations are never rescaled: a home's minutes are whatever its people happened to switch on.
"""

import calendar
import csv
from dataclasses import dataclass
from functools import cache
from math import comb
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulators.people.appliances import APPLIANCES, FloatArray
from simulators.people.day import DAYS_PER_WEEK, KIND_BEFORE, QUARTERS, WARM_UP_QUARTERS, Day, Kind, quarter_hours
from simulators.people.daylight import usual_ghi_w_m2, wish_for_light
from simulators.people.homes import MAX_OCCUPANTS, reference_activity_w
from simulators.people.occupancy import OUTGOING_SHARE, PersonState, PersonType, marginals

LEVEL_FILE = Path(__file__).with_name("activity_level.csv")
KNOTS = 24
"""First and last day of each month; between the two the level is linear, months meet in a step, as in the profile."""


def company(active: NDArray[np.int64] | FloatArray) -> FloatArray:
    """How much more a home switches on with several people awake: shared meals and rooms make it a square root."""
    return np.sqrt(active)


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Expected `company` by occupants, of whom outgoing, kind of day and quarter hour, and the divisors made of it."""

    mean: FloatArray  # (occupants + 1, outgoing + 1, kind, quarter)
    divisor: FloatArray  # same shape: conditional starts = rate x company / divisor


@cache
def share_active() -> FloatArray:
    """Share of all people who are awake at home: shape (kind, quarter)."""
    active = marginals()[..., PersonState.ACTIVE]
    return (1 - OUTGOING_SHARE) * active[:, PersonType.HOME_BASED] + OUTGOING_SHARE * active[:, PersonType.OUTGOING]


@cache
def prior_rates() -> FloatArray:
    """Starts per quarter hour in the reference home, were it always dark: shape (appliance, kind, quarter)."""
    hours = quarter_hours()
    day = np.arange(QUARTERS) >= WARM_UP_QUARTERS
    dark = np.stack([wish_for_light(usual_ghi_w_m2(n, hours)) for n in range(15, 366, 30)]).mean(axis=0)
    energy = sum(a.starts_per_day * a.mean_course_w().sum() / 1440.0 for a in APPLIANCES)
    scale = reference_activity_w() / energy
    rates = []
    for appliance in APPLIANCES:
        weight = share_active() * appliance.habit_at(hours)
        counted = (weight * dark if appliance.daylight else weight)[:, day].sum(axis=1)
        rates.append(weight * appliance.starts_per_day * scale * DAYS_PER_WEEK.sum() / (DAYS_PER_WEEK @ counted))
    return np.stack(rates)


@cache
def company_by_home() -> Company:
    """The exact expectations, from the marginals of the occupancy chain."""
    active = marginals()[..., PersonState.ACTIVE]
    shape = (MAX_OCCUPANTS + 1, MAX_OCCUPANTS + 1, len(Kind), QUARTERS)
    mean, divisor = np.ones(shape), np.ones(shape)
    load = sum(
        rate * appliance.mean_course_w().sum() for rate, appliance in zip(prior_rates(), APPLIANCES, strict=True)
    )
    load = load * DAYS_PER_WEEK[:, None]
    for occupants in range(1, MAX_OCCUPANTS + 1):
        shares = [
            comb(occupants, out) * OUTGOING_SHARE**out * (1 - OUTGOING_SHARE) ** (occupants - out)
            for out in range(occupants + 1)
        ]
        for out in range(occupants + 1):
            mean[occupants, out] = _expected_company(
                [active[:, PersonType.OUTGOING]] * out + [active[:, PersonType.HOME_BASED]] * (occupants - out)
            )
        everyone = sum(share * mean[occupants, out] for out, share in enumerate(shares))
        # A home that is often empty starts more per hour at home, so that it too uses its annual energy ...
        often = [float((load * mean[occupants, out] / everyone).sum() / load.sum()) for out in range(occupants + 1)]
        # ... and the population still starts exactly the calibrated rate in each quarter hour.
        population = sum(share * mean[occupants, out] / often[out] for out, share in enumerate(shares))
        for out in range(occupants + 1):
            divisor[occupants, out] = often[out] * population
    return Company(mean=mean, divisor=divisor)


def _expected_company(active: list[FloatArray]) -> FloatArray:
    """Expectation of `company` over independent people, each awake at home with the given probability."""
    distribution = [np.ones_like(active[0])]
    for probability in active:
        silent = [p * (1 - probability) for p in distribution] + [np.zeros_like(probability)]
        awake = [np.zeros_like(probability)] + [p * probability for p in distribution]
        distribution = [a + b for a, b in zip(silent, awake, strict=True)]
    weights = company(np.arange(len(distribution)))
    result: FloatArray = np.einsum("n,nkq->kq", weights, np.stack(distribution))
    return result


def knot_days(year: int) -> list[tuple[int, int]]:
    """Month and day of every knot."""
    return [(month, day) for month in range(1, 13) for day in (1, calendar.monthrange(year, month)[1])]


def usual_daylight(day_of_year: int) -> FloatArray:
    """The wish for light under the usual sky of the reference profile: shape (QUARTERS,)."""
    return wish_for_light(usual_ghi_w_m2(day_of_year, quarter_hours()))


def rates(kind: Kind, level: FloatArray, daylight: FloatArray) -> FloatArray:
    """Starts per quarter hour in the reference home, shape (appliance, QUARTERS), from `level` and `daylight`."""
    result: FloatArray = prior_rates()[:, kind] * level
    lights = [number for number, appliance in enumerate(APPLIANCES) if appliance.daylight]
    result[lights] *= daylight
    return result


def level_on(day: Day) -> FloatArray:
    """The calibrated activity level of a date, warm-up included: shape (QUARTERS,)."""
    date = day.date
    along = (date.day - 1) / (calendar.monthrange(date.year, date.month)[1] - 1)
    knot = 2 * (date.month - 1)
    level = (1 - along) * calibrated_levels()[knot] + along * calibrated_levels()[knot + 1]
    return with_warm_up(level, day.kind)


def with_warm_up(levels: FloatArray, kind: Kind) -> FloatArray:
    """One day's levels behind the last hours of the kind of day before it; `levels` is (kind, 96)."""
    return np.concatenate([levels[KIND_BEFORE[kind]][-WARM_UP_QUARTERS:], levels[kind]])


@cache
def calibrated_levels() -> FloatArray:
    """The committed activity levels: shape (knot, kind, quarters of the day)."""
    with LEVEL_FILE.open(newline="", encoding="utf-8") as stream:
        rows = [[float(value) for value in row[1:]] for row in csv.reader(stream) if not row[0].startswith(("#", "q"))]
    return np.array(rows).T.reshape(KNOTS, len(Kind), QUARTERS - WARM_UP_QUARTERS)
