"""Reading JSON of far sides that are loose about it: numbers in quotes, nulls, sections left out.

Refuses what is not JSON, is too large, or lacks what nothing can be said without (a name, a time).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from twin.adapters.port import RefusedError
from twin.bus.codec import MAX_BYTES
from twin.model.event import Reason

REFUSALS_PER_MESSAGE: Final = 100  # a hostile message can hold a million wrong things; more are not read
_SHOWN: Final = 80
_YEAR_10000_S: Final = 253_402_300_800  # where datetime ends


def document(payload: bytes) -> dict[str, Any]:
    """The JSON object that `payload` holds. Raises RefusedError: too large, not JSON, not an object."""
    if len(payload) > MAX_BYTES:
        raise RefusedError(Reason.TOO_LARGE, f"{len(payload)} bytes; at most {MAX_BYTES} are taken")
    try:
        content = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise RefusedError(Reason.NOT_JSON, str(error)) from None
    if not isinstance(content, dict):
        raise RefusedError(Reason.WRONG_SHAPE, f"an object is expected, not {shown(content)}")
    return content


def text(section: Mapping[str, Any], key: str) -> str:
    """The non-empty text at `key`. Raises RefusedError."""
    value = section.get(key)
    if not isinstance(value, str) or not value:
        raise RefusedError(Reason.WRONG_SHAPE, f"{key}: text is expected, not {shown(value)}")
    return value


def remark(section: Mapping[str, Any], key: str) -> str:
    """The text at `key` that somebody may read and nothing depends on; empty when there is none."""
    value = section.get(key)
    return value if isinstance(value, str) else ""


def word(section: Mapping[str, Any], key: str, meanings: Mapping[str, str]) -> str:
    """What the word at `key` means to us. Raises RefusedError for a word that is not in `meanings`."""
    value = text(section, key)
    if value not in meanings:
        raise RefusedError(Reason.WRONG_SHAPE, f"{key}: one of {', '.join(meanings)} is expected, not {shown(value)}")
    return meanings[value]


def whole(section: Mapping[str, Any], key: str) -> int:
    """The whole number, not negative, at `key`. Raises RefusedError."""
    value = section.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise RefusedError(Reason.WRONG_SHAPE, f"{key}: a whole number of at least 0 is expected, not {shown(value)}")
    return value


def rfc3339(section: Mapping[str, Any], key: str) -> datetime:
    """The RFC 3339 time at `key`; one without offset is refused, because nobody can say when that was."""
    value = text(section, key)
    try:
        time = datetime.fromisoformat(value)
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise RefusedError(Reason.WRONG_SHAPE, f"{key}: an RFC 3339 time is expected, not {shown(value)}") from None
    raise RefusedError(Reason.WRONG_SHAPE, f"{key}: {shown(value)} says no offset from UTC")


def epoch(section: Mapping[str, Any], key: str, *, per_second: int = 1) -> datetime:
    """The time at `key`, counted since 1970 in ticks of which `per_second` make a second. Raises RefusedError."""
    ticks = whole(section, key)
    if ticks >= _YEAR_10000_S * per_second:
        raise RefusedError(Reason.WRONG_SHAPE, f"{key}: {shown(ticks)} lies beyond the year 9999")
    return datetime.fromtimestamp(ticks / per_second, UTC)


def entries(section: Mapping[str, Any], key: str) -> Sequence[Any]:
    """The list at `key`; a missing or null one is empty. Raises RefusedError."""
    value = section.get(key)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise RefusedError(Reason.WRONG_SHAPE, f"{key}: a list is expected, not {shown(value)}")
    return value


def shown(value: object) -> str:
    """`value` for a person, bounded: what comes off a wire may be a million characters long."""
    if isinstance(value, (list, dict)):
        return f"a {'list' if isinstance(value, list) else 'object'} of {len(value)}"
    shortened = f"{value!r}"
    return shortened if len(shortened) <= _SHOWN else f"{shortened[:_SHOWN]}..."
