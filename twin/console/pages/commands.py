"""Commands: every command's life."""

from collections import Counter

from nicegui import ui

from twin.console.kit import page as heading
from twin.console.kit import panel, pill, tag
from twin.console.live import TICK_S
from twin.console.pages.life import CommandList
from twin.console.views import Views
from twin.console.words import STATE_TONES
from twin.model.command import CommandState

_SHOWN = 100
_HINT = "Open a home and choose “Set…” beside what you want to change, or use `twin set DEVICE QUANTITY VALUE`."


def page(views: Views) -> None:
    """Build the page."""
    with heading("Commands", "requested, sent, acknowledged, applied by the device, verified at the meter"):
        pass
    with tag("div", "stack"):
        with panel("By state", width=""), tag("div", "row"):
            states = {state: pill("") for state in CommandState}
        with panel("All commands", width="", note=f"newest first, at most {_SHOWN}"):
            commands = CommandList(views, limit=_SHOWN, hint=_HINT)

    def update() -> None:
        records = views.commands.get()
        counts = Counter(record.state for record in records)
        for state, text in states.items():
            number = counts.get(state, 0)
            text.say(f"{state.value} {number}", STATE_TONES[state] if number else "")
        commands.say(records)

    update()
    ui.timer(TICK_S, update)
