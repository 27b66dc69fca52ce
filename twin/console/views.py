"""Everything the pages show, made from the state by its own aggregates and shared by all open pages.

Refuses nothing and changes nothing; commands go through `ConsoleSources.commands`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from twin.console.conditions import conditions
from twin.console.directory import Directory
from twin.console.drawing import Drawing, draw
from twin.console.live import Answers, Shared
from twin.console.past import UNSAMPLED
from twin.console.sources import ConsoleSources
from twin.model.alarm import Alarm, Condition
from twin.model.command import CommandRecord
from twin.model.device import DeviceKind, Pathway
from twin.model.health import TwinHealth
from twin.model.telemetry import Series
from twin.model.topology import Home
from twin.state.aggregate import HomeView, Overview, PathwayRow, home_view, overview, pathway_table
from twin.state.endpoint_twin import EndpointTwin

T = TypeVar("T")
U = TypeVar("U")

HISTORY_HOURS = (1.0, 6.0, 24.0, 168.0)
HISTORY_NAMES = ("1 h", "6 h", "24 h", "7 d")
"""Windows that charts over time can show, and what they are called."""

A_DAY = HISTORY_HOURS.index(24.0)
"""The window that charts start with."""

_KEEP_S = 3.0
_POINTS = 480


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeRow:
    """One line of the list of homes. `age_s` is of its oldest device, None while none has reported."""

    home: Home
    pathways: tuple[Pathway, ...]
    kinds: tuple[DeviceKind, ...]
    power_w: float | None
    age_s: float | None
    fresh: int
    stale: int
    waiting: int

    @property
    def mark(self) -> str:
        """f when all that reported is fresh, s when something is stale, n when nothing has reported."""
        return "s" if self.stale else "f" if self.fresh else "n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What history knew of some quantities from `start` to `end`."""

    series: Sequence[Series]
    start: datetime
    end: datetime


