"""Feeder: the network drawn from its coordinates, coloured by voltage, with its homes to click on."""

from nicegui import ui

from twin.console.drawing import BANDS, VOLTAGE_HIGH_PU, VOLTAGE_LOW_PU, paint
from twin.console.kit import Facts, Text, choice, dot, not_found, panel, shape, tag
from twin.console.kit import page as heading
from twin.console.live import TICK_S
from twin.console.views import Views
from twin.console.words import PATHWAY_NAMES, PATHWAY_SHAPES, count, percent, power
from twin.model.device import Pathway
from twin.model.telemetry import GridReport

_ZOOM = (
    ("+", "Closer", "0.7"),
    ("\N{MINUS SIGN}", "Further away", "1.43"),
    ("\N{NORTH EAST AND SOUTH WEST ARROW}", "Whole feeder", "0"),
)
_PHASES = ("worst", "a", "b", "c")
_FACTS = (
    "Head power",
    "Phase a",
    "Phase b",
    "Phase c",
    "Losses",
    "Transformer loading",
    "Highest line loading",
    "Lowest voltage",
    "Highest voltage",
)


def page(views: Views, feeder: str = "1") -> None:
    """Build the page of one feeder; `feeder` counts from 1, as people do."""
    feeders = views.sources.pilot.feeders
    if not feeder.isdecimal() or not 1 <= int(feeder) <= feeders:
        not_found(f"There is no feeder {feeder}", f"This pilot has feeders 1 to {feeders}.")
    else:
        _Feeder(views, int(feeder) - 1)


class _Feeder:
    def __init__(self, views: Views, feeder: int) -> None:
        self._views = views
        self._feeder = feeder
        self._drawing = views.drawing(feeder)
        self._phase = _PHASES[0]
        self._spread = False
        self._painted = ("", "")
        pilot = views.sources.pilot
        homes = len(views.feeder_homes(feeder))
        several = pilot.feeders > 1
        title = f"Feeder {feeder + 1}" if several else "Feeder"
        with heading(title, f"{pilot.network.name}, {count(len(pilot.network.nodes))} nodes, {count(homes)} homes"):
            choice(("Worst", "a", "b", "c"), self._choose_phase, start=0, label="Phase that gives the colour")
            choice(("Limits", "Spread"), self._choose_scale, start=0, label="Range of the colours")
        if several:
            self._others(pilot.feeders)
        with tag("div", "grid12"):
            with panel("Voltage", width="w9") as self._note, tag("div", "map"):
                ui.html(self._drawing.svg, sanitize=False)
                with tag("div", "zoom"):
                    for name, label, factor in _ZOOM:
                        button = Text(name, tag="button", classes="button")
                        button.props(f'type=button aria-label="{label}"')
                        button.on("click", js_handler=f"() => hg.zoom({factor})")
            with tag("div", "stack w3"):
                with panel("Now", width=""):
                    self._facts = Facts(_FACTS)
                with panel("Legend", width=""):
                    self._legend()
        self.update()
        ui.timer(TICK_S, self.update)

    def _others(self, feeders: int) -> None:
        with tag("nav", "row feeders", aria_label="Feeders"):
            for number in range(1, feeders + 1):
                anchor = Text(str(number), tag="a", classes="button" + (" prime" if number == self._feeder + 1 else ""))
                anchor.props(f'href="/feeder/{number}" aria-label="Feeder {number}"')

    def _legend(self) -> None:
        with tag("div", "stack"):
            with tag("div"):
                with tag("div", "scale", aria_hidden="true"):
                    for number in range(BANDS + 2):
                        shape(tag("i"), c=f"var(--v{number})")
                with tag("div", "ends"):
                    self._ends = [Text("") for _ in range(3)]
            with tag("div", "legend"):
                for pathway in Pathway:
                    with tag("span"):
                        dot(pathway, PATHWAY_SHAPES[pathway])
                        Text(PATHWAY_NAMES[pathway])
            Text(
                "A hollow mark is a home with a device older than promised. The outermost colours are beyond "
                f"{VOLTAGE_LOW_PU:.2f} and {VOLTAGE_HIGH_PU:.2f} pu.",
                tag="p",
                classes="faint",
            )

    def _choose_phase(self, number: int) -> None:
        self._phase = _PHASES[number]
        self.update()

    def _choose_scale(self, number: int) -> None:
        self._spread = number == 1
        self.update()

    def update(self) -> None:
        """Colour the lines and homes, and show the newest figures."""
        grid = self._views.sources.state.grid(self._feeder)
        low, high = VOLTAGE_LOW_PU, VOLTAGE_HIGH_PU
        if grid is not None and self._spread:
            low, high = grid.v_min_pu, grid.v_max_pu
        for text, voltage in zip(self._ends, (low, (low + high) / 2, high), strict=True):
            text.say(f"{voltage:.3f} pu")
        lines = paint(self._drawing, grid.node_voltage_pu if grid else (), self._phase, low, high)
        marks = {row.home.id: row.mark for row in self._views.homes.get()}
        homes = "".join(marks[home] for home in self._drawing.homes)
        if (lines, homes) != self._painted:
            self._painted = (lines, homes)
            ui.run_javascript(f"hg.paint('{lines}', '{homes}')")
        if grid is None:
            self._note.say("no power flow has been reported for this feeder yet")
        else:
            which = "the phase furthest from 1 pu" if self._phase == "worst" else f"phase {self._phase}"
            self._note.say(
                f"{which}, at {grid.measured_at:%H:%M:%S} UTC" if grid.node_voltage_pu else "not sent per node"
            )
            self._say(grid)

    def _say(self, grid: GridReport) -> None:
        say = self._facts.say
        say("Head power", power(sum(grid.head_power_w)))
        for phase, watts in zip("abc", grid.head_power_w, strict=True):
            say(f"Phase {phase}", power(watts))
        say("Losses", power(grid.losses_w))
        say("Transformer loading", percent(grid.transformer_loading, 1), _over(grid.transformer_loading > 1))
        say("Highest line loading", percent(grid.line_loading, 1), _over(grid.line_loading > 1))
        say("Lowest voltage", f"{grid.v_min_pu:.4f} pu", _over(grid.v_min_pu < VOLTAGE_LOW_PU))
        say("Highest voltage", f"{grid.v_max_pu:.4f} pu", _over(grid.v_max_pu > VOLTAGE_HIGH_PU))


def _over(beyond: bool) -> str:  # noqa: FBT001
    return "tone-bad" if beyond else ""
