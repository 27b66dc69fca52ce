"""A pilot's state as it was known at a past moment, rebuilt from history instead of from the bus.

Reports enter in the order in which they were received, so that what had not come yet is not known and what came late
comes late. What happened is what history remembers; nothing that is heard here makes a new event.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from twin.clock import Clock
from twin.model.command import CommandRecord
from twin.model.event import DeadLetter, Event, Reason, Refusal
from twin.model.sample import Sample
from twin.model.telemetry import Report
from twin.model.topology import Pilot
from twin.state.commands import CommandBook
from twin.state.device_twin import Desired
from twin.state.registry import PilotState

_PRESENCE = {"endpoint-online": True, "endpoint-offline": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """Reports that left one endpoint together and came together: one message, as far as history can tell."""

    endpoint: str
    published_at: datetime
    reports: Sequence[Report]
    session: str | None = None
    sequence: int | None = None
    refusals: Sequence[Refusal] = ()


class PastState(PilotState):
    """A state that hears history. Readers may go on reading while it changes."""

    def __init__(self, pilot: Pilot, clock: Clock) -> None:
        super().__init__(pilot, clock)
        self._events: Sequence[Event] = ()
        self._letters: Sequence[DeadLetter] = ()
        self._refused: Mapping[Reason, int] = {}

    @property
    def events(self) -> Sequence[Event]:
        """The latest events that history remembers, newest first."""
        return self._events

    @property
    def dead_letters(self) -> Sequence[DeadLetter]:
        """The latest dead letters that history remembers, newest first."""
        return self._letters

    @property
    def dead_letter_counts(self) -> Mapping[Reason, int]:
        """How many of the remembered dead letters there are, by reason."""
        return self._refused

    def hear(self, reports: Sequence[Report]) -> None:
        """Take reports in the order in which they were received; those of devices no longer in the pilot are left."""
        messages: dict[tuple[datetime, str, datetime], list[Report]] = {}
        for report in reports:
            device = self.pilot.device.get(report.device)
            if device is not None:
                key = (report.received_at, device.endpoint, report.published_at)
                messages.setdefault(key, []).append(report)
        with self._lock:
            for (_, endpoint, published_at), members in messages.items():
                heard = _Heard(endpoint=endpoint, published_at=published_at, reports=members)
                self._enter(self._tracks[endpoint], heard, members, ())
            self._version += 1

    def remember(self, events: Sequence[Event], letters: Sequence[DeadLetter]) -> None:
        """Take what had happened by now, newest first; endpoints are there or not as the events tell.

        An endpoint of which no event tells is there when anything was ever heard of it.
        """
        with self._lock:
            self._events, self._letters = tuple(events), tuple(letters)
            self._refused = Counter(letter.reason for letter in letters)
            told: dict[str, Event] = {}
            for event in events:
                if event.kind in _PRESENCE:
                    told.setdefault(event.subject, event)
            for endpoint, devices in self.pilot.endpoint_devices.items():
                track, presence = self._tracks[endpoint], told.get(endpoint)
                came = [at for device in devices if (at := self._devices[device.id].received_at) is not None]
                track.last_seen = max(came, default=track.last_seen)
                if presence is not None:
                    track.online, track.since = _PRESENCE[presence.kind], presence.at
                elif came:
                    track.online = True
            for pathway, traffic in self.pathways.items():
                traffic.endpoints_online = sum(
                    track.online is True for track in self._tracks.values() if track.endpoint.pathway is pathway
                )
            self._version += 1

    def count(self, samples: Sequence[Sample]) -> None:
        """Take counts since the start of the twin from its own samples of then."""
        with self._lock:
            pathways = {pathway.value: traffic for pathway, traffic in self.pathways.items()}
            for sample in samples:
                if sample.scope == "pathway" and sample.subject in pathways:
                    traffic = pathways[sample.subject]
                    traffic.messages = int(sample.values.get("messages", traffic.messages))
                    traffic.duplicates = int(sample.values.get("duplicates", traffic.duplicates))
                    traffic.dead_letters = int(sample.values.get("dead_letters", traffic.dead_letters))
                elif sample.scope == "endpoint" and sample.subject in self._tracks:
                    track = self._tracks[sample.subject]
                    track.messages = int(sample.values.get("messages", track.messages))
                    track.dead_letters = int(sample.values.get("dead_letters", track.dead_letters))
            self._version += 1

    def wish(self, records: Sequence[CommandRecord], now: datetime) -> None:
        """Desire what commands, newest first, desired at `now`; each with the steps that it had taken by then."""
        standing = CommandBook(self.pilot).restore(records, now)
        wishes: dict[str, dict[str, Desired]] = {}
        for command in standing:
            wish = Desired(
                value=command.value, command_id=command.id, until=command.expires_at, priority=command.priority
            )
            wishes.setdefault(command.device, {})[command.quantity] = wish
        with self._lock:
            for device, twin in list(self._devices.items()):
                before, after = twin.desired, wishes.get(device, {})
                for quantity in (before.keys() | after.keys()) if before or after else ():
                    if before.get(quantity) != after.get(quantity):
                        self.desire(device, quantity, after.get(quantity))

    def become(self, other: "PastState") -> None:
        """Be as `other` is, from one moment to the next, so that readers of this object follow a leap in time."""
        kept = {"_clock", "_lock", "_version", "pilot"}
        with self._lock:
            for name, value in vars(other).items():
                if name not in kept:
                    setattr(self, name, value)
            self._version += 1
