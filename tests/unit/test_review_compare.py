"""Two periods side by side: means over time, energy, gaps that are not filled in, and differences."""

from datetime import UTC, datetime, timedelta
from math import nan

import pytest

from twin.console.comparison import Period, aligned, compare, figures
from twin.model.telemetry import Series

START = datetime(2026, 6, 15, tzinfo=UTC)


def series(*points: tuple[float, float], start: datetime = START) -> Series:
    """Values at so many seconds after the start."""
    return Series(times=[start + timedelta(seconds=at) for at, _ in points], values=[value for _, value in points])


def test_energy_is_the_area_under_the_power() -> None:
    found = figures(series((0, 0.0), (1_800, 1_000.0), (3_600, 1_000.0)), "power_w")

    assert found.energy_wh == pytest.approx(250 + 500)
    assert found.mean == pytest.approx(750)
    assert (found.minimum, found.maximum, found.values, found.covered_s) == (0.0, 1_000.0, 3, 3_600)


def test_what_is_no_power_has_no_energy() -> None:
    assert figures(series((0, 0.98), (60, 1.02)), "v_min_pu").energy_wh is None


def test_a_gap_is_not_filled_in() -> None:
    points = [(10.0 * n, 1_000.0) for n in range(7)] + [(3_600 + 10.0 * n, 3_000.0) for n in range(7)]
    found = figures(series(*points), "power_w")

    assert found.covered_s == 120
    assert found.mean == pytest.approx(2_000)


def test_a_change_of_rate_is_no_gap() -> None:
    points = [(60.0 * n, 500.0) for n in range(31)] + [(1_800.0 + n, 500.0) for n in range(1, 601)]
    found = figures(series(*points), "power_w")

    assert found.covered_s == 2_400
    assert found.energy_wh == pytest.approx(500 * 2_400 / 3_600)


def test_one_value_has_a_mean_and_nothing_over_time() -> None:
    found = figures(series((5, 7.0), (6, nan)), "power_w")

    assert (found.mean, found.energy_wh, found.values, found.covered_s) == (7.0, 0.0, 1, 0.0)


def test_two_values_have_what_lies_between_them() -> None:
    assert figures(series((0, 0.0), (3_600, 2.0)), "power_w").energy_wh == pytest.approx(1.0)


def test_a_period_without_values_has_no_figures_and_no_difference() -> None:
    found = compare(series((0, 1.0), (60, 1.0)), series(), "power_w")

    assert found.b.mean is None
    assert (found.mean, found.energy_wh) == (None, None)


def test_differences_are_b_minus_a() -> None:
    found = compare(series((0, 1.0), (3_600, 1.0)), series((0, 4.0), (3_600, 2.0)), "power_w")

    assert (found.mean, found.minimum, found.maximum, found.energy_wh) == pytest.approx((2.0, 1.0, 3.0, 2.0))


def test_the_second_period_is_laid_over_the_first() -> None:
    later = START + timedelta(days=3)
    period = Period(name="B", start=later, series=series((60, 1.0), start=later))

    assert list(aligned(period, START).times) == [START + timedelta(seconds=60)]
