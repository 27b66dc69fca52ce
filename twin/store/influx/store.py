"""History in InfluxDB 2, beside the embedded store and for the same questions.

What differs from the embedded store, because the server has no transactions: while a batch is being written others may
see part of it; once `write` returns, all of it is there, and after a failed write the same batch is written again. A
row that is there already stays as it is, though the server itself would overwrite it: see twin.store.influx.present.
A server that is away is no reason not to start: what is asked fails until it is back, and what is written waits in the
spool. A token, organisation or bucket that the server refuses at the start is one.
"""

import logging
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from twin.clock import Clock
from twin.model.command import CommandRecord
from twin.model.event import DeadLetter, Event
from twin.model.sample import Sample
from twin.model.telemetry import GridReport, Report, Series
from twin.model.topology import Pilot
from twin.store.embedded import EmbeddedStore
from twin.store.influx import flux
from twin.store.influx.address import Address
from twin.store.influx.client import Influx, Limits, SetupError
from twin.store.influx.layout import Buckets, Layout
from twin.store.influx.lines import Lines, Point
from twin.store.influx.moments import Moments
from twin.store.influx.notes import Notes
from twin.store.influx.present import Present, Times
from twin.store.influx.series import Figures
from twin.store.port import Batch, StoreError
from twin.store.questions import one_of

FORMS = ("parquet", "csv")

_log = logging.getLogger(__name__)


