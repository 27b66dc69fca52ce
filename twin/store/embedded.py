"""The embedded history store: one DuckDB file, one batched columnar write a second.

Rows lie in the order they came, which is nearly that of time. A row newer than all of its device's rows cannot be there
already; only late and replayed rows are looked up, hour by hour, which keeps a write as cheap in a file of a hundred
million rows as in an empty one.
Names in the statements come from twin.store.schema, never from outside; values are always parameters.
"""
# ruff: noqa: S608

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from twin.model.telemetry import Report
from twin.model.topology import Pilot
from twin.store import columns
from twin.store.cut import cut
from twin.store.database import SCRATCH, Cursor, Database
from twin.store.port import Batch, StoreError
from twin.store.questions import Questions, one_of
from twin.store.schema import TABLES

Newest: TypeAlias = npt.NDArray[np.int64]  # microseconds since 1970, by device code

_HOUR_US = 3_600_000_000
_NEVER = int(np.iinfo(np.int64).min)
_PIECE = 500  # reports turned into columns at one go, which bounds how long other threads wait
_PAUSE_S = 0.0002
_CLOSE_WAIT_S = 1.0
_TAGGED = f"JOIN {SCRATCH}.tags USING (code)"
_TAGS_PLACED = f"SELECT count(*) FROM {SCRATCH}.tags"
_FORMS = {"parquet": "FORMAT parquet, COMPRESSION zstd", "csv": "FORMAT csv, HEADER"}


class EmbeddedStore(Questions):
    """History in one DuckDB file, written here and asked in Questions; see `twin.store.port.Store`."""

    def __init__(self, path: Path, pilot: Pilot) -> None:
        """Open or create the file; StoreError when that fails."""
        super().__init__(Database(path))
        self._codes = columns.DeviceCodes(pilot)
        self._writing = threading.Lock()
        self._breath = threading.Event()
        self._newest: Newest | None = self._known(None)
        self._place_tags()

    def write(self, batch: Batch) -> None:
        """Write `batch` as one transaction; rows already there are left as they are.

        Raises StoreError: not retryable when the batch is at fault, else the same batch may be written again.
        """
        with self._writing:
            try:
                reports = self._report_columns(batch.reports)
                others = _other_columns(batch)
            except (ArithmeticError, TypeError, ValueError) as error:
                raise StoreError(f"a batch that no table can hold: {error!r}", retryable=False) from error
            if reports is not None:
                self._place_tags()
            newest, self._newest = self._newest, None
            with self._database.transaction() as cursor:
                if reports is not None:
                    newest = _add_reports(cursor, reports, self._known(newest))
                for name, table in others.items():
                    _add_absent(cursor, name, table)
            self._newest = newest

    def _report_columns(self, reports: Sequence[Report]) -> columns.ReportColumns | None:
        pieces = []
        for start in range(0, len(reports), _PIECE):
            pieces.append(columns.reports(reports[start : start + _PIECE], self._codes))
            self._breath.wait(_PAUSE_S)  # a true pause: the interpreter lock goes to whoever waits for it
        return columns.joined(pieces) if pieces else None

    def _place_tags(self) -> None:
        """Bring the tags of every device to where a statement can join them, when a device has come up."""
        if self._database.ask(_TAGS_PLACED) != [(len(self._codes),)]:
            with self._database.cursor() as cursor:
                cursor.register("incoming", dict(self._codes.tags()))
                cursor.execute(f"CREATE OR REPLACE TABLE {SCRATCH}.tags AS SELECT * FROM incoming")

    def _known(self, newest: Newest | None) -> Newest:
        """The newest stored time of every device, with room for each known by now; None is read from the file."""
        if newest is None:
            rows = self._database.ask("SELECT device, epoch_us(max(measured_at)) FROM telemetry GROUP BY device")
            stored = {self._codes[device]: at_us for device, at_us in rows}
            newest = np.array([stored.get(code, _NEVER) for code in range(len(self._codes))], np.int64)
        return np.concatenate([newest, np.full(len(self._codes) - len(newest), _NEVER)])

    def export(self, folder: Path, *, form: str, start: datetime | None, end: datetime | None) -> dict[str, int]:
        """Write every table's rows in [start, end) as `form`, parquet or csv, into `folder`; rows by file name.

        A file appears under its name only when it is whole.
        """
        options = _FORMS[one_of("form", form, _FORMS)]
        written = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, table in TABLES.items():
                bounds = {"start": start, "end": end}
                given = {key: at for key, at in bounds.items() if at is not None}
                signs = {"start": ">=", "end": "<"}
                where = " AND ".join(["true", *(f"{table.time} {signs[key]} ${key}" for key in given)])
                target = folder / f"{name}.{form}"
                partial = folder / f".{name}.{form}.partial"
                quoted = str(partial).replace("'", "''")
                copy = f"COPY (SELECT * FROM {name} WHERE {where} ORDER BY {table.time}) TO '{quoted}' ({options})"
                written[target.name] = int(self._database.ask(copy, **given)[0][0])
                partial.replace(target)
        except OSError as error:
            raise StoreError(f"cannot export to {folder}: {error.strerror}", retryable=False) from error
        return written

    def cut(self, folder: Path, start: datetime, end: datetime) -> dict[str, int]:
        """Write what was received in [start, end), and known at its start, as Parquet: see `twin.store.cut`."""
        try:
            return cut(self._database, folder, start, end)
        except OSError as error:
            raise StoreError(f"cannot write to {folder}: {error.strerror}", retryable=False) from error

    def close(self) -> None:
        """Let go of the file, after the running write when that ends soon."""
        finished = self._writing.acquire(timeout=_CLOSE_WAIT_S)
        try:
            self._database.close()
        finally:
            if finished:
                self._writing.release()


