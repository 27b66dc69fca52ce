"""`python -m dashboards build` writes what Grafana reads; `check` asks every question of a real InfluxDB."""

import typer

from dashboards import provision

cli = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)


@cli.callback()
def main() -> None:
    """Two commands; a callback keeps their names."""


@cli.command()
def build() -> None:
    """Write dashboards/provisioned anew."""
    written = provision.write()
    typer.echo(f"{len(written)} files in {provision.FOLDER.name}")


if __name__ == "__main__":
    cli()
