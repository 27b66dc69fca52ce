"""Things worth an operator's glance: something appeared, vanished, failed, recovered."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Severity(StrEnum):
    """How urgent an event is."""

    INFORMATION = "information"
    WARNING = "warning"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened. `kind` is past tense in kebab-case, `subject` the id of what it happened to."""

    at: datetime
    severity: Severity
    kind: str
    subject: str
    text: str


class Reason(StrEnum):
    """Why a message, or one reading in it, was not taken."""

    TOO_LARGE = "too-large"
    NOT_JSON = "not-json"
    WRONG_SHAPE = "wrong-shape"
    NOT_FINITE = "not-finite"
    UNKNOWN_QUANTITY = "unknown-quantity"
    OUT_OF_RANGE = "out-of-range"
    WRONG_TOPIC = "wrong-topic"
    UNKNOWN_ENDPOINT = "unknown-endpoint"
    UNKNOWN_DEVICE = "unknown-device"
    NOT_ITS_DEVICE = "not-its-device"
    FROM_THE_FUTURE = "from-the-future"
    TOO_OLD = "too-old"
    REPLAYED = "replayed"
    UNKNOWN_COMMAND = "unknown-command"
    OVERFLOW = "overflow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One thing that was not taken, and why; `detail` names the value and what is allowed."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that could not be taken: where it came from, why, and its first bytes."""

    at: datetime
    topic: str
    reason: Reason
    detail: str
    excerpt: bytes
