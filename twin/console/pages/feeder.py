"""Feeder: the network drawn from its coordinates, coloured by voltage, with its homes to click on."""

from nicegui import ui

from twin.console.drawing import BANDS, VOLTAGE_HIGH_PU, VOLTAGE_LOW_PU, paint, picked
from twin.console.kit import Facts, Text, choice, dot, not_found, panel, shape, tag
from twin.console.kit import page as heading
from twin.console.live import TICK_S
from twin.console.views import Views
from twin.console.words import PATHWAY_NAMES, PATHWAY_SHAPES, count, percent, plural, power
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
        self._spread = True
        self._painted = ("", "", "")
        pilot = views.sources.pilot
        homes = len(views.feeder_homes(feeder))
        several = pilot.feeders > 1
        title = f"Feeder {feeder + 1}" if several else "Feeder"
        with heading(title, f"{pilot.network.name}, {count(len(pilot.network.nodes))} nodes, {plural(homes, 'home')}"):
            choice(("Worst", "a", "b", "c"), self._choose_phase, start=0, label="Phase that gives the colour")
            choice(("Spread", "Limits"), self._choose_scale, start=0, label="Range of the colours")
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
            with tag("div", "stack w3 m12"):
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
                    self._colours = [tag("i") for _ in range(BANDS + 2)]
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
        self._spread = number == 0
        self.update()

    def update(self) -> None:
        """Colour the lines and homes, and show the newest figures."""
        grid = self._views.sources.state.grid(self._feeder)
        low, high = VOLTAGE_LOW_PU, VOLTAGE_HIGH_PU
        voltages = picked(self._drawing, grid.node_voltage_pu, self._phase) if grid else ()
        if voltages and self._spread:
            low, high = min(voltages), max(voltages)
        for text, voltage in zip(self._ends, (low, (low + high) / 2, high), strict=True):
            text.say(f"{voltage:.3f} pu")
        for number, colour in enumerate(self._colours):
            relative = self._spread and 0 < number <= BANDS
            shape(colour, c=f"var(--{'s' if relative else 'v'}{number})")
        lines = paint(self._drawing, voltages, low, high)
        marks = {row.home.id: row.mark for row in self._views.homes.get()}
        homes = "".join(marks[home] for home in self._drawing.homes)
        painted = (lines, homes, "true" if self._spread else "false")
        if painted != self._painted:
            self._painted = painted
            ui.run_javascript(f"hg.paint('{lines}', '{homes}', {painted[2]})")
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
