"""One device on a home's page: every quantity reported beside desired and expected, its age and how far to trust it."""

from functools import partial

from twin.console.kit import Text, dot, panel, pill, put, tag
from twin.console.pages.asking import ask
from twin.console.views import Views
from twin.console.words import DASH, KIND_NAMES, PATHWAY_NAMES, QUANTITY_NAMES, age, clock, moment, quantity
from twin.model.device import KINDS
from twin.model.telemetry import Quality
from twin.state.aggregate import DeviceView

_QUALITY_TONES = {Quality.GOOD: "good", Quality.ESTIMATED: "wait", Quality.STALE: "warn", Quality.SUSPECT: "bad"}


class DeviceCard:
    """A panel for one device."""

    def __init__(self, views: Views, view: DeviceView) -> None:
        self._quantities: dict[str, tuple[Text, Text, Text]] = {}  # reported, desired, until when
        twin = view.twin
        controls = twin.device.controls
        with panel(KIND_NAMES[twin.kind], width="w4 device", note=twin.id) as note:
            note.classes("mono")
            with tag("div", "row"):
                dot(twin.kind.replace("_", "-"))
                self._trust = pill("")
                self._age = Text("", classes="soft")
            with tag("div", "scroll"), tag("table", "plain", aria_label=f"Values of {twin.id}"):
                with tag("thead"), tag("tr"):
                    for column, end in (
                        ("", ""),
                        ("Reported", "end"),
                        ("Desired", "end"),
                        ("Expected", "end"),
                        ("", "end"),
                    ):
                        Text(column, tag="th", classes=end)
                with tag("tbody"):
                    for name in KINDS[twin.kind].reports:
                        with tag("tr"):
                            put(Text(QUANTITY_NAMES.get(name, name), tag="td", classes="soft"), "title", name)
                            reported = Text(DASH, tag="td", classes="end nowrap")
                            with tag("td", "end nowrap"):
                                desired, until = Text(DASH), Text("", classes="until")
                            self._quantities[name] = (reported, desired, until)
                            Text(DASH, tag="td", classes="end nowrap tone-mute")
                            with tag("td", "end"):
                                if name in controls:
                                    button = Text("Set…", tag="button", classes="button small")
                                    button.props(
                                        f'type=button aria-label="Set {QUANTITY_NAMES.get(name, name)} of {twin.id}"'
                                    )
                                    button.on("click", partial(ask, views, twin.device, name))
            reached = f"{PATHWAY_NAMES[twin.pathway]} {twin.endpoint}, {twin.source.value}"
            Text(f"{reached}; promised within {age(twin.max_age_s)}", tag="div", classes="under")
        self.say(view)

    def say(self, view: DeviceView) -> None:
        """Show the device as it is now."""
        twin, fresh = view.twin, view.freshness
        if fresh.never:
            self._trust.say("waiting", "")
            self._age.say("has not reported yet")
        else:
            quality = Quality.STALE if fresh.stale and twin.quality is Quality.GOOD else twin.quality
            self._trust.say(quality.value, _QUALITY_TONES[quality])
            self._age.say(f"measured {age(fresh.age_s)} ago")
        put(self._age, "title", _times(view))
        for name, (reported, desired, until) in self._quantities.items():
            reported.say(quantity(name, twin.reported.get(name)), "tone-warn" if name in twin.older else "")
            wish = twin.desired.get(name)
            desired.say(DASH if wish is None else quantity(name, wish.value), "strong" if wish else "tone-mute")
            until.say("" if wish is None else f"until {clock(wish.until)}")


def _times(view: DeviceView) -> str:
    twin = view.twin
    return (
        f"measured {moment(twin.measured_at)}, published {moment(twin.published_at)}, "
        f"received {moment(twin.received_at)} UTC"
    )
