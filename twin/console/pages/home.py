"""One home: its meter and devices over the day, each device reported beside desired, and commands to them."""

from datetime import datetime

from nicegui import ui

from twin.console.charts import Curve, Scale, TimeChart, continues
from twin.console.kit import Stat, bare_panel, choice, link, not_found, panel, tag
from twin.console.kit import page as heading
from twin.console.live import TICK_S, HistoryError
from twin.console.pages.device import DeviceCard
from twin.console.pages.life import CommandList
from twin.console.pages.strips import HistoryNote
from twin.console.views import A_DAY, HISTORY_HOURS, HISTORY_NAMES, Views
from twin.console.words import DASH, KIND_NAMES, PATHWAY_NAMES, count, power
from twin.model.device import DeviceKind
from twin.state.aggregate import HomeView

_COMMANDS = 8


def page(views: Views, home: str) -> None:
    """Build the page of one home."""
    if home not in views.sources.pilot.home:
        not_found(f"There is no home {home}", "The list of homes has all of this pilot's.")
    else:
        _Home(views, home)


class _Home:
    def __init__(self, views: Views, home: str) -> None:
        self._views = views
        self._home = home
        self._version = -1
        self._hours = HISTORY_HOURS[A_DAY]
        self._end: datetime | None = None
        view = views.home(home)
        homes = list(views.sources.pilot.home)
        place = homes.index(home)
        with heading(f"Home {home}", _where(view)):
            for name, number in (("Previous", place - 1), ("Next", (place + 1) % len(homes))):
                link(name, f"/homes/{homes[number]}", "button")
            choice(HISTORY_NAMES, self._choose, start=A_DAY, label="Time shown in the chart")
        self._history = HistoryNote()
        with tag("div", "grid12"):
            with bare_panel("w3 m6"):
                self._meter = Stat("Meter")
            with bare_panel("w3 m6"):
                self._voltage = Stat("Voltage")
            with bare_panel("w3 m6"):
                self._rest = Stat("Base load")
            with bare_panel("w3 m6"):
                self._pathway = Stat("Reached over")
            self._drawn = [device.twin for device in view.devices]
            with panel("Power", note="meter and devices, import positive"):
                self._chart = TimeChart(
                    [
                        Curve(
                            name=f"{KIND_NAMES[twin.kind]} {twin.id}"
                            if _twice(view, twin.kind)
                            else KIND_NAMES[twin.kind],
                            colour=twin.kind.replace("_", "-"),
                            area=twin.kind is DeviceKind.METER,
                        )
                        for twin in self._drawn
                    ],
                    Scale(unit="kW", factor=1e-3),
                    label=f"Power of the meter and devices of home {home} over time",
                    height="tall",
                    legend=True,
                )
            self._cards = [DeviceCard(views, one) for one in view.devices]
            with panel("Commands to this home", note=f"newest first, at most {_COMMANDS}"):
                self._commands = CommandList(views, limit=_COMMANDS, hint="“Set…” beside a value above sends one.")
        self._show(view)
        ui.timer(0.05, self.load, once=True)
        ui.timer(TICK_S, self.update)

    async def _choose(self, number: int) -> None:
        self._hours = HISTORY_HOURS[number]
        await self.load()

    async def load(self) -> None:
        """Fill the chart from history."""
        try:
            devices = [twin.id for twin in self._drawn]
            past = await self._views.power_history(devices, self._hours)
            self._chart.fill(past.series, past.start, past.end)
            self._end = past.end
        except HistoryError as error:
            self._history.say(error)
            start, self._end = self._views.window(self._hours)
            self._chart.blank(start, self._end)
        else:
            self._history.say(None)

    async def update(self) -> None:
        """Show the home as it is now, and add it to the chart."""
        view = self._views.home(self._home)
        self._show(view)
        if self._end is None:
            return
        if not continues(self._end, view.at, self._hours):
            await self.load()
            return
        self._end = view.at
        self._chart.append(view.at, [one.twin.reported.get("power_w") for one in view.devices])

    def _show(self, view: HomeView) -> None:
        meter = self._views.sources.pilot.meter_of.get(self._home)
        reported = self._views.sources.state.device(meter).reported if meter else {}
        way = "" if view.power_w is None else "from the grid" if view.power_w >= 0 else "into the grid"
        self._meter.say(power(view.power_w), way)
        volts = reported.get("voltage_v")
        self._voltage.say(f"{volts:.1f} V" if volts is not None else DASH, f"phase {view.home.phases}, to neutral")
        self._rest.say(power(view.unmetered_w), "metered, and no device's")
        whole = all(endpoint.online for endpoint in view.endpoints)
        self._pathway.say(
            ", ".join(PATHWAY_NAMES[pathway] for pathway in view.pathways),
            f"{', '.join(endpoint.id for endpoint in view.endpoints)}: {'online' if whole else 'offline'}",
            "" if whole else "tone-bad",
        )
        for card, one in zip(self._cards, view.devices, strict=True):
            card.say(one)
        devices = set(view.home.devices)
        self._commands.say([record for record in self._views.commands.get() if record.command.device in devices])


def _where(view: HomeView) -> str:
    home = view.home
    people = f"{home.occupants} {'person' if home.occupants == 1 else 'people'}"
    yearly = "" if home.annual_energy_wh is None else f", {count(home.annual_energy_wh / 1e3)} kWh a year"
    return f"feeder {home.feeder + 1}, connection {home.connection_point}, {people}{yearly}"


def _twice(view: HomeView, kind: DeviceKind) -> bool:
    return sum(one.twin.kind is kind for one in view.devices) > 1
