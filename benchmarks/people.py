"""What people cost: `python benchmarks/people.py [--days N]`.

The one-minute generator (six quantities: 8,640 values a home-day) beside demandlib's evaluation of the BDEW H25
profile (96 values a home-day, a year at a time, which is its best) in the same run. Then what a live second pays while
tomorrow is prepared in slices, and the sun on the roofs.
"""

import argparse
import statistics
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
from demandlib.bdew import H25

from simulators.people.generator import People
from simulators.people.homes import Household
from simulators.people.weather import Weather
from twin.clock import WallClock

CLOCK = WallClock()
NOON = np.datetime64("2025-01-14T12:00", "m")
ONE_DAY = np.timedelta64(1, "D")
VALUES_OF_H25, VALUES_OF_OURS = 96, 6 * 1440


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    started_s = CLOCK.monotonic_s()
    work()
    return CLOCK.monotonic_s() - started_s


def street(count: int) -> People:
    """A street with every second home driving electric."""
    homes = [Household(occupants=1 + k % 5, has_vehicle=k % 2 == 0) for k in range(count)]
    return People(homes=homes, seed=1, utc_offset_h=1.0)


def generate(count: int, days: int) -> list[float]:
    """Seconds for each day of `count` homes; the first, which fills the tables, is left out."""
    people = street(count)
    people.prepare(NOON, budget_homes=count)
    starts = [NOON + n * ONE_DAY for n in range(1, days + 1)]
    return [seconds(partial(people.prepare, start, budget_homes=count)) for start in starts]


def evaluate_h25() -> float:
    """Seconds for a day of one home's standard profile, out of a year at once."""
    index = pd.date_range("2025-01-01", periods=96 * 365, freq="15min")
    return seconds(partial(H25, index)) / 365


def sliced(count: int, budget: int) -> list[float]:
    """Seconds of each call that prepares a day piece by piece."""
    people = street(count)
    people.prepare(NOON, budget_homes=count)
    calls = []
    done = False
    while not done:
        started_s = CLOCK.monotonic_s()
        done = people.prepare(NOON + ONE_DAY, budget_homes=budget)
        calls.append(CLOCK.monotonic_s() - started_s)
    return calls


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--days", type=int, default=10, help="days to take the median of (default 10)")
    days = options.parse_args().days
    warnings.simplefilter("ignore", DeprecationWarning)  # demandlib uses pandas calls due to go
    evaluate_h25()
    h25_s = statistics.median(evaluate_h25() for _ in range(5))
    print(f"{'':17} {'us per home-day':^22} {'ours over H25':^24}")
    print(f"{'homes':>6} {'s per day':>10} {'ours':>11} {'H25':>10} {'per home-day':>14} {'per value':>9}")
    for count in (55, 1_000, 10_000):
        spent = statistics.median(generate(count, days if count < 10_000 else max(2, days // 5)))
        ours_s = spent / count
        ratio = ours_s / h25_s
        costs = f"{ours_s * 1e6:11.0f} {h25_s * 1e6:10.0f}"
        print(f"{count:6} {spent:10.3f} {costs} {ratio:13.2f}x {ratio * VALUES_OF_H25 / VALUES_OF_OURS:8.4f}x")
    for count in (1_000, 10_000):
        calls = np.array(sliced(count, budget=25)) * 1e3
        print(
            f"tomorrow of {count} homes in {calls.size} slices of 25:"
            f" {np.median(calls):.1f} ms median, {calls.max():.1f} ms at most"
        )
    people = street(1_000)
    people.prepare(NOON, budget_homes=1_000)
    spent = min(seconds(partial(people.minutes, NOON, 1)) for _ in range(50))
    print(f"one minute of 1000 homes looked up: {spent * 1e6:.0f} us")
    weather = Weather.load("greensboro", base=None)
    tilt, azimuth = np.full(1_000, 30.0), np.linspace(90.0, 270.0, 1_000)
    for length in (61, 1_440):
        times = [NOON.astype("datetime64[s]") + (k * 7 + np.arange(length)) * np.timedelta64(60, "s") for k in range(5)]
        spent = min(seconds(partial(weather.plane_of_array, t, tilt, azimuth)) for t in times)
        print(f"sun on 1000 roofs, {length} minutes: {spent * 1e3:.1f} ms")


if __name__ == "__main__":
    main()
