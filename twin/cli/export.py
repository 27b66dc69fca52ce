"""`twin export`: history as files, read from the store itself, or by the twin that holds it open."""

from datetime import datetime
from pathlib import Path

import typer

from twin.app import open_store, store_url
from twin.cli.api import Refused, TwinApi
from twin.cli.start import default_folder
from twin.pilot import PilotError, load_pilot
from twin.store.port import StoreError

FORMS = ("parquet", "csv")


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
    try:
        history = open_store(store_url(store, folder or default_folder(pilot)), pilot)
    except StoreError as error:
        if not error.retryable:
            raise Refused(str(error), code=2) from error
        rows = _by_twin(url, into, form=form, start=start, end=end)
    else:
        try:
            rows = history.export(into, form=form, start=start, end=end)
        finally:
            history.close()
    for name, count in rows.items():
        typer.echo(f"{into / name}: {count:,} rows")


def _by_twin(url: str, into: Path, *, form: str, start: datetime | None, end: datetime | None) -> dict[str, int]:
    """The store is held open by a running twin: ask it to write."""
    wanted = {
        "folder": str(into.absolute()),
        "format": form,
        "start": start.isoformat() if start else None,
        "end": end.isoformat() if end else None,
    }
    rows: dict[str, int] = TwinApi(url, timeout_s=600).post("/export", wanted)
    return rows
