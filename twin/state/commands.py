"""The book of commands: who asked what of which device, what came of it, and which wishes are in force.

Nothing is sent from here and no clock is read: the time comes with every call, and what changed is fetched with
`changed`. Refuses, as CommandError, what no device could do. Not safe by itself: the dispatcher's lock guards it.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from twin.model.command import Command, CommandRecord, CommandState, CommandStep, advance
from twin.model.device import KINDS, Pathway
from twin.model.event import Reason, Refusal
from twin.model.quantity import QUANTITIES
from twin.model.telemetry import Report
from twin.model.topology import Device, Pilot
from twin.state.command_check import check_command
from twin.state.residual import Comparison, Moment, PowerMemory, compare

FINISHED_KEPT = 1_000
_ANSWER_S: Mapping[Pathway, float] = {Pathway.OEM: 120.0, Pathway.GATEWAY: 20.0, Pathway.HEMS: 20.0}
_REVERT = timedelta(seconds=5)  # a device whose clock runs ahead may end a command this much early
_TOLERANCE = {"W": 10.0, "1": 0.01, "K": 0.1, "degC": 0.3}  # vendors round: kW to 10 W, per cent, Fahrenheit
_RELATIVE = 0.01
_OUTCOMES = {state.value: state for state in CommandState}


@dataclass(slots=True, kw_only=True)
class _Entry:
    """A command whose life is not over, or whose wish is in force."""

    record: CommandRecord
    device: Device
    shown_by: str  # the reported quantity that shows it applied
    answer_s: float
    late_s: float  # how late evidence may arrive over this pathway
    sent_at: datetime | None = None
    shown_at: datetime | None = None  # when the device first measured itself doing it
    shown_in: str | None = None  # the endpoint's session then
    before: Sequence[Moment] = ()
    comparison: Comparison | None = field(default=None)

    @property
    def command(self) -> Command:
        return self.record.command

    def matches(self, value: float) -> bool:
        unit = QUANTITIES[self.command.quantity].unit
        wanted = self.command.value
        return abs(value - wanted) <= max(_TOLERANCE[unit], _RELATIVE * abs(wanted))


class CommandBook:
    """All commands of a pilot: the open ones, those in force, and the latest finished ones."""

    def __init__(self, pilot: Pilot) -> None:
        self._pilot = pilot
        self._memory = PowerMemory(pilot)
        self._entries: dict[str, _Entry] = {}
        self._in_force: dict[tuple[str, str], str] = {}
        self._finished: OrderedDict[str, CommandRecord] = OrderedDict()
        self._changed: dict[str, CommandRecord] = {}
        self._counts: Mapping[Pathway, Counter[CommandState]] = {pathway: Counter() for pathway in Pathway}
        self._number = 0

    # Readers.

    @property
    def counts(self) -> Mapping[CommandState, int]:
        """How many commands have reached each state since the start."""
        return dict(sum(self._counts.values(), Counter()))

    @property
    def counts_by_pathway(self) -> Mapping[Pathway, Mapping[CommandState, int]]:
        """The same, of each pathway by itself."""
        return {pathway: dict(counts) for pathway, counts in self._counts.items()}

    def records(self) -> Sequence[CommandRecord]:
        """Commands that are open or in force, and the latest finished ones; newest first."""
        every = [*self._finished.values(), *(entry.record for entry in self._entries.values())]
        return tuple(sorted(every, key=lambda record: record.command.requested_at, reverse=True))

    def record(self, command: str) -> CommandRecord | None:
        """One command, unless it is unknown or finished long ago."""
        entry = self._entries.get(command)
        return entry.record if entry is not None else self._finished.get(command)

    def in_force(self, command: str) -> bool:
        """True while the command's wish stands: not ended, refused, superseded or overridden."""
        entry = self._entries.get(command)
        return entry is not None and self._in_force.get((entry.device.id, entry.command.quantity)) == command

    def changed(self) -> Sequence[CommandRecord]:
        """Commands that took a step since the last call, each as it is now."""
        changed = tuple(self._changed.values())
        self._changed.clear()
        return changed

    def unsent(self) -> Sequence[Command]:
        """Commands that still have to go out."""
        return [entry.command for entry in self._entries.values() if entry.sent_at is None and entry.record.open]

    def restore(self, records: Sequence[CommandRecord], now: datetime) -> Sequence[Command]:
        """Take up what an earlier process left, newest first as history gives it; the commands whose wish stands.

        Nothing is counted anew. Commands of devices that the pilot no longer has are left to history.
        """
        standing = []
        for record in reversed(records):
            command = record.command
            self._number += 1
            device = self._pilot.device.get(command.device)
            if device is None or command.quantity not in KINDS[device.kind].controls:
                continue
            stands = now < command.expires_at and (record.open or record.state is CommandState.VERIFIED)
            if not record.open and not stands:
                self._finished[command.id] = record
                continue
            entry = self._enter(record, device)
            entry.sent_at, entry.shown_at = record.reached(CommandState.SENT), record.reached(CommandState.APPLIED)
            if stands:
                self._in_force[command.device, command.quantity] = command.id
                standing.append(command)
        return standing

    # A command's life.

    def request(
        self,
        *,
        device: str,
        quantity: str,
        value: float,
        duration_s: float,
        priority: int,
        origin: str,
        now: datetime,
    ) -> CommandRecord:
        """Enter a command. It supersedes one in force on the same quantity; under a stronger one it is refused.

        Raises CommandError when the device, quantity, value, duration or priority cannot be.
        """
        found = check_command(
            self._pilot, device=device, quantity=quantity, value=value, duration_s=duration_s, priority=priority
        )
        self._number += 1
        command = Command(
            id=f"{now:%Y%m%dt%H%M%S}-{self._number}-{device}"[:64],
            device=device,
            quantity=quantity,
            value=value,
            requested_at=now,
            expires_at=now + timedelta(seconds=duration_s),
            priority=priority,
            origin=origin,
        )
        steps = (CommandStep(state=CommandState.REQUESTED, at=now),)
        entry = self._enter(CommandRecord(command=command, steps=steps), found)
        self._note(entry)
        standing = self._entries.get(self._in_force.get((device, quantity), ""))
        if standing is not None and standing.command.expires_at > now:
            if standing.command.priority > priority:
                reason = f"{standing.command.id} of priority {standing.command.priority} is in force"
                return self._step(entry, CommandState.REFUSED, now, reason)
            self._end(standing, CommandState.SUPERSEDED, now, f"by {command.id}")
        self._in_force[device, quantity] = command.id
        return entry.record

    def sent(self, command: str, now: datetime) -> None:
        """The command has gone out, for the first time or again."""
        entry = self._entries.get(command)
        if entry is None:
            return
        if entry.record.reached(CommandState.APPLIED) is None:
            entry.before = self._memory.moments(entry.device, None, now)
        entry.sent_at = now
        self._step(entry, CommandState.SENT, now)

    def refuse(self, command: str, now: datetime, reason: str) -> None:
        """The command cannot be said in the far side's words."""
        entry = self._entries.get(command)
        if entry is not None:
            self._end(entry, CommandState.REFUSED, now, reason)

    def answer(self, *, endpoint: str, command: str, outcome: str, reason: str, now: datetime) -> Refusal | None:
        """Take an endpoint's answer; a refusal comes back when it answers nothing that was asked of it."""
        record = self.record(command)
        if record is None:
            return Refusal(reason=Reason.UNKNOWN_COMMAND, detail=f"{endpoint} answers {command!r}, never asked")
        if self._pilot.device[record.command.device].endpoint != endpoint:
            detail = f"{endpoint} answers {command!r}, which was asked of another endpoint"
            return Refusal(reason=Reason.NOT_ITS_DEVICE, detail=detail)
        state = _OUTCOMES.get(outcome)
        if state not in {
            CommandState.ACKNOWLEDGED,
            CommandState.REFUSED,
            CommandState.EXPIRED,
            CommandState.SUPERSEDED,
        }:
            return Refusal(reason=Reason.WRONG_SHAPE, detail=f"{endpoint} answers {command!r} with {outcome!r}")
        entry = self._entries.get(command)
        if entry is None:
            return None  # the answer to a command that has ended: late, not wrong
        if state is CommandState.ACKNOWLEDGED:
            self._step(entry, state, now, reason)
            self._judge(entry, now)
        else:
            self._end(entry, state, now, reason or f"by {endpoint}")
        return None

    def reports(self, reports: Sequence[Report], *, session: str | None, now: datetime) -> Sequence[Command]:
        """Learn from what devices measured. Comes back with commands that a restarted device has forgotten."""
        for report in reports:
            self._memory.add(report)
        if not self._entries:
            return ()
        forgotten: list[Command] = []
        homes = {self._pilot.device[report.device].home for report in reports}
        for entry in [entry for entry in self._entries.values() if entry.device.home in homes]:
            own = [report for report in reports if report.device == entry.device.id]
            if sum(self._seen(entry, report, session, now) for report in own):
                forgotten.append(entry.command)
            if entry.sent_at is not None and entry.record.reached(CommandState.APPLIED) is None:
                before = self._memory.moments(entry.device, None, entry.sent_at)
                entry.before = before if len(before) >= len(entry.before) else entry.before
            self._judge(entry, now)
        return forgotten

    def reconnected(self, endpoint: str) -> Sequence[Command]:
        """Open commands that an endpoint may not have got, or not have passed on, before it went away."""
        return [
            entry.command
            for entry in self._entries.values()
            if entry.device.endpoint == endpoint and entry.record.open and entry.shown_at is None
        ]

    def tick(self, now: datetime, online: Callable[[str], bool]) -> None:
        """End what is over: past its expiry, or unanswered too long by an endpoint that is there."""
        for entry in list(self._entries.values()):
            expires_at = entry.command.expires_at
            if now >= expires_at:
                self._release(entry)
                waits = entry.record.state in {CommandState.ACKNOWLEDGED, CommandState.APPLIED}
                if not waits or now >= expires_at + timedelta(seconds=entry.late_s):
                    self._end(entry, CommandState.EXPIRED, now, self._shortfall(entry))
            elif entry.record.state is CommandState.SENT and online(entry.device.endpoint):
                self._check_answered(entry, now)

    # Inside.

    def _enter(self, record: CommandRecord, device: Device) -> _Entry:
        endpoint = self._pilot.endpoint[device.endpoint]
        entry = _Entry(
            record=record,
            device=device,
            shown_by=KINDS[device.kind].controls[record.command.quantity],
            answer_s=_ANSWER_S[endpoint.pathway] + endpoint.interval_s,
            late_s=endpoint.max_age_s,
        )
        self._entries[record.command.id] = entry
        return entry

    def _seen(self, entry: _Entry, report: Report, session: str | None, now: datetime) -> bool:
        """Take in the device's own report; True when it has forgotten the command in a restart."""
        value = report.values.get(entry.shown_by)
        since, until = entry.shown_at or entry.sent_at, entry.command.expires_at
        if value is None or since is None or not since < report.measured_at < until:
            return False
        if entry.shown_at is None:
            if entry.matches(value):
                entry.shown_at, entry.shown_in = report.measured_at, session
            return False
        if entry.matches(value) or report.measured_at >= until - _REVERT:
            return False
        if session is not None and session != entry.shown_in:
            entry.shown_at = None
            return True
        self._end(entry, CommandState.SUPERSEDED, now, f"overridden at the device, which reports {value:g}")
        return False

    def _judge(self, entry: _Entry, now: datetime) -> None:
        """Applied when the device shows it, verified when the meter agrees."""
        if entry.shown_at is None or not entry.record.open:
            return
        if entry.record.state is CommandState.ACKNOWLEDGED:
            self._step(entry, CommandState.APPLIED, now)
        if entry.record.state is not CommandState.APPLIED:
            return
        after = self._memory.moments(entry.device, entry.shown_at, entry.command.expires_at)
        entry.comparison = compare(entry.before, after)
        if entry.comparison is not None and entry.comparison.agrees:
            self._step(entry, CommandState.VERIFIED, now)

    def _check_answered(self, entry: _Entry, now: datetime) -> None:
        if entry.sent_at is None or (now - entry.sent_at).total_seconds() <= entry.answer_s:
            return
        if entry.shown_at is not None:  # it never answered, but it does as it was asked
            self._step(entry, CommandState.APPLIED, now, "not answered")
            self._judge(entry, now)
        else:
            self._end(entry, CommandState.UNREACHABLE, now, f"no answer within {entry.answer_s:g} s")

    @staticmethod
    def _shortfall(entry: _Entry) -> str:
        match entry.record.state:
            case CommandState.REQUESTED:
                return "never sent: its endpoint was not there"
            case CommandState.SENT:
                return "never answered"
            case CommandState.ACKNOWLEDGED:
                return "the device never reported it"
        if entry.comparison is None:
            return "applied, but no meter reading to hold it against"
        return (
            f"applied, but the meter does not agree: the device moved by {entry.comparison.device_change_w:.0f} W, "
            f"the rest of the home by {entry.comparison.residual_change_w:.0f} W"
        )

    def _step(self, entry: _Entry, state: CommandState, now: datetime, reason: str = "") -> CommandRecord:
        record = advance(entry.record, CommandStep(state=state, at=now, reason=reason))
        if record is not entry.record:
            entry.record = record
            self._note(entry)
        if not record.open and not self.in_force(record.command.id):
            self._finish(entry)
        return entry.record

    def _end(self, entry: _Entry, state: CommandState, now: datetime, reason: str) -> None:
        """The wish no longer stands; the command takes a last step unless it has taken it already."""
        self._release(entry)
        self._step(entry, state, now, reason)

    def _note(self, entry: _Entry) -> None:
        self._changed[entry.command.id] = entry.record
        self._counts[self._pilot.endpoint[entry.device.endpoint].pathway][entry.record.state] += 1

    def _release(self, entry: _Entry) -> None:
        key = (entry.command.device, entry.command.quantity)
        if self._in_force.get(key) == entry.command.id:
            del self._in_force[key]
            self._changed[entry.command.id] = entry.record

    def _finish(self, entry: _Entry) -> None:
        self._entries.pop(entry.command.id, None)
        self._finished[entry.command.id] = entry.record
        while len(self._finished) > FINISHED_KEPT:
            self._finished.popitem(last=False)
