"""What the console reads and asks: the pilot, the twin's state, its history, its commands and its health.

Everything the pages and the API know comes through here; nothing here writes but
`CommandDesk.request` and `AlarmDesk.acknowledge`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from twin.clock import Clock
from twin.console.history import History
from twin.console.player import Player
from twin.model.alarm import Alarm
from twin.model.command import CommandRecord
from twin.model.health import TwinHealth
from twin.model.topology import Pilot
from twin.state.registry import PilotState


class CommandDesk(Protocol):
    """Where commands are asked for and followed."""

    def request(
        self, *, device: str, quantity: str, value: float, duration_s: float, priority: int, origin: str
    ) -> CommandRecord:
        """Ask for `value`; raises ValueError saying what is allowed."""
        ...

    def records(self) -> Sequence[CommandRecord]:
        """Open commands and the latest finished ones, newest first."""
        ...

    def record(self, command: str) -> CommandRecord | None:
        """One command, or None when it is unknown or finished long ago."""
        ...


class AlarmDesk(Protocol):
    """Where alarms are listed and acknowledged."""

    def open(self) -> Sequence[Alarm]:
        """What stands or has not been seen, what needs somebody first."""
        ...

    def ended(self) -> Sequence[Alarm]:
        """The latest that are over, newest first."""
        ...

    def acknowledge(self, alarm: str, *, by: str, comment: str = "", now: datetime) -> Alarm:
        """Note that `by` has seen it; KeyError when it is not open."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSources:
    """All of it. `health` and `summary` are computed when called; `summary` is that of the command line.

    `alarms` is None where nobody judges them: in a look at the past. `player` steers a replay, and is None else.
    `incident` writes an incident archive of a stretch of time into a file, where that can be done.
    """

    pilot: Pilot
    state: PilotState
    history: History
    commands: CommandDesk
    alarms: AlarmDesk | None = None
    player: Player | None = None
    incident: Callable[[Path, datetime, datetime], None] | None = None
    health: Callable[[], TwinHealth]
    summary: Callable[[], Mapping[str, Any]]
    clock: Clock
