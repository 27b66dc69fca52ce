"""A home's day depends on the seed, the home and the date, and looks like a home."""

from collections.abc import Sequence

import numpy as np
import pytest

from simulators.people.generator import HEAT_ACTIVE_W, HEAT_ASLEEP_W, HEAT_OF_DEMAND, People, PeopleBlock
from simulators.people.homes import DEFAULT_ANNUAL_ENERGY_WH, Household

TUESDAY_EVENING = np.datetime64("2025-02-11T17:00", "m")
DAY = 1440
ARRAYS = (
    "demand_w",
    "draw_l_min",
    "heat_gain_w",
    "occupants_active",
    "vehicle_plugged",
    "vehicle_driving_w",
)


def street(count: int) -> list[Household]:
    return [Household(occupants=1 + k % 5, has_vehicle=k % 3 == 0) for k in range(count)]


def people(homes: Sequence[Household], *, seed: int = 11) -> People:
    return People(homes=homes, seed=seed, utc_offset_h=1.0)


def same(left: PeopleBlock, right: PeopleBlock, homes: int) -> bool:
    return all(np.array_equal(getattr(left, name)[:, :homes], getattr(right, name)[:, :homes]) for name in ARRAYS)


def test_a_home_lives_the_same_day_whether_or_not_others_are_built_next_door() -> None:
    alone = people(street(7)).minutes(TUESDAY_EVENING, DAY)
    with_neighbours = people(street(260)).minutes(TUESDAY_EVENING, DAY)
    assert same(alone, with_neighbours, homes=7)


def test_the_order_in_which_days_are_asked_for_changes_nothing() -> None:
    forward, backward = people(street(9)), people(street(9))
    days = [TUESDAY_EVENING + np.timedelta64(n, "D") for n in range(6)]
    first = [forward.minutes(day, DAY) for day in days]
    second = [backward.minutes(day, DAY) for day in reversed(days)][::-1]
    assert all(same(a, b, homes=9) for a, b in zip(first, second, strict=True))


def test_another_seed_is_another_street() -> None:
    assert not same(
        people(street(5)).minutes(TUESDAY_EVENING, DAY), people(street(5), seed=12).minutes(TUESDAY_EVENING, DAY), 5
    )


def test_tomorrow_can_be_prepared_bit_by_bit_and_is_the_same_day() -> None:
    patient = people(street(110))
    calls = 1
    while not patient.prepare(TUESDAY_EVENING, budget_homes=3):
        calls += 1
        assert calls <= 40
    assert calls >= 30
    block = patient.minutes(TUESDAY_EVENING, 300)
    assert same(block, people(street(110)).minutes(TUESDAY_EVENING, 300), homes=110)


def test_any_stretch_of_minutes_is_cut_from_the_same_cloth() -> None:
    generated = people(street(6))
    whole = generated.minutes(TUESDAY_EVENING, 2 * DAY)
    piece = generated.minutes(TUESDAY_EVENING + np.timedelta64(700, "m"), 95)
    assert np.array_equal(whole.demand_w[700:795], piece.demand_w)
    one_second = generated.minutes(np.datetime64("2025-02-11T17:00:42", "s"), 1)
    assert np.array_equal(one_second.demand_w[0], whole.demand_w[0])


def test_a_home_uses_the_energy_it_is_said_to_use() -> None:
    """Sixteen homes over eight weeks spread through the year; the standard error of such a mean is below 2 %."""
    asked = np.repeat([1.2e6, 3.5e6, 9.0e6, 30.0e6], 4)
    generated = people([Household(occupants=3, annual_energy_wh=energy) for energy in asked])
    mean = np.zeros(16)
    for week in range(8):
        monday = np.datetime64("2025-01-06T03:00", "m") + np.timedelta64(week * 45 // 7 * 7, "D")
        mean += generated.demand_w(monday, 7 * DAY).mean(axis=0) / 8
    group = (mean * 8760 / asked).reshape(4, 4).mean(axis=1)
    assert group == pytest.approx(np.ones(4), abs=0.08)


def test_without_a_figure_larger_households_use_more() -> None:
    assert list(DEFAULT_ANNUAL_ENERGY_WH) == sorted(DEFAULT_ANNUAL_ENERGY_WH)
    week = people([Household(occupants=n) for n in (1, 5) for _ in range(20)]).demand_w(TUESDAY_EVENING, 7 * DAY)
    single, family = week.mean(axis=0).reshape(2, 20).mean(axis=1)
    assert family / single == pytest.approx(5.0 / 2.3, rel=0.15)


def test_load_is_never_below_standby_and_stays_within_a_house_connection() -> None:
    week = people(street(60)).demand_w(TUESDAY_EVENING, 7 * DAY)
    assert week.min() >= 20.0
    assert week.max() < 14_000.0  # 63 A on one phase at 230 V


def test_rooms_are_warmed_by_people_and_by_what_they_switch_on() -> None:
    block = people(street(12)).minutes(TUESDAY_EVENING, DAY)
    people_w = block.heat_gain_w - HEAT_OF_DEMAND * block.demand_w
    assert (people_w >= HEAT_ACTIVE_W * block.occupants_active - 1e-6).all()
    asleep = (people_w - HEAT_ACTIVE_W * block.occupants_active) / HEAT_ASLEEP_W
    present = np.rint(asleep) + block.occupants_active
    assert np.allclose(asleep, np.rint(asleep), atol=1e-6)
    assert (present <= np.array([1 + k % 5 for k in range(12)])).all()


def test_people_sleep_at_night_and_are_up_in_the_evening() -> None:
    block = people([Household(occupants=2)] * 200).minutes(np.datetime64("2025-02-11T03:00", "m"), DAY)
    active = block.occupants_active.mean(axis=1)
    assert active[:60].mean() < 0.25  # 04:00 to 05:00 local, of two people
    assert active[15 * 60 : 17 * 60].mean() > 1.2  # 19:00 to 21:00


def test_hot_water_is_drawn_for_fifty_litres_a_person_and_day() -> None:
    block = people([Household(occupants=3)] * 150).minutes(np.datetime64("2025-02-10T03:00", "m"), 7 * DAY)
    litres = block.draw_l_min.sum(axis=0).mean() / 7 / 3
    assert litres == pytest.approx(50.0, rel=0.05)
    assert 10.0 < block.draw_l_min.max() < 45.0


def test_a_household_outside_the_model_is_refused_by_name_and_range() -> None:
    with pytest.raises(ValueError, match=r"household occupants: 0; allowed: 1 to 8"):
        Household(occupants=0)
    with pytest.raises(ValueError, match=r"annual_energy_wh: nan; allowed: 300000 to 5e\+07"):
        Household(annual_energy_wh=float("nan"))
    with pytest.raises(ValueError, match=r"daily_distance_m"):
        Household(daily_distance_m=-1.0)
