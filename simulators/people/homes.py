"""Homes as the generator sees them: what the pilot says about each, and the lasting traits drawn for each.

Refuses households outside the range that the appliance model covers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from simulators.people import chance
from simulators.people.appliances import APPLIANCES, FloatArray
from simulators.people.occupancy import person_types

MAX_OCCUPANTS = 8
DEFAULT_ANNUAL_ENERGY_WH: tuple[float, ...] = (2.3e6, 3.0e6, 3.5e6, 4.0e6, 5.0e6, 5.6e6, 6.2e6, 6.8e6)
"""By number of occupants: detached homes without electric hot water, German Stromspiegel; above five extrapolated."""

REFERENCE_MEAN_W = 400.0  # the reference home uses 3.5 MWh a year
REFERENCE_STANDBY_W = 105.0
_STANDBY_SPREAD = 0.4
_FREEZER_OWNERSHIP = 0.7
_COLD_POWER_W = (70.0, 110.0)
_COLD_PERIOD_MIN = (40, 75)
_COLD_ON_SHARE = (0.28, 0.40)
_TASTE = (0.5, 1.5)  # how much more or less than average a home uses an appliance
_MOST_FREQUENT = 2.0  # beyond twice the reference energy a home has stronger appliances, not ever more starts
HOURS_PER_YEAR = 8760.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """The people of one home. `annual_energy_wh` is base load only; None takes the default for the number of occupants.

    `daily_distance_m` is the vehicle's mean over all days of the year, `driving_wh_per_m` what it draws from its
    battery.
    """

    occupants: int = 2
    annual_energy_wh: float | None = None
    has_vehicle: bool = False
    daily_distance_m: float = 32_000.0
    driving_wh_per_m: float = 0.17

    def __post_init__(self) -> None:
        """Refuse what the model does not cover."""
        for name, low, high in (
            ("occupants", 1, MAX_OCCUPANTS),
            ("annual_energy_wh", 3e5, 5e7),
            ("daily_distance_m", 0.0, 150_000.0),
            ("driving_wh_per_m", 0.05, 1.0),
        ):
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                msg = f"household {name}: {value!r}; allowed: {low:g} to {high:g}"
                raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cold:
    """One refrigerator or freezer per home, switching for ever with a period of its own; arrays of shape (n,)."""

    power_w: FloatArray  # whole watts
    period_min: NDArray[np.int32]  # 32 bits divide several times faster than 64
    on_min: NDArray[np.int32]
    phase_min: NDArray[np.int32]

    @property
    def mean_w(self) -> FloatArray:
        """Mean power."""
        return self.power_w * self.on_min / self.period_min

    def slice(self, homes: slice) -> "Cold":
        """The same for a slice of homes."""
        return Cold(
            power_w=self.power_w[homes],
            period_min=self.period_min[homes],
            on_min=self.on_min[homes],
            phase_min=self.phase_min[homes],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Homes:
    """The lasting traits of a slice of homes, as arrays over it; `person_*` run over its people, grouped by home."""

    index: NDArray[np.int64]  # position among all homes: the address of every draw
    occupants: NDArray[np.int64]
    outgoing: NDArray[np.int64]  # how many of the occupants go out to work or school
    standby_w: FloatArray
    cold: tuple[Cold, ...]
    frequency: FloatArray  # (appliances, n): starts relative to the reference home
    rating_w: FloatArray  # (appliances, n), whole watts
    person_home: NDArray[np.int64]  # index among all homes
    person_number: NDArray[np.int64]  # within the home
    person_type: NDArray[np.intp]
    first_person: NDArray[np.int64]  # (n,), position of each home's first person
    vehicle: NDArray[np.bool_]
    daily_distance_m: FloatArray
    driving_wh_per_m: FloatArray

    @property
    def count(self) -> int:
        """Number of homes."""
        return self.index.size

    @classmethod
    def draw(cls, households: Sequence[Household], *, seed: int) -> Self:
        """Draw the lasting traits of all homes; home k's do not depend on how many follow it."""
        index = np.arange(len(households), dtype=np.int64)
        occupants = np.array([home.occupants for home in households], dtype=np.int64)
        annual = np.array(
            [
                DEFAULT_ANNUAL_ENERGY_WH[home.occupants - 1] if home.annual_energy_wh is None else home.annual_energy_wh
                for home in households
            ]
        )
        size = annual / HOURS_PER_YEAR / REFERENCE_MEAN_W
        strength = np.maximum(1.0, size / _MOST_FREQUENT)
        standby, cold = _base(seed, index, size)
        reference_base = (standby + sum(appliance.mean_w for appliance in cold)) / size
        level = size / strength * (REFERENCE_MEAN_W - reference_base) / reference_activity_w()
        frequency, rating = _appliances(seed, index)
        person_home = np.repeat(index, occupants)
        first = np.cumsum(occupants) - occupants
        person_number = np.arange(person_home.size, dtype=np.int64) - first[person_home]
        types = person_types(seed, person_home, person_number)
        return cls(
            index=index,
            occupants=occupants,
            outgoing=np.add.reduceat(types, first).astype(np.int64),
            standby_w=standby,
            cold=cold,
            frequency=frequency * level,
            rating_w=np.rint(rating * strength),
            person_home=person_home,
            person_number=person_number,
            person_type=types,
            first_person=first,
            vehicle=np.array([home.has_vehicle for home in households], dtype=np.bool_),
            daily_distance_m=np.array([home.daily_distance_m for home in households]),
            driving_wh_per_m=np.array([home.driving_wh_per_m for home in households]),
        )

    def slice(self, begin: int, end: int) -> "Homes":
        """Homes `begin` to `end`, exclusive."""
        part = slice(begin, end)
        people = slice(
            int(self.first_person[begin]),
            int(self.first_person[end]) if end < self.count else self.person_home.size,
        )
        return Homes(
            index=self.index[part],
            occupants=self.occupants[part],
            outgoing=self.outgoing[part],
            standby_w=self.standby_w[part],
            cold=tuple(cold.slice(part) for cold in self.cold),
            frequency=self.frequency[:, part],
            rating_w=self.rating_w[:, part],
            person_home=self.person_home[people],
            person_number=self.person_number[people],
            person_type=self.person_type[people],
            first_person=self.first_person[part] - people.start,
            vehicle=self.vehicle[part],
            daily_distance_m=self.daily_distance_m[part],
            driving_wh_per_m=self.driving_wh_per_m[part],
        )


