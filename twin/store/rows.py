"""Rows of the embedded store as the model's dataclasses again: the way back from `twin.store.columns`.

Each kind has the columns to select, in the order that its function takes them. NULL is a gap: absent in a report's
values, NaN in a grid report.
"""

from collections.abc import Iterable, Sequence
from math import nan
from typing import Any, TypeAlias

from twin.model.command import Command, CommandRecord, CommandState, CommandStep
from twin.model.event import DeadLetter, Event, Reason, Severity
from twin.model.quantity import QUANTITIES
from twin.model.sample import Sample
from twin.model.telemetry import GridReport, Quality, Report
from twin.store.columns import moment

Row: TypeAlias = tuple[Any, ...]

_PHASES = 3
_DIGITS = 5  # of a voltage in pu, which is stored with single precision

_NAMES = tuple(QUANTITIES)
_GRID_NUMBERS = (
    *(f"head_power_{phase}_w" for phase in "abc"),
    *(f"head_reactive_power_{phase}_var" for phase in "abc"),
    "losses_w",
    "transformer_loading",
    "line_loading",
    "v_min_pu",
    "v_max_pu",
)

REPORT = "device, epoch_us(measured_at), epoch_us(published_at), epoch_us(received_at), quality, " + ", ".join(
    f"telemetry.{name}" for name in _NAMES
)
GRID = "grid.feeder, epoch_us(grid.measured_at), epoch_us(grid.received_at), nodes.voltage_pu, " + ", ".join(
    f"grid.{name}" for name in _GRID_NUMBERS
)
EVENT = "epoch_us(happened_at), severity, kind, subject, text"
DEAD_LETTER = "epoch_us(happened_at), topic, reason, detail, excerpt"
SAMPLE = "epoch_us(happened_at), scope, subject, list(name ORDER BY name), list(value ORDER BY name)"
COMMAND = (
    "id, device, quantity, value, epoch_us(requested_at), epoch_us(expires_at), priority, origin, "
    "list(state ORDER BY step), list(epoch_us(happened_at) ORDER BY step), list(reason ORDER BY step)"
)


def reports(rows: Iterable[Row]) -> list[Report]:
    """Rows of REPORT."""
    return [
        Report(
            device=device,
            measured_at=moment(measured),
            published_at=moment(published),
            received_at=moment(received),
            values={name: value for name, value in zip(_NAMES, values, strict=True) if value is not None},
            quality=Quality(quality),
        )
        for device, measured, published, received, quality, *values in rows
    ]


def grids(rows: Iterable[Row]) -> list[GridReport]:
    """Rows of GRID."""
    return [
        GridReport(
            feeder=feeder,
            measured_at=moment(measured),
            received_at=moment(received),
            node_voltage_pu=_triples(voltages or ()),
            **_grid_values([nan if value is None else value for value in values]),
        )
        for feeder, measured, received, voltages, *values in rows
    ]


def _grid_values(values: Sequence[float]) -> dict[str, Any]:
    power_w, reactive_var, rest = values[:_PHASES], values[_PHASES : 2 * _PHASES], values[2 * _PHASES :]
    return {
        "head_power_w": tuple(power_w),
        "head_reactive_power_var": tuple(reactive_var),
        **dict(zip(_GRID_NUMBERS[2 * _PHASES :], rest, strict=True)),
    }


def _triples(flat: Sequence[float]) -> tuple[tuple[float, float, float], ...]:
    rounded = [nan if value is None else round(value, _DIGITS) for value in flat]
    return tuple(zip(rounded[::_PHASES], rounded[1::_PHASES], rounded[2::_PHASES], strict=True))


def events(rows: Iterable[Row]) -> list[Event]:
    """Rows of EVENT."""
    return [
        Event(at=moment(at), severity=Severity(severity), kind=kind, subject=subject, text=text)
        for at, severity, kind, subject, text in rows
    ]


def dead_letters(rows: Iterable[Row]) -> list[DeadLetter]:
    """Rows of DEAD_LETTER."""
    return [
        DeadLetter(at=moment(at), topic=topic, reason=Reason(reason), detail=detail, excerpt=excerpt)
        for at, topic, reason, detail, excerpt in rows
    ]


def commands(rows: Iterable[Row]) -> list[CommandRecord]:
    """Rows of COMMAND."""
    return [
        CommandRecord(
            command=Command(
                id=name,
                device=device,
                quantity=quantity,
                value=value,
                requested_at=moment(requested),
                expires_at=moment(expires),
                priority=priority,
                origin=origin,
            ),
            steps=tuple(
                CommandStep(state=CommandState(state), at=moment(at), reason=reason)
                for state, at, reason in zip(states, times, reasons, strict=True)
            ),
        )
        for name, device, quantity, value, requested, expires, priority, origin, states, times, reasons in rows
    ]


def samples(rows: Iterable[Row]) -> list[Sample]:
    """Rows of SAMPLE."""
    return [
        Sample(at=moment(at), scope=scope, subject=subject, values=dict(zip(names, values, strict=True)))
        for at, scope, subject, names, values in rows
    ]
