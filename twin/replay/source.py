"""Where history to be looked at comes from: a pilot's store, or an incident archive; opened, and closed again.

Refuses, with what to do, a store that a running twin holds open, one that is not there, and a broken archive.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from twin.app import open_store, store_url
from twin.clock import WallClock
from twin.model.topology import Pilot
from twin.pilot import PilotError, load_pilot
from twin.store.embedded import EmbeddedStore
from twin.store.incident import IncidentError
from twin.store.incident_reader import is_archive, read
from twin.store.port import Store, StoreError
from twin.store.spool import Spool
from twin.store.writer import HistoryWriter

_FLUSH_WITHIN_S = 60.0


class SourceError(Exception):
    """There is no such history: why, and what to do. `held` when a running twin has it."""

    def __init__(self, text: str, *, held: bool = False) -> None:
        super().__init__(text)
        self.held = held


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A pilot and its history, from `start` to `end`; `pilot_file` is None for an archive."""

    pilot: Pilot
    store: Store
    start: datetime
    end: datetime
    pilot_file: Path | None


@contextmanager
def history(source: Path, *, store: str | None, folder: Path | None) -> Iterator[History]:
    """The history of the pilot file or archive `source`. Raises SourceError."""
    if not source.exists():
        raise SourceError(f"there is no {source}; give a pilot file or an incident archive")
    if is_archive(source):
        if store is not None or folder is not None:
            raise SourceError(f"{source} is an archive and has its own history; leave out --store and --folder")
        with _archived(source) as found:
            yield found
    else:
        with _stored(source, store=store, folder=folder) as found:
            yield found


@contextmanager
def _archived(source: Path) -> Iterator[History]:
    with tempfile.TemporaryDirectory(prefix="hearthgrid-replay-") as name:
        try:
            incident = read(source, Path(name))
            opened = EmbeddedStore(incident.database, incident.pilot)
        except (IncidentError, StoreError) as error:
            raise SourceError(str(error)) from error
        manifest = incident.manifest
        try:
            yield History(pilot=incident.pilot, store=opened, start=manifest.start, end=manifest.end, pilot_file=None)
        finally:
            opened.close()


@contextmanager
def _stored(source: Path, *, store: str | None, folder: Path | None) -> Iterator[History]:
    try:
        pilot = load_pilot(source)
    except PilotError as error:
        raise SourceError(str(error)) from error
    place = folder or Path("var") / pilot.name
    try:
        opened = open_store(store_url(store, place), pilot, create=False)
    except ValueError as error:
        raise SourceError(str(error)) from error
    except StoreError as error:
        raise SourceError(str(error), held=error.retryable) from error
    try:
        if isinstance(opened, EmbeddedStore):
            _take_up(opened, place / "spool")
        span = opened.span()
        if span is None:
            raise SourceError(f"the history of {pilot.name} is empty; let a twin run first")
        yield History(pilot=pilot, store=opened, start=span[0], end=span[1], pilot_file=source)
    except StoreError as error:
        raise SourceError(str(error)) from error
    finally:
        opened.close()


def _take_up(store: Store, spool: Path) -> None:
    """A twin that was killed may have left its last rows in the spool; they are part of history."""
    if not spool.is_dir():
        return
    writer = HistoryWriter(store, Spool(spool), WallClock())
    writer.start()
    try:
        writer.flush(_FLUSH_WITHIN_S)
    finally:
        writer.close()
