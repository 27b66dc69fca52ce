"""Starts and watches the processes of a pilot: broker, twin, simulated world. Restarts what dies.

The world is found by entry point (group `hearthgrid.world`), so an all-live installation works without it.
"""

import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

from twin.bus.broker import EmbeddedBroker
from twin.clock import WallClock

STOP_WITHIN_S = 0.8  # each of world and twin; Ctrl-C promises an end within two seconds for everything together
_RESTART_PAUSES_S = (0.5, 1.0, 2.0, 5.0)  # after the last, every five seconds
_HEALTHY_AFTER_S = 60.0  # alive for so long, a process has earned short pauses again


class LaunchError(Exception):
    """A process cannot be started; the text says which and why. `refused` when its input is at fault."""

    def __init__(self, text: str, *, refused: bool = False) -> None:
        super().__init__(text)
        self.refused = refused


class Watched(Protocol):
    """A process that can be started again."""

    name: str

    def start(self) -> None:
        """Start it. Raises LaunchError."""
        ...

    def returncode(self) -> int | None:
        """Its exit code, None while it runs."""
        ...

    def stop(self, within_s: float) -> None:
        """Ask it to end, then make it."""
        ...


@dataclass(kw_only=True)
class Child:
    """One of our own Python processes; what it says goes to `log`."""

    name: str
    arguments: Sequence[str]
    log: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches only the launcher."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def returncode(self) -> int | None:
        """Its exit code, None while it runs."""
        return self._process.poll() if self._process else None

    def stop(self, within_s: float) -> None:
        """SIGTERM, and SIGKILL when that is not enough."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(1.0)

    def last_words(self, lines: int = 5) -> str:
        """The end of its log."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""


class Keeper:
    """Keeps one process running: starts it again after a growing pause when it dies by itself."""

    def __init__(self, watched: Watched, clock: WallClock, tell: Callable[[str], None]) -> None:
        self.watched = watched
        self.restarts = 0
        self.finished = False
        self._clock = clock
        self._tell = tell
        self._tries = 0
        self._started_s = clock.monotonic_s()
        self._again_s: float | None = None

    def look(self, *, may_finish: bool) -> None:
        """Look once; call a few times a second. `may_finish` takes exit code 0 as the end of its work."""
        code = self.watched.returncode()
        now_s = self._clock.monotonic_s()
        if code is None:
            if now_s - self._started_s > _HEALTHY_AFTER_S:
                self._tries = 0
            return
        if may_finish and code == 0:
            self.finished = True
            return
        if self._again_s is None:
            pause_s = _RESTART_PAUSES_S[min(self._tries, len(_RESTART_PAUSES_S) - 1)]
            self._again_s = now_s + pause_s
            self._tell(f"{self.watched.name} ended with code {code}; starting it again in {pause_s:g} s")
        elif now_s >= self._again_s:
            self._again_s = None
            self._tries += 1
            self.restarts += 1
            self._started_s = now_s
            self.watched.start()


def world_module() -> str | None:
    """The module that simulates a world, or None when none is installed."""
    found = list(entry_points(group="hearthgrid.world"))
    return found[0].value if found else None


def port_is_free(host: str, port: int) -> bool:
    """True when a server may listen there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


class BrokerProcess:
    """The embedded broker as something to keep: it comes back on the same port with the same sessions."""

    name = "broker"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._broker: EmbeddedBroker | None = None
        self._port: int | None = None

    @property
    def url(self) -> str:
        """Where it listens, once started."""
        if self._broker is None:
            raise LaunchError("the broker has not been started")
        return self._broker.url

    def start(self) -> None:
        """Start it, again on the port it had."""
        self._broker = EmbeddedBroker.start(self._folder, port=self._port)
        self._port = self._broker.port

    def returncode(self) -> int | None:
        """None while it runs."""
        return None if self._broker is not None and self._broker.alive else 1

    def stop(self, within_s: float) -> None:  # noqa: ARG002 - it bounds its own end
        """End it."""
        if self._broker is not None:
            self._broker.stop()
