"""`python -m dashboards build` writes what Grafana reads; `check` asks every question of a real InfluxDB."""

import os
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from dashboards import check as checking
from dashboards import provision
from twin.clock import WallClock
from twin.store.influx.address import SCHEME, address
from twin.store.influx.client import Influx

cli = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)


@cli.command()
def build() -> None:
    """Write dashboards/provisioned anew."""
    written = provision.write()
    typer.echo(f"{len(written)} files in {provision.FOLDER.name}")


@cli.command()
def check(
    influx: Annotated[str, typer.Option(help="http://HOST:PORT; the token comes from HEARTHGRID_INFLUX_TOKEN")],
    org: Annotated[str, typer.Option(help="Organisation")] = "hearthgrid",
    bucket: Annotated[str, typer.Option(help="First part of the names of the buckets")] = "hearthgrid",
    pilot: Annotated[str, typer.Option(help="Which pilot; the first in the bucket when left out")] = "",
    *,
    strict: Annotated[bool, typer.Option("--strict", help="Nothing may be empty, dead letters neither")] = False,
) -> None:
    """Ask every query of every panel, variable, annotation and alert rule; exit code 1 when one has no rows."""
    clock = WallClock()
    server = Influx(address(f"{SCHEME}{influx}?org={org}&bucket={bucket}", os.environ), clock)
    answers = list(checking.check(server.ask, bucket=bucket, now=clock.now(), pilot=pilot, strict=strict))
    Console().print(_table(answers))
    failed = [answer for answer in answers if not answer.passed]
    typer.echo(f"{len(answers) - len(failed)} of {len(answers)} queries answered")
    if failed:
        raise typer.Exit(1)


def _table(answers: list[checking.Answer]) -> Table:
    table = Table("dashboard", "what", "of", "rows", "asked with", "verdict")
    for answer in answers:
        asked = " ".join(f"{name}={value}" for name, value in answer.chosen.items())
        verdict = answer.error or (answer.excuse and f"empty: {answer.excuse}") or ("ok" if answer.rows else "NO ROWS")
        question = answer.question
        table.add_row(question.board, question.place, question.role, str(answer.rows), asked, verdict)
    return table


if __name__ == "__main__":
    cli()
