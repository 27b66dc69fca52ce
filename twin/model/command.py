"""A command's life: requested, sent, acknowledged, applied, verified; or refused, expired, superseded, unreachable.

`applied` is the device's own report, `verified` is the meter agreeing. Time only adds steps; nothing is rewritten.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class CommandState(StrEnum):
    """Where a command is in its life."""

    REQUESTED = "requested"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    APPLIED = "applied"
    VERIFIED = "verified"
    REFUSED = "refused"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    UNREACHABLE = "unreachable"


FINAL = frozenset(
    {
        CommandState.VERIFIED,
        CommandState.REFUSED,
        CommandState.EXPIRED,
        CommandState.SUPERSEDED,
        CommandState.UNREACHABLE,
    }
)

_ORDER = (
    CommandState.REQUESTED,
    CommandState.SENT,
    CommandState.ACKNOWLEDGED,
    CommandState.APPLIED,
    CommandState.VERIFIED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A wish for one quantity of one device, until `expires_at`; a higher `priority` wins over a lower one."""

    id: str
    device: str
    quantity: str
    value: float
    requested_at: datetime
    expires_at: datetime
    priority: int
    origin: str  # who asked: operator, derms, api


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandStep:
    """One step of a command's life; `reason` says why when the step is not the hoped-for one."""

    state: CommandState
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRecord:
    """A command and every step it has taken, oldest first."""

    command: Command
    steps: tuple[CommandStep, ...]

    @property
    def state(self) -> CommandState:
        """Where the command is now."""
        return self.steps[-1].state

    @property
    def open(self) -> bool:
        """True while more steps may follow."""
        return self.state not in FINAL

    def reached(self, state: CommandState) -> datetime | None:
        """When the command first reached `state`, or None."""
        return next((step.at for step in self.steps if step.state is state), None)


def advance(record: CommandRecord, step: CommandStep) -> CommandRecord:
    """Add `step` when it leads forward; a step backwards or after the end leaves the record as it is."""
    if not record.open:
        return record
    if step.state in _ORDER and record.state in _ORDER and _ORDER.index(step.state) <= _ORDER.index(record.state):
        return record
    return replace(record, steps=(*record.steps, step))