def reference_base_w() -> float:
    """Mean standby and cold power of the reference home over the population."""
    cold = sum(_COLD_POWER_W) / 2 * sum(_COLD_ON_SHARE) / 2
    return REFERENCE_STANDBY_W + cold * (1.0 + _FREEZER_OWNERSHIP)


def reference_activity_w() -> float:
    """Mean power of everything that people switch on in the reference home."""
    return REFERENCE_MEAN_W - reference_base_w()


def _between(limits: tuple[float, float], u: FloatArray) -> FloatArray:
    return limits[0] + (limits[1] - limits[0]) * u


def _base(seed: int, index: NDArray[np.int64], size: FloatArray) -> tuple[FloatArray, tuple[Cold, ...]]:
    key = chance.keys(seed, index, chance.ALWAYS, chance.Purpose.STANDBY)
    spread = _between((1.0 - _STANDBY_SPREAD, 1.0 + _STANDBY_SPREAD), chance.uniform(key, 0))
    key = chance.keys(seed, index, chance.ALWAYS, chance.Purpose.COLD)
    cold = []
    for number, ownership in enumerate((1.0, _FREEZER_OWNERSHIP)):
        owned, power, period, share, phase = (chance.uniform(key, 5 * number + trait) for trait in range(5))
        period_min = np.floor(_between((_COLD_PERIOD_MIN[0], _COLD_PERIOD_MIN[1] + 1), period)).astype(np.int32)
        cold.append(
            Cold(
                power_w=np.rint((owned < ownership) * _between(_COLD_POWER_W, power) * size),
                period_min=period_min,
                on_min=np.rint(_between(_COLD_ON_SHARE, share) * period_min).astype(np.int32),
                phase_min=np.floor(phase * period_min).astype(np.int32),
            )
        )
    return np.rint(REFERENCE_STANDBY_W * spread * size), tuple(cold)


def _appliances(seed: int, index: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
    """Relative frequency (mean one over energy in every home) and rating of each appliance: (appliances, n) twice."""
    frequency, rating = np.empty((2, len(APPLIANCES), index.size))
    energy = np.array([appliance.starts_per_day * appliance.mean_course_w().sum() for appliance in APPLIANCES])
    for number, appliance in enumerate(APPLIANCES):
        key = chance.keys(seed, index, chance.ALWAYS, chance.Purpose.APPLIANCE_TRAIT + number)
        owned = chance.uniform(key, 0) < appliance.ownership
        frequency[number] = owned / appliance.ownership * _between(_TASTE, chance.uniform(key, 1))
        rating[number] = _between(appliance.power_w, chance.uniform(key, 2))
    relative = rating / np.array([[sum(appliance.power_w) / 2] for appliance in APPLIANCES])
    share = energy / energy.sum()
    return frequency / (share @ (frequency * relative)), rating