class InfluxStore:
    """History of one pilot on one server. One thread may write while any number ask; see `twin.store.port.Store`."""

    def __init__(self, address: Address, pilot: Pilot, clock: Clock, limits: Limits | None = None) -> None:
        """Connect. `clock` is the wall's. StoreError (not retryable) when the server is there and refuses."""
        self._influx = Influx(address, clock, limits)
        self._pilot = pilot
        self._buckets = Buckets.of(address.bucket)
        layout = Layout(pilot)
        self._lines = Lines(layout)
        self._present = Present(self._influx, self._buckets.raw, pilot.name)
        self._moments = Moments(self._influx, self._buckets.raw, layout)
        self._figures = Figures(self._influx, self._buckets, pilot.name)
        self._notes = Notes(self._influx, self._buckets.log, pilot.name, clock)
        self._writing = threading.Lock()
        self._newest: Times | None = None
        self._rows = 0
        self._expired = 0
        try:
            self._notes.recent_events(1)
            self._newest = self._known()
        except SetupError as error:
            self._influx.close()
            raise StoreError(str(error), retryable=False) from error
        except StoreError as error:
            _log.warning("history waits in the spool: %s", error)

    def write(self, batch: Batch) -> None:
        """Write `batch`; rows already there are left as they are.

        Raises StoreError: not retryable when the batch is at fault, else the same batch may be written again.
        """
        with self._writing:
            try:
                points = [
                    *self._lines.reports(batch.reports),
                    *self._lines.grid(batch.grid),
                    *self._lines.samples(batch.samples),
                ]
                notes = [
                    *self._lines.commands(batch.commands),
                    *self._lines.events(batch.events),
                    *self._lines.dead_letters(batch.dead_letters),
                ]
            except (ArithmeticError, AttributeError, TypeError, ValueError) as error:
                raise StoreError(f"a batch that no bucket can hold: {error!r}", retryable=False) from error
            if self._newest is None:
                self._newest = self._known()
            fault = self._write_points(points, self._newest)
            self._write_to(self._buckets.log, notes)
            if fault is not None:
                raise fault

    def _write_points(self, points: Sequence[Point], newest: Times) -> StoreError | None:
        """Write those that are not there; gives what the server will never take, after it has taken the rest."""
        kept, after = self._present.absent(points, newest)
        try:
            self._write_to(self._buckets.raw, [line for point in kept for line in point.lines()])
        except StoreError as error:
            if error.retryable:
                raise
            return error
        self._newest = after
        self._rows += sum(point.counted for point in kept)
        return None

    def _write_to(self, bucket: str, lines: Sequence[str]) -> None:
        if lines and (expired := self._influx.write(bucket, lines)):
            self._expired += expired
            _log.warning("%d points were older than bucket %s keeps; %d by now", expired, bucket, self._expired)

    def _known(self) -> Times:
        """The newest time of everything; counts the rows as well."""
        newest = self._present.newest()
        self._rows = self._present.rows()
        return newest

    def latest(self) -> Sequence[Report]:
        """The newest report of every device, by device id."""
        return self._moments.latest()

    def known_at(self, at: datetime) -> Sequence[Report]:
        """The newest report of every device among those received by `at`, by device id."""
        return self._moments.known_at(at)

    def grids_known_at(self, at: datetime) -> Sequence[GridReport]:
        """The newest report of every feeder among those received by `at`, with node voltages, by feeder."""
        return self._moments.grids_known_at(at)

    def reports_received(self, start: datetime, end: datetime) -> Iterator[Sequence[Report]]:
        """Reports with `received_at` in [start, end), in order of receipt, at most 5,000 at a time."""
        return self._moments.reports_received(start, end)

    def grids_received(self, start: datetime, end: datetime) -> Iterator[Sequence[GridReport]]:
        """Grid reports with `received_at` in [start, end), in order of receipt, at most 5,000 at a time."""
        return self._moments.grids_received(start, end)

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
        return self._figures.device_series(device, quantity, start, end, points=points, received_by=received_by)

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
        """What `device_series` says of each of `devices`, in their order."""
        return self._figures.devices_series(devices, quantity, start, end, points=points, received_by=received_by)

    def grid_series(
        self,
        quantity: str,
        start: datetime,
        end: datetime,
        *,
        points: int = 600,
        received_by: datetime | None = None,
    ) -> Series:
        """One grid quantity of the whole pilot in [start, end)."""
        return self._figures.grid_series(quantity, start, end, points=points, received_by=received_by)

    def sample_series(
        self, scope: str, subject: str, name: str, start: datetime, end: datetime, *, points: int = 600
    ) -> Series:
        """One figure of a subject's samples in [start, end); mean per bin when longer than `points`."""
        return self._figures.sample_series(scope, subject, name, start, end, points=points)

    def samples_at(self, at: datetime, *, within_s: float = 60.0) -> Sequence[Sample]:
        """The newest sample of every subject taken in the `within_s` up to `at`, by scope and subject."""
        return self._moments.samples_at(at, within_s=within_s)

    def recent_events(self, limit: int, *, until: datetime | None = None) -> Sequence[Event]:
        """At most `limit` events that had happened by `until`, newest first."""
        return self._notes.recent_events(limit, until=until)

    def recent_commands(self, limit: int, *, until: datetime | None = None) -> Sequence[CommandRecord]:
        """At most `limit` commands with the steps that they had taken by `until`, the one asked for last first."""
        return self._notes.recent_commands(limit, until=until)

    def recent_dead_letters(self, limit: int, *, until: datetime | None = None) -> Sequence[DeadLetter]:
        """At most `limit` dead letters of `until` and before, newest first."""
        return self._notes.recent_dead_letters(limit, until=until)

    def rows(self) -> int:
        """Telemetry rows: those there when the server was first reached, and those written since.

        What the server has let expire since the start is still counted.
        """
        return self._rows

    def span(self) -> tuple[datetime, datetime] | None:
        """The oldest and the newest `measured_at` of telemetry; None in an empty store."""
        return self._moments.span()

    def export(self, folder: Path, *, form: str, start: datetime | None, end: datetime | None) -> dict[str, int]:
        """Write every table's rows in [start, end) as `form` into `folder`: the raw rows that the server still has.

        They go through an embedded store beside the files, so that an export is the same whichever store it is of.
        """
        one_of("form", form, FORMS)
        window = (start or flux.BEGINNING, end or flux.END)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as scratch:
                copy = EmbeddedStore(Path(scratch) / "history.duckdb", self._pilot)
                try:
                    for batch in self._everything(*window):
                        copy.write(batch)
                    return copy.export(folder, form=form, start=start, end=end)
                finally:
                    copy.close()
        except OSError as error:
            raise StoreError(f"{folder}: {error.strerror}", retryable=True) from error

    def _everything(self, start: datetime, end: datetime) -> Iterable[Batch]:
        yield Batch(
            commands=self._notes.commands(),
            events=self._notes.events(start, end),
            dead_letters=self._notes.dead_letters(start, end),
        )
        for reports in self._moments.reports_measured(start, end):
            yield Batch(reports=reports)
        for grids in self._moments.grids_measured(start, end):
            yield Batch(grid=grids)
        for samples in self._moments.samples(start, end):
            yield Batch(samples=samples)

    def close(self) -> None:
        """Let go of the server; a write that is under way may still be finished there."""
        self._influx.close()
