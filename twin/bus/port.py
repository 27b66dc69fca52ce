"""What any bus does. Handlers run on the bus's own thread (MQTT) or inside `publish` (memory): keep them short."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One message as it came off the bus.

    `arrived_s` is the clock's stopwatch when the bytes arrived; `token` is what `Bus.acknowledge` needs
    (None when nothing is to be acknowledged); `redelivered` is MQTT's DUP flag.
    """

    topic: str
    payload: bytes
    retained: bool
    arrived_s: float
    redelivered: bool = False
    token: tuple[int, int] | None = None


Handler = Callable[[Frame], None]


class Bus(Protocol):
    """Publish and subscribe with at-least-once delivery, retained messages and a last will."""

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Hand over a message; returns at once. Raises BusError when closed or the outbox is full.

        While the broker is away QoS 1 waits in the outbox, in order, and QoS 0 is lost.
        """
        ...

    def subscribe(self, topic_filter: str, handler: Handler, *, acknowledge_by_hand: bool = False) -> None:
        """Call `handler` for each message on `topic_filter` (MQTT wildcards), now and after any reconnect.

        With `acknowledge_by_hand` the broker keeps a QoS 1 message until `acknowledge` is called for it. Subscribe
        before `open`, so that what the broker kept for us finds its handler. Retained messages may come again after a
        reconnect, and where filters overlap a broker may send a copy for each. ValueError when it is no filter.
        """
        ...

    def acknowledge(self, frames: Sequence[Frame]) -> None:
        """Tell the broker that these frames are safe with us; frames without a token are skipped."""
        ...

    def set_will(self, topic: str, payload: bytes) -> None:
        """What the broker publishes, retained, at QoS 1, when we vanish; must be called before `open`."""
        ...

    def open(self) -> None:
        """Connect, and keep reconnecting in the background until `close`."""
        ...

    def close(self) -> None:
        """Send what is in the outbox, within a bounded time, and disconnect without raising the will."""
        ...

    @property
    def connected(self) -> bool:
        """True while the broker answers."""
        ...

    @property
    def outbox(self) -> int:
        """Messages handed over and not yet taken by the broker."""
        ...


class BusError(Exception):
    """The bus cannot take this now: closed, or full. Worth a retry when `retryable`."""

    def __init__(self, text: str, *, retryable: bool) -> None:
        super().__init__(text)
        self.retryable = retryable
