"""What InfluxDB answers: annotated CSV, read table after table into rows of Python values.

A table without a `#datatype` line is text. Refuses one that reports an error in the middle of an answer.
"""

import csv
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from io import StringIO
from typing import Any, TypeAlias

from twin.store.port import StoreError

Row: TypeAlias = Mapping[str, Any]

_TYPES = "#datatype"


def _bool(text: str) -> bool:
    return text == "true"


_READERS: Mapping[str, Callable[[str], Any]] = {
    "boolean": _bool,
    "dateTime:RFC3339": datetime.fromisoformat,
    "dateTime:RFC3339Nano": datetime.fromisoformat,
    "double": float,
    "long": int,
    "string": str,
    "unsignedLong": int,
}


def rows(text: str) -> Iterator[Row]:
    """Rows of every table, by column; what is empty is left out. StoreError for an error among the tables."""
    readers: list[Callable[[str], Any]] = []
    names: list[str] | None = None
    for line in csv.reader(StringIO(text, newline="")):
        if not line:
            names = None
        elif line[0] == _TYPES:
            readers, names = [_READERS.get(kind, str) for kind in line], None
        elif names is None:
            names = line
            readers = readers or [str] * len(names)
        else:
            row = {name: read(cell) for name, read, cell in zip(names, readers, line, strict=True) if cell and name}
            if "error" in row:
                raise StoreError(f"InfluxDB broke an answer off: {row['error']}", retryable=True)
            yield row