class Views:
    """The views over one pilot; `sources` is what they are made from."""

    def __init__(self, sources: ConsoleSources) -> None:
        self.sources = sources
        state, clock = sources.state, sources.clock

        def version() -> int:
            return state.version

        self.overview = Shared[Overview](lambda: overview(state, clock.now()), version=version, clock=clock)
        self.pathways = Shared[Sequence[PathwayRow]](
            lambda: pathway_table(state, clock.now()), version=version, clock=clock
        )
        self.homes = Shared[Sequence[HomeRow]](self._homes, version=version, clock=clock)
        self.endpoints = Shared[Sequence[EndpointTwin]](
            lambda: [state.endpoint(endpoint.id) for endpoint in sources.pilot.endpoints], version=version, clock=clock
        )
        self.health = Shared[TwinHealth](sources.health, version=clock.monotonic_s, clock=clock)
        self.commands = Shared[Sequence[CommandRecord]](
            lambda: tuple(sources.commands.records()), version=clock.monotonic_s, clock=clock
        )
        self.conditions = Shared[Sequence[Condition]](self._conditions, version=clock.monotonic_s, clock=clock)
        self.alarms = Shared[Sequence[Alarm]](self._alarms, version=clock.monotonic_s, clock=clock)
        self._answers = Answers[Past](clock, keep_s=_KEEP_S)
        self.directory = Directory(sources.pilot)
        self._drawings: dict[int, Drawing] = {}
        self._made: dict[Callable[..., Any], tuple[object, Any]] = {}

    def made(self, make: Callable[[T], U], view: T) -> U:
        """What `make` makes of a shared view, made once for all pages that show it."""
        known = self._made.get(make)
        if known is None or known[0] is not view:
            known = self._made[make] = (view, make(view))
        made: U = known[1]
        return made

    def home(self, home: str) -> HomeView:
        """One home as it is now. Raises KeyError when the pilot has no such home."""
        return home_view(self.sources.state, home, self.sources.clock.now())

    def drawing(self, feeder: int) -> Drawing:
        """The picture of a feeder with its homes; made once."""
        if feeder not in self._drawings:
            homes = [(home, self._pathways_of[home.id][0]) for home in self.feeder_homes(feeder)]
            self._drawings[feeder] = draw(self.sources.pilot.network, homes)
        return self._drawings[feeder]

    def feeder_homes(self, feeder: int) -> Sequence[Home]:
        """The homes of a feeder, in pilot order."""
        return [home for home in self.sources.pilot.homes if home.feeder == feeder]

    async def grid_history(self, quantities: Sequence[str], hours: float) -> Past:
        """Grid quantities over the last `hours`. Raises HistoryError."""
        history = self.sources.history

        def ask() -> Past:
            start, end = self.window(hours)
            series = [history.grid_series(quantity, start, end, points=_POINTS) for quantity in quantities]
            return Past(series=series, start=start, end=end)

        return await self._answers.get(("grid", tuple(quantities), hours), ask)

    async def power_history(self, devices: Sequence[str], hours: float) -> Past:
        """Active power of devices over the last `hours`. Raises HistoryError."""
        history = self.sources.history

        def ask() -> Past:
            start, end = self.window(hours)
            series = history.devices_series(devices, "power_w", start, end, points=_POINTS)
            return Past(series=series, start=start, end=end)

        return await self._answers.get(("power", tuple(devices), hours), ask)

    async def sample_history(self, scope: str, subject: str, names: Sequence[str], hours: float) -> Past:
        """The twin's own figures of a subject over the last `hours`. Raises HistoryError."""
        history = self.sources.history

        def ask() -> Past:
            start, end = self.window(hours)
            series = [history.sample_series(scope, subject, name, start, end, points=_POINTS) for name in names]
            return Past(series=series, start=start, end=end)

        return await self._answers.get((scope, subject, tuple(names), hours), ask)

    def window(self, hours: float) -> tuple[datetime, datetime]:
        """The last `hours`, up to now."""
        end = self.sources.clock.now()
        return end - timedelta(hours=hours), end

    @property
    def filling(self) -> bool:
        """True while history is being filled in, faster than real time."""
        until = self.health.get().backfill_until
        return until is not None and self.sources.clock.now() < until

    @cached_property
    def _pathways_of(self) -> Mapping[str, tuple[Pathway, ...]]:
        pilot = self.sources.pilot
        return {home.id: tuple(dict.fromkeys(pilot.pathway(device) for device in home.devices)) for home in pilot.homes}

    @cached_property
    def _kinds_of(self) -> Mapping[str, tuple[DeviceKind, ...]]:
        pilot = self.sources.pilot
        return {
            home.id: tuple(dict.fromkeys(pilot.device[device].kind for device in home.devices)) for home in pilot.homes
        }

    @cached_property
    def _home_of_row(self) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
        number = {home.id: index for index, home in enumerate(self.sources.pilot.homes)}
        return np.array([number[device.home] for device in self.sources.pilot.devices], dtype=np.intp)

    def _homes(self) -> Sequence[HomeRow]:
        pilot, columns = self.sources.pilot, self.sources.state.columns
        ages_s = columns.age_s(self.sources.clock.now())
        homes, home_of = len(pilot.homes), self._home_of_row
        known = ~np.isnan(ages_s)
        stale = ages_s > columns.max_age_s
        oldest = np.full(homes, np.nan)
        np.fmax.at(oldest, home_of, ages_s)
        counts = [np.bincount(home_of[mask], minlength=homes) for mask in (known & ~stale, stale, ~known)]
        meters = [columns.row.get(pilot.meter_of.get(home.id, "")) for home in pilot.homes]
        powers = [float("nan") if row is None else float(columns.power_w[row]) for row in meters]
        return [
            HomeRow(
                home=home,
                pathways=self._pathways_of[home.id],
                kinds=self._kinds_of[home.id],
                power_w=None if np.isnan(powers[index]) else powers[index],
                age_s=None if np.isnan(oldest[index]) else float(oldest[index]),
                fresh=int(counts[0][index]),
                stale=int(counts[1][index]),
                waiting=int(counts[2][index]),
            )
            for index, home in enumerate(pilot.homes)
        ]

    def _alarms(self) -> Sequence[Alarm]:
        """What stands; where nobody judges alarms, each condition of the moment as one that has been seen."""
        if self.sources.alarms is not None:
            return self.sources.alarms.open()
        now = self.sources.clock.now()
        return [Alarm(condition=one, raised_at=now, acknowledged_at=now) for one in self.conditions.get()]

    def _conditions(self) -> Sequence[Condition]:
        now, pathways, health = self.overview.get(), self.pathways.get(), self.health.get()
        judge_ages = not self.filling and health.mode != UNSAMPLED
        return conditions(self.sources.state, now, pathways, health, judge_ages=judge_ages)
