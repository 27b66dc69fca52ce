"""What happened, from the log bucket: events, dead letters and the lives of commands, newest first."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from twin.clock import Clock
from twin.model.command import CommandRecord
from twin.model.event import DeadLetter, Event
from twin.store.influx import flux, rebuilt
from twin.store.influx.answers import Row
from twin.store.influx.client import Influx
from twin.store.influx.layout import COMMAND, DEAD_LETTER, EVENT, as_tag
from twin.store.influx.moments import INSTANT, PIVOT

T = TypeVar("T")

_LOOK_BACK = (timedelta(days=1), timedelta(days=30))  # then everything


class Notes:
    """Questions to the log bucket of one pilot."""

    def __init__(self, influx: Influx, bucket: str, pilot: str, clock: Clock) -> None:
        self._influx = influx
        self._bucket = bucket
        self._pilot = flux.is_("pilot", as_tag(pilot))
        self._clock = clock

    def recent_events(self, limit: int, *, until: datetime | None = None) -> Sequence[Event]:
        """At most `limit` events that had happened by `until`, newest first."""
        return self._recent(EVENT, rebuilt.event, limit, until)

    def recent_dead_letters(self, limit: int, *, until: datetime | None = None) -> Sequence[DeadLetter]:
        """At most `limit` dead letters of `until` and before, newest first."""
        return self._recent(DEAD_LETTER, rebuilt.dead_letter, limit, until)

    def recent_commands(self, limit: int, *, until: datetime | None = None) -> Sequence[CommandRecord]:
        """At most `limit` commands with the steps that they had taken by `until`, the one asked for last first."""
        found: list[CommandRecord] = []
        for start, end in self._stretches(until):
            records = rebuilt.commands(self._rows(COMMAND, start, end), end - INSTANT)
            # Steps follow the request, so a command asked for in this stretch has all of its steps in it.
            found = [record for record in records if record.command.requested_at >= start]
            if len(found) >= limit:
                break
        return found[:limit]

    def events(self, start: datetime, end: datetime) -> Sequence[Event]:
        """Events in [start, end)."""
        return list(map(rebuilt.event, self._rows(EVENT, start, end)))

    def dead_letters(self, start: datetime, end: datetime) -> Sequence[DeadLetter]:
        """Dead letters in [start, end)."""
        return list(map(rebuilt.dead_letter, self._rows(DEAD_LETTER, start, end)))

    def commands(self) -> Sequence[CommandRecord]:
        """Every command with every step."""
        return rebuilt.commands(self._rows(COMMAND, flux.BEGINNING, flux.END), flux.END)

    def _recent(self, measurement: str, build: Callable[[Row], T], limit: int, until: datetime | None) -> Sequence[T]:
        newest = f'{PIVOT}\n  |> group()\n  |> sort(columns: ["_time"], desc: true)\n  |> limit(n: {int(limit)})'
        rows: list[Row] = []
        for start, end in self._stretches(until):
            rows = list(self._rows(measurement, start, end, newest))
            if len(rows) >= limit:
                break
        return list(map(build, rows))

    def _stretches(self, until: datetime | None) -> Iterator[tuple[datetime, datetime]]:
        end = flux.END if until is None else until + INSTANT
        latest = min(end, self._clock.now())
        for back in _LOOK_BACK:
            yield latest - back, end
        yield flux.BEGINNING, end

    def _rows(self, measurement: str, start: datetime, end: datetime, then: str = PIVOT) -> Iterator[Row]:
        rows = flux.rows(self._bucket, start, end, self._pilot, flux.is_("_measurement", measurement))
        return self._influx.ask(f"{rows}\n  {then}")
