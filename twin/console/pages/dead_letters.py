"""Dead letters: messages that could not be taken, by reason, with their first bytes."""

from collections.abc import Sequence

from nicegui import ui

from twin.console.kit import Facts, Text, empty, panel, pill, tag
from twin.console.kit import page as heading
from twin.console.live import TICK_S
from twin.console.views import Views
from twin.console.words import count, moment
from twin.model.event import DeadLetter, Reason

_SHOWN = 60
_EXCERPT = 160


def page(views: Views) -> None:
    """Build the page."""
    state = views.sources.state
    with heading("Dead letters", "counted and kept with their reason; the stream goes on") as sub:
        pass
    with tag("div", "grid12"):
        with panel("By reason", width="w3"):
            reasons = Facts([reason.replace("-", " ") for reason in Reason])
        with panel("Latest", width="w9", note=f"newest first, at most {_SHOWN}"):
            place = tag("div")
    shown: list[object] = [None]

    def update() -> None:
        counts = state.dead_letter_counts
        if counts == shown[0]:
            return
        shown[0] = counts
        sub.say(f"{count(sum(counts.values()))} since the start; each is kept with its reason and the stream goes on")
        for reason in Reason:
            number = counts.get(reason, 0)
            reasons.say(reason.replace("-", " "), count(number), "tone-warn" if number else "tone-mute")
        place.clear()
        with place:
            letter_table(state.dead_letters[:_SHOWN])

    update()
    ui.timer(TICK_S, update)


def letter_table(letters: Sequence[DeadLetter]) -> None:
    """Dead letters as a table: when, why, from where and how they begin."""
    if not letters:
        empty(
            "No message was refused.",
            "A message that is not JSON, of an unknown device or out of range would stand here.",
        )
        return
    with tag("div", "scroll"), tag("table", "plain folding", aria_label="Latest dead letters"):
        with tag("thead"), tag("tr"):
            for column in ("Time, UTC", "Reason", "Detail", "Topic and first bytes"):
                Text(column, tag="th")
        with tag("tbody"):
            for letter in letters:
                with tag("tr"):
                    Text(moment(letter.at), tag="td", classes="nowrap soft")
                    with tag("td"):
                        pill(letter.reason.replace("-", " "), "warn")
                    Text(letter.detail, tag="td")
                    with tag("td"):
                        Text(letter.topic, tag="div", classes="mono")
                        Text(letter.excerpt[:_EXCERPT].decode("utf-8", "backslashreplace"), classes="excerpt")
