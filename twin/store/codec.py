"""A batch as bytes and back, exactly: what the spool keeps on disk.

JSON, because a spool of yesterday must be readable by the program of tomorrow. A number that is not finite comes back
as NaN, which a store writes as NULL.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime
from math import nan
from typing import Any

import orjson

from twin.model.command import Command, CommandRecord, CommandState, CommandStep
from twin.model.event import DeadLetter, Event, Reason, Severity
from twin.model.sample import Sample
from twin.model.telemetry import GridReport, Quality, Report
from twin.store.port import Batch, StoreError


def encode(batch: Batch) -> bytes:
    """`batch` as one line of JSON. Raises StoreError (not retryable) for text that is not Unicode."""
    parts = {
        "reports": list(batch.reports),
        "grid": list(batch.grid),
        "commands": list(batch.commands),
        "events": list(batch.events),
        "dead_letters": list(batch.dead_letters),
        "samples": list(batch.samples),
    }
    try:
        return orjson.dumps({name: rows for name, rows in parts.items() if rows}, default=_plain)
    except orjson.JSONEncodeError as error:
        raise StoreError(f"the spool cannot take a batch: {error}", retryable=False) from error


def decode(line: bytes) -> Batch:
    """The batch that `encode` made `line` of. Raises StoreError (not retryable) when it made no such line."""
    try:
        parts = orjson.loads(line)
        return Batch(
            reports=tuple(map(_report, parts.get("reports", ()))),
            grid=tuple(map(_grid, parts.get("grid", ()))),
            commands=tuple(map(_command, parts.get("commands", ()))),
            events=tuple(map(_event, parts.get("events", ()))),
            dead_letters=tuple(map(_dead_letter, parts.get("dead_letters", ()))),
            samples=tuple(map(_sample, parts.get("samples", ()))),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StoreError(f"the spool holds a batch of another program: {error!r}", retryable=False) from error


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return b64encode(value).decode("ascii")
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no place in a batch")


def _number(value: float | None) -> float:
    return nan if value is None else value


def _values(values: dict[str, float | None]) -> dict[str, float]:
    return {name: _number(value) for name, value in values.items()}


def _report(row: dict[str, Any]) -> Report:
    values = row["values"]
    return Report(
        device=row["device"],
        measured_at=datetime.fromisoformat(row["measured_at"]),
        published_at=datetime.fromisoformat(row["published_at"]),
        received_at=datetime.fromisoformat(row["received_at"]),
        values=_values(values) if None in values.values() else values,
        quality=Quality(row["quality"]),
    )


def _grid(row: dict[str, Any]) -> GridReport:
    return GridReport(
        feeder=row["feeder"],
        measured_at=datetime.fromisoformat(row["measured_at"]),
        received_at=datetime.fromisoformat(row["received_at"]),
        head_power_w=_triple(row["head_power_w"]),
        head_reactive_power_var=_triple(row["head_reactive_power_var"]),
        losses_w=_number(row["losses_w"]),
        transformer_loading=_number(row["transformer_loading"]),
        line_loading=_number(row["line_loading"]),
        v_min_pu=_number(row["v_min_pu"]),
        v_max_pu=_number(row["v_max_pu"]),
        node_voltage_pu=tuple(map(_triple, row.get("node_voltage_pu", ()))),
    )


def _triple(values: list[float | None]) -> tuple[float, float, float]:
    a, b, c = map(_number, values)
    return a, b, c


def _command(row: dict[str, Any]) -> CommandRecord:
    command = row["command"]
    return CommandRecord(
        command=Command(
            id=command["id"],
            device=command["device"],
            quantity=command["quantity"],
            value=_number(command["value"]),
            requested_at=datetime.fromisoformat(command["requested_at"]),
            expires_at=datetime.fromisoformat(command["expires_at"]),
            priority=command["priority"],
            origin=command["origin"],
        ),
        steps=tuple(
            CommandStep(state=CommandState(step["state"]), at=datetime.fromisoformat(step["at"]), reason=step["reason"])
            for step in row["steps"]
        ),
    )


def _event(row: dict[str, Any]) -> Event:
    return Event(
        at=datetime.fromisoformat(row["at"]),
        severity=Severity(row["severity"]),
        kind=row["kind"],
        subject=row["subject"],
        text=row["text"],
    )


def _dead_letter(row: dict[str, Any]) -> DeadLetter:
    return DeadLetter(
        at=datetime.fromisoformat(row["at"]),
        topic=row["topic"],
        reason=Reason(row["reason"]),
        detail=row["detail"],
        excerpt=b64decode(row["excerpt"]),
    )


def _sample(row: dict[str, Any]) -> Sample:
    return Sample(
        at=datetime.fromisoformat(row["at"]), scope=row["scope"], subject=row["subject"], values=_values(row["values"])
    )
