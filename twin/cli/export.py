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
from twin.console.api.export import ROWS_HEADER
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
    """The store is held open by a running twin: have it sent."""
    into.mkdir(parents=True, exist_ok=True)
    window = {name: moment.isoformat() for name, moment in (("start", start), ("end", end)) if moment}
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "history.zip"
        headers = TwinApi(url, timeout_s=600).download("/export", archive, format=form, **window)
        with zipfile.ZipFile(archive) as content:
            content.extractall(into)
    rows: dict[str, int] = json.loads(headers[ROWS_HEADER])
    return rows
