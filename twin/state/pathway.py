"""What goes over one pathway, all its endpoints together: counts, rate and latency."""

from datetime import datetime

from twin.model.health import Percentiles
from twin.state.percentiles import Window
from twin.state.rate import RateWindow

_WINDOW = 4096


class PathwayTrack:
    """Written by the state's one writer; reading changes nothing."""

    __slots__ = ("_latency_ms", "_rate", "dead_letters", "duplicates", "endpoints_online", "messages")

    def __init__(self) -> None:
        self.messages = 0
        self.duplicates = 0
        self.dead_letters = 0
        self.endpoints_online = 0
        self._rate = RateWindow()
        self._latency_ms = Window(_WINDOW)

    def begin_statistics_anew(self) -> None:
        """Forget latencies; counts stay."""
        self._latency_ms = Window(_WINDOW)

    def heard(self, received_at: datetime, latency_ms: float) -> None:
        """Count a message that took `latency_ms` from published to received."""
        self.messages += 1
        self._rate.add(received_at.timestamp())
        self._latency_ms.add(latency_ms)

    def messages_per_s(self, now: datetime) -> float:
        """Messages a second over the last minute."""
        return self._rate.per_s(now.timestamp())

    @property
    def latency_ms(self) -> Percentiles:
        """Published to received, over the latest messages."""
        return self._latency_ms.summary()
