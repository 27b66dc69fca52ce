"""Figures over time: as they are when there are few, else means (or extremes) of bins that the server makes.

What the raw bucket no longer keeps comes from the minutes, and what they no longer keep from the quarters of an hour.
Sums of several feeders in a bin are exact as long as one feeder has a row whenever any has, as it is when they are
solved together.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeAlias

from twin.model.quantity import QUANTITIES
from twin.model.sample import SCOPES
from twin.model.telemetry import Series
from twin.store.columns import microseconds, moment
from twin.store.influx import flux
from twin.store.influx.answers import Row
from twin.store.influx.client import Influx
from twin.store.influx.layout import FEEDER, HEALTH, RECEIVED, Buckets, as_tag
from twin.store.influx.moments import PIVOT
from twin.store.questions import one_of
from twin.store.schema import GRID_QUANTITIES

Cell: TypeAlias = dict[str, tuple[float, int]]  # sum (or extreme) and number of rows, by where they are from
Cells: TypeAlias = dict[tuple[str, int], Cell]  # by group and place in time
Stretch: TypeAlias = tuple[str, int, int]  # of a bucket, from and to

_DAY_US: Final = 86_400_000_000
_MINUTE_US: Final = 60_000_000
_MEAN: Final = "avg"
_NOTHING: Final = Series(times=[], values=[])
_EXTREMES: Final = {"max": max, "min": min}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A field where a condition holds. Within a bin, and over what has the same place in time: avg, sum, max or min."""

    condition: str
    field: str
    within: str
    over: str
    group: str
    start_us: int
    end_us: int
    received_by_us: int | None

    def of(self, row: Row) -> str:
        """The group of a row: what it has in the column `group`; one for all without."""
        return str(row[self.group]) if self.group else ""

    def only(self, groups: Sequence[str]) -> "_Asked":
        """The same of some groups."""
        return replace(self, condition=flux.any_of(self.group, groups)) if self.group else self


