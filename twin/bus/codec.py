"""Wire messages to bytes and back: fast, strict when reading, byte-deterministic when writing.

Reading refuses with a `DecodeError` that carries the dead letter's reason. It takes JSON types literally: a number
in quotes is no number, a Unix time is no RFC 3339 time.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar

import orjson
from pydantic import ValidationError

from twin.bus.wire import Message
from twin.model.event import Reason

M = TypeVar("M", bound=Message)

MAX_BYTES: Final = 1_000_000  # about 5,000 devices of five values each

_REASONS: Final = {"json_invalid": Reason.NOT_JSON, "finite_number": Reason.NOT_FINITE}
_OPTIONS: Final = orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z
_LISTED_ERRORS: Final = 50  # a hostile message can hold a million; building the list would cost more than reading it
_DETAIL_CHARACTERS: Final = 300


class DecodeError(ValueError):
    """These bytes are not the message they should be: `reason` for the count, `detail` for a person."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Reading(NamedTuple):
    """One device's values for `encode_telemetry`; the fields are those of wire.DeviceValues."""

    device: str
    measured_at: datetime
    values: Mapping[str, float]
    quality: str = "good"


def decode(model: type[M], payload: bytes, *, max_bytes: int = MAX_BYTES) -> M:
    """The `model` that `payload` holds, or a DecodeError (too large, not JSON, not finite, wrong shape)."""
    if len(payload) > max_bytes:
        raise DecodeError(Reason.TOO_LARGE, f"{len(payload)} bytes; at most {max_bytes} are taken")
    try:
        return model.model_validate_json(payload, strict=True)
    except ValidationError as error:
        raise _explained(model, error) from None


def encode(message: Message) -> bytes:
    """`message` as compact JSON with sorted keys and shortest floats: equal messages give equal bytes."""
    return orjson.dumps(message.__pydantic_serializer__.to_python(message), option=_OPTIONS)


def encode_telemetry(
    *, endpoint: str, session: str, sequence: int, published_at: datetime, readings: Iterable[Reading]
) -> bytes:
    """The bytes of `encode(Telemetry(...))`, without building the models: for far sides that speak for thousands.

    Only finiteness is checked (ValueError, naming the device); what else a Telemetry must be is up to the caller.
    """
    listed = [
        {"device": device, "measured_at": measured_at, "values": values, "quality": quality}
        for device, measured_at, values, quality in readings
    ]
    content = {
        "endpoint": endpoint,
        "session": session,
        "sequence": sequence,
        "published_at": published_at,
        "readings": listed,
    }
    payload = orjson.dumps(content, option=_OPTIONS)
    if b":null" in payload:  # how orjson writes NaN and the infinities
        _raise_not_finite(listed)
    return payload


def _raise_not_finite(readings: list[dict[str, Any]]) -> None:
    for reading in readings:
        for quantity, value in reading["values"].items():
            if orjson.dumps(value) == b"null":
                raise ValueError(f"{reading['device']}: {quantity} is {value}; only finite numbers go on the wire")


def _explained(model: type[Message], error: ValidationError) -> DecodeError:
    """The first thing wrong, in words; what follows from it is only counted."""
    count = error.error_count()
    if count > _LISTED_ERRORS:
        return DecodeError(Reason.WRONG_SHAPE, f"{count} values are not what {model.__name__} allows")
    first = error.errors(include_url=False, include_context=False)[0]
    reason = _REASONS.get(first["type"], Reason.WRONG_SHAPE)
    where = ".".join(str(part) for part in first["loc"]) or model.__name__
    shown = "" if reason is Reason.NOT_JSON else f", not {first['input']!r:.80}"
    more = f" (and {count - 1} more)" if count > 1 else ""
    return DecodeError(reason, f"{where}: {first['msg']}{shown}"[:_DETAIL_CHARACTERS] + more)
