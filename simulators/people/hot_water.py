"""Hot water drawn at the tap: four kinds of draw, taken by people who are awake at home.

Kinds, flows and lengths after Jordan and Vajen (2001, "Realistic domestic hot-water profiles in different time
scales", IEA SHC Task 26): short draws, medium draws, baths and showers with 14, 36, 10 and 40 percent of the volume.
Flows are of mixed water at about 40 degC, in L/min, constant within a minute.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from simulators.people import chance
from simulators.people.activity import share_active
from simulators.people.appliances import FloatArray, Habit
from simulators.people.day import DAYS_PER_WEEK, QUARTERS, WARM_UP_QUARTERS, quarter_hours
from simulators.people.events import Canvas, draw_events, whole_between
from simulators.people.homes import Homes

LITRES_PER_PERSON_DAY = 50.0
_ML = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawKind:
    """One kind of draw; flow and length are drawn evenly between their limits."""

    name: str
    volume_share: float
    flow_l_min: tuple[float, float]
    minutes: tuple[int, int]
    habit: Habit

    @property
    def mean_volume_l(self) -> float:
        """Mean volume of one draw."""
        return sum(self.flow_l_min) / 2 * sum(self.minutes) / 2


_ANY: Habit = ((0, 0.6), (6, 1.2), (9, 1.0), (12, 1.1), (15, 0.8), (18, 1.1), (22, 1.0), (24, 0.6))
_WASH: Habit = (
    (0, 0.2),
    (5, 1.5),
    (6, 4.0),
    (8, 3.0),
    (10, 1.0),
    (14, 0.4),
    (18, 0.9),
    (21, 1.1),
    (23, 0.6),
    (24, 0.2),
)
_BATH: Habit = ((0, 0.1), (6, 0.3), (10, 0.4), (15, 0.5), (18, 1.2), (21, 1.5), (23, 0.5), (24, 0.1))

DRAW_KINDS: tuple[DrawKind, ...] = (
    DrawKind(name="short", volume_share=0.14, flow_l_min=(0.5, 1.5), minutes=(1, 1), habit=_ANY),
    DrawKind(name="medium", volume_share=0.36, flow_l_min=(4.0, 8.0), minutes=(1, 2), habit=_ANY),
    DrawKind(name="bath", volume_share=0.10, flow_l_min=(11.0, 17.0), minutes=(8, 12), habit=_BATH),
    DrawKind(name="shower", volume_share=0.40, flow_l_min=(6.0, 10.0), minutes=(3, 8), habit=_WASH),
)


@cache
def _rates(number: int) -> FloatArray:
    """Draws per quarter hour and person awake at home, of one kind: shape (QUARTERS,)."""
    kind = DRAW_KINDS[number]
    habit = np.interp(quarter_hours() % 24.0, *np.array(kind.habit, dtype=np.float64).T)
    counted = np.arange(QUARTERS) >= WARM_UP_QUARTERS
    awake = DAYS_PER_WEEK @ (share_active() * habit)[:, counted].sum(axis=1) / DAYS_PER_WEEK.sum()
    result: FloatArray = habit * LITRES_PER_PERSON_DAY * kind.volume_share / kind.mean_volume_l / awake
    return result


def draw_l_min(homes: Homes, *, seed: int, day: int, active: FloatArray) -> FloatArray:
    """Flow at the tap minute by minute, shape (1440, n); `active` people awake at home, shape (QUARTERS, n)."""
    canvas = Canvas(homes.count)
    for number, kind in enumerate(DRAW_KINDS):
        events = draw_events(
            chance.keys(seed, homes.index, day, chance.Purpose.DRAW_COUNT + number),
            chance.keys(seed, homes.index, day, chance.Purpose.DRAW_EVENT + number),
            _rates(number)[:, None] * active,
        )
        flow = kind.flow_l_min[0] + (kind.flow_l_min[1] - kind.flow_l_min[0]) * events.chance[1]
        end = events.minute + whole_between(kind.minutes, events.chance[0])
        canvas.add(events.home, events.minute, end, np.rint(flow * _ML))
    return canvas.minutes() / _ML
