"""`twin compare`: one quantity in two runs, or in two periods of one run, side by side in figures."""

import json
from contextlib import ExitStack
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from twin.cli.api import Refused
from twin.cli.words import spoken
from twin.console.comparison import Comparison, Period, compare
from twin.console.periods import ask, known_quantities, unit
from twin.replay.source import History, SourceError, history
from twin.store.port import StoreError

_POINTS = 10_000
_WHOLE = 1_000.0


def compare_runs(
    a: Path,
    b: Path | None,
    *,
    quantity: str,
    device: str | None,
    starts: tuple[datetime | None, datetime | None],
    length: timedelta | None,
    folders: tuple[Path | None, Path | None],
    as_json: bool,
) -> None:
    """Print the figures of A, of B, and B minus A. Without `b` both periods are of A."""
    try:
        with ExitStack() as stack:
            first = stack.enter_context(history(a, store=None, folder=folders[0]))
            same = b is None or (a == b and folders[0] == folders[1])
            second = first if same or b is None else stack.enter_context(history(b, store=None, folder=folders[1]))
            begin = (starts[0] or first.start, starts[1] or second.start)
            span = length or min(first.end - begin[0], second.end - begin[1])
            if span <= timedelta(0):
                raise Refused("the periods have no length; see --from, --from-b and --for", code=2)
            sides = [
                _period(found, device, quantity, start, span)
                for found, start in zip((first, second), begin, strict=True)
            ]
    except (SourceError, StoreError) as error:
        raise Refused(str(error), code=2) from error
    found = compare(sides[0].series, sides[1].series, quantity)
    if as_json:
        typer.echo(json.dumps({"quantity": quantity, "device": device, **asdict(found)}, indent=2))
    else:
        _print(found, sides, quantity, span)


def _period(found: History, device: str | None, quantity: str, start: datetime, span: timedelta) -> Period:
    if device is not None and device not in found.pilot.device:
        raise Refused(f"{found.pilot.name} has no device {device!r}", code=2)
    known = known_quantities(found.pilot, device)
    if quantity not in known:
        raise Refused(f"unknown quantity {quantity!r}; known here: {', '.join(known)}", code=2)
    return ask(found.store, device, quantity, start, span, _POINTS)


def _print(found: Comparison, sides: list[Period], quantity: str, span: timedelta) -> None:
    table = Table(title=f"{quantity}, {spoken(span.total_seconds())}", box=None)
    for column, side in (("", "left"), (f"A {sides[0].name}", "right"), (f"B {sides[1].name}", "right")):
        table.add_column(column, justify="right" if side == "right" else "left")
    table.add_column("B - A", justify="right")
    for name in ("mean", "minimum", "maximum", "energy_wh"):
        cells = [getattr(side, name) for side in (found.a, found.b, found)]
        if any(cell is not None for cell in cells):
            symbol = "Wh" if name == "energy_wh" else unit(quantity)
            table.add_row(name, *("-" if cell is None else f"{_figure(cell)} {symbol}" for cell in cells))
    table.add_row("values", f"{found.a.values:,}", f"{found.b.values:,}", "")
    Console().print(table)


def _figure(value: float) -> str:
    """Four figures, or whole numbers where those are more; never a power of ten."""
    return f"{value:,.0f}" if abs(value) >= _WHOLE else f"{value:.4g}"
