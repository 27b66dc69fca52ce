"""What was known at a moment, and what came in a stretch of time: questions by the time of receipt.

InfluxDB finds rows by the time of measurement. Nearly all were received within two minutes of it, and are looked for
there; the others carry a field that only they have, so that the server finds them without looking at the rest.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import TypeAlias, TypeVar

from twin.model.sample import Sample
from twin.model.telemetry import GridReport, Report
from twin.store.columns import microseconds, moment
from twin.store.influx import flux, rebuilt
from twin.store.influx.answers import Row
from twin.store.influx.client import Influx
from twin.store.influx.layout import AHEAD, FEEDER, HEALTH, NODE, NODES, PROMPT, RECEIVED, STRAGGLER, Layout, as_tag

Placed: TypeAlias = Mapping[str, datetime]  # time of measurement, by device or feeder
T = TypeVar("T", Report, GridReport)

PIVOT = '|> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")'
INSTANT = timedelta(microseconds=1)
REPORTS = f"r._measurement !~ /^({FEEDER}|{NODE}|{HEALTH}.*)$/"
SAMPLES = f"r._measurement =~ /^{HEALTH}/"
GRIDS = flux.is_("_measurement", FEEDER)

_LOOK_BACK = (timedelta(hours=1), timedelta(days=1))  # then everything
_WINDOW = timedelta(minutes=5)  # of receipt, sorted at one go
_HOUR = timedelta(hours=1)
_PIECE = 5_000
_ROWS_AT_ONCE = 20_000  # that one question brings, about
_TOGETHER = timedelta(seconds=2)  # rows this close are fetched as one stretch
_STRETCHES = 50  # in one question
_NAMED_AT_ONCE = 50


class Moments:
    """Questions to the raw bucket of one pilot."""

    def __init__(self, influx: Influx, bucket: str, layout: Layout) -> None:
        self._influx = influx
        self._bucket = bucket
        self._layout = layout
        self._pilot = flux.is_("pilot", as_tag(layout.pilot))

    def latest(self) -> Sequence[Report]:
        """The newest report of every device, by device id; of one that is being written, the part that is there."""
        newest: dict[str, dict[str, object]] = {}
        for row in self._ask(flux.BEGINNING, flux.END, REPORTS, then="|> last()"):
            known = newest.get(row["device"])
            if known is None or row["_time"] > known["_time"]:
                known = newest[row["device"]] = {name: row[name] for name in ("_measurement", "device", "_time")}
            if row["_time"] == known["_time"]:
                known[row["_field"]] = row["_value"]
        return sorted(map(rebuilt.report, filter(rebuilt.whole, newest.values())), key=attrgetter("device"))

    def known_at(self, at: datetime) -> Sequence[Report]:
        """The newest report of every device among those received by `at`, by device id."""
        found = self._rows_at("device", self._newest(REPORTS, "device", at), REPORTS)
        return sorted(map(rebuilt.report, found), key=attrgetter("device"))

    def grids_known_at(self, at: datetime) -> Sequence[GridReport]:
        """The newest report of every feeder among those received by `at`, with node voltages, by feeder."""
        found = []
        for row in self._rows_at("feeder", self._newest(GRIDS, "feeder", at), GRIDS):
            pictured = self._pictured(row["feeder"], row["_time"], at)
            found.append(rebuilt.grid(row, self._voltages([pictured])[0] if pictured else ()))
        return sorted(found, key=attrgetter("feeder"))

    def _newest(self, kind: str, column: str, at: datetime) -> Placed:
        """When that was measured which was the newest known at `at`, by `column`."""
        by = f"r._value <= {_us(at)}"
        latest = at + AHEAD + INSTANT
        first = self._ask(flux.BEGINNING, latest, kind, _field(RECEIVED), then="|> first()")
        missing = {row[column] for row in first}
        found: dict[str, datetime] = {}
        starts = [*(at - back for back in _LOOK_BACK), flux.BEGINNING]
        for start in starts:
            if missing:
                named = flux.any_of(column, sorted(missing)) if len(missing) <= _NAMED_AT_ONCE else kind
                seen = self._newest_of(column, start, latest, kind, _field(RECEIVED), by, named)
                found.update((name, time) for name, time in seen.items() if name in missing)
                missing -= found.keys()
        early = self._newest_of(column, latest, flux.END, kind, _field(STRAGGLER), by)
        return {**found, **early}

    def _newest_of(self, column: str, start: datetime, end: datetime, *conditions: str) -> Placed:
        found: dict[str, datetime] = {}
        for row in self._ask(start, end, *conditions, then="|> last()"):
            found[row[column]] = max(found.get(row[column], row["_time"]), row["_time"])
        return found

    def _rows_at(self, column: str, wanted: Placed, kind: str) -> Iterator[Row]:
        return self._rows_of(column, {(name, time) for name, time in wanted.items()}, kind)

    def _rows_of(self, column: str, wanted: set[tuple[str, datetime]], kind: str) -> Iterator[Row]:
        """Rows with their fields as columns, of those devices or feeders at those times."""
        stretches: list[tuple[datetime, datetime, set[str]]] = []
        for name, time in sorted(wanted, key=lambda pair: pair[1]):
            if stretches and time - stretches[-1][0] <= _TOGETHER:
                start, _, names = stretches[-1]
                names.add(name)
                stretches[-1] = (start, time, names)
            else:
                stretches.append((time, time, {name}))
        for first in range(0, len(stretches), _STRETCHES):
            script = []
            for number, (start, end, names) in enumerate(stretches[first : first + _STRETCHES]):
                named = flux.any_of(column, sorted(names)) if len(names) <= _NAMED_AT_ONCE else kind
                rows = flux.rows(self._bucket, start, end + INSTANT, self._pilot, kind, named)
                script.append(f'{rows}\n  {PIVOT}\n  |> yield(name: "{number}")')
            for row in self._influx.ask("\n".join(script)):
                if (row[column], row["_time"]) in wanted and rebuilt.whole(row):
                    yield row

    def _pictured(self, feeder: str, by: datetime, at: datetime) -> Row | None:
        """The newest report of a feeder that came with voltages: measured by `by`, received by `at`."""
        fields = f"{_field(NODES)} or {_field(RECEIVED)}"
        known = f"exists r.{NODES} and r.{RECEIVED} <= {_us(at)}"
        then = f'{PIVOT}\n  |> filter(fn: (r) => {known})\n  |> last(column: "{NODES}")'
        for start in (*(by - back for back in _LOOK_BACK), flux.BEGINNING):
            rows = list(self._ask(start, by + INSTANT, GRIDS, flux.is_("feeder", feeder), fields, then=then))
            if rows:
                return rows[-1]
        return None

    def _voltages(self, rows: Sequence[Row]) -> list[rebuilt.Voltages]:
        """Voltages of the nodes that came with each of these grid reports; none for those that have none."""
        pictured = [row for row in rows if NODES in row]
        if not pictured:
            return [()] * len(rows)
        found: dict[tuple[str, datetime], dict[str, Row]] = {}
        nodes = flux.is_("_measurement", NODE)
        times = sorted({row["_time"] for row in pictured})
        at_once = max(1, _ROWS_AT_ONCE // max(row[NODES] for row in pictured))
        for first in range(0, len(times), at_once):
            some = times[first : first + at_once]
            for row in self._ask(some[0], some[-1] + INSTANT, nodes, then=PIVOT):
                found.setdefault((row["feeder"], row["_time"]), {})[row["node"]] = row
        answer = []
        for row in rows:
            count = row.get(NODES, 0)
            names = [as_tag(self._layout.node_name(number)) for number in range(count)]
            answer.append(rebuilt.voltages(count, found.get((row["feeder"], row["_time"]), {}), names))
        return answer

    def reports_received(self, start: datetime, end: datetime) -> Iterator[Sequence[Report]]:
        """Reports with `received_at` in [start, end), in order of receipt, at most 5,000 at a time."""
        for rows in self._received(REPORTS, "device", start, end):
            reports = sorted(map(rebuilt.report, rows), key=attrgetter("received_at", "measured_at", "device"))
            yield from _pieces(reports)

    def grids_received(self, start: datetime, end: datetime) -> Iterator[Sequence[GridReport]]:
        """Grid reports with `received_at` in [start, end), in order of receipt, at most 5,000 at a time."""
        for rows in self._received(GRIDS, "feeder", start, end):
            grids = [rebuilt.grid(row, picture) for row, picture in zip(rows, self._voltages(rows), strict=True)]
            yield from _pieces(sorted(grids, key=attrgetter("received_at", "measured_at", "feeder")))

    def _received(self, kind: str, column: str, start: datetime, end: datetime) -> Iterator[Sequence[Row]]:
        """Windows of receipt that hold something; the rows of each in no order."""
        while start < end:
            until = min(end, start + _WINDOW)
            first, last = _us(start), _us(until)
            prompt = self._ask(start - PROMPT, until + AHEAD + INSTANT, kind, then=PIVOT)
            whole = filter(rebuilt.whole, prompt)
            rows = [row for row in whole if STRAGGLER not in row and first <= row[RECEIVED] < last]
            between = f"r._value >= {first} and r._value < {last}"
            late = self._ask(flux.BEGINNING, flux.END, kind, _field(STRAGGLER), between)
            rows += self._rows_of(column, {(row[column], row["_time"]) for row in late}, kind)
            if rows:
                yield rows
                start = until
            else:
                start = self._next_received(kind, until, end)

    def _next_received(self, kind: str, start: datetime, end: datetime) -> datetime:
        """A time from `start` on before which nothing more was received; `end` when nothing was until then."""
        prompt = self._ask(start - PROMPT, end + AHEAD + INSTANT, kind, _field(RECEIVED), then="|> first()")
        between = f"r._value >= {_us(start)} and r._value < {_us(end)}"
        late = self._ask(flux.BEGINNING, flux.END, kind, _field(STRAGGLER), between, then="|> min()")
        times = [*(row["_time"] - AHEAD for row in prompt), *(moment(row["_value"]) for row in late)]
        return max(start, min(times, default=end))

    def samples_at(self, at: datetime, *, within_s: float = 60.0) -> Sequence[Sample]:
        """The newest sample of every subject taken in the `within_s` up to `at`, by scope and subject."""
        newest: dict[tuple[str, str], Sample] = {}
        start = at - timedelta(seconds=within_s) + INSTANT
        for sample in map(rebuilt.sample, self._ask(start, at + INSTANT, SAMPLES, then=PIVOT)):
            known = newest.get((sample.scope, sample.subject))
            if known is None or sample.at > known.at:
                newest[sample.scope, sample.subject] = sample
        return [newest[subject] for subject in sorted(newest)]

    def reports_measured(self, start: datetime, end: datetime) -> Iterator[Sequence[Report]]:
        """Reports measured in [start, end)."""
        return (list(map(rebuilt.report, rows)) for rows in self._hours(start, end, REPORTS, _field(RECEIVED)))

    def grids_measured(self, start: datetime, end: datetime) -> Iterator[Sequence[GridReport]]:
        """Grid reports measured in [start, end), with the voltages of their nodes."""
        for rows in self._hours(start, end, GRIDS, _field(RECEIVED)):
            yield [rebuilt.grid(row, picture) for row, picture in zip(rows, self._voltages(rows), strict=True)]

    def samples(self, start: datetime, end: datetime) -> Iterator[Sequence[Sample]]:
        """Samples of [start, end)."""
        return (list(map(rebuilt.sample, rows)) for rows in self._hours(start, end, SAMPLES))

    def _hours(self, start: datetime, end: datetime, kind: str, *counted: str) -> Iterator[Sequence[Row]]:
        """Rows of a kind by their time, an hour after the other or what of it is not too much, fields as columns."""
        while start < end:
            first = [row["_time"] for row in self._ask(start, end, kind, *counted, then="|> first()")]
            if not first:
                return
            start = min(first)
            until = min(end, start + _HOUR)
            rows = sum(row["_value"] for row in self._ask(start, until, kind, *counted, then="|> count()"))
            until = min(until, start + _HOUR / -(-rows // _ROWS_AT_ONCE))
            yield list(filter(rebuilt.whole, self._ask(start, until, kind, then=PIVOT)))
            start = until

    def span(self) -> tuple[datetime, datetime] | None:
        """The oldest and the newest time of measurement of any report."""
        ends = []
        for end in ("first", "last"):
            rows = self._ask(flux.BEGINNING, flux.END, REPORTS, _field(RECEIVED), then=f"|> {end}()")
            ends.append([row["_time"] for row in rows])
        first, last = ends
        return (min(first), max(last)) if first else None

    def _ask(self, start: datetime, end: datetime, *conditions: str, then: str = "") -> Iterator[Row]:
        if start >= end:
            return iter(())
        rows = flux.rows(self._bucket, start, end, self._pilot, *conditions)
        return self._influx.ask(f"{rows}\n  {then}" if then else rows)


def _pieces(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    return (rows[at : at + _PIECE] for at in range(0, len(rows), _PIECE))


def _field(name: str) -> str:
    return flux.is_("_field", name)


def _us(at: datetime) -> int:
    return int(microseconds(_one(at), 1)[0])


def _one(at: datetime) -> Iterable[datetime]:
    return (at,)
