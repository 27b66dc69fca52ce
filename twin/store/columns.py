"""A batch's dataclasses as NumPy columns, which the embedded store reads without a copy.

Every pass over the rows is a C loop of bounded length, so that other threads get their turn in between. Times are
microseconds since 1970, NaN is a gap. Refuses a quantity that is not in twin.model.quantity.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from twin.model.command import CommandRecord
from twin.model.event import DeadLetter, Event
from twin.model.quantity import QUANTITIES
from twin.model.sample import Sample
from twin.model.telemetry import GridReport, Quality, Report
from twin.model.topology import Pilot
from twin.store.port import StoreError
from twin.store.schema import TABLES, TAGS

Integers: TypeAlias = npt.NDArray[np.int64]
Columns: TypeAlias = Mapping[str, npt.NDArray[Any]]

QUALITIES = tuple(Quality)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_QUALITY = {quality: code for code, quality in enumerate(QUALITIES)}
_QUANTITY = {name: row for row, name in enumerate(QUANTITIES)}


def microseconds(times: Iterable[datetime], count: int) -> Integers:
    """Microseconds since 1970 of `count` aware times; exact until February 2106, when seconds outgrow 32 bits."""
    return np.rint(np.fromiter(map(datetime.timestamp, times), np.float64, count) * 1e6).astype(np.int64)


def moment(since_1970_us: int) -> datetime:
    """The UTC time that many microseconds after 1970."""
    return _EPOCH + timedelta(microseconds=since_1970_us)


def picked(columns: Columns, rows: Integers) -> Columns:
    """Those rows of every column."""
    return {name: column[rows] for name, column in columns.items()}


class DeviceCodes(dict[str, int]):
    """Device id to a small number. A device that the pilot no longer names gets the next one, and no tags."""

    def __init__(self, pilot: Pilot) -> None:
        super().__init__((device.id, code) for code, device in enumerate(pilot.devices))
        self._tags = {
            device.id: (device.home, device.kind.value, pilot.pathway(device.id).value, device.endpoint, device.source)
            for device in pilot.devices
        }

    def __missing__(self, device: str) -> int:
        """Take in a device that the pilot does not name."""
        return self.setdefault(device, len(self))

    def tags(self) -> Columns:
        """Of every device known: its code, its id and its tags."""
        none = (None,) * len(TAGS)
        rows = zip(*(self._tags.get(device, none) for device in self), strict=True)
        columns = {name: _objects(column) for name, column in zip(TAGS, rows, strict=False)}
        return {"code": np.arange(len(self)), "device": _objects(self), **columns}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportColumns:
    """Reports as columns; `device` holds each row's device code, `at_us` its `measured_at`.

    In `columns` device and tags stand as `code`, quality as its place in QUALITIES.
    """

    device: Integers
    at_us: Integers
    columns: Columns


def reports(given: Sequence[Report], codes: DeviceCodes) -> ReportColumns:
    """Reports as columns; quantities that none of them has are left out."""
    count = len(given)
    device = np.fromiter(map(codes.__getitem__, [report.device for report in given]), np.int64, count)
    at_us = microseconds([report.measured_at for report in given], count)
    columns = {
        "measured_at": at_us,
        "published_at": microseconds([report.published_at for report in given], count),
        "received_at": microseconds([report.received_at for report in given], count),
        "code": device,
        "quality": np.fromiter([_QUALITY[report.quality] for report in given], np.int64, count),
        **_quantities([report.values for report in given]),
    }
    return ReportColumns(device=device, at_us=at_us, columns=columns)


def _quantities(values: Sequence[Mapping[str, float]]) -> Columns:
    lengths = np.fromiter(map(len, values), np.int64, len(values))
    cells = int(lengths.sum())
    try:
        quantity = np.fromiter(map(_QUANTITY.__getitem__, chain.from_iterable(values)), np.int64, cells)
    except KeyError as unknown:
        raise StoreError(f"no column for quantity {unknown}; known: {', '.join(QUANTITIES)}", retryable=False) from None
    numbers = np.fromiter(chain.from_iterable([one.values() for one in values]), np.float64, cells)
    wide = np.full((len(_QUANTITY), len(values)), np.nan)
    wide[quantity, np.repeat(np.arange(len(values)), lengths)] = numbers
    present = np.zeros(len(_QUANTITY), dtype=bool)
    present[quantity] = True
    return {name: wide[row] for name, row in _QUANTITY.items() if present[row]}


def joined(pieces: Sequence[ReportColumns]) -> ReportColumns:
    """Pieces below one another; a quantity that one lacks is a gap there."""
    names = dict.fromkeys(chain.from_iterable(piece.columns for piece in pieces))
    return ReportColumns(
        device=np.concatenate([piece.device for piece in pieces]),
        at_us=np.concatenate([piece.at_us for piece in pieces]),
        columns={
            name: np.concatenate(
                [
                    piece.columns[name] if name in piece.columns else np.full(len(piece.device), np.nan)
                    for piece in pieces
                ]
            )
            for name in names
        },
    )


def grid(given: Sequence[GridReport]) -> Columns:
    """Grid reports as columns of the grid table, which has no node voltages."""
    return _columns(
        "grid",
        [
            (
                report.measured_at,
                report.received_at,
                report.feeder,
                *report.head_power_w,
                *report.head_reactive_power_var,
                report.losses_w,
                report.transformer_loading,
                report.line_loading,
                report.v_min_pu,
                report.v_max_pu,
            )
            for report in given
        ],
    )


def nodes(given: Sequence[GridReport]) -> Columns:
    """The node voltages of grid reports that carry them."""
    return _columns(
        "nodes",
        [
            (
                report.measured_at,
                report.received_at,
                report.feeder,
                list(chain.from_iterable(report.node_voltage_pu)),
            )
            for report in given
        ],
    )


def commands(records: Sequence[CommandRecord]) -> Columns:
    """One row per step that each command has taken."""
    return _columns(
        "commands",
        [
            (
                step.at,
                record.command.id,
                number,
                step.state,
                step.reason,
                record.command.device,
                record.command.quantity,
                record.command.value,
                record.command.requested_at,
                record.command.expires_at,
                record.command.priority,
                record.command.origin,
            )
            for record in records
            for number, step in enumerate(record.steps)
        ],
    )


def events(given: Sequence[Event]) -> Columns:
    """Events as columns."""
    return _columns("events", [(one.at, one.severity, one.kind, one.subject, one.text) for one in given])


def dead_letters(given: Sequence[DeadLetter]) -> Columns:
    """Dead letters as columns."""
    return _columns("dead_letters", [(one.at, one.topic, one.reason, one.detail, one.excerpt) for one in given])


def samples(given: Sequence[Sample]) -> Columns:
    """One row per figure of every sample."""
    lengths = [len(one.values) for one in given]
    count = sum(lengths)
    at_us = microseconds([one.at for one in given], len(given))
    return {
        "happened_at": np.repeat(at_us, lengths),
        "scope": np.repeat(_objects(one.scope for one in given), lengths),
        "subject": np.repeat(_objects(one.subject for one in given), lengths),
        "name": _objects(chain.from_iterable(one.values for one in given)),
        "value": np.fromiter(chain.from_iterable(one.values.values() for one in given), np.float64, count),
    }


def _columns(table: str, rows: Sequence[tuple[Any, ...]]) -> Columns:
    """Few rows of mixed columns, in the order of the schema."""
    kinds = TABLES[table].columns.items()
    return {name: _column(kind, column) for (name, kind), column in zip(kinds, zip(*rows, strict=True), strict=True)}


def _column(kind: str, values: Sequence[Any]) -> npt.NDArray[Any]:
    if kind == "TIMESTAMPTZ":
        return microseconds(values, len(values))
    if kind in ("DOUBLE", "INTEGER"):
        return np.array(values, np.float64 if kind == "DOUBLE" else np.int64)
    return _objects(map(str, values) if kind == "VARCHAR" else values)


def _objects(values: Iterable[object]) -> npt.NDArray[np.object_]:
    """One object a row: np.array would make its own types of texts and bytes, and cut trailing zero bytes off."""
    return np.fromiter(values, object)
