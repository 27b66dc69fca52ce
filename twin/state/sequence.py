"""Has this message been seen before? A sliding window over sequence numbers, as IPsec does (RFC 4303, 3.4.3).

A number may come late, within `SPAN` of the highest; one that was seen, or is further back, is not fresh.
"""

from collections import OrderedDict

SPAN = 256
_SESSIONS_KEPT = 4  # messages of the session before may still be under way when a new one begins


class SequenceWindow:
    """The numbers seen in one session: the highest, and one bit for each of the `SPAN` below it."""

    __slots__ = ("_seen", "highest")

    def __init__(self) -> None:
        self.highest = -1
        self._seen = 0  # bit i: highest - i was seen

    def fresh(self, number: int) -> bool:
        """True when `number` has not been seen and is not too far back to know."""
        back = self.highest - number
        return back < 0 or (back < SPAN and not self._seen >> back & 1)

    def mark(self, number: int) -> None:
        """Note that `number` was seen."""
        ahead = number - self.highest
        if ahead > 0:
            self._seen = 1 if ahead >= SPAN else (self._seen << ahead | 1) & ((1 << SPAN) - 1)
            self.highest = number
        elif -ahead < SPAN:
            self._seen |= 1 << -ahead


class Sessions:
    """The windows of an endpoint's last few sessions, so that old messages stay recognisable after a restart."""

    __slots__ = ("_windows",)

    def __init__(self) -> None:
        self._windows: OrderedDict[str, SequenceWindow] = OrderedDict()

    def fresh(self, session: str, number: int) -> bool:
        """True when this message of this session has not been taken yet."""
        window = self._windows.get(session)
        return window is None or window.fresh(number)

    def mark(self, session: str, number: int) -> None:
        """Note that the message was taken; the session longest known is forgotten when there are too many."""
        window = self._windows.get(session)
        if window is None:
            window = self._windows[session] = SequenceWindow()
            if len(self._windows) > _SESSIONS_KEPT:
                self._windows.popitem(last=False)
        window.mark(number)

    def highest(self, session: str | None) -> int | None:
        """The highest number taken of `session`."""
        window = None if session is None else self._windows.get(session)
        return None if window is None else window.highest
