"""What any history store does. Writing the same row twice leaves one row.

Three times stay apart in history: when a device measured, when its far side published, when we received. Questions
about a series go by the time of measurement; questions about what was known go by the time of receipt. Every method
that asks raises StoreError when the store cannot answer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from twin.model.command import CommandRecord
from twin.model.event import DeadLetter, Event
from twin.model.sample import Sample
from twin.model.telemetry import GridReport, Report, Series


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one write carries; any part may be empty."""

    reports: Sequence[Report] = ()
    grid: Sequence[GridReport] = ()
    commands: Sequence[CommandRecord] = ()
    events: Sequence[Event] = ()
    dead_letters: Sequence[DeadLetter] = ()
    samples: Sequence[Sample] = ()


class Store(Protocol):
    """Append and ask. Safe for one writer thread and any number of asking threads."""

    def write(self, batch: Batch) -> None:
        """Write a batch; rows already there (device, measured_at) stay as they are.

        On return all of it is there. The embedded store shows others all of it or nothing; a server without
        transactions may show part of it, even of a row, while it is being written. After a StoreError the same batch
        may be written again when it is `retryable`; when it is not, what the store could take may be there.
        """
        ...

    def latest(self) -> Sequence[Report]:
        """The newest report of every device: what the twin starts from."""
        ...

    def known_at(self, at: datetime) -> Sequence[Report]:
        """What was known of every device at `at`, by device id.

        Of each device the newest report by time of measurement among those with `received_at` <= `at`. What was
        measured before `at` and came later is not in it. Devices of which nothing had come are left out.
        """
        ...

    def grids_known_at(self, at: datetime) -> Sequence[GridReport]:
        """What was known of every feeder at `at`, by feeder.

        Of each feeder the newest report by time of measurement among those with `received_at` <= `at`, with the
        newest voltages of its nodes that had come by then and are not newer than the report; these are kept to 1e-5
        pu, and are empty where none are kept.
        """
        ...

    def reports_received(self, start: datetime, end: datetime) -> Iterator[Sequence[Report]]:
        """Reports with `received_at` in [start, end), in order of receipt, in pieces of bounded length.

        Reports received at the same moment come in order of measurement, then by device.
        """
        ...

    def grids_received(self, start: datetime, end: datetime) -> Iterator[Sequence[GridReport]]:
        """Grid reports with `received_at` in [start, end), in order of receipt, in pieces of bounded length.

        A report has the voltages of its nodes when it came with them. Order within a moment: measurement, feeder.
        """
        ...

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
        """One quantity of a device in [start, end), mean per bin when there are more than `points` rows.

        With `received_by` only what had been received by then, the moment itself included.
        """
        ...

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
        ...

    def grid_series(
        self,
        quantity: str,
        start: datetime,
        end: datetime,
        *,
        points: int = 600,
        received_by: datetime | None = None,
    ) -> Series:
        """A grid quantity of the whole pilot: powers and losses summed, loadings highest, voltages extreme.

        With `received_by` only what had been received by then, the moment itself included.
        """
        ...

    def sample_series(
        self, scope: str, subject: str, name: str, start: datetime, end: datetime, *, points: int = 600
    ) -> Series:
        """One figure of a subject's samples in [start, end), mean per bin when there are more than `points` rows.

        Empty for a subject or a name that no sample has; StoreError for a scope not in `twin.model.sample.SCOPES`.
        """
        ...

    def samples_at(self, at: datetime, *, within_s: float = 60.0) -> Sequence[Sample]:
        """The newest sample of every subject taken in the `within_s` up to `at`, by scope and subject.

        A subject's figures are those of its newest sample only.
        """
        ...

    def recent_events(self, limit: int, *, until: datetime | None = None) -> Sequence[Event]:
        """At most `limit` events, newest first; with `until` only what had happened by then."""
        ...

    def recent_commands(self, limit: int, *, until: datetime | None = None) -> Sequence[CommandRecord]:
        """At most `limit` commands with every step stored, the one asked for last first.

        With `until` only commands asked for by then, each with the steps it had taken by then.
        """
        ...

    def recent_dead_letters(self, limit: int, *, until: datetime | None = None) -> Sequence[DeadLetter]:
        """At most `limit` dead letters, newest first; with `until` only those of then and before."""
        ...

    def rows(self) -> int:
        """Telemetry rows in the store."""
        ...

    def span(self) -> tuple[datetime, datetime] | None:
        """The oldest and the newest `measured_at` of telemetry; None in an empty store."""
        ...

    def export(self, folder: Path, *, form: str, start: datetime | None, end: datetime | None) -> dict[str, int]:
        """Write every table as `form` (parquet or csv) into `folder`; rows by file name."""
        ...

    def close(self) -> None:
        """Finish the last write and let go of the files."""
        ...


class StoreError(Exception):
    """The store cannot do this; `retryable` when it may later (locked, disk full)."""

    def __init__(self, text: str, *, retryable: bool) -> None:
        super().__init__(text)
        self.retryable = retryable
