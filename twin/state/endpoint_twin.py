"""One endpoint as the twin knows it: there or not, how much it says, how late it says it.

`EndpointTwin` is the view that readers get; `EndpointTrack` is what the state's one writer keeps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from twin.model.device import Pathway
from twin.model.health import Percentiles
from twin.model.telemetry import Report
from twin.model.topology import Endpoint
from twin.state.gate import SKEW
from twin.state.percentiles import Window
from twin.state.rate import RateWindow
from twin.state.sequence import Sessions

_WINDOW = 128
_TEXT = 64  # of what a far side says of itself, which may be a megabyte


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointTwin:
    """The image of one endpoint at one moment. `online` is None until it is first heard of.

    `latency_ms` runs from published to received; the ages, in s, from measured to received: the part of staleness
    that the pathway itself adds. Both are over a window of the latest messages.
    """

    id: str
    pathway: Pathway
    variant: str
    online: bool | None
    since: datetime | None  # when it last came or went
    session: str | None
    sequence: int | None
    software: str | None
    last_seen: datetime | None
    messages: int
    messages_per_s: float
    duplicates: int
    dead_letters: int
    latency_ms: Percentiles
    age_p50_s: float
    age_p99_s: float
    age_max_s: float


class EndpointTrack:
    """What is kept about one endpoint; written by the state's one writer only."""

    __slots__ = (
        "_ages_s",
        "_latency_ms",
        "_sessions",
        "dead_letters",
        "duplicates",
        "endpoint",
        "last_seen",
        "messages",
        "online",
        "rate",
        "repeats_until",
        "session",
        "since",
        "software",
    )

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.online: bool | None = None
        self.since: datetime | None = None
        self.session: str | None = None
        self._sessions = Sessions()
        self.software: str | None = None
        self.last_seen: datetime | None = None
        self.messages = 0
        self.duplicates = 0
        self.dead_letters = 0
        self.repeats_until: datetime | None = None
        self.rate = RateWindow()
        self._latency_ms = Window(_WINDOW)
        self._ages_s = Window(_WINDOW)

    def introduce(self, *, session: str | None, software: str | None) -> bool:
        """Note what it says of itself; True when its session is not the one before: it has restarted."""
        before = self.session
        self.session = before if session is None else session[:_TEXT]
        self.software = self.software if software is None else software[:_TEXT]
        return before is not None and self.session != before

    def presence(self, *, online: bool, now: datetime) -> bool:
        """Note that it is there or not; True when that is a change."""
        if online:
            self.last_seen = now
        changed = online is not self.online
        if changed:
            self.online, self.since = online, now
        return changed

    def is_new(self, session: str, sequence: int) -> bool:
        """True when no such message of this session was taken before."""
        return self._sessions.fresh(session[:_TEXT], sequence)

    def heard(
        self, *, session: str | None, sequence: int | None, published_at: datetime, reports: Sequence[Report]
    ) -> float:
        """Note a message that was taken, with its non-empty accepted reports; its latency in ms."""
        received_at = reports[0].received_at
        if session is not None:
            self.session = session[:_TEXT]
            if sequence is not None:
                self._sessions.mark(self.session, sequence)
        self.messages += 1
        self.last_seen = received_at
        self.rate.add(received_at.timestamp())
        latency_ms = max(0.0, (received_at - published_at).total_seconds() * 1e3)
        self._latency_ms.add(latency_ms)
        if len(reports) == 1:
            self._ages_s.add(max(0.0, (received_at - reports[0].measured_at).total_seconds()))
        else:
            self._ages_s.extend([max(0.0, (received_at - report.measured_at).total_seconds()) for report in reports])
        return latency_ms

    def begin_statistics_anew(self) -> None:
        """Forget latencies and ages; counts stay."""
        self._latency_ms = Window(_WINDOW)
        self._ages_s = Window(_WINDOW)

    def proves_alive(self, published_at: datetime) -> bool:
        """True when a message published then shows that an endpoint not known to be online is."""
        if self.online or self.since is None:
            return not self.online
        return published_at > self.since + SKEW

    def view(self, now: datetime) -> EndpointTwin:
        """The immutable image at `now`."""
        p50, p99, highest = self._ages_s.quantiles(0.5, 0.99, 1.0)
        return EndpointTwin(
            id=self.endpoint.id,
            pathway=self.endpoint.pathway,
            variant=self.endpoint.variant,
            online=self.online,
            since=self.since,
            session=self.session,
            sequence=self._sessions.highest(self.session),
            software=self.software,
            last_seen=self.last_seen,
            messages=self.messages,
            messages_per_s=self.rate.per_s(now.timestamp()),
            duplicates=self.duplicates,
            dead_letters=self.dead_letters,
            latency_ms=self._latency_ms.summary(),
            age_p50_s=p50,
            age_p99_s=p99,
            age_max_s=highest,
        )
