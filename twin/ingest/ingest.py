"""The way in: one thread that takes frames off the queue, understands, applies, saves and acknowledges them.

A message that cannot be taken is counted with its reason and kept as a dead letter; it never stops the stream. What
fails around us (bus, history) is an event and is tried again. Nothing is acknowledged before history has it.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from twin.adapters.port import Adapter, Decoded, Presence, Readings, RefusedError
from twin.bus import topics
from twin.bus.codec import MAX_BYTES
from twin.bus.port import Bus, Frame
from twin.clock import Clock
from twin.ingest.commit import Commit
from twin.ingest.frame_queue import FrameQueue, Waiting
from twin.ingest.hooks import Commands, History
from twin.ingest.own_topics import clock_message, grid_report, world_health, world_status
from twin.ingest.timekeeper import Timekeeper
from twin.model.event import DeadLetter, Reason, Refusal, Severity
from twin.model.health import IngestHealth
from twin.model.telemetry import GridReport, Report
from twin.state.percentiles import Window
from twin.state.registry import PilotState
from twin.store.port import Batch

QUEUE_LIMIT: Final = 10_000
DRAIN_LIMIT: Final = 256
_EXCERPT: Final = 200
_TICK = timedelta(milliseconds=500)  # of the pilot's time: freshness, answers that do not come, expiries
_WAIT_S: Final = 0.1
_LATENCIES: Final = 10_000

_log = logging.getLogger(__name__)


class Ingest:
    """From the bus to state and history. `adapters` are by name, as in the pilot.

    Either `start` gives it a thread of its own, or whoever owns the time calls `pump`; never both.
    """

    def __init__(
        self,
        *,
        state: PilotState,
        commands: Commands,
        adapters: Mapping[str, Adapter],
        bus: Bus,
        history: History,
        clock: Clock,
        queue_limit: int = QUEUE_LIMIT,
        drain_limit: int = DRAIN_LIMIT,
    ) -> None:
        self._state = state
        self._commands = commands
        self._bus = bus
        self._clock = clock
        self._drain_limit = drain_limit
        self._queue = FrameQueue(queue_limit)
        self._commit = Commit(history=history, bus=bus, state=state, clock=clock, frames_limit=queue_limit)
        self._timekeeper = Timekeeper(clock=clock, bus=bus, state=state)
        self._endpoints = frozenset(state.pilot.endpoint)
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._connected = False
        self._was_connected = False
        self._ticked_at: datetime | None = None
        self._reports: list[Report] = []  # applied in this drain, on their way to history
        self._grids: list[GridReport] = []
        self._messages = 0
        self._telemetry_messages = 0
        self._twin_updates = 0
        self._duplicates = 0
        self._latency_ms = Window(_LATENCIES)
        self._subscribe(adapters)

    # Outside.

    def start(self) -> None:
        """Work on a thread of its own until `close`."""
        self._thread = threading.Thread(target=self._run, name="ingest", daemon=True)
        self._thread.start()

    def close(self, timeout_s: float = 2.0) -> None:
        """Stop taking frames and make safe what was taken, within `timeout_s`; the rest stays with the broker."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def pump(self) -> int:
        """Take everything that waits, here and now; how many frames that were."""
        total = self._turn(0.0)
        while self._queue and not self._commit.full:
            total += self._turn(0.0)
        return total

    @property
    def alive(self) -> bool:
        """False when the thread has ended though nobody asked it to."""
        return self._thread is None or self._thread.is_alive() or self._stopping.is_set()

    @property
    def mode(self) -> str:
        """How the pilot's time runs: `live` or `driven`."""
        return self._timekeeper.mode

    @property
    def backfill_until(self) -> datetime | None:
        """Where the filling in of history will end, while that is going on."""
        return self._timekeeper.backfill_until

    def health(self) -> IngestHealth:
        """How well the way in is."""
        return IngestHealth(
            messages=self._messages,
            telemetry_messages=self._telemetry_messages,
            twin_updates=self._twin_updates,
            duplicates=self._duplicates,
            dead_letters={reason.value: count for reason, count in self._state.dead_letter_counts.items()},
            queue=len(self._queue),
            queue_limit=self._queue.limit,
            update_latency_ms=self._latency_ms.summary(),
        )

    # On the bus's thread.

    def _subscribe(self, adapters: Mapping[str, Adapter]) -> None:
        pilot = self._state.pilot.name
        self._listen(topics.clock(pilot), self._take_clock)
        self._listen(topics.world(pilot), self._take_world)
        self._listen(topics.world_status(pilot), self._take_world_status)
        self._listen(topics.grid(pilot, "+"), self._take_grid)
        for adapter in adapters.values():
            for topic_filter in adapter.topic_filters():
                self._listen(topic_filter, partial(self._take_endpoint, adapter))

    def _listen(self, topic_filter: str, take: Callable[[Frame], None]) -> None:
        self._bus.subscribe(topic_filter, partial(self._arrived, take), acknowledge_by_hand=True)

    def _arrived(self, take: Callable[[Frame], None], frame: Frame) -> None:
        size = len(frame.payload)
        if size > MAX_BYTES:
            frame = _cut(frame)
        if not self._queue.put(Waiting(take, frame, size), hold=self._thread is not None):
            refusal = Refusal(reason=Reason.OVERFLOW, detail=f"{len(self._queue)} frames wait already")
            self._bury(frame, refusal)

    # On the ingest's thread.

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._turn(_WAIT_S)
            self._commit.push()
        except Exception as error:
            self._state.note(Severity.ALARM, "ingest-failed", "ingest", f"nothing comes in any more: {error!r}")
            _log.exception("the ingest has failed")
            raise

    def _turn(self, wait_s: float) -> int:
        """One drain: take, apply, save, acknowledge. How many frames were taken."""
        if self._commit.full:
            self._stopping.wait(wait_s)
            waiting: Sequence[Waiting] = ()
        else:
            waiting = self._queue.take(self._drain_limit, wait_s)
        for item in waiting:
            self._take(item)
        self._look_around()
        self._hand_over([item.frame for item in waiting])
        return len(waiting)

    def _hand_over(self, frames: Sequence[Frame]) -> None:
        if frames or self._commit.idle:
            events, letters = self._state.unsaved()
            batch = Batch(
                reports=self._reports,
                grid=self._grids,
                commands=self._commands.unsaved(),
                events=events,
                dead_letters=letters,
            )
            self._reports, self._grids = [], []
            self._commit.add(batch, frames)
        self._commit.push()
        if self._commit.idle:
            self._timekeeper.publish_pace()

    def _take(self, item: Waiting) -> None:
        self._messages += 1
        if item.size > MAX_BYTES:
            detail = f"{item.size} bytes; at most {MAX_BYTES} are taken"
            self._bury(item.frame, Refusal(reason=Reason.TOO_LARGE, detail=detail))
            return
        try:
            item.take(item.frame)
        except RefusedError as error:
            self._bury(item.frame, error.refusal)

    def _take_endpoint(self, adapter: Adapter, frame: Frame) -> None:
        decoded = _decode(adapter, frame, self._clock.now())
        if decoded.endpoint not in self._endpoints:
            raise RefusedError(Reason.UNKNOWN_ENDPOINT, f"endpoint {decoded.endpoint!r} is not in the pilot")
        if isinstance(decoded, Readings):
            self._take_readings(decoded, frame)
        elif isinstance(decoded, Presence):
            self._take_presence(decoded, frame)
        else:
            refusal = self._commands.answered(decoded)
            if refusal is not None:
                self._bury(frame, refusal)

    def _take_presence(self, presence: Presence, frame: Frame) -> None:
        """A retained birth says who the endpoint was when it last came, not whether it is still there."""
        old_birth = frame.retained and presence.session is not None
        if self._state.take_presence(
            presence.endpoint,
            online=None if old_birth else presence.online,
            session=presence.session,
            software=presence.software,
        ):
            self._commands.came_online(presence.endpoint)

    def _take_readings(self, readings: Readings, frame: Frame) -> None:
        taken = self._state.take(readings, self._timekeeper.times(), redelivered=frame.redelivered)
        self._telemetry_messages += 1
        self._twin_updates += len(taken.news)
        self._duplicates += taken.duplicates
        self._reports += taken.news
        self._reports += taken.late
        self._latency_ms.add((self._clock.monotonic_s() - frame.arrived_s) * 1e3)
        for refusal in taken.refusals:
            self._bury(frame, refusal)
        if taken.came_online:
            self._commands.came_online(readings.endpoint)
        if taken.news or taken.late:
            self._commands.reported([*taken.news, *taken.late], session=readings.session)

    def _take_grid(self, frame: Frame) -> None:
        report = grid_report(frame, self._state.pilot, self._timekeeper.times())
        if self._state.take_grid(report):
            self._grids.append(report)
        else:
            self._duplicates += 1

    def _take_world(self, frame: Frame) -> None:
        self._state.take_world(world_health(frame))

    def _take_world_status(self, frame: Frame) -> None:
        if world_status(frame).state == "offline":
            self._state.world_gone()

    def _take_clock(self, frame: Frame) -> None:
        if self._timekeeper.take(clock_message(frame)):
            # How long a flood of history took says nothing of what is live.
            self._latency_ms = Window(_LATENCIES)
            self._state.begin_statistics_anew()
        self._tick()

    def _look_around(self) -> None:
        connected = self._bus.connected
        if connected is not self._connected:
            self._connected = connected
            if not connected:
                self._state.note(Severity.ALARM, "bus-gone", "bus", "the broker does not answer; trying again")
            elif self._was_connected:
                self._state.bus_back()
                self._state.note(Severity.INFORMATION, "bus-back", "bus", "the broker answers again")
            self._was_connected = True
        self._timekeeper.watch()
        if self._ticked_at is None or abs(self._clock.now() - self._ticked_at) >= _TICK:
            self._tick()

    def _tick(self) -> None:
        now = self._clock.now()
        self._ticked_at = now
        if self._timekeeper.backfill_until is None:  # history comes in long steps; no pathway promises it fresh
            self._state.sweep(now)
        self._commands.tick()

    def _bury(self, frame: Frame, refusal: Refusal) -> None:
        letter = DeadLetter(
            at=self._clock.now(),
            topic=frame.topic[:_EXCERPT],
            reason=refusal.reason,
            detail=refusal.detail[:_EXCERPT],
            excerpt=frame.payload[:_EXCERPT],
        )
        named = next((level for level in frame.topic.split("/") if level in self._endpoints), None)
        self._state.bury(letter, named)


def _cut(frame: Frame) -> Frame:
    """The frame without most of its payload, which nobody will read."""
    return Frame(
        topic=frame.topic,
        payload=frame.payload[:_EXCERPT],
        retained=frame.retained,
        arrived_s=frame.arrived_s,
        redelivered=frame.redelivered,
        token=frame.token,
    )


def _decode(adapter: Adapter, frame: Frame, received_at: datetime) -> Decoded:
    """What the adapter makes of a frame. An adapter that stumbles over hostile bytes must not stop the stream."""
    try:
        return adapter.decode(frame, received_at)
    except RefusedError:
        raise
    except Exception as error:
        raise RefusedError(Reason.WRONG_SHAPE, f"the adapter failed: {error!r}") from error
