"""Alarms: what needs somebody, what has been seen, and what is over; each with what to do about it."""

import asyncio
from collections.abc import Sequence
from functools import partial

from nicegui import app, ui

from twin.console.kit import Text, button, empty, link, panel, pill, put, tag
from twin.console.kit import page as heading
from twin.console.live import TICK_S
from twin.console.pages.strips import SEVERITY_TONES
from twin.console.views import Views
from twin.console.words import DASH, age, lately, plural
from twin.model.alarm import Alarm

_ENDED_SHOWN = 50
_NAME = "hearthgrid-operator"


def page(views: Views) -> None:
    """Build the page."""
    _Alarms(views)


class _Alarms:
    def __init__(self, views: Views) -> None:
        self._views = views
        self._shown: object = None
        with heading("Alarms", "what is wrong, what to do, and who has seen it"):
            if views.sources.alarms is not None:
                self._all = button("Acknowledge all", self._acknowledge_all)
        with tag("div", "stack"):
            with panel("Standing", width="") as self._note:
                self._standing = tag("div")
            with panel("Over", width="", note=f"newest first, at most {_ENDED_SHOWN}"):
                self._over = tag("div")
        self.update()
        ui.timer(TICK_S, self.update)

    def update(self) -> None:
        """Show the alarms as they are now; rebuilt only when something but an age has changed."""
        alarms, desk = self._views.alarms.get(), self._views.sources.alarms
        ended = tuple(desk.ended())[:_ENDED_SHOWN] if desk is not None else ()
        shown = (tuple((one, one.condition.text) for one in alarms), ended)
        if shown == self._shown:
            return
        self._shown = shown
        waiting = sum(alarm.waits for alarm in alarms)
        self._note.say(f"{plural(waiting, 'alarm')} not yet acknowledged" if waiting else "")
        if desk is not None:
            self._all.classes(remove="hidden" if waiting else "", add="" if waiting else "hidden")
        self._standing.clear()
        with self._standing:
            if alarms:
                self._table(alarms)
            else:
                empty("Nothing is wrong.", "Every endpoint is online and every device within its promised age.")
        self._over.clear()
        with self._over:
            if ended:
                self._past(ended)
            else:
                empty("No alarm has ended yet.", "Older ones are in history, among the events.")

    def _table(self, alarms: Sequence[Alarm]) -> None:
        now = self._views.sources.clock.now()
        with tag("div", "scroll"), tag("table", "plain folding", aria_label="Standing alarms"):
            _head("Severity", "Subject", "What is seen, and what to do", "Since, UTC", "Seen by", "Action")
            with tag("tbody"):
                for alarm in alarms:
                    condition = alarm.condition
                    with tag("tr", f"waits {SEVERITY_TONES[condition.severity]}" if alarm.waits else ""):
                        with tag("td"):
                            pill(condition.severity.capitalize(), SEVERITY_TONES[condition.severity])
                        with tag("td", "nowrap"):
                            link(condition.subject, condition.page, "strong")
                        with tag("td"):
                            Text(condition.text + ("" if alarm.cleared_at is None else " (over)"), tag="div")
                            Text(condition.advice, tag="div", classes="soft")
                        Text(lately(alarm.raised_at, now), tag="td", classes="nowrap soft")
                        Text(_seen(alarm), tag="td", classes="soft")
                        with tag("td", "end"):
                            if alarm.waits and self._views.sources.alarms is not None:
                                press = button("Acknowledge", partial(self._ask, alarm))
                                put(press, "aria-label", f"Acknowledge {condition.kind} of {condition.subject}")

    def _past(self, ended: Sequence[Alarm]) -> None:
        now = self._views.sources.clock.now()
        with tag("div", "scroll"), tag("table", "plain folding", aria_label="Alarms that are over"):
            _head("Raised, UTC", "Severity", "Subject", "What was seen", "Lasted", "Seen by")
            with tag("tbody"):
                for alarm in ended:
                    lasted_s = ((alarm.cleared_at or alarm.raised_at) - alarm.raised_at).total_seconds()
                    with tag("tr"):
                        Text(lately(alarm.raised_at, now), tag="td", classes="nowrap soft")
                        with tag("td"):
                            pill(alarm.condition.severity.capitalize(), SEVERITY_TONES[alarm.condition.severity])
                        with tag("td", "nowrap"):
                            link(alarm.condition.subject, alarm.condition.page)
                        Text(alarm.condition.text, tag="td", classes="soft")
                        Text(age(lasted_s), tag="td", classes="nowrap soft")
                        Text(_seen(alarm), tag="td", classes="soft")

    def _acknowledge_all(self) -> None:
        self._ask(*(alarm for alarm in self._views.alarms.get() if alarm.waits))

    def _ask(self, *alarms: Alarm) -> None:
        """A small form: who has seen it, and a word on it."""
        with ui.dialog() as dialog, ui.card().classes("dialog"):
            Text(f"Acknowledge {plural(len(alarms), 'alarm')}", tag="h2")
            for alarm in alarms[:3]:
                Text(f"{alarm.condition.subject}: {alarm.condition.text}", tag="p", classes="soft")
            with tag("div", "form"):
                name = ui.input("Your name", value=app.storage.client.get(_NAME, "")).props("outlined dense autofocus")
                comment = ui.input("Comment, if any").props("outlined dense maxlength=500")
            error = Text("", tag="p", classes="tone-bad")

            async def done() -> None:
                by = str(name.value or "").strip()
                if not by:
                    error.say("Give your name: whoever comes next wants to know whom to ask.")
                    return
                app.storage.client[_NAME] = by
                await asyncio.to_thread(self._acknowledge, alarms, by, str(comment.value or "").strip())
                dialog.close()
                self._views.alarms.forget()
                self.update()

            with tag("div", "row"):
                tag("span", "grow")
                button("Cancel", dialog.close)
                button("Acknowledge", done, prime=True)
        dialog.on("hide", dialog.delete)
        dialog.open()

    def _acknowledge(self, alarms: Sequence[Alarm], by: str, comment: str) -> None:
        desk, now = self._views.sources.alarms, self._views.sources.clock.now()
        for alarm in alarms:
            if desk is not None and any(alarm.id == one.id for one in desk.open()):
                desk.acknowledge(alarm.id, by=by[:80], comment=comment[:500], now=now)


def _head(*columns: str) -> None:
    with tag("thead"), tag("tr"):
        for column in columns:
            Text(column, tag="th")


def _seen(alarm: Alarm) -> str:
    return f"{alarm.acknowledged_by}: {alarm.comment}" if alarm.comment else alarm.acknowledged_by or DASH
