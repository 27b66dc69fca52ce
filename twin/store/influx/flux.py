"""Pieces of Flux, the language that InfluxDB is asked in. Every name from outside goes through `text`."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
END: Final = datetime(2200, 1, 1, tzinfo=UTC)  # the server's times end in 2262

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "$": "\\x24"})


def text(given: str) -> str:
    """A string literal; nothing in it ends the literal or is run."""
    return f'"{given.translate(_ESCAPES)}"'


def time(at: datetime) -> str:
    """A time literal, within what the server can hold."""
    return min(max(at, BEGINNING), END).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def rows(bucket: str, start: datetime, end: datetime, *conditions: str) -> str:
    """What is in a bucket in [start, end), where all `conditions` on a row `r` hold."""
    filters = "".join(f"\n  |> filter(fn: (r) => {condition})" for condition in conditions)
    return f"from(bucket: {text(bucket)})\n  |> range(start: {time(start)}, stop: {time(end)}){filters}"


def is_(column: str, value: str) -> str:
    """A column has this value."""
    return f"r[{text(column)}] == {text(value)}"


def any_of(column: str, values: Iterable[str]) -> str:
    """A column has one of these values."""
    return " or ".join(is_(column, value) for value in values)
