"""`twin incident export`: a stretch of a pilot's history as one archive that `twin replay` opens on any machine."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from twin.cli.api import DEFAULT_URL, Refused, TwinApi
from twin.cli.words import moment
from twin.clock import WallClock
from twin.replay.source import SourceError, history
from twin.store.incident import IncidentError, write
from twin.store.port import StoreError

app = typer.Typer(help="Keep a stretch of history, to look at it elsewhere.", no_args_is_help=True)


@app.callback()
def incident() -> None:
    """Keep a stretch of history, to look at it elsewhere."""


@app.command("export")
def export_(
    pilot: Annotated[Path, typer.Argument(help="Pilot file", show_default=False)],
    into: Annotated[Path, typer.Argument(help="Archive to write, for instance out.zip", show_default=False)],
    *,
    from_: Annotated[str, typer.Option("--from", help="First moment: RFC 3339, UTC without an offset")],
    to: Annotated[str, typer.Option(help="Moment after the last: RFC 3339, or now")] = "now",
    store: Annotated[str | None, typer.Option(help="duckdb:FILE or influx:URL", envvar="TWIN_STORE")] = None,
    folder: Annotated[Path | None, typer.Option(help="Where history is; var/PILOT when left out")] = None,
    url: Annotated[str, typer.Option(help="Where the twin's console is", envvar="TWIN_URL")] = DEFAULT_URL,
) -> None:
    """Write telemetry, grid, commands, events, samples, configuration and versions of a stretch into one archive."""
    now = WallClock().now()
    start, end = moment(from_) or now, moment(to) or now
    if start >= end:
        raise Refused(f"--from {start.isoformat()} must be before --to {end.isoformat()}", code=2)
    try:
        with history(pilot, store=store, folder=folder) as found:
            manifest = write(
                into,
                found.store,
                found.pilot,
                start=start,
                end=end,
                written_at=now,
                pilot_file=found.pilot_file,
            )
            rows = sum(entry.rows or 0 for entry in manifest.files.values())
            typer.echo(f"{into}: {rows:,} rows, {into.stat().st_size:,} bytes; open it with `twin replay {into}`")
    except SourceError as error:
        if not error.held:
            raise Refused(str(error), code=2) from error
        _by_twin(url, into, start, end)
    except (IncidentError, StoreError) as error:
        raise Refused(str(error), code=2) from error


def _by_twin(url: str, into: Path, start: datetime, end: datetime) -> None:
    """The store is held open by a running twin: have it written there and sent."""
    into.parent.mkdir(parents=True, exist_ok=True)
    partial = into.with_name(f".{into.name}.partial")
    try:
        TwinApi(url, timeout_s=600).download("/incident", partial, start=start.isoformat(), end=end.isoformat())
        partial.replace(into)
    finally:
        partial.unlink(missing_ok=True)
    typer.echo(f"{into}: {into.stat().st_size:,} bytes; open it with `twin replay {into}`")
