"""The vehicle of a home: away with its driver, drawing from its battery on the way out and back, plugged in on return.

The driver is the home's first person, so that the vehicle is gone when somebody is. Spells of half an hour or more
away are driven with a fixed probability; the day's distance is shared evenly by its trips. Between the two legs of a
trip the vehicle stands elsewhere, neither plugged in nor drawing. Every vehicle is home at 04:00.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.people import chance
from simulators.people.chance import FloatArray
from simulators.people.day import MINUTES, QUARTER, QUARTERS, WARM_UP_MINUTES, WARM_UP_QUARTERS
from simulators.people.events import Canvas
from simulators.people.homes import Homes
from simulators.people.occupancy import PersonState

_SHORTEST_QUARTERS = 2
_DRIVEN_SHARE = 0.8
DAYS_DRIVEN_SHARE = 0.53
"""Share of days with a trip that this model gives; the mean distance of such a day is larger by its inverse."""
_SPREAD = 0.6  # standard deviation of the logarithm of a day's distance
_USUAL_SPEED_M_MIN = 800.0  # 48 km/h over a whole leg
_TOP_SPEED_M_MIN = 1900.0  # 114 km/h, when a spell is too short for the distance
_LONGEST_DAY_M = 300_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Driving:
    """One day of vehicles, shape (1440, n) each; homes without a vehicle are never plugged in."""

    plugged: NDArray[np.bool_]
    driving_w: FloatArray


def drive(homes: Homes, *, seed: int, day: int, states: NDArray[np.uint8]) -> Driving:
    """The vehicles' day from the states of all people, shape (QUARTERS, persons)."""
    away = states[WARM_UP_QUARTERS:, homes.first_person] == PersonState.AWAY
    edges = np.zeros((away.shape[0] + 1, homes.count), dtype=np.int8)
    edges[:-1] = away
    edges[1:] -= away
    home, leave = np.nonzero(edges.T > 0)  # by home, then time; each leaving has its return in the same order
    _, back = np.nonzero(edges.T < 0)
    used = chance.uniform(chance.keys(seed, homes.index, day, chance.Purpose.TRIP_USED)[home], leave) < _DRIVEN_SHARE
    used &= (back - leave >= _SHORTEST_QUARTERS) & homes.vehicle[home]
    home, leave, back = home[used], leave[used], back[used]
    trips = np.bincount(home, minlength=homes.count)
    distance = _day_distance_m(homes, seed, day)[home] / np.maximum(trips[home], 1)
    shift = chance.keys(seed, homes.index, day, chance.Purpose.TRIP_MINUTE)[home]
    start = leave * QUARTER + np.floor(chance.uniform(shift, leave) * QUARTER).astype(np.int64)
    end = back * QUARTER + np.floor(chance.uniform(shift, back + QUARTERS) * QUARTER).astype(np.int64)
    end = np.minimum(end, MINUTES)
    longest = (end - start) // 2
    leg_m = np.minimum(distance / 2, longest * _TOP_SPEED_M_MIN)
    leg_min = np.clip(np.ceil(leg_m / _USUAL_SPEED_M_MIN).astype(np.int64), 1, longest)
    power_w = np.rint(leg_m * homes.driving_wh_per_m[home] / leg_min * 60.0)
    gone, driving = Canvas(homes.count), Canvas(homes.count)
    start, end = start + WARM_UP_MINUTES, end + WARM_UP_MINUTES
    gone.add(home, start, end, np.ones(home.size))
    driving.add(home, start, start + leg_min, power_w)
    driving.add(home, end - leg_min, end, power_w)
    return Driving(plugged=(gone.minutes() == 0) & homes.vehicle, driving_w=driving.minutes())


def _day_distance_m(homes: Homes, seed: int, day: int) -> FloatArray:
    """Distance driven on a day with trips: log-normal, by the Box-Muller transform of two uniform draws."""
    key = chance.keys(seed, homes.index, day, chance.Purpose.TRIP_DISTANCE)
    radius = np.sqrt(-2.0 * np.log(1.0 - chance.uniform(key, 0)))
    normal = radius * np.cos(2.0 * np.pi * chance.uniform(key, 1))
    mean = homes.daily_distance_m / DAYS_DRIVEN_SHARE
    return np.minimum(mean * np.exp(_SPREAD * normal - _SPREAD**2 / 2), _LONGEST_DAY_M)
