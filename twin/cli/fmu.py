"""`twin fmu`: look into FMU files. Who can read them registers in the entry point group `hearthgrid.tools`."""

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated

import typer

from twin.cli.api import Refused

ENTRY_POINT_GROUP = "hearthgrid.tools"
"""name = "package.module:TOOLS", a mapping of verbs to functions that give whether all is well, and text to show."""

app = typer.Typer(help="Look into FMU files: our device models, and vendors' own.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="FMU file", show_default=False)]


@app.command("list")
def list_() -> None:
    """The device models that come with this installation."""
    _show("list")


@app.command()
def check(file: File) -> None:
    """Say whether an FMU file is sound; exit code 2 and every fault when it is not."""
    _show("check", file)


@app.command()
def describe(file: File) -> None:
    """What an FMU file has, and which of our quantities its variables could be."""
    _show("describe", file)


def _show(verb: str, *arguments: Path) -> None:
    tools = next(iter(entry_points(group=ENTRY_POINT_GROUP, name="fmu")), None)
    if tools is None:
        raise Refused("no reader of FMU files is installed; install hearthgrid with its simulated world", code=2)
    verbs: Mapping[str, Callable[..., tuple[bool, str]]] = tools.load()
    good, text = verbs[verb](*arguments)
    typer.echo(text, err=not good)
    if not good:
        raise typer.Exit(2)
