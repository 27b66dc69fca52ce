"""Figures over time: as they are when there are few, else means (or extremes) of bins that the server makes.

What the raw bucket no longer keeps comes from the minutes, and what they no longer keep from the quarters of an hour.
Sums of several feeders in a bin are exact as long as one feeder has a row whenever any has, as it is when they are
solved together.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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

_DAY_US: Final = 86_400_000_000
_MEAN: Final = "avg"
_EXTREMES: Final = {"max": max, "min": min}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A field where a condition holds. Within a bin, and over what has the same place in time: avg, sum, max or min."""

    condition: str
    field: str
    within: str
    over: str
    start_us: int
    end_us: int
    received_by_us: int | None


class Figures:
    """Series of one pilot."""

    def __init__(self, influx: Influx, buckets: Buckets, pilot: str) -> None:
        self._influx = influx
        self._buckets = buckets
        self._pilot = flux.is_("pilot", as_tag(pilot))

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
        return self._series(asked, points)

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
        return self._series(asked, points)

    def sample_series(
        self, scope: str, subject: str, name: str, start: datetime, end: datetime, *, points: int = 600
    ) -> Series:
        """One figure of a subject's samples in [start, end); mean per bin when longer than `points`."""
        measurement = flux.is_("_measurement", HEALTH + one_of("scope", scope, SCOPES))
        subjects = f"{measurement} and {flux.is_(scope, as_tag(subject))}"
        return self._series(self._asked(subjects, as_tag(name), start, end), points)

    def _asked(
        self,
        condition: str,
        field: str,
        start: datetime,
        end: datetime,
        *,
        within: str = _MEAN,
        over: str = _MEAN,
        received_by: datetime | None = None,
    ) -> _Asked:
        return _Asked(
            condition=condition,
            field=field,
            within=within,
            over=over,
            start_us=_us(start),
            end_us=_us(end),
            received_by_us=None if received_by is None else _us(received_by),
        )

    def _series(self, asked: _Asked, points: int) -> Series:
        width = max(1, -(-(asked.end_us - asked.start_us) // points))
        stretches = list(self._stretches(asked))
        longest = sum(
            max((row["_value"] for row in self._ask(*stretch, asked, "|> count()")), default=0) for stretch in stretches
        )
        if longest > points and asked.received_by_us is None:
            values = self._binned(asked, stretches, width)
        else:
            values = {place: _value(cell, asked) for place, cell in self._plain(asked, stretches).items()}
            if len(values) > points:
                values = _means(values, asked, width)
        places = sorted(values)
        return Series(times=[moment(place) for place in places], values=[values[place] for place in places])

    def _plain(self, asked: _Asked, stretches: Sequence[tuple[str, int, int]]) -> dict[int, Cell]:
        """Rows as they are, by time; of two rows of one source the first."""
        cells: dict[int, Cell] = {}
        for bucket, start_us, end_us in stretches:
            if asked.received_by_us is None or bucket != self._buckets.raw:
                rows, name = self._ask(bucket, start_us, end_us, asked), "_value"
            else:
                rows, name = self._received(start_us, end_us, asked), asked.field
            for row in rows:
                cells.setdefault(_us(row["_time"]), {}).setdefault(_source(row), (row[name], 1))
        return cells

    def _received(self, start_us: int, end_us: int, asked: _Asked) -> Iterator[Row]:
        """What had been received by the moment asked for, a day after the other."""
        fields = f"{flux.is_('_field', asked.field)} or {flux.is_('_field', RECEIVED)}"
        for day_us in range(start_us, end_us, _DAY_US):
            window = (moment(day_us), moment(min(end_us, day_us + _DAY_US)))
            rows = flux.rows(self._buckets.raw, *window, self._pilot, asked.condition, fields)
            for row in self._influx.ask(f"{rows}\n  {PIVOT}"):
                if asked.field in row and row[RECEIVED] <= (asked.received_by_us or 0):
                    yield row

    def _binned(self, asked: _Asked, stretches: Sequence[tuple[str, int, int]], width: int) -> dict[int, float]:
        """Bins that the server makes, by their start; a bin that two buckets share is put together."""
        cells: dict[int, Cell] = {}
        for stretch in stretches:
            for name in ("sum", "count") if asked.within == _MEAN else (asked.within,):
                window = f"every: {width}us, offset: {asked.start_us % width}us, fn: {name}, createEmpty: false"
                for row in self._ask(*stretch, asked, f'|> aggregateWindow({window}, timeSrc: "_start")'):
                    at_us = _us(row["_time"])
                    cell = cells.setdefault(at_us - (at_us - asked.start_us) % width, {})
                    cell[_source(row)] = _added(cell.get(_source(row)), row["_value"], name)
        return {place: _value(cell, asked) for place, cell in cells.items()}

    def _stretches(self, asked: _Asked) -> Iterator[tuple[str, int, int]]:
        """Which bucket is asked for which part: the finest that has it."""
        end_us = asked.end_us
        for bucket in (self._buckets.raw, self._buckets.minutes):
            first = [_us(row["_time"]) for row in self._ask(bucket, asked.start_us, end_us, asked, "|> first()")]
            if first:
                yield bucket, min(first), end_us
                end_us = min(first)
        yield self._buckets.quarters, asked.start_us, end_us

    def _ask(self, bucket: str, start_us: int, end_us: int, asked: _Asked, then: str = "") -> Iterator[Row]:
        if start_us >= end_us:
            return iter(())
        field = flux.is_("_field", asked.field)
        rows = flux.rows(bucket, moment(start_us), moment(end_us), self._pilot, asked.condition, field)
        return self._influx.ask(f"{rows}\n  {then}" if then else rows)


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
