"""Messages on their way to the broker, in order, until it has them; bounded in number and bytes.

The MQTT client library keeps such a list too, but lets a message handed over during a reconnect overtake those before
it; keeping the list here lets us send all of it again in order. Not thread-safe: the bus locks.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message handed over to the bus."""

    topic: str
    payload: bytes
    qos: int
    retain: bool


class Outbox:
    """First in, first sent; `sent` gives a message its packet id, `settle` removes it."""

    def __init__(self, *, max_messages: int, max_bytes: int) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._bytes = 0
        self._next = 0
        self._messages: dict[int, Outgoing] = {}
        self._numbers: dict[int, int] = {}  # packet id of this connection -> key of _messages

    def __len__(self) -> int:
        return len(self._messages)

    def full_for(self, payload: bytes) -> str | None:
        """Why `payload` cannot be taken now, or None. A lone message of any size can."""
        if len(self._messages) >= self._max_messages:
            return f"{len(self._messages)} messages wait for the broker, {self._max_messages} are allowed"
        if self._messages and self._bytes + len(payload) > self._max_bytes:
            return f"{self._bytes} bytes wait for the broker, {self._max_bytes} are allowed"
        return None

    def add(self, message: Outgoing) -> int:
        """Take `message`; the answer is its number here."""
        self._next += 1
        self._messages[self._next] = message
        self._bytes += len(message.payload)
        return self._next

    def sent(self, number: int, packet_id: int) -> None:
        """The message went out under `packet_id` on the present connection."""
        self._numbers[packet_id] = number

    def settle(self, packet_id: int) -> None:
        """The broker has it (QoS 1) or the socket has (QoS 0). Unknown ids are of an earlier connection."""
        number = self._numbers.pop(packet_id, None)
        if number is not None:
            self.remove(number)

    def remove(self, number: int) -> None:
        """Forget a message."""
        self._bytes -= len(self._messages.pop(number).payload)

    def reconnected(self) -> list[tuple[int, Outgoing]]:
        """What to send again, in order: all of QoS 1. QoS 0 that was under way is lost, as QoS 0 may be."""
        self._numbers.clear()
        for number in [number for number, message in self._messages.items() if message.qos == 0]:
            self.remove(number)
        return list(self._messages.items())
