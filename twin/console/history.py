"""The part of a store that the console asks. Calls may take long: they are made on threads.

What each means is written in `twin.store.port`, whose stores fit; the console does not know them.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from twin.model.command import CommandRecord
from twin.model.event import DeadLetter, Event
from twin.model.sample import Sample
from twin.model.telemetry import GridReport, Report, Series


class History(Protocol):
    """What was measured, what was known when, and what happened."""

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
        """One quantity of a device in [start, end), mean per bin when there are more than `points` rows."""
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
        self, quantity: str, start: datetime, end: datetime, *, points: int = 600, received_by: datetime | None = None
    ) -> Series:
        """A grid quantity of the whole pilot: powers and losses summed, loadings highest, voltages extreme."""
        ...

    def sample_series(
        self, scope: str, subject: str, name: str, start: datetime, end: datetime, *, points: int = 600
    ) -> Series:
        """One of the twin's own figures of a subject: see `twin.model.sample`."""
        ...

    def samples_at(self, at: datetime, *, within_s: float = 60.0) -> Sequence[Sample]:
        """The newest sample of every subject taken in the `within_s` up to `at`."""
        ...

    def known_at(self, at: datetime) -> Sequence[Report]:
        """The newest report of every device among those received by `at`."""
        ...

    def grids_known_at(self, at: datetime) -> Sequence[GridReport]:
        """The newest report of every feeder among those received by `at`."""
        ...

    def reports_received(self, start: datetime, end: datetime) -> Iterator[Sequence[Report]]:
        """Reports with `received_at` in [start, end), in order of receipt, in pieces."""
        ...

    def grids_received(self, start: datetime, end: datetime) -> Iterator[Sequence[GridReport]]:
        """Grid reports with `received_at` in [start, end), in order of receipt, in pieces."""
        ...

    def recent_events(self, limit: int, *, until: datetime | None = None) -> Sequence[Event]:
        """Newest events first; with `until` only what had happened by then."""
        ...

    def recent_dead_letters(self, limit: int, *, until: datetime | None = None) -> Sequence[DeadLetter]:
        """Newest dead letters first; with `until` only those of then and before."""
        ...

    def recent_commands(self, limit: int, *, until: datetime | None = None) -> Sequence[CommandRecord]:
        """The command asked for last first; with `until` only steps taken by then."""
        ...

    def span(self) -> tuple[datetime, datetime] | None:
        """The first and the last moment measured; None in an empty history."""
        ...

    def export(self, folder: Path, *, form: str, start: datetime | None, end: datetime | None) -> dict[str, int]:
        """Write every table as `form` (parquet or csv) into `folder`; rows by file name."""
        ...
