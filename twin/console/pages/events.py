"""Events: what is wrong now, and what appeared, vanished, failed and recovered."""

from nicegui import ui

from twin.console.kit import Text, empty, link, panel, pill, tag
from twin.console.kit import page as heading
from twin.console.live import TICK_S
from twin.console.pages.strips import SEVERITY_TONES, EventList
from twin.console.views import Views

_SHOWN = 200


def page(views: Views) -> None:
    """Build the page."""
    with heading("Events"):
        pass
    with tag("div", "stack"):
        with panel("Wrong now", width=""):
            place = tag("div")
        with panel("Events", width="", note=f"newest first, at most {_SHOWN}"):
            events = EventList(views, limit=_SHOWN)
    shown: list[object] = [None]

    def update() -> None:
        events.update()
        found = views.conditions.get()
        if found == shown[0]:
            return
        shown[0] = found
        place.clear()
        with place:
            if not found:
                empty("Nothing is wrong.", "Every endpoint is online and every device within its promised age.")
            for one in found:
                with tag("div", "row wrong"):
                    pill(one.severity.capitalize(), SEVERITY_TONES[one.severity])
                    link(one.subject, one.page, "strong")
                    Text(one.text, classes="soft")

    update()
    ui.timer(TICK_S, update)
