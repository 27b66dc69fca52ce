"""What an adapter does: a far side's bytes into our words, and our commands into its bytes.

Adapters are stateless. A message that cannot be taken as a whole raises RefusedError; a bad reading among good ones
comes back in `refusals` beside the good.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from twin.bus.port import Frame
from twin.model.command import Command
from twin.model.event import Reason, Refusal
from twin.model.telemetry import Report
from twin.model.topology import Pilot


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """Telemetry of one endpoint. `session` and `sequence` are None where the far side has no such thing."""

    endpoint: str
    session: str | None
    sequence: int | None
    published_at: datetime
    reports: Sequence[Report]
    refusals: Sequence[Refusal] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """An endpoint came or went. `software` comes with a birth."""

    endpoint: str
    online: bool
    session: str | None = None
    software: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An endpoint's answer to a command."""

    endpoint: str
    command: str
    outcome: str  # acknowledged, refused, expired, superseded
    reason: str
    published_at: datetime


Decoded = Readings | Presence | Answer


class RefusedError(Exception):
    """The whole message is refused."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.refusal = Refusal(reason=reason, detail=detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """A message to a far side."""

    topic: str
    payload: bytes


class Adapter(Protocol):
    """One far side's language, for all endpoints of a pilot that speak it."""

    def topic_filters(self) -> Sequence[str]:
        """What to subscribe to."""
        ...

    def decode(self, frame: Frame, received_at: datetime) -> Decoded:
        """Understand one message. Raises RefusedError."""
        ...

    def encode(self, endpoint: str, command: Command) -> Outbound:
        """Put a command into the far side's words."""
        ...


class AdapterFactory(Protocol):
    """What each adapter folder offers as `adapter`."""

    def __call__(self, pilot: Pilot) -> Adapter:
        """An adapter for those endpoints of `pilot` that name it."""
        ...
