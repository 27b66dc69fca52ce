"""The street as a whole behaves as measured streets do: BDEW H25, coincidence, load factor.

BDEW H25 (2025) comes from demandlib 0.2.2 (MIT); it describes the mean of many German households. Standard time, no
public holidays.
"""

import numpy as np
import pandas as pd
import pytest
from demandlib.bdew import H25
from numpy.typing import NDArray

from simulators.people import calibrate
from simulators.people.activity import calibrated_levels
from simulators.people.generator import People
from simulators.people.homes import DEFAULT_ANNUAL_ENERGY_WH, Household

FloatArray = NDArray[np.float64]
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # demandlib uses pandas calls due to go

YEAR = 2025
UTC_OFFSET_H = 1.0
DAY = 1440
FIRST_FRIDAYS = {  # of eight weeks, spread over each season of the standard profile
    "winter": ("01-10", "01-24", "02-07", "02-21", "03-07", "11-07", "11-21", "12-05"),
    "transition": ("03-21", "03-28", "04-11", "04-25", "05-02", "09-19", "10-03", "10-17"),
    "summer": ("05-16", "05-30", "06-13", "06-27", "07-11", "08-01", "08-15", "08-29"),
}


def h25() -> FloatArray:
    """The standard profile over its annual mean, shape (365, 96)."""
    profile = H25(pd.date_range(f"{YEAR}-01-01", periods=365 * 96, freq="15min")).to_numpy()
    relative: FloatArray = (profile / profile.mean()).reshape(365, 96)
    return relative


def local(date: str, hour: int = 0) -> np.datetime64:
    """The UTC minute of a local hour."""
    return np.datetime64(f"{YEAR}-{date}T{hour:02}:00", "m") - np.timedelta64(round(UTC_OFFSET_H * 60), "m")


def test_the_committed_levels_are_what_the_calibration_makes_and_meet_the_profile() -> None:
    levels, misfit = calibrate.calibrate()
    assert misfit < 0.02
    assert np.abs(levels - calibrated_levels()).max() <= 0.0005001  # three decimals are written


@pytest.mark.parametrize("season", FIRST_FRIDAYS)
def test_the_mean_of_a_thousand_homes_is_the_standard_profile_within_five_percent(season: str) -> None:
    """Saturdays, Sundays and Mondays of eight weeks per season: the standard error of a quarter hour is 1.1 %."""
    count = 1000
    homes = [Household(occupants=1 + k % 5) for k in range(count)]
    mean_w = sum(DEFAULT_ANNUAL_ENERGY_WH[home.occupants - 1] for home in homes) / count / 8760
    people = People(homes=homes, seed=2025, utc_offset_h=UTC_OFFSET_H)
    reference = h25()
    found, wanted = np.zeros((2, 3, 96))
    for friday in FIRST_FRIDAYS[season]:
        begin = local(friday) + np.timedelta64(1, "D")
        load = people.demand_w(begin, 3 * DAY).mean(axis=1)
        found += load.reshape(3, 96, 15).mean(axis=2)
        day = pd.Timestamp(f"{YEAR}-{friday}").day_of_year
        wanted += reference[day : day + 3] * mean_w
    deviation = found / wanted - 1.0
    for kind, row in zip(("saturday", "sunday", "workday"), deviation, strict=True):
        assert np.abs(row).max() < 0.05, f"{season} {kind}: {np.abs(row).max():.1%} at quarter {np.abs(row).argmax()}"
        assert abs(row.mean()) < 0.015


def test_fifty_homes_share_their_peaks_as_measured_streets_do() -> None:
    """Quarter-hour means, as meters record, of eight whole weeks spread evenly over the year.

    Coincidence factor: the street's peak over the sum of the homes' own peaks, 0.2 to 0.35 in measured streets of 50
    homes. Single-home load factors of quarter-hour readings lie between about 0.05 and 0.2.
    """
    homes = [Household(occupants=1 + k % 5) for k in range(50)]
    people = People(homes=homes, seed=7, utc_offset_h=UTC_OFFSET_H)
    street_peak, energy, own_peak = 0.0, np.zeros(50), np.zeros(50)
    for week in range(8):
        begin = local("01-06", 4) + np.timedelta64(week * 45 // 7 * 7, "D")
        quarters = people.demand_w(begin, 7 * DAY).reshape(7 * 96, 15, 50).mean(axis=1)
        street_peak = max(street_peak, float(quarters.sum(axis=1).max()))
        own_peak = np.maximum(own_peak, quarters.max(axis=0))
        energy += quarters.mean(axis=0) / 8
    assert 0.2 < street_peak / own_peak.sum() < 0.35
    load_factor = energy / own_peak
    assert 0.05 < load_factor.min() < load_factor.max() < 0.25
    assert 0.07 < load_factor.mean() < 0.16
