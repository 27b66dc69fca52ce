"""The commands and their options; what they do is in the modules beside."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from twin.cli import alarms, ask, compare, export, fmu, incident, replay, stack, start, store
from twin.cli.api import DEFAULT_URL
from twin.cli.words import duration_s, moment, speed
from twin.pilot import PilotError, load_pilot

app = typer.Typer(
    name="twin",
    help="Hearthgrid: a live digital twin of a pilot of homes on a distribution feeder.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(alarms.app, name="alarms")
app.add_typer(fmu.app, name="fmu")
app.add_typer(incident.app, name="incident")
app.add_typer(stack.app, name="stack")
app.add_typer(store.app, name="store")

PilotFile = Annotated[Path, typer.Argument(help="Pilot file, for instance pilots/elm-street.yaml", show_default=False)]
Url = Annotated[str, typer.Option(help="Where the twin's console is", envvar="TWIN_URL")]
Broker = Annotated[
    str | None,
    typer.Option(
        help="mqtt://[user:password@]host[:port] or mqtts://...; an embedded broker when left out", envvar="TWIN_BROKER"
    ),
]
Store = Annotated[
    str | None,
    typer.Option(
        help="duckdb:FILE, or influx:http://HOST:PORT?org=ORG&bucket=BUCKET; var/PILOT/history.duckdb when left out",
        envvar="TWIN_STORE",
    ),
]
Grafana = Annotated[
    str | None,
    typer.Option(
        help="http://HOST:PORT of a Grafana to mark alarms in; its token comes from HEARTHGRID_GRAFANA_TOKEN",
        envvar="TWIN_GRAFANA",
    ),
]
Port = Annotated[int, typer.Option(help="Port of the web page and API", min=1, max=65_535)]
FASTEST = 10_000.0  # times real time: what max means for a replay
Host = Annotated[str, typer.Option(help="Address that the web page listens on; 0.0.0.0 for all")]


@app.command()
def run(
    pilot: PilotFile,
    *,
    speed_: Annotated[str, typer.Option("--speed", help="Times real time, or max")] = "1",
    for_: Annotated[str | None, typer.Option("--for", help="End after so long once live: 60s, 2h")] = None,
    start_: Annotated[str, typer.Option("--start", help="Pilot time at which live begins: now, or RFC 3339")] = "now",
    backfill: Annotated[str, typer.Option(help="History to fill in before live: 24h, 0s")] = "24h",
    broker: Broker = None,
    store: Store = None,
    port: Port = 8080,
    host: Host = "127.0.0.1",
    folder: Annotated[Path | None, typer.Option(help="Where history and logs go; var/PILOT when left out")] = None,
    summary: Annotated[Path | None, typer.Option(help="Write the run's figures here as JSON at the end")] = None,
    grafana: Grafana = None,
) -> None:
    """Run a pilot: broker, simulated world and twin, with the console on http://127.0.0.1:8080."""
    options = start.Options(
        pilot=pilot,
        speed=speed(speed_),
        duration_s=duration_s(for_) if for_ else None,
        start=moment(start_),
        backfill_s=int(duration_s(backfill)),
        broker=broker,
        store=store,
        port=port,
        host=host,
        folder=folder,
        summary=summary,
        grafana=grafana,
    )
    raise typer.Exit(start.run(options))


@app.command()
def serve(
    pilot: PilotFile,
    *,
    broker: Annotated[str, typer.Option(help="mqtt://... or mqtts://...", envvar="TWIN_BROKER")],
    store: Store = None,
    port: Port = 8080,
    host: Host = "127.0.0.1",
    folder: Annotated[Path | None, typer.Option(help="Where history and spool go; var/PILOT when left out")] = None,
    grafana: Grafana = None,
) -> None:
    """Run the twin alone, against a broker that is there already."""
    raise typer.Exit(
        start.serve(pilot, broker=broker, store=store, host=host, port=port, folder=folder, grafana=grafana)
    )


@app.command()
def check(pilot: PilotFile) -> None:
    """Say whether a pilot file is whole; exit code 2 and every problem by line when it is not."""
    try:
        found = load_pilot(pilot)
    except PilotError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    typer.echo(
        f"{pilot}: good: {len(found.homes)} homes, {len(found.devices)} devices, {len(found.endpoints)} endpoints, "
        f"{found.feeders} x {found.network.name} with {len(found.network.nodes)} nodes"
    )


@app.command()
def status(*, url: Url = DEFAULT_URL, json: Annotated[bool, typer.Option("--json", help="As JSON")] = False) -> None:
    """How a running twin is."""
    ask.status(url, as_json=json)


