"""One DuckDB file, opened with Hearthgrid's tables in it: the only user of duckdb.

Every failure becomes a StoreError that says what to do. After a failed write the file is opened anew, because DuckDB
refuses further work on a database whose disk failed. A file of a newer program is refused, an older one is widened.
Once open, every failure counts as retryable: whatever happened to the file, an operator can mend it meanwhile.
"""
# ruff: noqa: S608

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

import duckdb

from twin.store.port import StoreError
from twin.store.schema import TABLES, VERSION

Cursor: TypeAlias = Any  # duckdb ships no complete types

SCRATCH = "scratch"  # a database in memory, beside the file, for what statements need at hand

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "threads": "2",
    "checkpoint_threshold": "64MB",  # a checkpoint costs some 0.2 s of a core: rarely, rather than every few seconds
    "memory_limit": "1GB",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


class Database:
    """The open file. Any number of threads may have a cursor at a time."""

    def __init__(self, path: Path) -> None:
        """Open or create the file; StoreError when that fails."""
        self._path = path
        self._lock = threading.Lock()
        self._closed = False
        self._opened = False
        self._connection: Cursor | None = None
        self._open()

    @contextmanager
    def cursor(self) -> Iterator[Cursor]:
        """A cursor for one question; duckdb's errors come out as StoreError."""
        with _explained(self._path, opened=True):
            cursor = self._open().cursor()
            try:
                yield cursor
            finally:
                cursor.close()

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        """A cursor whose statements all count, or none: leaving by an exception takes them back."""
        try:
            with self.cursor() as cursor:
                cursor.begin()
                yield cursor
                cursor.commit()
        except StoreError:
            self._abandon()
            raise

    def ask(self, question: str, **parameters: object) -> list[tuple[Any, ...]]:
        """Every row that answers `question`."""
        with self.cursor() as cursor:
            rows: list[tuple[Any, ...]] = cursor.execute(question, parameters or None).fetchall()
            return rows

    def close(self) -> None:
        """Let go of the file; a statement that still runs is broken off."""
        with self._lock:
            self._closed = True
            connection, self._connection = self._connection, None
        if connection is not None:
            with _explained(self._path, opened=True):
                connection.close()

    def _abandon(self) -> None:
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(duckdb.Error):
                connection.close()

    def _open(self) -> Cursor:
        with self._lock:
            if self._closed:
                raise StoreError(f"{self._path} is closed", retryable=True)
            if self._connection is None:
                with _explained(self._path, opened=self._opened):
                    self._connection = _connected(self._path)
                    self._opened = True
            return self._connection


def _connected(path: Path) -> Cursor:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(path, config=_SETTINGS)
    try:
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        connection.execute(f"ATTACH ':memory:' AS {SCRATCH}")
        connection.execute(f"CREATE TABLE {SCRATCH}.tags (code BIGINT)")
        _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: Cursor, path: Path) -> None:
    """Create the tables of an empty file; add the columns that an older one lacks."""
    connection.begin()
    connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
    ((found,),) = connection.execute("SELECT max(version) FROM schema_version").fetchall()
    if found is None:
        connection.execute("INSERT INTO schema_version VALUES ($version)", {"version": VERSION})
    elif found > VERSION:
        raise StoreError(
            f"{path} was written by a newer program (schema {found}, this one knows up to {VERSION}): "
            "use that program, or choose another --store",
            retryable=False,
        )
    for name, table in TABLES.items():
        columns = ", ".join(f"{column} {kind}" for column, kind in table.columns.items())
        connection.execute(f"CREATE TABLE IF NOT EXISTS {name} ({columns})")
        present = {row[0] for row in connection.execute(f"SELECT column_name FROM (DESCRIBE {name})").fetchall()}
        for column, kind in table.columns.items():
            if column not in present:
                connection.execute(f"ALTER TABLE {name} ADD COLUMN {column} {kind}")
    connection.commit()


@contextmanager
def _explained(path: Path, *, opened: bool) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        why = _explanation(path, str(error))
        raise StoreError(str(why), retryable=opened or why.retryable) from error
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}: choose another --store", retryable=opened) from error
    except StoreError as error:
        raise StoreError(str(error), retryable=opened or error.retryable) from error


def _explanation(path: Path, text: str) -> StoreError:
    """What a duckdb error means to an operator: DuckDB tells the cases apart in its text only."""
    first = text.splitlines()[0] if text else "no reason given"
    if "Could not set lock" in text or "Conflicting lock" in text:
        return StoreError(
            f"{path} is in use by another process: stop it, ask it instead, or choose another --store ({first})",
            retryable=True,
        )
    if "not a valid DuckDB database" in text or "database file with version" in text:
        return StoreError(
            f"{path} is no DuckDB file that this program can read: move it away, or choose another --store ({first})",
            retryable=False,
        )
    if "No space left" in text or "File too large" in text:
        return StoreError(f"{path}: the disk is full: make room; nothing is lost until then ({first})", retryable=True)
    if any(sign in text for sign in ("Permission denied", "Is a directory", "No such file", "Read-only file")):
        return StoreError(f"{path} cannot be written: choose another --store ({first})", retryable=False)
    return StoreError(f"{path}: {first}", retryable=True)
