"""`twin export`: history as files, read from the store itself, or by the twin that holds it open."""

import json
import tempfile
import zipfile
from datetime import datetime
from pathlib import Path

import typer

from twin.app import open_store, store_url
from twin.cli.api import Refused, TwinApi
from twin.cli.start import default_folder
from twin.clock import WallClock
from twin.console.api.export import ROWS_HEADER
from twin.model.topology import Pilot
from twin.pilot import PilotError, load_pilot
from twin.store.port import Store, StoreError
from twin.store.spool import Spool
from twin.store.writer import HistoryWriter

FORMS = ("parquet", "csv")
_FLUSH_WITHIN_S = 60.0


def export(
    path: Path,
    into: Path,
    *,
    form: str,
    window: tuple[datetime | None, datetime | None],
    store: str | None,
    folder: Path | None,
    url: str,
) -> None:
    """Write every table of the pilot's history into the folder `into`."""
    if form not in FORMS:
        raise Refused(f"unknown format {form!r}; known: {', '.join(FORMS)}", code=2)
    try:
        pilot = load_pilot(path)
    except PilotError as error:
        raise Refused(str(error), code=2) from error
    start, end = window
    place = folder or default_folder(pilot)
    try:
        history, spool = _opened(store_url(store, place), pilot, place)
    except ValueError as error:
        raise Refused(str(error), code=2) from error
    except StoreError as error:
        if not error.retryable:
            raise Refused(str(error), code=2) from error
        rows = _by_twin(url, into, form=form, start=start, end=end)
    else:
        # A twin that was killed may have left its last rows in the spool; they are part of history.
        writer = HistoryWriter(history, spool, WallClock())
        writer.start()
        try:
            writer.flush(_FLUSH_WITHIN_S)
            rows = history.export(into, form=form, start=start, end=end)
        except StoreError as error:
            raise Refused(str(error), code=2) from error
        finally:
            writer.close()
            history.close()
    for name, count in rows.items():
        typer.echo(f"{into / name}: {count:,} rows")


def _opened(url: str, pilot: Pilot, place: Path) -> tuple[Store, Spool]:
    """History and the spool before it. StoreError (retryable) when a running twin holds one of them."""
    history = open_store(url, pilot, create=False)
    try:
        return history, Spool(place / "spool")
    except StoreError:
        history.close()
        raise


def _by_twin(url: str, into: Path, *, form: str, start: datetime | None, end: datetime | None) -> dict[str, int]:
    """The store or its spool is held open by a running twin: have it sent."""
    into.mkdir(parents=True, exist_ok=True)
    window = {name: moment.isoformat() for name, moment in (("start", start), ("end", end)) if moment}
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "history.zip"
        headers = TwinApi(url, timeout_s=600).download("/export", archive, format=form, **window)
        with zipfile.ZipFile(archive) as content:
            content.extractall(into)
    rows: dict[str, int] = json.loads(headers[ROWS_HEADER])
    return rows
