"""A bus inside one process, for tests and for studies in driven time: delivered within `publish`, in order.

It keeps what an MQTT broker keeps (retained messages, sessions by client name, frames not yet acknowledged), so that
what runs on it runs on MQTT. A publish from within a handler is delivered after the frames before it, so the order of
delivery never depends on nesting.
"""

import logging
import threading
from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

from twin.bus.port import BusError, Frame, Handler
from twin.bus.router import Router, check_topic, matches
from twin.clock import Clock, WallClock

MAX_OUTBOX: Final = 10_000

_log = logging.getLogger(__name__)


class _Message(NamedTuple):
    topic: str
    payload: bytes
    qos: int
    retained: bool = False
    redelivered: bool = False


class _Session:
    """What the broker keeps for one client name, connected or not."""

    def __init__(self, max_queued: int) -> None:
        self.client: MemoryBus | None = None
        self.filters: dict[str, None] = {}
        self.unacknowledged: dict[int, _Message] = {}
        self.queue: deque[_Message] = deque(maxlen=max_queued)
        self.epoch = 0
        self.last_id = 0
        self.wanted: dict[str, bool] = {}  # remembered answers of `wants`

    def wants(self, topic: str) -> bool:
        found = self.wanted.get(topic)
        if found is None:
            found = any(matches(topic_filter, topic) for topic_filter in self.filters)
            self.wanted[topic] = found
        return found


class MemoryBroker:
    """The middle of it: `client(name)` gives buses that reach each other through this object."""

    def __init__(self, *, clock: Clock | None = None, max_queued: int = 100_000) -> None:
        self._clock = clock or WallClock()
        self._max_queued = max_queued
        self._sessions: dict[str, _Session] = {}
        self._retained: dict[str, _Message] = {}
        self._deliveries: deque[tuple[_Session, _Message]] = deque()
        self._delivering = threading.Lock()

    def client(self, name: str, *, max_outbox: int = MAX_OUTBOX) -> "MemoryBus":
        """A new bus with the session of `name`: earlier subscriptions and whatever waits for it."""
        session = self._sessions.setdefault(name, _Session(self._max_queued))
        return MemoryBus(broker=self, session=session, clock=self._clock, max_outbox=max_outbox)

    def connect(self, bus: "MemoryBus", session: _Session) -> None:
        """Make `bus` the one that speaks for `session`, and hand it what was kept."""
        if session.client is not None:
            session.client.drop()
        session.client = bus
        session.epoch += 1
        again = [message._replace(redelivered=True) for message in session.unacknowledged.values()]
        session.unacknowledged.clear()
        kept = [*again, *session.queue]
        session.queue.clear()
        self._deliveries.extend((session, message) for message in kept)
        self.deliver()

    def subscribe(self, session: _Session, topic_filter: str) -> None:
        """Remember the filter in the session and send it what is retained there."""
        session.filters[topic_filter] = None
        session.wanted.clear()
        found = [message for topic, message in self._retained.items() if matches(topic_filter, topic)]
        self._deliveries.extend((session, message) for message in found)
        self.deliver()

    def publish(self, message: _Message, *, retain: bool) -> None:
        """Pass a message on to every session that wants it."""
        if retain:
            self._retained.pop(message.topic, None)
            if message.payload:
                self._retained[message.topic] = message._replace(retained=True)
        for session in tuple(self._sessions.values()):  # another thread may be adding one
            if session.wants(message.topic):
                self._deliveries.append((session, message))
        self.deliver()

    def deliver(self) -> None:
        """Empty the queue of deliveries, unless that is being done further up the stack or on another thread."""
        while self._deliveries and self._delivering.acquire(blocking=False):
            try:
                while self._deliveries:
                    session, message = self._deliveries.popleft()
                    if session.client is not None:
                        session.client.take(message)
                    elif message.qos:
                        session.queue.append(message)
            finally:
                self._delivering.release()


class MemoryBus:
    """One client of a MemoryBroker; a Bus."""

    def __init__(self, *, broker: MemoryBroker, session: _Session, clock: Clock, max_outbox: int) -> None:
        self._broker = broker
        self._session = session
        self._clock = clock
        self._router = Router()
        self._will: _Message | None = None
        self._outbox: deque[tuple[_Message, bool]] = deque()
        self._max_outbox = max_outbox
        self._opened = False
        self._closed = False

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Deliver to all subscribers before returning; while dropped, keep QoS 1 messages for the next `open`."""
        check_topic(topic)
        if not self._opened or self._closed:
            raise BusError("the bus is not open", retryable=False)
        message = _Message(topic, payload, min(qos, 1))
        if self.connected:
            self._broker.publish(message, retain=retain)
        elif qos and len(self._outbox) >= self._max_outbox:
            raise BusError(f"the outbox is full: {self._max_outbox} messages wait for the broker", retryable=True)
        elif qos:
            self._outbox.append((message, retain))

    def subscribe(self, topic_filter: str, handler: Handler, *, acknowledge_by_hand: bool = False) -> None:
        """As in the port; what is retained there arrives before this returns."""
        self._router.add(topic_filter, handler, by_hand=acknowledge_by_hand)
        if self.connected:
            self._broker.subscribe(self._session, topic_filter)

    def acknowledge(self, frames: Sequence[Frame]) -> None:
        """As in the port; frames of an earlier connection are skipped, they come again."""
        for frame in frames:
            if frame.token is not None and frame.token[0] == self._session.epoch:
                self._session.unacknowledged.pop(frame.token[1], None)

    def set_will(self, topic: str, payload: bytes) -> None:
        """What `drop` publishes, retained."""
        check_topic(topic)
        if self._opened:
            raise BusError("the will must be set before the bus is opened", retryable=False)
        self._will = _Message(topic, payload, 1)

    def open(self) -> None:
        """Connect, or connect again after `drop`: first what was kept for us, then what we kept."""
        if self._closed or self.connected:
            raise BusError("a bus is opened once, or again after it was dropped", retryable=False)
        self._opened = True
        self._broker.connect(self, self._session)
        for topic_filter in self._router.filters:
            self._broker.subscribe(self._session, topic_filter)
        while self._outbox and self.connected:
            message, retain = self._outbox.popleft()
            self._broker.publish(message, retain=retain)

    def close(self) -> None:
        """Leave for good, without raising the will; the session stays."""
        if self.connected:
            self._session.client = None
        if self._outbox:
            _log.warning("closed with %d messages unsent", len(self._outbox))
        self._closed = True

    def drop(self) -> None:
        """Vanish, as if the network had failed: the broker publishes the will, retained."""
        if not self.connected:
            return
        self._session.client = None
        if self._will is not None:
            self._broker.publish(self._will, retain=True)

    @property
    def connected(self) -> bool:
        """True between `open` and `close` or `drop`."""
        return self._session.client is self

    @property
    def outbox(self) -> int:
        """Messages kept while dropped."""
        return len(self._outbox)

    @property
    def handler_failures(self) -> int:
        """How often a handler raised."""
        return self._router.handler_failures

    def take(self, message: _Message) -> None:
        """Called by the broker: one message for our handlers."""
        session = self._session
        route = self._router.route(message.topic)
        token = None
        if route.by_hand and message.qos:
            session.last_id += 1
            session.unacknowledged[session.last_id] = message
            token = (session.epoch, session.last_id)
        frame = Frame(
            topic=message.topic,
            payload=message.payload,
            retained=message.retained,
            arrived_s=self._clock.monotonic_s(),
            redelivered=message.redelivered,
            token=token,
        )
        self._router.deliver(route, frame)
