"""A command's life, step by step with times: on the home's page, in the dialog that sent it, in the list of all."""

from collections.abc import Sequence

from twin.console.kit import Text, dot, empty, link, pill, put, tag
from twin.console.views import Views
from twin.console.words import QUANTITY_NAMES, STATE_TONES, age, clock, moment, quantity
from twin.model.command import CommandRecord, CommandState

_DOTS = {"wait": "accent", "good": "good", "bad": "bad", "mute": "faint"}
_NEXT = {
    CommandState.REQUESTED: "waiting to be sent",
    CommandState.SENT: "waiting for the endpoint's answer",
    CommandState.ACKNOWLEDGED: "waiting for the device to report it",
    CommandState.APPLIED: "waiting for the meter to agree",
}


class Life:
    """The steps of one command in a row; rebuilt only when there is a new one."""

    def __init__(self) -> None:
        self._shown: CommandRecord | None = None
        self._place = tag("div", "life", role="status")

    def say(self, record: CommandRecord) -> None:
        """Show the steps that `record` has taken."""
        if record == self._shown:
            return
        self._shown = record
        self._place.clear()
        first = record.steps[0].at
        with self._place:
            for number, step in enumerate(record.steps):
                tone = STATE_TONES[step.state]
                with tag("span", f"step {tone}"):
                    dot(_DOTS[tone])
                    Text(step.state.value)
                    when = clock(step.at) if number == 0 else f"+{age((step.at - first).total_seconds())}"
                    put(Text(when, tag="time"), "datetime", step.at.isoformat())
            reason = record.steps[-1].reason
            if reason or record.open:
                with tag("span", "step"):
                    Text(reason or _NEXT[record.state], classes="soft")


class CommandList:
    """Commands newest first; each row changes in place, new ones come in on top."""

    def __init__(self, views: Views, *, limit: int, hint: str) -> None:
        self._views = views
        self._limit = limit
        self._hint = hint
        self._rows: dict[str, _Row] = {}
        self._body = tag("div")
        self._empty = tag("div")
        with self._empty:
            empty("No command yet.", hint)

    def say(self, records: Sequence[CommandRecord]) -> None:
        """Show these records, newest first."""
        shown = records[: self._limit]
        if {record.command.id for record in shown} != self._rows.keys():
            self._rows = {}
            self._body.clear()
            with self._body:
                for record in shown:
                    self._rows[record.command.id] = _Row(self._views, record)
        for record in shown:
            self._rows[record.command.id].say(record)
        self._empty.classes(remove="" if shown else "hidden", add="hidden" if shown else "")


class _Row:
    def __init__(self, views: Views, record: CommandRecord) -> None:
        command = record.command
        home = views.sources.pilot.device[command.device].home
        with tag("article", "command"):
            with tag("div", "row"):
                self._state = pill("")
                link(command.device, f"/homes/{home}", "strong")
                name = QUANTITY_NAMES.get(command.quantity, command.quantity)
                Text(f"{name} to {quantity(command.quantity, command.value)}")
                tag("span", "grow")
                lasts = age((command.expires_at - command.requested_at).total_seconds())
                by = f"for {lasts}, priority {command.priority}, by {command.origin}"
                Text(f"{moment(command.requested_at)} UTC, {by}", classes="faint")
            self._life = Life()

    def say(self, record: CommandRecord) -> None:
        self._state.say(record.state.value, STATE_TONES[record.state])
        self._life.say(record)
