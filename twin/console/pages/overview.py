"""Overview: is the pilot healthy, and what does it draw from the grid, now and over the day."""

from datetime import datetime

from nicegui import ui

from twin.console.charts import Curve, Scale, TimeChart, continues
from twin.console.kit import choice, panel, tag
from twin.console.kit import page as heading
from twin.console.live import TICK_S, HistoryError
from twin.console.pages.figures import Figures, KindBars, PathwayLine
from twin.console.pages.strips import Backfill, ConditionList, EventList, HistoryNote
from twin.console.views import A_DAY, HISTORY_HOURS, HISTORY_NAMES, Views
from twin.console.words import plural
from twin.model.device import Pathway
from twin.state.aggregate import Overview

_LATEST_EVENTS = 6


def page(views: Views) -> None:
    """Build the page."""
    _Overview(views)


class _Overview:
    def __init__(self, views: Views) -> None:
        self._views = views
        self._shown: Overview | None = None
        self._hours = HISTORY_HOURS[A_DAY]
        self._end: datetime | None = None
        with heading("Overview", _size(views)):
            choice(HISTORY_NAMES, self._choose, start=A_DAY, label="Time shown in the charts")
        self._backfill = Backfill(views)
        self._history = HistoryNote()
        self._conditions = ConditionList(views)
        with tag("div", "grid12"):
            self._figures = Figures(views.sources.pilot.feeders)
            with panel("Feeder-head power", width="w8", note="import positive, sum of phases"):
                head = TimeChart(
                    (Curve(name="Feeder head", colour="accent", area=True), Curve(name="Losses", colour="base-load")),
                    Scale(unit="kW", factor=1e-3),
                    label="Feeder-head power and losses over time",
                    height="tall",
                )
            with panel("Power by kind", width="w4", note="now, import to the right"):
                self._kinds = KindBars()
            with panel("Voltage", width="w4", note="lowest and highest node"):
                voltage = TimeChart(
                    (Curve(name="Lowest", colour="v2"), Curve(name="Highest", colour="v7")),
                    Scale(unit="pu", digits=3),
                    label="Lowest and highest voltage over time",
                    legend=True,
                )
            with panel("Loading", width="w4", note="highest of each"):
                loading = TimeChart(
                    (Curve(name="Transformer", colour="accent", area=True), Curve(name="Line", colour="ev-charger")),
                    Scale(unit="%", factor=100.0, digits=1, low=0.0),
                    label="Transformer and line loading over time",
                    legend=True,
                )
            with panel("Homes by pathway", width="w4", note="devices within their promised age"):
                self._pathways = {row.pathway: PathwayLine(row) for row in views.pathways.get()}
            with panel("Latest events", width="w12"):
                self._events = EventList(views, limit=_LATEST_EVENTS)
        self._charts = (
            (head, ("head_power_w", "losses_w")),
            (voltage, ("v_min_pu", "v_max_pu")),
            (loading, ("transformer_loading", "line_loading")),
        )
        self._show(views.overview.get())
        ui.timer(0.05, self.load, once=True)
        ui.timer(TICK_S, self.update)

    async def _choose(self, number: int) -> None:
        self._hours = HISTORY_HOURS[number]
        await self.load()

    async def load(self) -> None:
        """Fill the charts from history."""
        try:
            for chart, quantities in self._charts:
                past = await self._views.grid_history(quantities, self._hours)
                chart.fill(past.series, past.start, past.end)
                self._end = past.end
        except HistoryError as error:
            self._history.say(error)
            start, self._end = self._views.window(self._hours)
            for chart, _ in self._charts:
                chart.blank(start, self._end)
        else:
            self._history.say(None)

    async def update(self) -> None:
        """Show the newest figures, and add them to the charts."""
        self._backfill.update()
        self._conditions.update()
        self._events.update()
        now = self._views.overview.get()
        if now is self._shown:
            return
        self._show(now)
        if self._end is None:
            return
        if not continues(self._end, now.at, self._hours):
            await self.load()
            return
        self._end = now.at
        line = max((grid.line_loading for grid in self._views.sources.state.grids.values()), default=None)
        (head, _), (voltage, _), (loading, _) = self._charts
        head.append(now.at, (now.head_power_w, now.losses_w))
        voltage.append(now.at, (now.v_min_pu, now.v_max_pu))
        loading.append(now.at, (now.transformer_loading, line))

    def _show(self, now: Overview) -> None:
        self._shown = now
        self._figures.say(now, list(self._views.sources.state.grids.values()))
        self._kinds.say(now.power_by_kind_w if now.devices_reporting else {})
        for row in self._views.pathways.get():
            self._pathways[row.pathway].say(row)


def _size(views: Views) -> str:
    pilot = views.sources.pilot
    pathways = len({endpoint.pathway for endpoint in pilot.endpoints} & set(Pathway))
    sizes = (
        plural(len(pilot.homes), "home"),
        plural(len(pilot.devices), "device"),
        plural(pathways, "pathway"),
        plural(pilot.feeders, "feeder"),
    )
    return ", ".join(sizes)
