"""Random starts: as many as expected, never two at once where one machine stands, and no energy lost in painting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.people import chance
from simulators.people.appliances import APPLIANCES
from simulators.people.day import MINUTES, QUARTERS, WARM_UP_MINUTES
from simulators.people.events import Canvas, draw_events, one_at_a_time

HOMES = np.arange(4000, dtype=np.int64)
RUNS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1559), st.integers(1, 120)), min_size=1, max_size=60)


@given(seed=st.integers(0, 2**63), mean=st.floats(0.001, 1.5))
def test_starts_are_as_many_as_expected_and_vary_as_poisson(seed: int, mean: float) -> None:
    keys = chance.keys(seed, HOMES, 5, 1), chance.keys(seed, HOMES, 5, 2)
    expected = np.full((QUARTERS, HOMES.size), mean / QUARTERS)
    events = draw_events(*keys, expected)
    per_home = np.bincount(events.home, minlength=HOMES.size)
    error = np.sqrt(mean / HOMES.size)
    assert per_home.mean() == pytest.approx(mean, abs=6 * error)
    assert per_home.var() == pytest.approx(mean, abs=0.02 + 0.25 * mean)
    assert ((events.minute >= 0) & (events.minute < QUARTERS * 15)).all()


def test_many_starts_in_one_quarter_hour_are_counted_too() -> None:
    expected = np.full((QUARTERS, 500), 0.9)
    events = draw_events(chance.keys(1, HOMES[:500], 1, 1), chance.keys(1, HOMES[:500], 1, 2), expected)
    assert events.home.size / (QUARTERS * 500) == pytest.approx(0.9, rel=0.02)


@given(runs=RUNS)
def test_one_machine_runs_once_at_a_time_and_never_earlier_than_wanted(runs: list[tuple[int, int, int]]) -> None:
    home, start, length = (np.array(column, dtype=np.int64) for column in zip(*runs, strict=True))
    begin = one_at_a_time(home, start, length)
    assert (begin >= start).all()
    for one in np.unique(home):
        order = np.argsort(begin[home == one], kind="stable")
        starts, ends = begin[home == one][order], (begin + length)[home == one][order]
        assert (starts[1:] >= ends[:-1]).all()
        assert begin[home == one].min() == start[home == one].min()


@given(runs=RUNS)
def test_painting_keeps_every_watt_minute_inside_the_day(runs: list[tuple[int, int, int]]) -> None:
    home, start, length = (np.array(column, dtype=np.int64) for column in zip(*runs, strict=True))
    level = np.arange(1.0, home.size + 1)
    canvas = Canvas(5)
    canvas.add(home, start, start + length, level)
    inside = np.clip(start + length - WARM_UP_MINUTES, 0, MINUTES) - np.clip(start - WARM_UP_MINUTES, 0, MINUTES)
    assert np.array_equal(canvas.minutes().sum(axis=0), np.bincount(home, inside * level, minlength=5))
    assert canvas.minutes().min() >= 0.0


@given(seed=st.integers(), day=st.integers(-100_000, 100_000), purpose=st.integers(0, 600))
def test_draws_are_uniform_and_addressed_by_all_four_values(seed: int, day: int, purpose: int) -> None:
    u = chance.uniform(chance.keys(seed, HOMES, day, purpose), 0)
    assert ((u >= 0.0) & (u < 1.0)).all()
    assert u.mean() == pytest.approx(0.5, abs=0.03)
    assert abs(np.corrcoef(u[1:], u[:-1])[0, 1]) < 0.09
    for other in ((seed + 1, day, purpose), (seed, day + 1, purpose), (seed, day, purpose + 1)):
        v = chance.uniform(chance.keys(other[0], HOMES, other[1], other[2]), 0)
        assert abs(np.corrcoef(u, v)[0, 1]) < 0.09


@pytest.mark.parametrize("appliance", APPLIANCES, ids=lambda appliance: appliance.name)
def test_an_appliance_has_a_course_for_its_longest_run(appliance: object) -> None:
    found = next(one for one in APPLIANCES if one is appliance)
    assert found.segments[-1][1] <= found.minutes[1]
    assert sum(minutes for minutes, _ in found.cycle) == 0 or sum(m for m, _ in found.cycle) >= found.minutes[1]
    assert 0 < found.mean_course_w().max() <= found.power_w[1]
