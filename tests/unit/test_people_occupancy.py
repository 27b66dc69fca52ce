"""The occupancy chain gives exactly the shares of people that the calibration counts on, in spells of hours."""

import numpy as np
import pytest

from simulators.people.day import DAYS_PER_WEEK, QUARTERS, Day, Kind, day_of
from simulators.people.occupancy import OUTGOING_SHARE, PersonState, PersonType, marginals, person_states, person_types

N = 20_000
HOMES = np.arange(N, dtype=np.int64)
FIRST = np.zeros(N, dtype=np.int64)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("person", PersonType)
def test_simulated_shares_are_the_marginals(kind: Kind, person: PersonType) -> None:
    """20,000 people: five standard errors of a share are below 0.018."""
    states = person_states(3, HOMES, FIRST, np.full(N, person, dtype=np.intp), day=20_000, kind=kind)
    shares = np.stack([(states == state).mean(axis=1) for state in PersonState], axis=-1)
    assert shares == pytest.approx(marginals()[kind, person], abs=0.018)


def test_people_stay_where_they_are_for_hours() -> None:
    states = person_states(3, HOMES, FIRST, np.ones(N, dtype=np.intp), day=20_000, kind=Kind.WORKDAY)
    changes = (np.diff(states.astype(int), axis=0) != 0).sum(axis=0)
    assert 3.0 < changes.mean() < 7.0


def test_a_person_keeps_the_same_kind_of_day_for_ever() -> None:
    types = person_types(3, HOMES, FIRST)
    assert types.mean() == pytest.approx(OUTGOING_SHARE, abs=0.02)
    assert np.array_equal(types, person_types(3, HOMES, FIRST))


def test_marginals_are_probabilities() -> None:
    shares = marginals()
    assert shares.shape == (len(Kind), len(PersonType), QUARTERS, len(PersonState))
    assert shares.min() > 0.0
    assert shares.sum(axis=-1) == pytest.approx(1.0)


def test_the_day_turns_at_four_in_the_morning_local_time() -> None:
    before, after = np.datetime64("2025-07-07T08:59", "m"), np.datetime64("2025-07-07T09:00", "m")
    assert day_of(before, -5.0).kind is Kind.SUNDAY
    assert day_of(after, -5.0).kind is Kind.WORKDAY
    assert day_of(after, -5.0).start(-5.0) == after
    kinds = [Day(number=day_of(after, -5.0).number + n).kind for n in range(7)]
    assert [kinds.count(kind) for kind in Kind] == list(DAYS_PER_WEEK)
