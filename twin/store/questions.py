"""What can be asked of one DuckDB file of history: series, the newest of everything, and what was known at a moment.

Rows lie nearly in the order of time, so a question with a time range reads only its share of the file; what was known
at a moment is therefore sought first in the hour before it, and further back only for what that hour does not have.
Names in the statements come from twin.store.schema, never from outside; values are always parameters.
"""
# ruff: noqa: S608

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from twin.model.command import CommandRecord
from twin.model.event import DeadLetter, Event
from twin.model.quantity import QUANTITIES
from twin.model.sample import SCOPES, Sample
from twin.model.telemetry import GridReport, Report, Series
from twin.store import rows
from twin.store.columns import microseconds, moment
from twin.store.database import Database
from twin.store.port import StoreError
from twin.store.schema import GRID_QUANTITIES

T = TypeVar("T")

_LOOK_BACK = (timedelta(hours=1), timedelta(days=1))  # then the whole file
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_END = datetime(9999, 1, 1, tzinfo=UTC)
_WINDOW = timedelta(minutes=10)  # of receipt, sorted at one go
_PIECE = 5_000  # rows turned into objects at one go

_NODES = "LEFT JOIN nodes USING (feeder, measured_at)"


class Questions:
    """Answers from `database`; any number of threads may ask. See `twin.store.port.Store` for what each means."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def latest(self) -> Sequence[Report]:
        """The newest report of every device, by device id."""
        return self._newest_reports(_END, _BEGINNING)

    def known_at(self, at: datetime) -> Sequence[Report]:
        """The newest report of every device among those received by `at`, by device id."""
        ever = self._database.ask("SELECT count(DISTINCT device) FROM telemetry WHERE received_at <= $at", at=at)[0][0]
        for back in _LOOK_BACK:
            found = self._newest_reports(at, at - back)
            if len(found) == ever:
                return found
        return self._newest_reports(at, _BEGINNING)

    def _newest_reports(self, received_by: datetime, measured_from: datetime) -> Sequence[Report]:
        return rows.reports(
            self._database.ask(
                f"""
                WITH newest AS (
                    SELECT device, max(measured_at) AS measured_at FROM telemetry
                    WHERE measured_at >= $from AND received_at <= $by GROUP BY device
                )
                SELECT {rows.REPORT} FROM telemetry JOIN newest USING (device, measured_at)
                WHERE measured_at >= $from AND received_at <= $by ORDER BY device
                """,
                by=received_by,
                **{"from": measured_from},
            )
        )

    def grids_known_at(self, at: datetime) -> Sequence[GridReport]:
        """The newest report of every feeder among those received by `at`, with node voltages, by feeder."""
        return rows.grids(
            self._database.ask(
                f"""
                WITH newest AS (
                    SELECT feeder, max(measured_at) AS measured_at FROM grid WHERE received_at <= $at GROUP BY feeder
                ), pictured AS (
                    SELECT feeder, max(nodes.measured_at) AS pictured_at FROM nodes JOIN newest USING (feeder)
                    WHERE received_at <= $at AND nodes.measured_at <= newest.measured_at GROUP BY feeder
                )
                SELECT {rows.GRID} FROM grid JOIN newest USING (feeder, measured_at)
                LEFT JOIN pictured USING (feeder)
                LEFT JOIN nodes ON nodes.feeder = grid.feeder AND nodes.measured_at = pictured_at
                ORDER BY grid.feeder
                """,
                at=at,
            )
        )

    def reports_received(self, start: datetime, end: datetime) -> Iterator[Sequence[Report]]:
        """Reports with `received_at` in [start, end), in order of receipt, at most 5,000 at a time."""
        return self._received("telemetry", f"SELECT {rows.REPORT} FROM telemetry", "device", rows.reports, start, end)

    def grids_received(self, start: datetime, end: datetime) -> Iterator[Sequence[GridReport]]:
        """Grid reports with `received_at` in [start, end), in order of receipt, at most 5,000 at a time."""
        return self._received("grid", f"SELECT {rows.GRID} FROM grid {_NODES}", "feeder", rows.grids, start, end)

    def _received(
        self,
        table: str,
        selection: str,
        last: str,
        build: Callable[[list[rows.Row]], Sequence[T]],
        start: datetime,
        end: datetime,
    ) -> Iterator[Sequence[T]]:
        """A window of receipt after the other, so that neither a sort nor the rows of a piece outgrow the memory."""
        first = f"SELECT epoch_us(min(received_at)) FROM {table} WHERE received_at >= $start AND received_at < $end"
        question = f"""
            {selection} WHERE {table}.received_at >= $start AND {table}.received_at < $end
            ORDER BY {table}.received_at, {table}.measured_at, {table}.{last}
            """
        while (found := self._database.ask(first, start=start, end=end)[0][0]) is not None:
            start = moment(found)
            until = min(end, start + _WINDOW)
            with self._database.cursor() as cursor:
                cursor.execute(question, {"start": start, "end": until})
                while piece := cursor.fetchmany(_PIECE):
                    yield build(piece)
            start = until

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
        found = f"""
            SELECT measured_at, {quantity} AS value FROM telemetry
            WHERE device = $device AND measured_at >= $start AND measured_at < $end AND {quantity} IS NOT NULL
                  AND received_at <= $received_by
            """
        return self._series(found, "avg(value)", start, end, points, device=device, received_by=received_by or _END)

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
        """One quantity of several devices by one pass over [start, end); means as for one device."""
        one_of("quantity", quantity, QUANTITIES)
        origin_us, end_us = (int(value) for value in microseconds([start, end], 2))
        answer = self._database.ask(
            f"""
            WITH found AS MATERIALIZED (
                     SELECT device, epoch_us(measured_at) AS at_us, {quantity} AS value FROM telemetry
                     WHERE measured_at >= $start AND measured_at < $end AND device IN $devices
                           AND {quantity} IS NOT NULL AND received_at <= $received_by
                 ),
                 many AS (SELECT device FROM found GROUP BY device HAVING count(*) > $points),
                 placed AS (
                     SELECT device, value,
                            CASE WHEN device IN (FROM many) THEN at_us - (at_us - $origin) % $width
                                 ELSE at_us END AS place
                     FROM found
                 )
            SELECT device, place, avg(value) FROM placed GROUP BY device, place ORDER BY device, place
            """,
            start=start,
            end=end,
            devices=list(devices),
            received_by=received_by or _END,
            origin=origin_us,
            width=max(1, -(-(end_us - origin_us) // points)),
            points=points,
        )
        places: dict[str, list[tuple[datetime, float]]] = {device: [] for device in devices}
        for device, place, value in answer:
            places[device].append((moment(place), value))
        return [
            Series(times=[at for at, _ in places[device]], values=[value for _, value in places[device]])
            for device in devices
        ]

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
        expression, within, over = GRID_QUANTITIES[one_of("grid quantity", quantity, GRID_QUANTITIES)]
        found = f"""
            SELECT measured_at, {over}({expression}) AS value FROM grid
            WHERE measured_at >= $start AND measured_at < $end AND {expression} IS NOT NULL
                  AND received_at <= $received_by
            GROUP BY measured_at
            """
        return self._series(found, f"{within}(value)", start, end, points, received_by=received_by or _END)

    def sample_series(
        self, scope: str, subject: str, name: str, start: datetime, end: datetime, *, points: int = 600
    ) -> Series:
        """One figure of a subject's samples in [start, end); mean per bin when longer than `points`."""
        one_of("scope", scope, SCOPES)
        found = """
            SELECT happened_at AS measured_at, value FROM samples
            WHERE scope = $scope AND subject = $subject AND name = $name
                  AND happened_at >= $start AND happened_at < $end AND value IS NOT NULL
            """
        return self._series(found, "avg(value)", start, end, points, scope=scope, subject=subject, name=name)

    def samples_at(self, at: datetime, *, within_s: float = 60.0) -> Sequence[Sample]:
        """The newest sample of every subject taken in the `within_s` up to `at`, by scope and subject."""
        return rows.samples(
            self._database.ask(
                f"""
                WITH found AS (SELECT * FROM samples WHERE happened_at > $from AND happened_at <= $at),
                     newest AS (SELECT scope, subject, max(happened_at) AS happened_at FROM found GROUP BY ALL)
                SELECT {rows.SAMPLE} FROM found JOIN newest USING (scope, subject, happened_at)
                WHERE value IS NOT NULL GROUP BY ALL ORDER BY scope, subject
                """,
                at=at,
                **{"from": at - timedelta(seconds=within_s)},
            )
        )

    def _series(
        self, found: str, summary: str, start: datetime, end: datetime, points: int, **parameters: object
    ) -> Series:
        """Rows of `found` as they are, or summarised over `points` bins of equal width when there are more."""
        answer = self._database.ask(
            f"""
            WITH found AS MATERIALIZED ({found}),
                 placed AS (
                     SELECT CASE WHEN (SELECT count(*) FROM found) > $points
                                 THEN epoch_us(measured_at) - (epoch_us(measured_at) - $origin) % $width
                                 ELSE epoch_us(measured_at) END AS place,
                            value
                     FROM found
                 )
            SELECT place, {summary} FROM placed GROUP BY place ORDER BY place
            """,
            start=start,
            end=end,
            origin=(origin := int(microseconds([start], 1)[0])),
            width=max(1, -(-(int(microseconds([end], 1)[0]) - origin) // points)),
            points=points,
            **parameters,
        )
        return Series(times=[moment(place) for place, _ in answer], values=[value for _, value in answer])

    def recent_events(self, limit: int, *, until: datetime | None = None) -> Sequence[Event]:
        """At most `limit` events that had happened by `until`, newest first."""
        question = f"SELECT {rows.EVENT} FROM events WHERE happened_at <= $until ORDER BY ALL DESC LIMIT $limit"
        return rows.events(self._database.ask(question, limit=limit, until=until or _END))

    def recent_dead_letters(self, limit: int, *, until: datetime | None = None) -> Sequence[DeadLetter]:
        """At most `limit` dead letters of `until` and before, newest first."""
        question = (
            f"SELECT {rows.DEAD_LETTER} FROM dead_letters WHERE happened_at <= $until ORDER BY ALL DESC LIMIT $limit"
        )
        return rows.dead_letters(self._database.ask(question, limit=limit, until=until or _END))

    def recent_commands(self, limit: int, *, until: datetime | None = None) -> Sequence[CommandRecord]:
        """At most `limit` commands with the steps that they had taken by `until`, the one asked for last first."""
        return rows.commands(
            self._database.ask(
                f"""
                WITH known AS (SELECT * FROM commands WHERE happened_at <= $until),
                     recent AS (
                         SELECT id, max(requested_at) AS asked FROM known GROUP BY id
                         ORDER BY asked DESC, id LIMIT $limit
                     )
                SELECT {rows.COMMAND} FROM known JOIN recent USING (id) GROUP BY ALL ORDER BY max(asked) DESC, id
                """,
                limit=limit,
                until=until or _END,
            )
        )

    def rows(self) -> int:
        """Telemetry rows in the store."""
        return int(self._database.ask("SELECT count(*) FROM telemetry")[0][0])

    def span(self) -> tuple[datetime, datetime] | None:
        """The oldest and the newest `measured_at` of telemetry; None in an empty store."""
        ((first, last),) = self._database.ask(
            "SELECT epoch_us(min(measured_at)), epoch_us(max(measured_at)) FROM telemetry"
        )
        return None if first is None else (moment(first), moment(last))


def one_of(what: str, given: str, allowed: Collection[str]) -> str:
    """`given`, when it is allowed; else StoreError (not retryable) that names what is."""
    if given not in allowed:
        raise StoreError(f"unknown {what} {given!r}; known: {', '.join(allowed)}", retryable=False)
    return given
