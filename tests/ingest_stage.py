"""A whole twin on a MemoryBus with the time in the test's hands: state, commands, ingest, and the far sides' pens."""

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from tests.builders import small_pilot
from twin.adapters.registry import load
from twin.bus import codec, topics
from twin.bus.memory import MemoryBroker
from twin.bus.port import Frame
from twin.bus.wire import Birth, Response, Status
from twin.clock import DrivenClock
from twin.dispatch import Dispatcher
from twin.ingest import Ingest
from twin.model.command import CommandRecord
from twin.model.device import Pathway
from twin.model.telemetry import Report
from twin.model.topology import Pilot
from twin.state.commands import CommandBook
from twin.state.registry import PilotState
from twin.store.port import Batch, StoreError

START = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


class KeptHistory:
    """History that keeps batches in a list, and refuses them while `trouble` is set."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.trouble: StoreError | None = None

    def submit(self, batch: Batch) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.batches.append(batch)

    @property
    def reports(self) -> Sequence[Report]:
        return [report for batch in self.batches for report in batch.reports]

    def commands(self) -> Mapping[str, CommandRecord]:
        return {record.command.id: record for batch in self.batches for record in batch.commands}


class Stage:
    """The twin, and a far side that writes what gateways write."""

    def __init__(self, pilot: Pilot | None = None, *, queue_limit: int = 10_000) -> None:
        self.pilot = pilot or small_pilot(homes=2, pathways=(Pathway.GATEWAY,))
        self.clock = DrivenClock(START)
        self.broker = MemoryBroker(clock=self.clock)
        self.twin_bus = self.broker.client("twin")
        self.far_bus = self.broker.client("far")
        self.far_bus.open()
        self.history = KeptHistory()
        self.state = PilotState(self.pilot, self.clock)
        self.book = CommandBook(self.pilot)
        adapters = {name: load(name)(self.pilot) for name in {endpoint.adapter for endpoint in self.pilot.endpoints}}
        self.dispatcher = Dispatcher(
            state=self.state, book=self.book, adapters=adapters, bus=self.twin_bus, clock=self.clock
        )
        self.ingest = Ingest(
            state=self.state,
            commands=self.dispatcher,
            adapters=adapters,
            bus=self.twin_bus,
            history=self.history,
            clock=self.clock,
            queue_limit=queue_limit,
        )
        self.twin_bus.open()
        self.commands: list[Frame] = []
        self.far_bus.subscribe(topics.endpoint(self.pilot.name, "+", topics.COMMAND), self.commands.append)
        self._sequence = itertools.count()

    def at(self, offset_s: float) -> datetime:
        return START + seconds(offset_s)

    def pass_time(self, offset_s: float) -> None:
        """It is `offset_s` after the start; the twin looks around."""
        self.clock.drive(self.at(offset_s))
        self.ingest.pump()

    def telemetry(
        self,
        values: Mapping[str, Mapping[str, float]],
        *,
        endpoint: str = "gw-h1",
        session: str = "s1",
        sequence: int | None = None,
        measured_at: datetime | None = None,
        published_at: datetime | None = None,
    ) -> None:
        """A gateway says what its devices measure, now unless told otherwise."""
        now = self.clock.now()
        payload = codec.encode_telemetry(
            endpoint=endpoint,
            session=session,
            sequence=next(self._sequence) if sequence is None else sequence,
            published_at=published_at or now,
            readings=[codec.Reading(device, measured_at or now, of) for device, of in values.items()],
        )
        self.publish(topics.TELEMETRY, payload, endpoint=endpoint)

    def status(self, state: str, *, endpoint: str = "gw-h1") -> None:
        message = Status.model_validate({"endpoint": endpoint, "state": state})
        self.publish(topics.STATUS, codec.encode(message), endpoint=endpoint, retain=True)

    def birth(self, *, endpoint: str = "gw-h1", session: str = "s1") -> None:
        message = Birth(
            endpoint=endpoint, session=session, published_at=self.clock.now(), software="gateway 1.0", devices=()
        )
        self.publish(topics.BIRTH, codec.encode(message), endpoint=endpoint, retain=True)

    def answer(self, command: str, outcome: str, *, endpoint: str = "gw-h1", reason: str = "") -> None:
        message = Response.model_validate(
            {
                "id": command,
                "endpoint": endpoint,
                "published_at": self.clock.now(),
                "outcome": outcome,
                "reason": reason,
            }
        )
        self.publish(topics.RESPONSE, codec.encode(message), endpoint=endpoint)

    def publish(self, channel: str, payload: bytes, *, endpoint: str = "gw-h1", retain: bool = False) -> None:
        self.far_bus.publish(topics.endpoint(self.pilot.name, endpoint, channel), payload, retain=retain)
        self.ingest.pump()

    @property
    def event_kinds(self) -> Sequence[str]:
        """Oldest first."""
        return [event.kind for event in reversed(self.state.events)]
