"""Make `activity_level.csv`: activity levels with which the expected load of the population is BDEW H25.

`python -m simulators.people.calibrate`. For each half-month knot and kind of day the expected quarter-hour load is
linear in the levels: base + K level, with K from the prior rates and the appliances' mean courses. The levels are
found by the Richardson-Lucy iteration (Richardson 1972, Lucy 1974), which is expectation maximisation for Poisson
rates: it starts from one, stays positive and goes no further from the prior than the profile asks. Needs demandlib, a
development dependency.
"""

import csv
import sys

import numpy as np
import pandas as pd
from demandlib.bdew import H25

from simulators.people.activity import KNOTS, LEVEL_FILE, knot_days, rates, usual_daylight, with_warm_up
from simulators.people.appliances import APPLIANCES, FloatArray
from simulators.people.day import MINUTES, QUARTER, QUARTERS, START_HOUR, WARM_UP_QUARTERS, Kind
from simulators.people.homes import REFERENCE_MEAN_W, reference_base_w

YEAR = 2023  # any common year: only months, kinds of day and the day of the year enter
_ITERATIONS = 400
_HEADING = "# Activity levels calibrated on BDEW H25 (demandlib 0.2.2; MIT) by simulators.people.calibrate; do not edit"
_QUARTERS_PER_DAY = MINUTES // QUARTER
_CALENDAR = {
    Kind.WORKDAY: ("WT", "WT"),
    Kind.FRIDAY: ("WT", "SA"),
    Kind.SATURDAY: ("SA", "FT"),
    Kind.SUNDAY: ("FT", "WT"),
}


def profile_by_kind() -> FloatArray:
    """H25 over its annual mean for each knot and kind of behavioural day: shape (KNOTS, kind, 96) from 04:00."""
    index = pd.date_range(f"{YEAR}-01-01", periods=365 * _QUARTERS_PER_DAY, freq="15min")
    profile = H25(index)
    dynamics = H25.dynamisation_function(index)
    static = (profile / dynamics / profile.mean()).to_numpy().reshape(365, _QUARTERS_PER_DAY)
    seasonal = dynamics.to_numpy()[::_QUARTERS_PER_DAY]
    days = index[::_QUARTERS_PER_DAY]
    names = np.where(days.day_of_week == 6, "FT", np.where(days.day_of_week == 5, "SA", "WT"))  # noqa: PLR2004 - Sunday, Saturday
    cut = START_HOUR * 60 // QUARTER
    result = np.empty((KNOTS, len(Kind), _QUARTERS_PER_DAY))
    for knot, (month, day) in enumerate(knot_days(YEAR)):
        season = seasonal[pd.Timestamp(YEAR, month, day).day_of_year - 1]
        for kind, (today, tomorrow) in _CALENDAR.items():
            first, second = (static[(days.month == month) & (names == name)].mean(axis=0) for name in (today, tomorrow))
            result[knot, kind] = season * np.concatenate([first[cut:], second[:cut]])
    return result


def response_w() -> FloatArray:
    """Mean power in each quarter of the day from one start in each simulated quarter: (appliance, 96, QUARTERS)."""
    result = np.zeros((len(APPLIANCES), QUARTERS, QUARTERS))
    for number, appliance in enumerate(APPLIANCES):
        spread = np.convolve(appliance.mean_course_w(), np.ones(QUARTER) / QUARTER)  # started at any of its minutes
        lags = np.pad(spread, (0, -spread.size % QUARTER)).reshape(-1, QUARTER).mean(axis=1)
        for lag, power in enumerate(lags[:QUARTERS]):
            result[number] += np.diag(np.full(QUARTERS - lag, power), -lag)
    return result[:, WARM_UP_QUARTERS:]


def kernel_w(kind: Kind, day_of_year: int) -> FloatArray:
    """Expected activity load per unit of activity level: shape (96, QUARTERS)."""
    prior = rates(kind, np.ones(QUARTERS), usual_daylight(day_of_year))
    kernel: FloatArray = np.einsum("aqb,ab->qb", response_w(), prior)
    return kernel


def calibrate() -> tuple[FloatArray, float]:
    """Levels by knot, kind and quarter of the day, and the largest relative misfit of the expected load."""
    profile = profile_by_kind() * REFERENCE_MEAN_W
    target = profile - reference_base_w()
    if target.min() <= 0:
        msg = f"the base load alone exceeds the profile by {-target.min():.0f} W"
        raise ValueError(msg)
    levels = np.ones((KNOTS, len(Kind), _QUARTERS_PER_DAY))
    misfit = 0.0
    for knot, (month, day) in enumerate(knot_days(YEAR)):
        day_of_year = pd.Timestamp(YEAR, month, day).day_of_year
        kernels = [kernel_w(kind, day_of_year) for kind in Kind]
        for _ in range(_ITERATIONS):
            for kind, kernel in zip(Kind, kernels, strict=True):
                load = kernel @ with_warm_up(levels[knot], kind)
                own = kernel[:, WARM_UP_QUARTERS:]
                levels[knot, kind] *= (own.T @ (target[knot, kind] / load)) / own.sum(axis=0)
        for kind, kernel in zip(Kind, kernels, strict=True):
            error = kernel @ with_warm_up(levels[knot], kind) - target[knot, kind]
            misfit = max(misfit, float(np.abs(error / profile[knot, kind]).max()))
    return levels, misfit


def write(levels: FloatArray) -> None:
    """Write the table, one row per quarter of the behavioural day."""
    names = [f"{month:02}-{day:02} {kind.name.lower()}" for month, day in knot_days(YEAR) for kind in Kind]
    with LEVEL_FILE.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([_HEADING])
        writer.writerow(["quarter from 04:00", *names])
        for quarter, row in enumerate(levels.reshape(-1, _QUARTERS_PER_DAY).T):
            writer.writerow([quarter, *(f"{value:.3f}" for value in row)])


def main() -> int:
    """Calibrate, write, and say how close the expectation comes."""
    levels, misfit = calibrate()
    write(levels)
    sys.stdout.write(f"wrote {LEVEL_FILE.name}: levels {levels.min():.2f} to {levels.max():.2f}, misfit {misfit:.2%}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
