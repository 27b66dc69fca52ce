"""`twin alarms`: what is wrong with a running pilot, and that somebody has seen it."""

import getpass
import json
from typing import Annotated

import typer

from twin.cli.api import DEFAULT_URL, TwinApi

app = typer.Typer(help="What is wrong with a running pilot, and who has seen it.", no_args_is_help=True)

Url = Annotated[str, typer.Option(help="Where the twin's console is", envvar="TWIN_URL")]


@app.command("list")
def list_(*, url: Url = DEFAULT_URL, as_json: Annotated[bool, typer.Option("--json", help="As JSON")] = False) -> None:
    """Alarms that stand or wait to be seen, what needs somebody first."""
    alarms = TwinApi(url).get("/alarms")
    if as_json:
        typer.echo(json.dumps(alarms, indent=2))
        return
    if not alarms["open"]:
        typer.echo("nothing is wrong")
        return
    for alarm in alarms["open"]:
        over = ", over" if alarm["cleared_at"] else ""
        seen = f"seen by {alarm['acknowledged_by']}" if alarm["acknowledged_by"] else "not acknowledged"
        since = alarm["raised_at"][:19].replace("T", " ")
        typer.secho(f"{alarm['id']}", bold=True)
        typer.echo(f"    {alarm['severity']} since {since} UTC{over}, {seen}")
        typer.echo(f"    {alarm['text']}. {alarm['advice']}")


@app.command()
def acknowledge(
    alarm: Annotated[str, typer.Argument(help="Its id, as `twin alarms list` shows it", show_default=False)],
    *,
    by: Annotated[str | None, typer.Option(help="Who has seen it; the name you are logged in with if left out")] = None,
    comment: Annotated[str, typer.Option(help="A word on it")] = "",
    url: Url = DEFAULT_URL,
) -> None:
    """Say that somebody has seen an alarm."""
    seen = TwinApi(url).post(f"/alarms/{alarm}/acknowledge", {"by": by or getpass.getuser(), "comment": comment})
    typer.echo(f"{seen['id']} acknowledged by {seen['acknowledged_by']}")
