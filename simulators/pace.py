"""How the world keeps time: sleeping to absolute deadlines, or as fast as the twin can follow.

mosaik's own rt_factor only promises a step somewhere in its tick, so the bridge paces every step itself: it ends a
step only when the next one is due, and meanwhile lets messages leave and takes commands in. One thread does it all.
"""

import gc
import queue
from collections.abc import Callable
from datetime import datetime

from simulators.endpoints.port import Agent, Outgoing
from simulators.lag import LagMeter
from simulators.outbox import Outbox
from simulators.timeline import Timeline
from twin.bus import topics
from twin.bus.codec import decode, encode
from twin.bus.port import Bus, Frame
from twin.bus.wire import ClockMessage, Pace
from twin.clock import Clock

WINDOW_S = 1_800  # how far a fast world may be ahead of the twin; bounds what waits in the broker
PATIENCE_S = 10.0  # a twin silent for so long is taken for gone; the world goes on without it
_SLOT_S = 0.1  # driven time moves on at least this often between messages, so that latencies mean something


class Pacer:
    """Holds the world between two steps.

    `speed` is times real time, 0 as fast as possible. While history is filled in, speed does not count.
    `on_wall` says that the pilot's time is the wall's once it is live.
    """

    def __init__(
        self, *, bus: Bus, pilot: str, clock: Clock, timeline: Timeline, outbox: Outbox, speed: float, on_wall: bool
    ) -> None:
        self._bus = bus
        self._clock_topic = topics.clock(pilot)
        self._clock = clock
        self._timeline = timeline
        self._outbox = outbox
        self._speed = speed
        self._on_wall = on_wall
        self._inbox: queue.SimpleQueue[tuple[Agent, Frame] | None] = queue.SimpleQueue()
        self._twin_at: datetime | None = None
        self._twin_gone = False
        self._anchor: tuple[float, float] | None = None  # stopwatch and pilot time of the same moment
        self._driven_to_s = 0.0
        self._backfill_started_s = clock.monotonic_s()
        self.backfill_s: float | None = None
        self.lag = LagMeter()
        self.stopping = False
        self.published = 0
        bus.subscribe(topics.pace(pilot), self._on_pace)

    def listen(self, agent: Agent) -> None:
        """From here on, hand `agent` the commands that come for its endpoints."""
        for topic_filter in agent.topic_filters():
            self._bus.subscribe(topic_filter, self._handler(agent))

    def stop(self) -> None:
        """End the current wait and all later ones; safe from any thread or signal handler."""
        self.stopping = True
        self._inbox.put(None)

    def announce(self) -> None:
        """Say where time begins, before anything is measured."""
        self._drive(-self._timeline.length_s(0))

    def hold(self, t: int) -> None:
        """The step at `t` is computed: wait until the next one is due, letting messages pass both ways."""
        following = self._timeline.after(t)
        if self._anchor is None and self._timeline.live and self._speed > 0 and not self._caught_up(t, following - t):
            self._timeline.postpone()
        if not self._timeline.live or self._speed == 0:
            self._follow(t)
        else:
            self._wait(t, following)

    def _publish(self, message: Outgoing) -> None:
        self._bus.publish(message.topic, message.payload, qos=message.qos, retain=message.retain)
        self.published += 1

    def _handler(self, agent: Agent) -> Callable[[Frame], None]:
        return lambda frame: self._inbox.put((agent, frame))

    def _on_pace(self, frame: Frame) -> None:
        self._twin_at = decode(Pace, frame.payload).time
        self._twin_gone = False
        self._inbox.put(None)  # wakes the wait for it

    def _follow(self, t: int) -> None:
        """Driven time: everything due by `t`, then the clock, then wait for the twin when it is far behind."""
        now_s = self._timeline.utc_s(t)
        self._take_commands(now_s)
        for message in self._outbox.due(now_s):
            if self._timeline.live and message.due_s >= self._driven_to_s + _SLOT_S:
                self._drive(message.due_s - self._timeline.utc_s(0))
            self._publish(message)
        self._drive(t)
        self._await_twin(t, within_s=WINDOW_S)

    def _drive(self, t: float) -> None:
        backfill_until = None if self._timeline.live else self._timeline.moment(self._timeline.live_at_s)
        moment = self._timeline.moment(t)
        message = ClockMessage(time=moment, mode="driven", speed=self._speed, backfill_until=backfill_until)
        self._bus.publish(self._clock_topic, encode(message), retain=True)
        self._driven_to_s = self._timeline.utc_s(t)

    def _await_twin(self, t: int, *, within_s: float) -> None:
        """Wait until the twin is no more than `within_s` behind `t`, or is gone."""
        give_up_s = self._clock.monotonic_s() + PATIENCE_S
        while not self.stopping and not self._twin_gone and self._twin_behind_s(t) > within_s:
            remaining = give_up_s - self._clock.monotonic_s()
            if remaining <= 0:
                self._twin_gone = True
                return
            self._take_one(self._timeline.utc_s(t), timeout=remaining)

    def _twin_behind_s(self, t: int) -> float:
        reached = self._twin_at
        return float("inf") if reached is None else (self._timeline.moment(t) - reached).total_seconds()

    def _wait(self, t: int, following: int) -> None:
        """Real time: messages leave when due, commands are answered at once, the next step starts at its deadline."""
        if self._anchor is None:
            self._go_live(t)
        else:
            lag_s = self._clock.monotonic_s() - self._stopwatch_at(self._timeline.utc_s(t))
            self.lag.note(lag_s, (following - t) / self._speed)
            if not self._on_wall:
                self._drive(t)
        deadline_s = self._stopwatch_at(self._timeline.utc_s(following))
        while not self.stopping:
            now_s = self._clock.monotonic_s()
            pilot_now_s = self._pilot_at(now_s)
            for message in self._outbox.due(pilot_now_s):
                self._publish(message)
            if now_s >= deadline_s:
                return
            due_s = self._outbox.next_due_s()
            wake_s = deadline_s if due_s is None else min(deadline_s, self._stopwatch_at(due_s))
            self._take_one(pilot_now_s, timeout=max(wake_s - self._clock.monotonic_s(), 0.0))

    def _caught_up(self, t: int, step_s: int) -> bool:
        """True when the twin has all history, so that nothing live queues behind it, and the wall has not run ahead."""
        self._drive(t)
        self._await_twin(t, within_s=0)
        return not self._on_wall or self._clock.now().timestamp() - self._timeline.utc_s(t) < step_s

    def _go_live(self, t: int) -> None:
        gc.freeze()  # the world is built; full collections over it would cost deadlines
        now_s = self._clock.monotonic_s()
        self.backfill_s = now_s - self._backfill_started_s
        pilot_s = self._clock.now().timestamp() if self._on_wall else self._timeline.utc_s(t)
        self._anchor = (now_s, pilot_s)
        if self._on_wall:
            moment = self._timeline.moment(t)
            message = ClockMessage(time=moment, mode="live", speed=self._speed)
            self._bus.publish(self._clock_topic, encode(message), retain=True)
        else:
            self._drive(t)

    def _stopwatch_at(self, pilot_s: float) -> float:
        anchor = self._anchor
        assert anchor is not None  # noqa: S101 - set by _go_live before any use
        return anchor[0] + (pilot_s - anchor[1]) / self._speed

    def _pilot_at(self, stopwatch_s: float) -> float:
        anchor = self._anchor
        assert anchor is not None  # noqa: S101 - set by _go_live before any use
        return anchor[1] + (stopwatch_s - anchor[0]) * self._speed

    def _take_one(self, now_s: float, *, timeout: float) -> None:
        try:
            item = self._inbox.get(timeout=timeout)
        except queue.Empty:
            return
        if item is not None:
            agent, frame = item
            self._outbox.add(agent.receive(frame.topic, frame.payload, now_s))

    def _take_commands(self, now_s: float) -> None:
        while not self._inbox.empty():
            self._take_one(now_s, timeout=0.0)
