"""How the pilot's time runs: as the wall's, or driven by a simulation over the `clock` topic.

In driven time everything measured up to a moment comes before the clock message of that moment, so messages may speak
of a time that the clock has not reached; how far is learnt from the clock's own steps. Refuses to go back.
"""

from collections import deque
from datetime import datetime, timedelta

from twin.bus import codec, topics
from twin.bus.port import Bus, BusError
from twin.bus.wire import ClockMessage, Pace
from twin.clock import Clock, DrivenClock
from twin.model.event import Severity
from twin.state.gate import TimeFrame
from twin.state.registry import PilotState

_FIRST_STEP = timedelta(minutes=15)  # assumed until the first step of a driven clock is seen
_LEAST_AHEAD = timedelta(seconds=10)
_STEPS_REMEMBERED = 8
_JUMP_S = 5.0


class Timekeeper:
    """Drives the clock, says which times a message may speak of, and tells a fast world how far the twin has come."""

    def __init__(self, *, clock: Clock, bus: Bus, state: PilotState) -> None:
        self._clock = clock
        self._bus = bus
        self._state = state
        self._driven_to: datetime | None = None
        self._follows_wall = not isinstance(clock, DrivenClock)
        self._steps: deque[timedelta] = deque(maxlen=_STEPS_REMEMBERED)
        self._pace: Pace | None = None
        self._watched: tuple[datetime, float] | None = None
        self.backfill_until: datetime | None = None

    @property
    def mode(self) -> str:
        """`driven` or `live`."""
        return "live" if self._driven_to is None else "driven"

    def times(self) -> TimeFrame:
        """Which times a message that arrives now may speak of."""
        now = self._clock.now()
        if self._driven_to is None:
            return TimeFrame(now=now)
        ahead = 2 * max(self._steps) if self._steps else _FIRST_STEP
        return TimeFrame(now=now, ahead=max(ahead, _LEAST_AHEAD))

    def take(self, message: ClockMessage) -> bool:
        """Follow a clock message; True when that changed the mode. A clock that is the wall's own takes no orders."""
        if not isinstance(self._clock, DrivenClock):
            return False
        before = self.mode
        self.backfill_until = message.backfill_until
        self._follows_wall = message.mode == "live"
        if message.mode == "live":
            self._driven_to = None
            self._steps.clear()
            self._clock.follow_wall()
        else:
            self._drive(self._clock, message.time)
        self._watched = None
        return self.mode != before

    def publish_pace(self) -> None:
        """Tell how far the twin has come, once after every step of a driven clock."""
        if self._pace is None:
            return
        try:
            self._bus.publish(topics.pace(self._state.pilot.name), codec.encode(self._pace), qos=1)
        except BusError:
            return  # the next turn tries again
        self._pace = None

    def watch(self) -> None:
        """Raise an event when the wall clock has jumped since the last look, as its stopwatch tells."""
        if not self._follows_wall:
            return
        now, stopwatch_s = self._clock.now(), self._clock.monotonic_s()
        if self._watched is not None:
            jump_s = (now - self._watched[0]).total_seconds() - (stopwatch_s - self._watched[1])
            if abs(jump_s) > _JUMP_S:
                self._state.note(Severity.WARNING, "clock-jumped", "clock", f"the wall clock moved by {jump_s:+.1f} s")
        self._watched = (now, stopwatch_s)

    def _drive(self, clock: DrivenClock, to: datetime) -> None:
        if self._driven_to is not None and to > self._driven_to:
            self._steps.append(to - self._driven_to)
        if self._driven_to is not None and to < self._driven_to:
            text = f"told {to.isoformat()} at {clock.now().isoformat()}; it stays"
            self._state.note(Severity.WARNING, "clock-went-back", "clock", text)
        self._driven_to = to
        clock.drive(to)
        self._pace = Pace(time=to)
