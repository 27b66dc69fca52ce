"""Which handlers a topic belongs to: MQTT topic filters, checked and matched, with the answers remembered.

Refuses filters and topics that MQTT 3.1.1 section 4.7 does not allow.
"""

import logging
from typing import Final, NamedTuple

from twin.bus.port import Frame, Handler

_REMEMBERED: Final = 50_000  # topics; a stranger may publish on endless ones
_TOPIC_BYTES: Final = 65_535  # MQTT 3.1.1, 4.7.3

_log = logging.getLogger(__name__)


class Route(NamedTuple):
    """Where frames on one topic go; `by_hand` when any of the filters is acknowledged by hand."""

    handlers: tuple[Handler, ...]
    by_hand: bool


class Router:
    """A client's subscriptions. Overlapping filters each get the frame, in the order they were added."""

    def __init__(self) -> None:
        self._subscriptions: list[tuple[str, Handler, bool]] = []
        self._remembered: dict[str, Route] = {}
        self.handler_failures = 0

    def add(self, topic_filter: str, handler: Handler, *, by_hand: bool) -> None:
        """Send frames on `topic_filter` to `handler` from now on; ValueError when the filter is none."""
        check_filter(topic_filter)
        self._subscriptions.append((topic_filter, handler, by_hand))
        self._remembered = {}

    @property
    def filters(self) -> tuple[str, ...]:
        """Every filter once, in the order added."""
        return tuple(dict.fromkeys(topic_filter for topic_filter, _, _ in self._subscriptions))

    def route(self, topic: str) -> Route:
        """The handlers of `topic`; none when no filter matches."""
        remembered = self._remembered  # one reading: `add` may replace it meanwhile on another thread
        found = remembered.get(topic)
        if found is None:
            matching = [entry for entry in self._subscriptions if matches(entry[0], topic)]
            found = Route(tuple(handler for _, handler, _ in matching), any(by_hand for _, _, by_hand in matching))
            if len(remembered) >= _REMEMBERED:
                remembered.clear()
            remembered[topic] = found
        return found

    def deliver(self, route: Route, frame: Frame) -> None:
        """Call the handlers. One that raises is logged and counted; the bus and the other handlers go on."""
        for handler in route.handlers:
            try:
                handler(frame)
            except Exception:  # noqa: BLE001 - whatever it raised must not end the network thread
                self.handler_failures += 1
                _log.exception("the handler of %s failed", frame.topic)


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a message on `topic` reaches a subscription to `topic_filter` (both taken as valid)."""
    if topic_filter == topic:
        return True
    wanted = topic_filter.split("/")
    if topic.startswith("$") and wanted[0] in {"+", "#"}:
        return False  # the broker's own topics are no part of a wildcard: MQTT 3.1.1, 4.7.2
    levels = topic.split("/")
    for position, level in enumerate(wanted):
        if level == "#":
            return True
        if position >= len(levels) or level not in {"+", levels[position]}:
            return False
    return len(wanted) == len(levels)


def check_filter(topic_filter: str) -> None:
    """ValueError unless `topic_filter` may be subscribed to."""
    _check_text("filter", topic_filter)
    levels = topic_filter.split("/")
    misplaced = "#" in levels[:-1] or any(len(level) > 1 and ("#" in level or "+" in level) for level in levels)
    if misplaced:
        raise ValueError(f"filter {topic_filter!r}: + stands for one whole level, # for all that follow and comes last")


def check_topic(topic: str) -> None:
    """ValueError unless `topic` may be published on."""
    _check_text("topic", topic)
    if "+" in topic or "#" in topic:
        raise ValueError(f"topic {topic!r}: wildcards are for subscriptions only")


def _check_text(what: str, text: str) -> None:
    if not text or "\0" in text or len(text.encode()) > _TOPIC_BYTES:
        raise ValueError(f"{what} {text[:80]!r}: 1 to {_TOPIC_BYTES} bytes without NUL are allowed")
