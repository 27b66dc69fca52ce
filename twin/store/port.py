"""What any history store does. Writing the same row twice leaves one row."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from twin.model.command import CommandRecord
from twin.model.event import DeadLetter, Event
from twin.model.telemetry import GridReport, Report, Series


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one write carries; any part may be empty."""

    reports: Sequence[Report] = ()
    grid: Sequence[GridReport] = ()
    commands: Sequence[CommandRecord] = ()
    events: Sequence[Event] = ()
    dead_letters: Sequence[DeadLetter] = ()


class Store(Protocol):
    """Append and ask. Safe for one writer thread and any number of asking threads."""

    def write(self, batch: Batch) -> None:
        """Write a batch as one transaction; rows already there (device, measured_at) stay single."""
        ...

    def latest(self) -> Sequence[Report]:
        """The newest report of every device: what the twin starts from."""
        ...

    def device_series(self, device: str, quantity: str, start: datetime, end: datetime, *, points: int = 600) -> Series:
        """One quantity of a device in [start, end), mean per bin when there are more than `points` rows."""
        ...

    def grid_series(self, quantity: str, start: datetime, end: datetime, *, points: int = 600) -> Series:
        """A grid quantity of the whole pilot: powers and losses summed, loadings highest, voltages extreme."""
        ...

    def recent_events(self, limit: int) -> Sequence[Event]:
        """Newest events first."""
        ...

    def recent_commands(self, limit: int) -> Sequence[CommandRecord]:
        """At most `limit` commands with every step stored, the one asked for last first."""
        ...

    def recent_dead_letters(self, limit: int) -> Sequence[DeadLetter]:
        """At most `limit` dead letters, newest first."""
        ...

    def rows(self) -> int:
        """Telemetry rows in the store."""
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
