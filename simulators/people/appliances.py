"""The appliances of a home without the simulated devices: what a start looks like, how often and when.

Powers and cycles are typical nameplate and measured values (the kind tabulated by Richardson et al. 2010, Energy and
Buildings 42, and Pipattanasomporn et al. 2014, IEEE Trans. Power Systems 29); starts per day are set so that the
shares of annual energy are those of European homes without electric heating or hot water. The when (`habit`) is
relative: how likely an awake person at home starts it at that hour. The level by hour and season is then calibrated,
see `activity`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Habit = tuple[tuple[float, float], ...]
Cycle = tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Appliance:
    """One kind of appliance; a start runs through `cycle` (minutes, share of rating) for a drawn number of minutes."""

    name: str
    starts_per_day: float  # of an average reference home
    ownership: float = 1.0
    power_w: tuple[float, float]  # rating, drawn once per home
    minutes: tuple[int, int]  # length of a run, drawn per start, both ends included
    cycle: Cycle = ()  # empty: rated power throughout
    habit: Habit = ((0, 1), (24, 1))  # hour of day, relative weight
    single: bool = True  # False: several may run at once
    daylight: bool = False  # True: wanted only as far as it is dark

    @property
    def segments(self) -> tuple[tuple[int, int, float], ...]:
        """The cycle as (start minute, end minute, share of rated power), silent parts left out."""
        longest = self.minutes[1]
        result, at = [], 0
        for minutes, level in self.cycle or ((longest, 1.0),):
            end = min(at + minutes, longest)
            if level > 0 and end > at:
                result.append((at, end, level))
            at = end
        return tuple(result)

    def mean_course_w(self) -> FloatArray:
        """Expected power minute by minute after a start, over ratings and lengths: shape (longest run,)."""
        shortest, longest = self.minutes
        course = np.zeros(longest)
        for start, end, level in self.segments:
            course[start:end] = level
        still_on = np.clip((longest - np.arange(longest)) / (longest - shortest + 1), 0.0, 1.0)
        return course * still_on * (self.power_w[0] + self.power_w[1]) / 2

    def habit_at(self, hours: FloatArray) -> FloatArray:
        """Relative weight at hours of the day (any real number)."""
        return np.interp(hours % 24.0, *np.array(self.habit, dtype=np.float64).T)


_MEALS: Habit = (
    *((0, 0.01), (5, 0.01), (6, 0.2), (7, 0.5), (9, 0.3), (10.5, 0.5), (12, 1.6)),
    *((13.5, 0.6), (16, 0.5), (18, 1.7), (19.5, 1.0), (21, 0.2), (23, 0.05), (24, 0.01)),
)
_BREAKFAST: Habit = (
    *((0, 0.01), (4.5, 0.05), (5.5, 1.2), (6.5, 2.5), (9, 1.6), (11, 0.5)),
    *((14, 0.6), (16, 0.8), (18, 0.4), (22, 0.1), (24, 0.01)),
)
_EVENING: Habit = ((0, 0.8), (6, 0.4), (9, 0.3), (12, 0.4), (16, 0.6), (19, 1.3), (20.5, 1.6), (22, 1.1), (24, 0.8))
_HOUSEWORK: Habit = (
    *((0, 0.01), (5, 0.01), (6, 0.2), (8, 1.0), (10, 1.5), (13, 1.1)),
    *((17, 1.1), (19, 0.9), (21, 0.4), (23, 0.05), (24, 0.01)),
)
_AFTER_MEALS: Habit = (
    *((0, 0.1), (2, 0.02), (5, 0.02), (6, 0.2), (9, 0.8), (12.5, 1.0), (14, 1.3)),
    *((17, 0.6), (19.5, 1.6), (21.5, 1.4), (24, 0.1)),
)
_AWAKE: Habit = ((0, 0.7), (6, 0.8), (9, 1.0), (15, 1.0), (20, 1.1), (24, 0.7))

_HOB: Cycle = ((5, 1.0), *((2, 0.0), (1, 1.0), (2, 0.0), (2, 1.0)) * 6)
_OVEN: Cycle = ((9, 1.0), *((4, 0.0), (2, 1.0)) * 9)
_IRON: Cycle = ((2, 1.0), *((3, 0.0), (1, 1.0)) * 12)

APPLIANCES: tuple[Appliance, ...] = (
    Appliance(name="light", starts_per_day=13.0, power_w=(20, 90), minutes=(10, 110), habit=_AWAKE,
              single=False, daylight=True),
    Appliance(name="small light", starts_per_day=9.0, power_w=(8, 30), minutes=(2, 30), habit=_AWAKE,
              single=False, daylight=True),
    Appliance(name="television", starts_per_day=3.4, power_w=(70, 190), minutes=(30, 180),
              habit=_EVENING, single=False),
    Appliance(name="computer", starts_per_day=4.0, power_w=(30, 160), minutes=(20, 180), habit=_AWAKE, single=False),
    Appliance(name="hob", starts_per_day=1.7, power_w=(900, 1700), minutes=(8, 45), cycle=_HOB, habit=_MEALS),
    Appliance(name="oven", starts_per_day=0.45, ownership=0.9, power_w=(1400, 2000), minutes=(25, 60),
              cycle=_OVEN, habit=_MEALS),
    Appliance(name="microwave", starts_per_day=1.4, ownership=0.75, power_w=(800, 1200), minutes=(2, 7), habit=_MEALS),
    Appliance(name="kettle", starts_per_day=2.4, power_w=(1000, 2000), minutes=(2, 5), habit=_BREAKFAST),
    Appliance(name="coffee machine", starts_per_day=1.8, ownership=0.8, power_w=(700, 1200), minutes=(4, 9),
              habit=_BREAKFAST),
    Appliance(name="dishwasher", starts_per_day=0.55, ownership=0.72, power_w=(1600, 2000), minutes=(75, 110),
              cycle=((8, 0.04), (14, 1.0), (28, 0.04), (11, 1.0), (49, 0.02)), habit=_AFTER_MEALS),
    Appliance(name="washing machine", starts_per_day=0.6, ownership=0.95, power_w=(1600, 2000), minutes=(55, 90),
              cycle=((4, 0.05), (15, 1.0), (36, 0.1), (10, 0.2), (25, 0.08)), habit=_HOUSEWORK),
    Appliance(name="tumble dryer", starts_per_day=0.32, ownership=0.42, power_w=(600, 1800), minutes=(45, 90),
              cycle=((30, 1.0), (3, 0.15), (14, 1.0), (3, 0.15), (40, 0.8)), habit=_HOUSEWORK),
    Appliance(name="vacuum cleaner", starts_per_day=0.3, power_w=(500, 900), minutes=(8, 30), habit=_HOUSEWORK),
    Appliance(name="iron", starts_per_day=0.12, power_w=(1000, 1800), minutes=(15, 50), cycle=_IRON, habit=_HOUSEWORK),
    Appliance(name="hair dryer", starts_per_day=0.5, power_w=(700, 1500), minutes=(2, 7), habit=_BREAKFAST),
    Appliance(name="small kitchen", starts_per_day=1.0, power_w=(300, 900), minutes=(2, 10), habit=_MEALS),
)  # fmt: skip