@app.command()
def devices(
    *,
    url: Url = DEFAULT_URL,
    home: Annotated[str | None, typer.Option(help="Only of this home")] = None,
    kind: Annotated[str | None, typer.Option(help="Only of this kind")] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON")] = False,
) -> None:
    """Every device with what it last reported."""
    ask.devices(url, home=home, kind=kind, as_json=json)


@app.command("set", context_settings={"ignore_unknown_options": True})  # values may be negative
def set_(
    device: Annotated[str, typer.Argument(help="Device id, for instance h01-battery", show_default=False)],
    quantity: Annotated[str, typer.Argument(help="What to set, for instance power_setpoint_w", show_default=False)],
    value: Annotated[
        float, typer.Argument(help="In the quantity's unit; positive is from the grid", show_default=False)
    ],
    *,
    for_: Annotated[str, typer.Option("--for", help="How long it shall hold")] = "5m",
    priority: Annotated[int, typer.Option(help="A higher one wins over a lower", min=0, max=9)] = 5,
    wait: Annotated[bool, typer.Option(help="Follow the command until its meter agrees or it ends")] = True,
    url: Url = DEFAULT_URL,
) -> None:
    """Ask a device for something, and follow the command through its life."""
    ask.set_device(url, device, quantity, value, duration_s=duration_s(for_), priority=priority, wait=wait)


@app.command("export")
def export_(
    pilot: PilotFile,
    into: Annotated[Path, typer.Argument(help="Folder for the files", show_default=False)],
    *,
    form: Annotated[str, typer.Option("--format", help="parquet or csv")] = "parquet",
    from_: Annotated[str | None, typer.Option("--from", help="Only from this time on")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Only before this time")] = None,
    store: Store = None,
    folder: Annotated[Path | None, typer.Option(help="Where history is; var/PILOT when left out")] = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Write a pilot's history as Parquet or CSV, from its store or through the twin that holds it open."""
    window = (moment(from_) if from_ else None, moment(to) if to else None)
    export.export(pilot, into, form=form, window=window, store=store, folder=folder, url=url)


@app.command("replay")
def replay_(
    source: Annotated[Path, typer.Argument(help="Pilot file, or an incident archive", show_default=False)],
    *,
    from_: Annotated[str | None, typer.Option("--from", help="First moment; where history begins if left out")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Last moment; where history ends if left out")] = None,
    at: Annotated[str | None, typer.Option("--at", help="Begin at this moment, standing still")] = None,
    speed_: Annotated[str, typer.Option("--speed", help="Times real time")] = "10",
    store: Store = None,
    folder: Annotated[Path | None, typer.Option(help="Where history is; var/PILOT when left out")] = None,
    port: Port = 8080,
    host: Host = "127.0.0.1",
    url: Url = DEFAULT_URL,
) -> None:
    """Show a past stretch of a pilot in the console, read-only and as it was known then."""
    replay.replay(
        source,
        window=(moment(from_) if from_ else None, moment(to) if to else None),
        at=moment(at) if at else None,
        speed=speed(speed_) or FASTEST,
        store=store,
        folder=folder,
        host=host,
        port=port,
        url=url,
    )


@app.command("compare")
def compare_(
    a: Annotated[Path, typer.Argument(help="Pilot file or incident archive", show_default=False)],
    b: Annotated[Path | None, typer.Argument(help="The other run; the same one if left out")] = None,
    *,
    quantity: Annotated[str, typer.Option(help="A grid quantity, or one that --device reports")] = "head_power_w",
    device: Annotated[str | None, typer.Option(help="Device id; the grid if left out")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="Where A begins; its first moment if left out")] = None,
    from_b: Annotated[str | None, typer.Option("--from-b", help="Where B begins; its first moment if left out")] = None,
    for_: Annotated[
        str | None, typer.Option("--for", help="How long: 1h, 24h; as long as both last if left out")
    ] = None,
    folder: Annotated[Path | None, typer.Option(help="Where the history of A is; var/PILOT when left out")] = None,
    folder_b: Annotated[Path | None, typer.Option("--folder-b", help="Where the history of B is")] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON")] = False,
) -> None:
    """Compare one quantity in two runs, or in two periods of one run."""
    compare.compare_runs(
        a,
        b,
        quantity=quantity,
        device=device,
        starts=(moment(from_) if from_ else None, moment(from_b) if from_b else None),
        length=timedelta(seconds=duration_s(for_)) if for_ else None,
        folders=(folder, folder_b if b is not None else folder),
        as_json=json,
    )


def main() -> None:
    """Entry point of the command `twin`."""
    app()
