"""`twin replay`: any past moment of a pilot in the console, as it was known then."""

import signal
from datetime import datetime
from pathlib import Path

import typer

from twin.cli.api import Refused
from twin.console.server import ConsoleError
from twin.replay.show import ReplayApp, Show
from twin.replay.source import History, SourceError, history
from twin.store.port import StoreError


def replay(
    source: Path,
    *,
    window: tuple[datetime | None, datetime | None],
    at: datetime | None,
    speed: float,
    store: str | None,
    folder: Path | None,
    host: str,
    port: int,
    url: str,
) -> None:
    """Serve the replay until SIGTERM or Ctrl-C."""
    try:
        with history(source, store=store, folder=folder) as found:
            start, end = _stretch(found, window)
            app = ReplayApp(found, Show(start=start, end=end, speed=speed, at=at, host=host, port=port))
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: app.stop())
            _serve(app, found, start, end)
    except SourceError as error:
        raise Refused(explained(error, url), code=2) from error


def explained(error: SourceError, url: str) -> str:
    """What to do about a source that cannot be had."""
    if not error.held:
        return str(error)
    return (
        f"{error}\nWhile a twin runs, it alone has its history: move the time slider of its console ({url}, "
        "“Look back”), or have it write an archive with `twin incident export` and replay that."
    )


def _stretch(found: History, window: tuple[datetime | None, datetime | None]) -> tuple[datetime, datetime]:
    start, end = window[0] or found.start, window[1] or found.end
    known = f"history is of {found.start.isoformat()} to {found.end.isoformat()}"
    if start >= end:
        raise Refused(f"--from {start.isoformat()} must be before --to {end.isoformat()}; {known}", code=2)
    if end <= found.start or start >= found.end:
        raise Refused(f"nothing is known from {start.isoformat()} to {end.isoformat()}; {known}", code=2)
    return max(start, found.start), min(end, found.end)


def _serve(app: ReplayApp, found: History, start: datetime, end: datetime) -> None:
    try:
        app.start()
        typer.echo(
            f"{found.pilot.title}, {start:%Y-%m-%d %H:%M:%S} to {end:%Y-%m-%d %H:%M:%S} UTC: {app.url}   Ctrl-C ends it"
        )
        app.wait()
    except (ConsoleError, StoreError) as error:
        raise Refused(str(error), code=2) from error
    finally:
        app.close()
