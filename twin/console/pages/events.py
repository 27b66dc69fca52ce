"""Events: what appeared, vanished, failed and recovered, newest first."""

from nicegui import ui

from twin.console.kit import link, panel, tag
from twin.console.kit import page as heading
from twin.console.live import TICK_S
from twin.console.pages.strips import EventList
from twin.console.views import Views

_SHOWN = 200


def page(views: Views) -> None:
    """Build the page."""
    with heading("Events", "what appeared, vanished, failed and recovered"):
        link("What is wrong now", "/alarms", "button")
    with tag("div", "stack"), panel("Events", width="", note=f"newest first, at most {_SHOWN}"):
        events = EventList(views, limit=_SHOWN)
    ui.timer(TICK_S, events.update)
