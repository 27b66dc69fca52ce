"""`twin status`, `twin devices` and `twin set`: what a running twin knows, and asking a device for something."""

import json
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from twin.cli.api import Refused, TwinApi
from twin.cli.words import spoken
from twin.clock import WallClock

_FINAL = frozenset({"verified", "refused", "expired", "superseded", "unreachable"})
_GOOD = frozenset({"requested", "sent", "acknowledged", "applied", "verified"})
_ASK_EVERY_S = 0.25


def status(url: str, *, as_json: bool) -> None:
    """Print how the twin is."""
    summary = TwinApi(url).get("/summary")
    if as_json:
        typer.echo(json.dumps(summary, indent=2))
        return
    table = Table(show_header=False, box=None)
    for name, value in summary.items():
        table.add_row(name.replace("_", " "), _flat(value))
    Console().print(table)


def devices(url: str, *, home: str | None, kind: str | None, as_json: bool) -> None:
    """Print every device with its values and their age."""
    found = [
        device
        for device in TwinApi(url).get("/devices")
        if home in (None, device["home"]) and kind in (None, device["kind"])
    ]
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    table = Table("device", "kind", "pathway", "age", "quality", "values")
    for device in found:
        age = device["age_s"]
        table.add_row(
            device["id"],
            device["kind"],
            device["pathway"],
            "never" if age is None else spoken(age),
            "stale" if device["stale"] else device["quality"],
            "  ".join(f"{name}={value:g}" for name, value in device["reported"].items()),
        )
    Console().print(table)


def set_device(
    url: str, device: str, quantity: str, value: float, *, duration_s: float, priority: int, wait: bool
) -> None:
    """Post the command and follow it; ends with 1 when it does not come to what was hoped for."""
    api = TwinApi(url)
    record = api.post(
        "/commands",
        {"device": device, "quantity": quantity, "value": value, "duration_s": duration_s, "priority": priority},
    )
    shown = _show_steps(record, 0)
    clock = WallClock()
    give_up_s = clock.monotonic_s() + duration_s + 5
    while wait and record["state"] not in _FINAL and clock.monotonic_s() < give_up_s:
        clock.sleep(_ASK_EVERY_S)
        record = api.get(f"/commands/{record['id']}")
        shown = _show_steps(record, shown)
    if record["state"] not in _GOOD:
        raise Refused(f"{device}: {record['state']}", code=1)


def _show_steps(record: dict[str, Any], shown: int) -> int:
    for step in record["steps"][shown:]:
        reason = f"  {step['reason']}" if step["reason"] else ""
        typer.echo(f"{step['at'][11:23]}  {step['state']}{reason}")
    return len(record["steps"])


def _flat(value: object) -> str:
    if isinstance(value, dict):
        return "  ".join(f"{name} {_flat(inner)}" for name, inner in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)
