"""`twin store`: what a history server needs before a twin can write to it, and whether it has it.

The embedded store needs none of it: its file is made when it is opened.
"""

import os
from datetime import timedelta
from typing import Annotated

import typer

from twin.cli.api import Refused
from twin.cli.words import duration_s
from twin.clock import WallClock
from twin.store.influx.address import SCHEME, address
from twin.store.influx.client import Influx
from twin.store.influx.layout import Retention
from twin.store.influx.setup import differences, prepare
from twin.store.port import StoreError

app = typer.Typer(help="Prepare the history server, and see whether it is ready.", no_args_is_help=True)

_REFUSED = 2
_FOR_EVER = "for-ever"

StoreUrl = Annotated[
    str, typer.Option("--store", help="influx:http://HOST:PORT?org=ORG&bucket=BUCKET", envvar="TWIN_STORE")
]
KeepRaw = Annotated[str, typer.Option("--keep", help="How long rows are kept as they came: 7d, or for-ever")]
KeepMinutes = Annotated[str, typer.Option("--keep-minutes", help="How long means of a minute are kept")]


@app.command()
def init(*, store: StoreUrl, keep: KeepRaw = "7d", keep_minutes: KeepMinutes = "90d") -> None:
    """Create buckets, retention and downsampling tasks; run again, it changes only what is not as it should be."""
    influx = _server(store)
    try:
        done = prepare(influx, _retention(keep, keep_minutes))
    except StoreError as error:
        raise Refused(str(error), code=_REFUSED) from error
    finally:
        influx.close()
    for line in done:
        typer.echo(line)
    typer.echo(f"{influx.address} is ready{'' if done else '; nothing had to be changed'}")


@app.command()
def status(*, store: StoreUrl, keep: KeepRaw = "7d", keep_minutes: KeepMinutes = "90d") -> None:
    """Say whether the server has what a twin needs; exit code 1 and what is missing when it has not."""
    influx = _server(store)
    try:
        found = differences(influx, _retention(keep, keep_minutes))
    except StoreError as error:
        raise Refused(str(error), code=_REFUSED) from error
    finally:
        influx.close()
    for line in found:
        typer.echo(line)
    if found:
        typer.echo("run `twin store init` to bring it into line")
        raise typer.Exit(1)
    typer.echo(f"{influx.address} is ready")


def _server(store: str) -> Influx:
    if not store.startswith(SCHEME):
        raise Refused(
            f"only a store that begins with {SCHEME} has to be prepared; write influx:http://HOST:PORT", code=2
        )
    try:
        return Influx(address(store, os.environ), WallClock())
    except ValueError as error:
        raise Refused(str(error), code=_REFUSED) from error


def _retention(keep: str, keep_minutes: str) -> Retention:
    return Retention(raw=_kept(keep), minutes=_kept(keep_minutes))


def _kept(text: str) -> timedelta | None:
    """InfluxDB keeps nothing for less than an hour."""
    if text == _FOR_EVER:
        return None
    seconds = duration_s(text)
    if seconds < timedelta(hours=1).total_seconds():
        raise Refused(f"{text!r} is too short to keep history; write at least 1h, or {_FOR_EVER}", code=_REFUSED)
    return timedelta(seconds=seconds)
