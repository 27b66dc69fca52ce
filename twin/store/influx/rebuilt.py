"""Rows of InfluxDB as the model's dataclasses again: the way back from `twin.store.influx.lines`."""

from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from math import nan
from typing import TypeAlias

from twin.model.command import Command, CommandRecord, CommandState, CommandStep
from twin.model.event import DeadLetter, Event, Reason, Severity
from twin.model.quantity import QUANTITIES
from twin.model.sample import Sample
from twin.model.telemetry import GridReport, Quality, Report
from twin.store.columns import moment
from twin.store.influx.answers import Row
from twin.store.influx.layout import HEALTH, PUBLISHED, QUALITY, RECEIVED, of_tag

Voltages: TypeAlias = tuple[tuple[float, float, float], ...]

_NAMES = tuple(QUANTITIES)
_IN_EVERY_REPORT = {PUBLISHED, RECEIVED, QUALITY}


def whole(row: Row) -> bool:
    """False for a row that is being written this moment, of which the server shows only a part yet."""
    if "feeder" in row:
        return RECEIVED in row
    return row["_measurement"].startswith(HEALTH) or row.keys() >= _IN_EVERY_REPORT


def report(row: Row) -> Report:
    """A report of a row that has its fields as columns."""
    return Report(
        device=of_tag(row["device"]),
        measured_at=row["_time"],
        published_at=moment(row[PUBLISHED]),
        received_at=moment(row[RECEIVED]),
        values={name: row[name] for name in _NAMES if name in row},
        quality=Quality(row[QUALITY]),
    )


def grid(row: Row, voltages: Voltages) -> GridReport:
    """A grid report of a row that has its fields as columns, with the voltages of its nodes."""
    return GridReport(
        feeder=int(row["feeder"]),
        measured_at=row["_time"],
        received_at=moment(row[RECEIVED]),
        head_power_w=_phases(row, "head_power_{}_w"),
        head_reactive_power_var=_phases(row, "head_reactive_power_{}_var"),
        losses_w=row.get("losses_w", nan),
        transformer_loading=row.get("transformer_loading", nan),
        line_loading=row.get("line_loading", nan),
        v_min_pu=row.get("v_min_pu", nan),
        v_max_pu=row.get("v_max_pu", nan),
        node_voltage_pu=voltages,
    )


def voltages(count: int, rows: Mapping[str, Row], names: Sequence[str]) -> Voltages:
    """Voltages of the first `count` of the nodes `names`; NaN where a node has no row."""
    none: Row = {}
    return tuple(_phases(rows.get(name, none), "voltage_{}_pu") for name in names[:count])


def _phases(row: Row, name: str) -> tuple[float, float, float]:
    a, b, c = (float(row.get(name.format(phase), nan)) for phase in "abc")
    return a, b, c


def sample(row: Row) -> Sample:
    """A sample of a row that has its figures as columns."""
    scope = str(row["_measurement"]).removeprefix(HEALTH)
    values = {of_tag(name): value for name, value in row.items() if isinstance(value, float)}  # all else is no figure
    return Sample(at=row["_time"], scope=scope, subject=of_tag(row[scope]), values=values)


def event(row: Row) -> Event:
    """An event of a row that has its fields as columns."""
    return Event(
        at=row["_time"],
        severity=Severity(row["severity"]),
        kind=of_tag(row.get("kind", "")),
        subject=of_tag(row.get("subject", "")),
        text=row.get("text", ""),
    )


def dead_letter(row: Row) -> DeadLetter:
    """A dead letter of a row that has its fields as columns."""
    return DeadLetter(
        at=row["_time"],
        topic=row.get("topic", ""),
        reason=Reason(row["reason"]),
        detail=row.get("detail", ""),
        excerpt=b64decode(row.get("excerpt", "")),
    )


def commands(rows: Iterable[Row], until: datetime) -> list[CommandRecord]:
    """Commands of rows that are their steps, the one asked for last first; steps after `until` are left out."""
    steps: dict[str, list[Row]] = {}
    for row in rows:
        if row["_time"] <= until:
            steps.setdefault(of_tag(row["id"]), []).append(row)
    found = []
    for name, taken in steps.items():
        taken.sort(key=lambda row: int(row["step"]))
        one = taken[0]
        command = Command(
            id=name,
            device=of_tag(one["device"]),
            quantity=of_tag(one["quantity"]),
            value=one.get("value", nan),
            requested_at=moment(one["requested_us"]),
            expires_at=moment(one["expires_us"]),
            priority=one["priority"],
            origin=one.get("origin", ""),
        )
        found.append(
            CommandRecord(
                command=command,
                steps=tuple(
                    CommandStep(state=CommandState(row["state"]), at=row["_time"], reason=row.get("reason", ""))
                    for row in taken
                ),
            )
        )
    found.sort(key=lambda record: record.command.id)
    found.sort(key=lambda record: record.command.requested_at, reverse=True)
    return found
