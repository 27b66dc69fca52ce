"""Compare: one quantity of the feeder or of a device in two periods, one drawn over the other, with their figures."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from nicegui import ui
from nicegui.events import GenericEventArguments

from twin.console.charts import Curve, Scale, TimeChart
from twin.console.comparison import Comparison, Figures, aligned, compare
from twin.console.kit import Grid, Text, button, panel, put, tag
from twin.console.kit import page as heading
from twin.console.periods import GRID_QUANTITIES, ask, known_quantities, unit
from twin.console.views import Views
from twin.console.words import DASH, QUANTITY_NAMES, age, minus

LENGTHS = (("1 h", 3_600), ("6 h", 21_600), ("24 h", 86_400), ("7 d", 604_800))
_POINTS = 600
_VALUE = "(event) => emit(event.target.value)"
_ROWS = (("Mean", "mean"), ("Lowest", "minimum"), ("Highest", "maximum"), ("Energy", "energy_wh"))


def page(views: Views) -> None:
    """Build the page."""
    _Compare(views)


class _Compare:
    def __init__(self, views: Views) -> None:
        self._views = views
        now = views.sources.clock.now().replace(second=0, microsecond=0)
        self._asked = 0
        self._given = {
            "device": "",
            "quantity": "head_power_w",
            "a": f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M}",
            "b": f"{now - timedelta(hours=2):%Y-%m-%dT%H:%M}",
            "length": "3600",
        }
        with heading("Compare", "the same quantity in two periods; B is drawn over A"):
            pass
        with tag("div", "stack"):
            with panel("What and when", width=""):
                self._form()
            with panel("Over time", width="", note="on the time axis of A") as self._note:
                self._place = tag("div")
            with panel("Figures", width=""):
                self._table = Grid(("", ">A", ">B", ">B \N{MINUS SIGN} A"), label="Figures of both periods")
        ui.timer(0.05, self._show, once=True)

    def _form(self) -> None:
        with tag("datalist", id="compared-devices"):
            for device in self._views.sources.pilot.device:
                tag("option", value=device)
        with tag("div", "form wide"):
            with _field("Feeder, or a device"):
                one = tag("input", list="compared-devices", placeholder="Feeder", autocomplete="off")
                one.on("change", self._choose_device, js_handler=_VALUE)
            with _field("Quantity"):
                self._quantity = tag("select")
                self._quantity.on("change", self._chooser("quantity"), js_handler=_VALUE)
                self._offer()
            for side in ("a", "b"):
                with _field(f"{side.upper()} from, UTC"):
                    moment = tag("input", type="datetime-local", value=self._given[side])
                    moment.on("change", self._chooser(side), js_handler=_VALUE)
            with _field("Length of both"):
                length = tag("select")
                with length:
                    for name, seconds in LENGTHS:
                        put(Text(name, tag="option"), "value", str(seconds))
                put(length, "value", self._given["length"])
                length.on("change", self._chooser("length"), js_handler=_VALUE)
            button("Compare", self._show, prime=True)
        self._error = Text("", tag="p", classes="tone-bad")
        put(self._error, "role", "alert")

    def _offer(self) -> None:
        known = known_quantities(self._views.sources.pilot, self._given["device"] or None)
        if self._given["quantity"] not in known:
            self._given["quantity"] = known[0]
        self._quantity.clear()
        with self._quantity:
            for name in known:
                put(Text(GRID_QUANTITIES.get(name) or QUANTITY_NAMES.get(name, name), tag="option"), "value", name)
        put(self._quantity, "value", self._given["quantity"])

    def _choose_device(self, event: GenericEventArguments) -> None:
        device = str(event.args).strip()
        if device and device not in self._views.sources.pilot.device:
            self._error.say(f"There is no device {device}; leave it empty for the feeder, or take one of the list.")
            return
        self._error.say("")
        self._given["device"] = device
        self._offer()

    def _chooser(self, what: str) -> Callable[[GenericEventArguments], None]:
        def choose(event: GenericEventArguments) -> None:
            self._given[what] = str(event.args)

        return choose

    async def _show(self) -> None:
        try:
            starts = [datetime.fromisoformat(self._given[side]).replace(tzinfo=UTC) for side in ("a", "b")]
        except ValueError:
            self._error.say("Give a date and a time for both periods; they are taken as UTC.")
            return
        self._asked += 1
        asked = self._asked
        device, quantity = self._given["device"] or None, self._given["quantity"]
        length, history = timedelta(seconds=int(self._given["length"])), self._views.sources.history
        try:
            a, b = [await asyncio.to_thread(ask, history, device, quantity, start, length, _POINTS) for start in starts]
        except Exception as error:  # noqa: BLE001 - whatever the store says
            self._error.say(f"History cannot be read: {error}")
            return
        if asked != self._asked:
            return
        self._error.say("")
        self._place.clear()
        symbol, factor = _scale(quantity)
        with self._place:
            chart = TimeChart(
                (
                    Curve(name=f"A from {a.name}", colour="accent"),
                    Curve(name=f"B from {b.name}", colour="v8"),
                ),
                Scale(unit=symbol, factor=factor, digits=3 if symbol == "pu" else 2),
                label=f"{quantity} in both periods",
                height="tall",
                legend=True,
            )
        chart.fill([a.series, aligned(b, a.start)], a.start, a.start + length)
        self._note.say(f"{age(length.total_seconds())} from {a.name} and from {b.name} UTC, on the time axis of A")
        self._table.say(_rows(compare(a.series, b.series, quantity), quantity))


def _field(label: str) -> ui.element:
    field = tag("label", "field")
    with field:
        Text(label)
    return field


def _scale(quantity: str) -> tuple[str, float]:
    symbol = unit(quantity)
    if symbol in {"W", "var"}:
        return f"k{symbol}", 1e-3
    return ("%", 100.0) if quantity.endswith("loading") else (symbol.replace("1", ""), 1.0)


def _rows(found: Comparison, quantity: str) -> list[list[str]]:
    rows = [
        [name, *(_said(getattr(side, key), quantity, key) for side in (found.a, found.b, found))] for name, key in _ROWS
    ]
    rows = [row for row in rows if row[0] != "Energy" or quantity.endswith("_w")]
    return [*rows, ["Values, and time without a gap", _covered(found.a), _covered(found.b), DASH]]


def _said(value: float | None, quantity: str, key: str) -> str:
    if value is None:
        return DASH
    if key == "energy_wh":
        return minus(f"{value / 1e3:,.2f} kWh")
    symbol, factor = _scale(quantity)
    return minus(f"{value * factor:,.{4 if symbol == 'pu' else 2}f} {symbol}".strip())


def _covered(side: Figures) -> str:
    return f"{side.values:,} in {age(side.covered_s)}"
