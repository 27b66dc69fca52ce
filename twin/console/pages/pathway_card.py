"""One pathway at a glance: age against its promise and latency, both on a scale of powers of ten."""

import math

from twin.console.kit import Bar, Text, dot, panel, shape, tag
from twin.console.views import Views
from twin.console.words import DASH, PATHWAY_NAMES, PATHWAY_SHAPES, age, count, milliseconds, percent
from twin.model.device import Pathway
from twin.model.health import Percentiles
from twin.state.aggregate import PathwayRow

_AGES_S = (0.1, 3_600.0)  # ends of the scales
_LATENCIES_MS = (1.0, 60_000.0)
_MOSTLY = 0.99


class PathwayCard:
    """A panel for one pathway."""

    def __init__(self, views: Views, pathway: Pathway) -> None:
        promises = [endpoint.max_age_s for endpoint in views.sources.pilot.endpoints if endpoint.pathway is pathway]
        colour = f"var(--{pathway})"
        with panel(PATHWAY_NAMES[pathway], width="w4") as self._size:
            with tag("div", "row"):
                dot(pathway, PATHWAY_SHAPES[pathway])
                self._rate = Text("")
                tag("span", "grow")
                self._online = Text("")
            self._age = _Strip("Age now, median to highest", _AGES_S, colour, mark=max(promises))
            with tag("div", "ends"):
                Text(age(_AGES_S[0]))
                Text(f"promised within {age(max(promises))}")
                Text(age(_AGES_S[1]))
            self._latency = _Strip("Latency, median to p99", _LATENCIES_MS, colour, mark=None)
            with tag("div", "ends"):
                Text(milliseconds(_LATENCIES_MS[0]))
                Text(milliseconds(_LATENCIES_MS[1]))
            with tag("div", "row measure"):
                Text("Within promise", classes="soft")
                tag("span", "grow")
                self._share = Text("", classes="strong")
            self._bar = Bar(f"{PATHWAY_NAMES[pathway]} devices within their promised age", pathway)

    def say(self, row: PathwayRow) -> None:
        """Show the pathway as it is now."""
        self._size.say(f"{count(row.homes)} homes, {count(row.devices)} devices")
        self._rate.say(f"{row.messages_per_s:.2f} messages/s")
        missing = row.endpoints - row.endpoints_online
        online = f"{count(row.endpoints_online)} of {count(row.endpoints)} endpoints online"
        self._online.say(online, "tone-bad" if missing else "soft")
        late = row.latency_ms
        ages = f"{age(row.age_p50_s)} / {age(row.age_max_s)}" if row.devices_reporting else DASH
        self._age.say(row.age_p50_s, row.age_max_s, ages)
        self._latency.say(late.p50, late.p99, _both(late) if row.messages else DASH)
        self._share.say(percent(row.within_promise_share, 1), "" if row.within_promise_share > _MOSTLY else "tone-warn")
        self._bar.say(row.within_promise_share)


def _both(late: Percentiles) -> str:
    return f"{milliseconds(late.p50)} / {milliseconds(late.p99)}"


class _Strip:
    """A stretch between two values on a logarithmic scale, with a mark when there is a limit."""

    def __init__(self, label: str, ends: tuple[float, float], colour: str, *, mark: float | None) -> None:
        self._ends = ends
        self._colour = colour
        with tag("div", "row measure"):
            Text(label, classes="soft")
            tag("span", "grow")
            self._text = Text("", classes="strong")
        with tag("div", "strip", aria_hidden="true"):
            self._fill = tag("i")
            if mark is not None:
                shape(tag("b"), at=self._place(mark))

    def say(self, low: float, high: float, text: str) -> None:
        """Show the stretch from `low` to `high`."""
        self._text.say(text)
        shape(self._fill, c=self._colour, **{"from": self._place(low), "to": self._place(high)})

    def _place(self, value: float) -> float:
        first, last = (math.log10(end) for end in self._ends)
        return min(max((math.log10(max(value, 1e-9)) - first) / (last - first), 0.0), 1.0)