class Figures:
    """Series of one pilot."""

    def __init__(self, influx: Influx, buckets: Buckets, pilot: str) -> None:
        self._influx = influx
        self._buckets = buckets
        self._pilot = flux.is_("pilot", as_tag(pilot))
        self._tiers = (
            (buckets.raw, 0),
            (buckets.minutes, _MINUTE_US),
            (buckets.quarters, 15 * _MINUTE_US),
        )

    def device_series(
        self,
        device: str,
        quantity: str,
        start: datetime,
        end: datetime,
        *,
        points: int = 600,
        received_by: datetime | None = None,
    ) -> Series:
        """One quantity of a device in [start, end); mean per bin, at the bin's start, when longer than `points`."""
        one_of("quantity", quantity, QUANTITIES)
        asked = self._asked(flux.is_("device", as_tag(device)), quantity, start, end, received_by=received_by)
        return self._series(asked, points).get("", _NOTHING)

    def devices_series(
        self,
        devices: Sequence[str],
        quantity: str,
        start: datetime,
        end: datetime,
        *,
        points: int = 600,
        received_by: datetime | None = None,
    ) -> Sequence[Series]:
        """What `device_series` says of each of `devices`, in their order, asked at one go."""
        one_of("quantity", quantity, QUANTITIES)
        if not devices:
            return []
        named = flux.any_of("device", sorted({as_tag(device) for device in devices}))
        asked = self._asked(named, quantity, start, end, group="device", received_by=received_by)
        found = self._series(asked, points)
        return [found.get(as_tag(device), _NOTHING) for device in devices]

    def grid_series(
        self,
        quantity: str,
        start: datetime,
        end: datetime,
        *,
        points: int = 600,
        received_by: datetime | None = None,
    ) -> Series:
        """One grid quantity of the whole pilot in [start, end): see `twin.store.schema.GRID_QUANTITIES`."""
        _, within, over = GRID_QUANTITIES[one_of("grid quantity", quantity, GRID_QUANTITIES)]
        feeders = flux.is_("_measurement", FEEDER)
        asked = self._asked(feeders, quantity, start, end, within=within, over=over, received_by=received_by)
        return self._series(asked, points).get("", _NOTHING)

    def sample_series(
        self, scope: str, subject: str, name: str, start: datetime, end: datetime, *, points: int = 600
    ) -> Series:
        """One figure of a subject's samples in [start, end); mean per bin when longer than `points`."""
        measurement = flux.is_("_measurement", HEALTH + one_of("scope", scope, SCOPES))
        subjects = f"{measurement} and {flux.is_(scope, as_tag(subject))}"
        return self._series(self._asked(subjects, as_tag(name), start, end), points).get("", _NOTHING)

    def _asked(
        self,
        condition: str,
        field: str,
        start: datetime,
        end: datetime,
        *,
        within: str = _MEAN,
        over: str = _MEAN,
        group: str = "",
        received_by: datetime | None = None,
    ) -> _Asked:
        return _Asked(
            condition=condition,
            field=field,
            within=within,
            over=over,
            group=group,
            start_us=_us(start),
            end_us=_us(end),
            received_by_us=None if received_by is None else _us(received_by),
        )

    def _series(self, asked: _Asked, points: int) -> dict[str, Series]:
        """One series of each group that has a row."""
        width = max(1, -(-(asked.end_us - asked.start_us) // points))
        stretches, counts = self._looked_up(asked)
        many = [group for group, count in counts.items() if count > points and asked.received_by_us is None]
        few = [group for group in counts if group not in many]
        values = self._binned(asked.only(many), stretches, width) if many else {}
        for group, plain in (self._plain(asked.only(few), stretches) if few else {}).items():
            values[group] = plain if len(plain) <= points else _means(plain, asked, width)
        return {group: _as_series(found) for group, found in values.items()}

    def _looked_up(self, asked: _Asked) -> tuple[list[Stretch], dict[str, int]]:
        """Which bucket has which part, the finest that has it; and how many rows each group has at most."""
        stretches: list[Stretch] = []
        counts: dict[str, int] = {}
        end_us = asked.end_us
        for bucket, period_us in self._tiers:
            if end_us - asked.start_us <= period_us:  # less than one row of this bucket is missing
                break
            first_us, most = end_us, dict[str, int]()
            for row in self._ask((bucket, asked.start_us, end_us), asked, {"first": "first()", "count": "count()"}):
                group = asked.of(row)
                if row["result"] == "first":
                    first_us = min(first_us, _us(row["_time"]))
                else:
                    most[group] = max(most.get(group, 0), row["_value"])
            stretches.append((bucket, first_us, end_us))
            counts.update((group, counts.get(group, 0) + count) for group, count in most.items())
            end_us = first_us
        return stretches, counts

    def _plain(self, asked: _Asked, stretches: Sequence[Stretch]) -> dict[str, dict[int, float]]:
        """Rows as they are, by group and time; of two rows of one source the first."""
        cells: Cells = {}
        for stretch in stretches:
            if asked.received_by_us is None or stretch[0] != self._buckets.raw:
                rows, name = self._ask(stretch, asked, {"rows": ""}), "_value"
            else:
                rows, name = self._received(stretch, asked), asked.field
            for row in rows:
                cells.setdefault((asked.of(row), _us(row["_time"])), {}).setdefault(_source(row), (row[name], 1))
        return _values(cells, asked)

    def _received(self, stretch: Stretch, asked: _Asked) -> Iterator[Row]:
        """What had been received by the moment asked for, a day after the other."""
        _, start_us, end_us = stretch
        fields = f"{flux.is_('_field', asked.field)} or {flux.is_('_field', RECEIVED)}"
        for day_us in range(start_us, end_us, _DAY_US):
            window = (moment(day_us), moment(min(end_us, day_us + _DAY_US)))
            rows = flux.rows(self._buckets.raw, *window, self._pilot, asked.condition, fields)
            for row in self._influx.ask(f"{rows}\n  {PIVOT}"):
                if asked.field in row and RECEIVED in row and row[RECEIVED] <= (asked.received_by_us or 0):
                    yield row

    def _binned(self, asked: _Asked, stretches: Sequence[Stretch], width: int) -> dict[str, dict[int, float]]:
        """Bins that the server makes, by group and start; a bin that two buckets share is put together."""
        cells: Cells = {}
        window = f'every: {width}us, offset: {asked.start_us % width}us, createEmpty: false, timeSrc: "_start"'
        figures = ("sum", "count") if asked.within == _MEAN else (asked.within,)
        for stretch in stretches:
            for row in self._ask(stretch, asked, {name: f"aggregateWindow({window}, fn: {name})" for name in figures}):
                at_us = _us(row["_time"])
                cell = cells.setdefault((asked.of(row), at_us - (at_us - asked.start_us) % width), {})
                cell[_source(row)] = _added(cell.get(_source(row)), row["_value"], row["result"])
        return _values(cells, asked)

    def _ask(self, stretch: Stretch, asked: _Asked, then: Mapping[str, str]) -> Iterator[Row]:
        """Rows of one stretch put through each of the functions `then`, whose name they have as `result`."""
        bucket, start_us, end_us = stretch
        if start_us >= end_us:
            return iter(())
        field = flux.is_("_field", asked.field)
        rows = flux.rows(bucket, moment(start_us), moment(end_us), self._pilot, asked.condition, field)
        script = [
            f"{rows}{f' |> {step}' if step else ''}\n  |> yield(name: {flux.text(name)})" for name, step in then.items()
        ]
        return self._influx.ask("\n".join(script))


def _as_series(values: Mapping[int, float]) -> Series:
    places = sorted(values)
    return Series(times=[moment(place) for place in places], values=[values[place] for place in places])


def _values(cells: Cells, asked: _Asked) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = {}
    for (group, place), cell in cells.items():
        found.setdefault(group, {})[place] = _value(cell, asked)
    return found


def _added(known: tuple[float, int] | None, value: float, name: str) -> tuple[float, int]:
    figure, count = known or (None, 0)
    if name == "count":
        return figure or 0.0, count + int(value)
    if figure is None:
        return value, count
    return (_EXTREMES[name]((figure, value)) if name in _EXTREMES else figure + value), count


def _value(cell: Cell, asked: _Asked) -> float:
    figures = [figure for figure, _ in cell.values()]
    if asked.over in _EXTREMES:
        return _EXTREMES[asked.over](figures)
    counts = [count for _, count in cell.values()]
    return sum(figures) / (max(counts) if asked.over == "sum" else sum(counts))


def _means(values: Mapping[int, float], asked: _Asked, width: int) -> dict[int, float]:
    bins: dict[int, list[float]] = {}
    for place, value in values.items():
        bins.setdefault(place - (place - asked.start_us) % width, []).append(value)
    fold = _EXTREMES.get(asked.within)
    return {place: fold(some) if fold else sum(some) / len(some) for place, some in bins.items()}


def _source(row: Row) -> str:
    return str(row.get("feeder", ""))


def _us(at: datetime) -> int:
    return int(microseconds([at], 1)[0])
