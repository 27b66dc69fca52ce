"""How the console steers a replay: a run of time through history, the same for all windows."""

from datetime import datetime
from typing import Protocol

SPEEDS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Speeds offered, times real time."""


class Player(Protocol):
    """Plays history from `start` to `end`; every method returns at once."""

    @property
    def start(self) -> datetime:
        """Where the replay begins."""
        ...

    @property
    def end(self) -> datetime:
        """Where it stops."""
        ...

    @property
    def now(self) -> datetime:
        """The moment that is shown."""
        ...

    @property
    def playing(self) -> bool:
        """True while time runs."""
        ...

    @property
    def speed(self) -> float:
        """Times real time."""
        ...

    @property
    def trouble(self) -> str:
        """Why history cannot be read just now; empty when it can."""
        ...

    def play(self) -> None:
        """Let time run; from the start again when it is at the end."""
        ...

    def pause(self) -> None:
        """Let time stand."""
        ...

    def seek(self, to: datetime) -> None:
        """Show the moment `to`, or the end that is nearer when it is outside."""
        ...

    def set_speed(self, speed: float) -> None:
        """Run so many times as fast as real time. ValueError unless positive."""
        ...
