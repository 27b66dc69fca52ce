"""The console over a replay: the same pages, read-only, with a player in the place of the bus."""

import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from twin.clock import WallClock
from twin.console.past import KnownHistory
from twin.console.server import ConsoleServer
from twin.console.sources import ConsoleSources
from twin.replay.player import HistoryPlayer
from twin.replay.source import History
from twin.store.incident import write


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """What is shown and how. With `at` the replay begins there, standing still; else it plays from `start`."""

    start: datetime
    end: datetime
    speed: float
    at: datetime | None
    host: str
    port: int


class ReplayApp:
    """One replay with its console; `url` once it runs."""

    def __init__(self, history: History, show: Show) -> None:
        wall = WallClock()
        self._still = show.at is not None
        self.player = HistoryPlayer(
            history.pilot,
            history.store,
            start=show.start,
            end=show.end,
            speed=show.speed,
            at=min(max(show.at or show.start, show.start), show.end),
            wall=wall,
        )

        def incident(target: Path, start: datetime, end: datetime) -> None:
            write(
                target,
                history.store,
                history.pilot,
                start=start,
                end=end,
                written_at=wall.now(),
                pilot_file=history.pilot_file,
            )

        self._pilot = history.pilot
        self.sources = ConsoleSources(
            pilot=history.pilot,
            state=self.player.state,
            history=KnownHistory(history.store, self.player.clock),
            commands=self.player.desk,
            player=self.player,
            incident=incident,
            health=self.player.health,
            summary=self._summary,
            clock=self.player.clock,
        )
        self._console = ConsoleServer(self.sources, host=show.host, port=show.port)
        self._stopped = threading.Event()

    @property
    def url(self) -> str:
        """Where the console answers."""
        return self._console.url

    def start(self) -> None:
        """Show the first moment and serve it. Raises StoreError or ConsoleError."""
        self.player.open()
        self._console.start()
        if not self._still:
            self.player.play()

    def wait(self) -> None:
        """Return when `stop` is called."""
        self._stopped.wait()

    def stop(self) -> None:
        """End `wait`; safe from a signal handler."""
        self._stopped.set()

    def close(self) -> None:
        """Stop serving and playing."""
        self._console.stop()
        self.player.close()

    def _summary(self) -> dict[str, Any]:
        return {
            "pilot": self._pilot.name,
            "at": self.player.now.isoformat(),
            "replay": {
                "start": self.player.start.isoformat(),
                "end": self.player.end.isoformat(),
                "speed": self.player.speed,
                "playing": self.player.playing,
            },
            "homes": len(self._pilot.homes),
            "devices": len(self._pilot.devices),
            "endpoints": len(self._pilot.endpoints),
        }
