"""The people of all homes, minute by minute: load, hot water, warmth, presence and driving. Seeded.

A day (04:00 to 04:00 local) of a home depends on the seed, the home's position and the date, and on nothing else: not
on how many homes there are, in which order days are asked for, or how generation is sliced. Values are constant
within a minute. An instant inside a minute stands for that minute. Refuses a demand source for another number of homes.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.people import chance
from simulators.people.activity import company, company_by_home, level_on, rates, usual_daylight
from simulators.people.appliances import APPLIANCES
from simulators.people.chance import FloatArray
from simulators.people.day import (
    MINUTES,
    QUARTER,
    QUARTERS,
    WARM_UP_MINUTES,
    WARM_UP_QUARTERS,
    Day,
    day_of,
)
from simulators.people.daylight import wish_for_light
from simulators.people.demand import DemandSource
from simulators.people.driving import drive
from simulators.people.events import Canvas, draw_events, one_at_a_time, whole_between
from simulators.people.homes import Homes, Household
from simulators.people.hot_water import draw_l_min
from simulators.people.occupancy import PersonState, person_states
from simulators.people.weather import Weather

HEAT_ACTIVE_W, HEAT_ASLEEP_W = 75.0, 50.0
"""Sensible heat of a person (ASHRAE Handbook of Fundamentals, ch. 18: seated and light work; asleep 0.7 of it)."""
HEAT_OF_DEMAND = 0.9
"""Share of the base load that warms the home; the rest leaves with waste water and exhaust air."""
_SLICE = 200  # homes at once: their working arrays fit the cache
_LEAST_SLICE = 25
_DAYS_KEPT = 2  # today and tomorrow


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleBlock:
    """`count` minutes of n homes from the UTC minute `start`; every array has shape (count, n) and is finite."""

    start: np.datetime64
    demand_w: FloatArray  # base load, positive from the grid, without the simulated devices
    draw_l_min: FloatArray  # hot water at the tap
    heat_gain_w: FloatArray  # from people and base load, into the rooms
    occupants_active: FloatArray  # people awake at home
    vehicle_plugged: FloatArray  # 1 at home and plugged in, 0 away or no vehicle
    vehicle_driving_w: FloatArray  # drawn from the vehicle's battery by driving, positive


class _DayBlock:
    """One day of all homes, filled from the first home on."""

    def __init__(self, count: int) -> None:
        self.done = 0
        # Filled, not only reserved: the first write to fresh pages of a large street costs tenths of a second.
        self.demand_w, self.draw_l_min, self.driving_w = np.full((3, MINUTES, count), 0.0, dtype=np.float32)
        self.plugged = np.full((MINUTES, count), fill_value=False)
        self.active, self.asleep = np.full((2, MINUTES // QUARTER, count), 0, dtype=np.uint8)


class People:
    """Generates, caches and serves the minutes of all homes. Satisfies `DemandSource`."""

    def __init__(
        self,
        *,
        homes: Sequence[Household],
        seed: int,
        utc_offset_h: float,
        weather: Weather | None = None,
        demand: DemandSource | None = None,
    ) -> None:
        """Draw the lasting traits of all homes.

        Without `weather` the wish for electric light follows a usual central European sky and the mean of many homes
        is BDEW H25; with it, light follows the site's own sun. `demand` replaces the generated load (meter readings,
        profiles).
        """
        if demand is not None and demand.count != len(homes):
            msg = f"demand source has {demand.count} homes; allowed: {len(homes)}, one for each household"
            raise ValueError(msg)
        self._homes = Homes.draw(homes, seed=seed)
        self._seed = seed
        self._utc_offset_h = utc_offset_h
        self._weather = weather
        self._demand = demand
        self._days: OrderedDict[int, _DayBlock] = OrderedDict()
        self._spare = [_DayBlock(len(homes)) for _ in range(_DAYS_KEPT)]
        self._saved_budget = 0

    @property
    def count(self) -> int:
        """Number of homes."""
        return self._homes.count

    def demand_w(self, start: np.datetime64, count: int) -> FloatArray:
        """Base load in `count` minutes from the UTC minute `start`: shape (count, n)."""
        if self._demand is not None:
            return self._demand.demand_w(start, count)
        return self._collect(start, count, "demand_w")

    def minutes(self, start: np.datetime64, count: int) -> PeopleBlock:
        """Everything in `count` minutes from the UTC minute `start`; days not yet prepared are generated now."""
        demand = self.demand_w(start, count)
        active = self._collect(start, count, "active")
        asleep = self._collect(start, count, "asleep")
        return PeopleBlock(
            start=start,
            demand_w=demand,
            draw_l_min=self._collect(start, count, "draw_l_min"),
            heat_gain_w=HEAT_ACTIVE_W * active + HEAT_ASLEEP_W * asleep + HEAT_OF_DEMAND * np.maximum(demand, 0.0),
            occupants_active=active,
            vehicle_plugged=self._collect(start, count, "plugged"),
            vehicle_driving_w=self._collect(start, count, "driving_w"),
        )

    def prepare(self, minute: np.datetime64, *, budget_homes: int) -> bool:
        """Generate about `budget_homes` more homes of the day that holds the UTC minute; True when all are there.

        Small budgets are saved up until they pay for a slice of 25 homes, because a slice costs milliseconds by itself.

        A live caller prepares the minute 24 hours ahead once a second, so that 04:00 costs no more than any other
        second.
        """
        day = day_of(minute, self._utc_offset_h)
        block = self._block(day)
        left = self.count - block.done
        self._saved_budget = min(self._saved_budget + budget_homes, left)
        if self._saved_budget < min(_LEAST_SLICE, left):
            return left == 0
        end = block.done + self._saved_budget
        self._saved_budget = 0
        while block.done < end:
            upto = min(block.done + _SLICE, end)
            self._generate(block, day, self._homes.slice(block.done, upto), slice(block.done, upto))
            block.done = upto
        return block.done == self.count

    def _block(self, day: Day) -> _DayBlock:
        block = self._days.get(day.number)
        if block is None:
            block = self._spare.pop() if self._spare else self._days.popitem(last=False)[1]
            block.done = 0
            self._days[day.number] = block
        self._days.move_to_end(day.number)
        return block

    def _collect(self, start: np.datetime64, count: int, name: str) -> FloatArray:
        result = np.empty((count, self.count))
        filled = 0
        while filled < count:
            minute = start.astype("datetime64[m]") + np.timedelta64(filled, "m")
            day = day_of(minute, self._utc_offset_h)
            self.prepare(minute, budget_homes=self.count)
            first = int((minute - day.start(self._utc_offset_h)).astype(np.int64))
            rows = min(MINUTES - first, count - filled)
            values = getattr(self._days[day.number], name)
            if values.shape[0] == MINUTES:
                result[filled : filled + rows] = values[first : first + rows]
            else:
                result[filled : filled + rows] = values[np.arange(first, first + rows) // QUARTER]
            filled += rows
        return result

    def _generate(self, block: _DayBlock, day: Day, homes: Homes, columns: slice) -> None:
        states = person_states(
            self._seed, homes.person_home, homes.person_number, homes.person_type, day=day.number, kind=day.kind
        )
        active = _people(states, PersonState.ACTIVE, homes)
        block.active[:, columns] = active[WARM_UP_QUARTERS:]
        block.asleep[:, columns] = _people(states, PersonState.ASLEEP, homes)[WARM_UP_QUARTERS:]
        if self._demand is None:
            block.demand_w[:, columns] = self._load_w(day, homes, active)
        block.draw_l_min[:, columns] = draw_l_min(homes, seed=self._seed, day=day.number, active=active)
        if homes.vehicle.any():
            driving = drive(homes, seed=self._seed, day=day.number, states=states)
            block.plugged[:, columns] = driving.plugged
            block.driving_w[:, columns] = driving.driving_w

    def _load_w(self, day: Day, homes: Homes, active: FloatArray) -> FloatArray:
        divisor = company_by_home().divisor[homes.occupants, homes.outgoing, day.kind].T
        presence = company(active) / divisor
        starts = rates(day.kind, level_on(day), self._daylight(day))
        canvas = Canvas(homes.count)
        for number, appliance in enumerate(APPLIANCES):
            events = draw_events(
                chance.keys(self._seed, homes.index, day.number, chance.Purpose.APPLIANCE_COUNT + number),
                chance.keys(self._seed, homes.index, day.number, chance.Purpose.APPLIANCE_EVENT + number),
                starts[number][:, None] * presence * homes.frequency[number],
            )
            rating = homes.rating_w[number][events.home]
            length = whole_between(appliance.minutes, events.chance[0])
            minute = one_at_a_time(events.home, events.minute, length) if appliance.single else events.minute
            for begin, end, level in appliance.segments:
                running = length > begin
                at = minute[running]
                canvas.add(
                    events.home[running],
                    at + begin,
                    at + np.minimum(end, length[running]),
                    np.rint(level * rating[running]),
                )
        load = canvas.minutes() + homes.standby_w
        clock = np.arange(MINUTES, dtype=np.int32)[:, None] + np.int32(day.first_local_minute)
        for cold in homes.cold:
            load += ((clock + cold.phase_min) % cold.period_min < cold.on_min) * cold.power_w
        return load

    def _daylight(self, day: Day) -> FloatArray:
        """The wish for light in every simulated quarter hour."""
        if self._weather is None:
            return usual_daylight(day.date.timetuple().tm_yday)
        middle = np.timedelta64(-WARM_UP_MINUTES * 60 + QUARTER * 30, "s")
        quarters = np.arange(QUARTERS) * np.timedelta64(QUARTER * 60, "s")
        times = day.start(self._utc_offset_h).astype("datetime64[s]") + middle + quarters
        return wish_for_light(self._weather.sample(times).ghi_w_m2)


def _people(states: NDArray[np.uint8], state: PersonState, homes: Homes) -> FloatArray:
    """Number of people in a state per quarter hour and home: shape (QUARTERS, n)."""
    return np.add.reduceat((states == state).astype(np.float64), homes.first_person, axis=1)
