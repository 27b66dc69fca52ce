"""Vehicles leave with their driver, draw from the battery on the way and are plugged in when home."""

import numpy as np
import pytest
from numpy.typing import NDArray

from simulators.people.generator import People, PeopleBlock
from simulators.people.homes import Household

MONDAY = np.datetime64("2025-03-03T03:00", "m")
WEEK = 7 * 1440


class NoLoad:
    """Homes without a base load: to generate one is most of the work, and nobody drives another way for it."""

    def __init__(self, count: int) -> None:
        self.count = count

    def demand_w(self, _start: np.datetime64, count: int) -> NDArray[np.float64]:
        return np.zeros((count, self.count))


def week(homes: list[Household]) -> PeopleBlock:
    return People(homes=homes, seed=4, utc_offset_h=1.0, demand=NoLoad(len(homes))).minutes(MONDAY, WEEK)


def test_no_vehicle_is_never_plugged_in_and_never_driven() -> None:
    block = week([Household(occupants=2)] * 5)
    assert not block.vehicle_plugged.any()
    assert not block.vehicle_driving_w.any()


def test_a_vehicle_draws_from_its_battery_only_while_it_is_away() -> None:
    block = week([Household(occupants=2, has_vehicle=True)] * 30)
    assert set(np.unique(block.vehicle_plugged)) == {0.0, 1.0}
    assert not (block.vehicle_driving_w[block.vehicle_plugged == 1.0]).any()
    assert block.vehicle_driving_w.min() == 0.0


def test_every_vehicle_is_home_at_four_in_the_morning() -> None:
    block = week([Household(occupants=2, has_vehicle=True)] * 30)
    assert block.vehicle_plugged[1440::1440].mean() > 0.98


def test_mean_distance_is_the_one_asked_for() -> None:
    """150 vehicles of each kind over a week: the standard error is about 3 %."""
    near = Household(occupants=2, has_vehicle=True, daily_distance_m=10_000.0, driving_wh_per_m=0.15)
    far = Household(occupants=2, has_vehicle=True, daily_distance_m=32_000.0, driving_wh_per_m=0.2)
    energy_wh = week([near] * 150 + [far] * 150).vehicle_driving_w.sum(axis=0).reshape(2, 150).mean(axis=1) / 60.0 / 7
    assert energy_wh / [0.15, 0.2] == pytest.approx([10_000.0, 32_000.0], rel=0.08)


def test_fewer_vehicles_stand_at_home_on_a_workday_noon_than_on_a_sunday_noon() -> None:
    block = week([Household(occupants=2, has_vehicle=True)] * 80)
    noon = 8 * 60
    tuesday, sunday = block.vehicle_plugged[1440 + noon].mean(), block.vehicle_plugged[6 * 1440 + noon].mean()
    assert tuesday < 0.75 < sunday + 0.05
    assert tuesday < sunday
