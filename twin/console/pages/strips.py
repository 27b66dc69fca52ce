"""Strips that several pages show: filling of history, what is wrong now, the latest events."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from nicegui import ui

from twin.console.kit import Bar, Text, empty, link, pill, put, tag
from twin.console.live import HistoryError
from twin.console.views import Views
from twin.console.words import age, lately, moment
from twin.model.alarm import Condition
from twin.model.event import Event, Severity

SEVERITY_TONES = {Severity.INFORMATION: "", Severity.WARNING: "warn", Severity.ALARM: "bad"}
_USUAL_BACKFILL = timedelta(hours=24)
_SHOWN = 4


class Backfill:
    """How far history is filled, while it is being filled; hidden else."""

    def __init__(self, views: Views) -> None:
        self._views = views
        self._first: datetime | None = None
        with tag("div", "banner hidden", role="status") as self._banner:
            self._text = Text("")
            self._bar = Bar("Filling history")
        self.update()

    def update(self) -> None:
        """Show how far it is."""
        until = self._views.health.get().backfill_until
        now = self._views.sources.clock.now()
        busy = self._views.filling
        self._banner.classes(remove="hidden" if busy else "", add="" if busy else "hidden")
        if until is None or not busy:
            return
        begin = until - _USUAL_BACKFILL
        self._text.say(f"Filling history at full speed: {moment(now)}, {age((until - now).total_seconds())} to go")
        self._bar.say((now - begin) / (until - begin))


class HistoryNote:
    """Says why the charts are empty when history does not answer; hidden else."""

    def __init__(self) -> None:
        with tag("div", "banner warn hidden", role="status") as self._banner:
            self._text = Text("")

    def say(self, error: HistoryError | None) -> None:
        """Show the error, or hide."""
        self._banner.classes(remove="hidden" if error else "", add="" if error else "hidden")
        self._text.say(f"History cannot be read: {error}. Charts go on from now; see Twin health." if error else "")


class ConditionList:
    """What is wrong now, each with a link to where it shows; hidden while nothing is."""

    def __init__(self, views: Views) -> None:
        self._views = views
        self._shown: Sequence[Condition] = ()
        with tag("div", "banner warn hidden", role="status") as self._banner:
            self._places: list[tuple[ui.element, Text, Text, Text]] = []
            for _ in range(_SHOWN):
                with tag("div", "row hidden") as line:
                    self._places.append((line, pill(""), link("", "/", "strong"), Text("", classes="soft")))
            self._more = link("", "/alarms", "hidden")

    def update(self) -> None:
        """Show what is wrong now."""
        found = self._views.conditions.get()
        if found == self._shown:
            return
        self._shown = found
        alarming = any(one.severity is Severity.ALARM for one in found)
        self._banner.classes(remove="hidden bad warn", add=("bad" if alarming else "warn") if found else "hidden")
        for number, (line, severity, subject, text) in enumerate(self._places):
            here = number < len(found)
            line.classes(remove="hidden" if here else "", add="" if here else "hidden")
            if here:
                one = found[number]
                severity.say(one.severity.capitalize(), SEVERITY_TONES[one.severity])
                subject.say(one.subject)
                put(subject, "href", one.page)
                text.say(one.text)
        more = len(found) - _SHOWN
        self._more.say(f"and {more} more" if more > 0 else "")
        self._more.classes(remove="hidden" if more > 0 else "", add="" if more > 0 else "hidden")


class EventList:
    """The latest events, newest first; rebuilt only when there is a new one. `about` keeps those of some subjects."""

    def __init__(self, views: Views, *, limit: int, about: frozenset[str] | None = None) -> None:
        self._views = views
        self._about = about
        self._limit = limit
        self._shown: Sequence[Event] | None = None
        self._place = tag("div")
        self.update()

    def update(self) -> None:
        """Show the newest events."""
        events = self._views.sources.state.events
        if self._about is not None:
            events = [event for event in events if event.subject in self._about]
        events = events[: self._limit]
        if events == self._shown:
            return
        self._shown = events
        self._place.clear()
        with self._place:
            if events:
                event_table(self._views, events)
            else:
                empty("Nothing has happened yet.", "Devices that appear, go silent or come back are listed here.")


def event_table(views: Views, events: Sequence[Event]) -> None:
    """Events as a table: when, how urgent, what happened to whom."""
    now = views.sources.clock.now()
    with tag("div", "scroll"), tag("table", "plain folding", aria_label="Events"):
        with tag("thead"), tag("tr"):
            for column in ("Time, UTC", "Severity", "Event", "Subject", "Details"):
                Text(column, tag="th")
        with tag("tbody"):
            for event in events:
                with tag("tr"):
                    Text(lately(event.at, now), tag="td", classes="nowrap soft")
                    with tag("td"):
                        pill(event.severity.capitalize(), SEVERITY_TONES[event.severity])
                    Text(event.kind.replace("-", " "), tag="td", classes="nowrap")
                    with tag("td", "nowrap"):
                        subject_link(views, event.subject)
                    Text(event.text, tag="td", classes="soft")


def subject_link(views: Views, subject: str) -> None:
    """What an event is about, as a link when there is a page for it."""
    pilot = views.sources.pilot
    if subject in pilot.device:
        link(subject, f"/homes/{pilot.device[subject].home}")
    elif subject in pilot.home:
        link(subject, f"/homes/{subject}")
    elif subject in pilot.endpoint:
        link(subject, f"/endpoints/{subject}")
    else:
        Text(subject)
