"""A stretch of history as Parquet files, complete for whoever asks what was known in it; and back into a file.

A stretch is by receipt: what was received in it, however long ago it was measured, and in addition the newest of every
device and feeder that had come before it. Refuses Parquet files that are not of these tables.
Names in the statements come from twin.store.schema, never from outside; values are always parameters.
"""
# ruff: noqa: S608

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from twin.store.database import Database
from twin.store.port import StoreError
from twin.store.schema import TABLES

REMEMBERED = 1_000  # events, dead letters and commands each, of before the stretch

_NEWEST = """
    SELECT * FROM {table} WHERE received_at >= $start AND received_at < $end
       OR ({subject}, measured_at) IN (
              SELECT ({subject}, max(measured_at)) FROM {table} WHERE received_at < $start GROUP BY {subject})
    """
_HAPPENED = """
    SELECT * FROM {table} WHERE happened_at >= $start AND happened_at < $end
    UNION ALL
    (SELECT * FROM {table} WHERE happened_at < $start ORDER BY ALL DESC LIMIT {remembered})
    """
_COMMANDS = """
    SELECT * FROM commands WHERE happened_at < $end AND id IN (
        SELECT id FROM commands WHERE happened_at >= $start AND happened_at < $end
        UNION ALL
        (SELECT id FROM commands WHERE happened_at < $start GROUP BY id
         ORDER BY max(requested_at) DESC, id LIMIT {remembered}))
    """
_SELECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "telemetry": _NEWEST.format(table="telemetry", subject="device"),
        "grid": _NEWEST.format(table="grid", subject="feeder"),
        "nodes": _NEWEST.format(table="nodes", subject="feeder"),
        "commands": _COMMANDS.format(remembered=REMEMBERED),
        "events": _HAPPENED.format(table="events", remembered=REMEMBERED),
        "dead_letters": _HAPPENED.format(table="dead_letters", remembered=REMEMBERED),
        "samples": "SELECT * FROM samples WHERE happened_at >= $start AND happened_at < $end",
    }
)
_TYPES = {"TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ"}  # DuckDB's own name for what the schema calls otherwise


def cut(database: Database, folder: Path, start: datetime, end: datetime) -> dict[str, int]:
    """Write the stretch [start, end) of every table as Parquet into `folder`; rows by file name. Raises StoreError."""
    rows = {}
    folder.mkdir(parents=True, exist_ok=True)
    for name, selection in _SELECTIONS.items():
        target = folder / f"{name}.parquet"
        ordered = f"{selection} ORDER BY {', '.join(TABLES[name].key)}"
        copy = f"COPY ({ordered}) TO '{_quoted(target)}' (FORMAT parquet, COMPRESSION zstd)"
        rows[target.name] = int(database.ask(copy, start=start, end=end)[0][0])
    return rows


def length(database: Database, file: Path) -> int:
    """How many rows a Parquet file says it has. Raises StoreError when it is none."""
    return int(database.ask(f"SELECT coalesce(sum(num_rows), 0) FROM parquet_file_metadata('{_quoted(file)}')")[0][0])


def join(database: Database, folder: Path) -> None:
    """Take the files that `cut` wrote into the tables. Raises StoreError, not retryable, for files of other tables."""
    for name, table in TABLES.items():
        file = folder / f"{name}.parquet"
        if not file.is_file():
            continue
        found = database.ask(f"DESCRIBE SELECT * FROM read_parquet('{_quoted(file)}')")
        kinds = {column: _TYPES.get(kind, kind) for column, kind, *_ in found}
        if wrong := [f"{column} {kind}" for column, kind in kinds.items() if table.columns.get(column) != kind]:
            raise StoreError(f"{file.name} has columns unknown here: {', '.join(wrong)}", retryable=False)
        if missing := [column for column in table.key if column not in kinds]:
            raise StoreError(f"{file.name} lacks {', '.join(missing)}", retryable=False)
        database.ask(f"INSERT INTO {name} BY NAME SELECT * FROM read_parquet('{_quoted(file)}')")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
