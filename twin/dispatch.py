"""Sends commands and follows them: encodes, publishes, takes answers, sends again after an outage, ends what is over.

The book of commands decides; this module speaks. It never touches what a device reported. Anyone may ask, on any
thread; what a request cannot be is refused with CommandError before anything is sent.
"""

import threading
from collections.abc import Mapping, Sequence

from twin.adapters.port import Adapter, Answer, RefusedError
from twin.bus.port import Bus, BusError
from twin.clock import Clock
from twin.model.command import Command, CommandRecord, CommandState
from twin.model.device import Pathway
from twin.model.event import Refusal, Severity
from twin.model.telemetry import Report
from twin.state.commands import CommandBook
from twin.state.device_twin import Desired
from twin.state.registry import PilotState

_WORTH_A_GLANCE = {
    CommandState.REFUSED: Severity.WARNING,
    CommandState.EXPIRED: Severity.WARNING,
    CommandState.UNREACHABLE: Severity.WARNING,
    CommandState.SUPERSEDED: Severity.INFORMATION,
}
_UNSAVED = 10_000  # records waiting for history while it cannot write; beyond, the oldest give way


class Dispatcher:
    """The way of commands out to the endpoints and of their answers back. `adapters` are by name, as in the pilot."""

    def __init__(
        self, *, state: PilotState, book: CommandBook, adapters: Mapping[str, Adapter], bus: Bus, clock: Clock
    ) -> None:
        self._state = state
        self._book = book
        self._adapters = adapters
        self._bus = bus
        self._clock = clock
        self._lock = threading.RLock()
        self._unsaved: dict[str, CommandRecord] = {}

    def request(
        self,
        device: str,
        quantity: str,
        value: float,
        duration_s: float,
        priority: int = 5,
        origin: str = "operator",
    ) -> CommandRecord:
        """Ask a device for `value` of `quantity` for `duration_s`; the record as it stands when the message is out.

        While its endpoint is offline, or the bus is gone, the command waits as `requested` and goes out later. It is
        refused when one of higher priority is in force. Raises CommandError for what cannot be asked.
        """
        with self._lock:
            record = self._book.request(
                device=device,
                quantity=quantity,
                value=value,
                duration_s=duration_s,
                priority=priority,
                origin=origin,
                now=self._clock.now(),
            )
            command = record.command
            if record.open:
                wish = Desired(value=value, command_id=command.id, until=command.expires_at, priority=priority)
                self._state.desire(device, quantity, wish)
                self._send(command)
            self._follow()
            return self._book.record(command.id) or record

    def restore(self, records: Sequence[CommandRecord]) -> None:
        """Take up the commands of an earlier process, newest first as history gives them; wishes stand again."""
        with self._lock:
            for command in self._book.restore(records, self._clock.now()):
                wish = Desired(
                    value=command.value, command_id=command.id, until=command.expires_at, priority=command.priority
                )
                self._state.desire(command.device, command.quantity, wish)

    def answered(self, answer: Answer) -> Refusal | None:
        """Take an endpoint's answer; a refusal comes back when it answers nothing that it was asked."""
        with self._lock:
            refusal = self._book.answer(
                endpoint=answer.endpoint,
                command=answer.command,
                outcome=answer.outcome,
                reason=answer.reason,
                now=self._clock.now(),
            )
            self._follow()
            return refusal

    def reported(self, reports: Sequence[Report], *, session: str | None) -> None:
        """Learn from new reports of one endpoint what has come of its commands."""
        with self._lock:
            for command in self._book.reports(reports, session=session, now=self._clock.now()):
                self._send(command)
            self._follow()

    def came_online(self, endpoint: str) -> None:
        """Send an endpoint what it missed: its open commands that its devices do not yet show, under the same ids."""
        with self._lock:
            for command in self._book.reconnected(endpoint):
                self._send(command)
            self._follow()

    def tick(self) -> None:
        """Send what still waits, end what is over. To be called at least every second of the pilot's time."""
        with self._lock:
            self._book.tick(self._clock.now(), self._is_there)
            for command in self._book.unsent():
                self._send(command)
            self._follow()

    def records(self) -> Sequence[CommandRecord]:
        """Open commands and the latest finished ones, newest first."""
        with self._lock:
            return self._book.records()

    def record(self, command: str) -> CommandRecord | None:
        """One command, unless it is unknown or finished long ago."""
        with self._lock:
            return self._book.record(command)

    def counts(self) -> Mapping[CommandState, int]:
        """How many commands have reached each state since the start."""
        with self._lock:
            return self._book.counts

    def counts_by_pathway(self) -> Mapping[Pathway, Mapping[CommandState, int]]:
        """How many commands over each pathway have reached each state since the start."""
        with self._lock:
            return self._book.counts_by_pathway

    def unsaved(self) -> Sequence[CommandRecord]:
        """Commands that took a step since the last call, each as it is now: for history."""
        with self._lock:
            records = tuple(self._unsaved.values())
            self._unsaved.clear()
            return records

    # Inside; the lock is held.

    def _is_there(self, endpoint: str) -> bool:
        return self._bus.connected and self._state.online(endpoint) is not False

    def _send(self, command: Command) -> None:
        device = self._state.pilot.device[command.device]
        if not self._is_there(device.endpoint):
            return  # it goes out when the endpoint is back
        now = self._clock.now()
        adapter = self._adapters[self._state.pilot.endpoint[device.endpoint].adapter]
        try:
            message = adapter.encode(device.endpoint, command)
        except (RefusedError, ValueError) as error:
            self._book.refuse(command.id, now, f"{device.endpoint} has no words for it: {error}")
            return
        try:
            self._bus.publish(message.topic, message.payload, qos=1)
        except BusError:
            return  # `tick` tries again until the command expires
        self._book.sent(command.id, now)

    def _follow(self) -> None:
        """Let state and history follow what changed in the book."""
        for record in self._book.changed():
            command = record.command
            if not self._book.in_force(command.id):
                self._state.desire(command.device, command.quantity, None, only_of=command.id)
            severity = _WORTH_A_GLANCE.get(record.state)
            if severity is not None:
                self._state.note(severity, f"command-{record.state}", command.device, _text(record))
            self._unsaved[command.id] = record
            while len(self._unsaved) > _UNSAVED:
                del self._unsaved[next(iter(self._unsaved))]


def _text(record: CommandRecord) -> str:
    command = record.command
    return f"{command.quantity} = {command.value:g} ({command.id}): {record.steps[-1].reason}"
