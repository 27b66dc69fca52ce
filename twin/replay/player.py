"""Plays history: a state that hears, moment by moment, what was received then.

One thread of its own moves time; anyone may steer. What cannot be read stops the play and is said. Refuses a speed that
is not positive, and moments outside of the stretch by going to its nearer end.
"""

import threading
from datetime import datetime, timedelta

from twin.clock import Clock
from twin.console.past import REMEMBERED, Silent, health_at, rebuild
from twin.model.health import TwinHealth
from twin.model.topology import Pilot
from twin.state.past import PastState
from twin.store.port import Store, StoreError

_TICK_S = 0.25
_NOTES_EVERY_S = 1.0  # wall time between looks at events, commands and samples
_FURTHEST = timedelta(minutes=2)  # a longer stride is cheaper as a leap
_JUST_AFTER = timedelta(microseconds=1)  # a moment itself belongs to it; ranges end before their end
_REASON = "this is a replay; commands can only be sent to a live twin"


class ReplayClock:
    """The moment that is shown; unlike any other clock it may go back."""

    def __init__(self, start: datetime, wall: Clock) -> None:
        self._now = start
        self._wall = wall

    def now(self) -> datetime:
        """The moment that is shown."""
        return self._now

    def monotonic_s(self) -> float:
        """The machine's stopwatch."""
        return self._wall.monotonic_s()

    def set(self, now: datetime) -> None:
        """Show another moment."""
        self._now = now


class HistoryPlayer:
    """Plays a stretch of history; see `twin.console.player.Player`.

    `state`, `desk`, `health` and `clock` are what the console shows; they stay the same objects through every leap.
    """

    def __init__(
        self, pilot: Pilot, history: Store, *, start: datetime, end: datetime, speed: float, at: datetime, wall: Clock
    ) -> None:
        """Stand at `at`; nothing moves before `open`."""
        self.start = start
        self.end = end
        self.clock = ReplayClock(at, wall)
        self.state = PastState(pilot, self.clock)
        self.desk = Silent(_REASON)
        self.trouble = ""
        self._pilot = pilot
        self._history = history
        self._wall = wall
        self._speed = speed
        self._playing = False
        self._wanted: datetime | None = at
        self._health: TwinHealth = health_at((), self.state, at)
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._looked_s = float("-inf")
        self._thread = threading.Thread(target=self._run, name="replay", daemon=True)

    # For the console.

    @property
    def now(self) -> datetime:
        """The moment that is shown."""
        return self.clock.now()

    @property
    def playing(self) -> bool:
        """True while time runs."""
        return self._playing

    @property
    def speed(self) -> float:
        """Times real time."""
        return self._speed

    def health(self) -> TwinHealth:
        """How the twin was at the moment that is shown."""
        return self._health

    def play(self) -> None:
        """Let time run; from the start again when it is at the end."""
        if self.now >= self.end:
            self._wanted = self.start
        self._playing = True
        self._wake.set()

    def pause(self) -> None:
        """Let time stand."""
        self._playing = False

    def seek(self, to: datetime) -> None:
        """Show the moment `to`, or the end that is nearer when it is outside."""
        self._wanted = min(max(to, self.start), self.end)
        self._wake.set()

    def set_speed(self, speed: float) -> None:
        """Run so many times as fast as real time. ValueError unless positive."""
        if not speed > 0:
            raise ValueError(f"a replay cannot run at {speed:g} times real time; give a positive number")
        self._speed = speed

    # Its own life.

    def open(self) -> None:
        """Show the first moment, and begin to listen to whoever steers. Raises StoreError."""
        self._leap(self._wanted or self.start)
        self._wanted = None
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._ended.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def _run(self) -> None:
        before_s = self._wall.monotonic_s()
        while not self._ended.is_set():
            self._wake.wait(_TICK_S)
            self._wake.clear()
            now_s = self._wall.monotonic_s()
            elapsed_s, before_s = now_s - before_s, now_s
            try:
                self._move(elapsed_s)
                self.trouble = ""
            except StoreError as error:
                self.trouble, self._playing = str(error), False

    def _move(self, elapsed_s: float) -> None:
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            self._leap(wanted)
        elif self._playing:
            self._stride(min(self.end, self.now + timedelta(seconds=elapsed_s * self._speed)))
            self._playing = self._playing and self.now < self.end

    def _leap(self, to: datetime) -> None:
        rebuilt = rebuild(self._pilot, self._history, to)
        self.clock.set(to)
        self.state.become(rebuilt.state)
        self.desk.show(rebuilt.commands)
        self._health = rebuilt.health
        self._looked_s = self._wall.monotonic_s()

    def _stride(self, to: datetime) -> None:
        now = self.now
        if to - now > _FURTHEST:
            self._leap(to)
            return
        start, end = now + _JUST_AFTER, to + _JUST_AFTER
        for reports in self._history.reports_received(start, end):
            self.state.hear(reports)
        for grids in self._history.grids_received(start, end):
            for grid in grids:
                self.state.take_grid(grid)
        self.clock.set(to)
        now_s = self._wall.monotonic_s()
        if now_s - self._looked_s >= _NOTES_EVERY_S or to >= self.end:
            self._looked_s = now_s
            self._look(to)

    def _look(self, at: datetime) -> None:
        """What is not heard from devices: events, refusals, commands and the twin's own figures."""
        history = self._history
        commands = history.recent_commands(REMEMBERED, until=at)
        self.state.remember(
            history.recent_events(REMEMBERED, until=at), history.recent_dead_letters(REMEMBERED, until=at)
        )
        samples = history.samples_at(at)
        self.state.count(samples)
        self.state.wish(commands, at)
        self.desk.show(commands)
        self._health = health_at(samples, self.state, at)
        if self._health.world is not None:
            self.state.take_world(self._health.world)