def _other_columns(batch: Batch) -> dict[str, columns.Columns]:
    builders: tuple[tuple[str, Sequence[Any], Callable[[Any], columns.Columns]], ...] = (
        ("grid", batch.grid, columns.grid),
        ("nodes", [report for report in batch.grid if report.node_voltage_pu], columns.nodes),
        ("commands", batch.commands, columns.commands),
        ("events", batch.events, columns.events),
        ("dead_letters", batch.dead_letters, columns.dead_letters),
        ("samples", batch.samples, columns.samples),
    )
    return {name: build(rows) for name, rows, build in builders if rows}


def _add_reports(cursor: Cursor, reports: columns.ReportColumns, newest: Newest) -> Newest:
    """Add the rows that are not there; gives the newest time of every device after that."""
    order = np.lexsort((reports.at_us, reports.device))  # stable: of equal rows the first to come stays
    device, at_us = reports.device[order], reports.at_us[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (device[1:] != device[:-1]) | (at_us[1:] != at_us[:-1])
    order, device, at_us = order[first], device[first], at_us[first]
    late = at_us <= newest[device]
    if not late.all():
        _insert(cursor, "telemetry", columns.picked(reports.columns, np.sort(order[~late])))
    hours = at_us // _HOUR_US
    for hour in np.unique(hours[late]):
        _add_absent(cursor, "telemetry", columns.picked(reports.columns, order[late & (hours == hour)]))
    after = newest.copy()
    np.maximum.at(after, device, at_us)
    return after


def _add_absent(cursor: Cursor, name: str, rows: columns.Columns) -> None:
    """Add those of `rows` whose key is not there yet, looking only at the time range that they span."""
    table = TABLES[name]
    same = " AND ".join(f"old.{column} = new.{column}" for column in table.key)
    alike = ", ".join(f"new.{column}" for column in table.key)
    _insert(
        cursor,
        name,
        rows,
        f"""
        WHERE NOT EXISTS (SELECT 1 FROM {name} AS old WHERE old.{table.time} BETWEEN $start AND $end AND {same})
        QUALIFY row_number() OVER (PARTITION BY {alike}) = 1
        """,
        start=columns.moment(int(rows[table.time].min())),
        end=columns.moment(int(rows[table.time].max())),
    )


def _insert(cursor: Cursor, name: str, rows: columns.Columns, where: str = "", **parameters: object) -> None:
    cursor.register("incoming", dict(rows))
    cursor.execute(
        f"""
        INSERT INTO {name} BY NAME
        SELECT new.* FROM (SELECT {", ".join(_selected(name, rows))} FROM incoming {_TAGGED if "code" in rows else ""})
            AS new {where}
        """,
        parameters or None,
    )
    cursor.unregister("incoming")


def _selected(name: str, rows: columns.Columns) -> Iterator[str]:
    """How each incoming column becomes one of the table `name`."""
    kinds = TABLES[name].columns
    for column in rows:
        if column == "code":
            yield "tags.* EXCLUDE (code)"
        elif column == "quality":
            yield f"({[str(quality) for quality in columns.QUALITIES]})[quality + 1] AS quality"
        elif kinds[column] == "TIMESTAMPTZ":
            yield f"make_timestamptz({column}) AS {column}"
        else:
            yield column
