"""Time charts as ECharts options: thin lines, few grid lines, figures with units, times in UTC.

Colours are CSS variables (the SVG renderer passes them on), so a chart follows light and dark by itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nicegui import ui

from twin.console.kit import put
from twin.model.telemetry import Series

_LEAP = 0.02  # part of the window

Options = dict[str, Any]
Points = list[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One line of a chart: its name, its CSS colour variable, and how it is drawn."""

    name: str
    colour: str
    area: bool = False
    step: bool = False
    dashed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A value axis: unit shown, what values are multiplied by, digits, limits drawn as dashed lines."""

    unit: str
    factor: float = 1.0
    digits: int = 2
    limits: Sequence[float] = ()
    low: float | None = None
    high: float | None = None


def milliseconds(at: datetime) -> float:
    """The browser's time of `at`."""
    return round(at.timestamp() * 1_000)


def points(series: Series, factor: float = 1.0) -> Points:
    """A series as ECharts wants it: pairs of browser time and value."""
    return [
        (milliseconds(at), round(value * factor, 5))
        for at, value in zip(series.times, series.values, strict=True)
        if value == value  # noqa: PLR0124 - leaves out NaN
    ]


class TimeChart:
    """A chart of one or more curves over time, filled once and then extended point by point."""

    def __init__(
        self, curves: Sequence[Curve], scale: Scale, *, label: str, height: str = "mid", legend: bool = False
    ) -> None:
        self._curves = curves
        self._scale = scale
        self._last = 0.0
        self._span_ms = 0.0
        self.chart = ui.echart(_options(curves, scale, legend=legend), renderer="svg").classes(f"chart {height}")
        put(self.chart, "role", "img")
        put(self.chart, "aria-label", label)

    def fill(self, series: Sequence[Series], start: datetime, end: datetime) -> None:
        """Show these series, one per curve, from `start` to `end`."""
        options = self.chart.options
        for drawn, one in zip(options["series"], series, strict=True):
            drawn["data"] = points(one, self._scale.factor)
        options["title"]["show"] = not any(drawn["data"] for drawn in options["series"])
        options["xAxis"].update(min=milliseconds(start), max=milliseconds(end))
        self._last = milliseconds(end)
        self._span_ms = self._last - milliseconds(start)
        self.chart.update()

    def blank(self, start: datetime, end: datetime) -> None:
        """Show nothing from `start` to `end`, to be extended from there."""
        nothing = Series(times=(), values=())
        self.fill([nothing for _ in self._curves], start, end)

    def append(self, at: datetime, values: Sequence[float | None]) -> None:
        """Add one point per curve; a moment not after the last one adds nothing."""
        now = milliseconds(at)
        if not self._span_ms or now <= self._last:
            return
        self._last = now
        scaled = [None if value is None else round(value * self._scale.factor, 5) for value in values]
        ui.run_javascript(f"hg.append({self.chart.id}, {now:.0f}, {_json(scaled)}, {now - self._span_ms:.0f})")


def continues(end: datetime, now: datetime, hours: float) -> bool:
    """True when a point at `now` may be drawn on to a chart of so many hours that ends at `end`.

    Time that went back, or leapt by more than a little of the window, is filled from history instead.
    """
    return 0 <= (now - end).total_seconds() <= _LEAP * hours * 3_600


def _json(values: Sequence[float | None]) -> str:
    return "[" + ",".join("null" if value is None else format(value, ".6g") for value in values) + "]"


def _options(curves: Sequence[Curve], scale: Scale, *, legend: bool) -> Options:
    digits = (
        f"value => value == null ? '\u2013' : value.toFixed({scale.digits}).replace('-', '\u2212') + ' {scale.unit}'"
    )
    faint = {"color": "var(--faint)", "fontSize": 11}
    return {
        "useUTC": True,
        "animation": False,
        "textStyle": {"fontFamily": "Roboto, system-ui, sans-serif"},
        "grid": {"left": 6, "right": 14, "top": 26, "bottom": 4, "containLabel": True},
        "title": {
            "show": False,
            "text": "Nothing in this window yet",
            "left": "center",
            "top": "middle",
            "textStyle": {"color": "var(--faint)", "fontSize": 13, "fontWeight": "normal"},
        },
        "legend": {
            "show": legend,
            "top": 0,
            "left": 38,
            "itemWidth": 14,
            "itemHeight": 8,
            "icon": "roundRect",
            "textStyle": {"color": "var(--soft)", "fontSize": 12},
            "inactiveColor": "var(--faint)",
            "type": "scroll",
        },
        "tooltip": {
            "trigger": "axis",
            "backgroundColor": "var(--surface)",
            "borderColor": "var(--line-strong)",
            "padding": [6, 10],
            "textStyle": {"color": "var(--text)", "fontSize": 12},
            "axisPointer": {"type": "line", "lineStyle": {"color": "var(--line-strong)", "type": "solid"}},
            ":valueFormatter": digits,
        },
        "xAxis": {
            "type": "time",
            "axisLine": {"lineStyle": {"color": "var(--line-strong)"}},
            "axisTick": {"show": False},
            "axisLabel": {**faint, "hideOverlap": True, "formatter": _TIMES},
            "splitLine": {"show": False},
        },
        "yAxis": {
            "type": "value",
            "name": scale.unit,
            "nameTextStyle": {**faint, "align": "right", "padding": [0, 6, 0, 0]},
            "nameGap": 10,
            "scale": True,
            "splitNumber": 4,
            "min": scale.low,
            "max": scale.high,
            "axisLabel": {**faint, ":formatter": _FIGURES},
            "splitLine": {"lineStyle": {"color": "var(--line)"}},
        },
        "series": [_series(curve, scale if index == 0 else None) for index, curve in enumerate(curves)],
    }


_FIGURES = "value => String(value).replace('-', '\\u2212')"
_TIMES: Mapping[str, str] = {
    "year": "{yyyy}",
    "month": "{MMM}",
    "day": "{d} {MMM}",
    "hour": "{HH}:{mm}",
    "minute": "{HH}:{mm}",
    "second": "{HH}:{mm}:{ss}",
}


def _series(curve: Curve, limits_of: Scale | None) -> Options:
    colour = f"var(--{curve.colour})"
    drawn: Options = {
        "name": curve.name,
        "type": "line",
        "data": [],
        "showSymbol": False,
        "sampling": "lttb",
        "step": "end" if curve.step else False,
        "itemStyle": {"color": colour},
        "lineStyle": {"color": colour, "width": 1.6, "type": "dashed" if curve.dashed else "solid"},
        "emphasis": {"disabled": True},
    }
    if curve.area:
        drawn["areaStyle"] = {"color": colour, "opacity": 0.13}
    if limits_of and limits_of.limits:
        drawn["markLine"] = {
            "silent": True,
            "symbol": "none",
            "lineStyle": {"color": "var(--bad)", "type": "dashed", "width": 1, "opacity": 0.8},
            "label": {"color": "var(--bad)", "fontSize": 11, "position": "insideEndTop"},
            "data": [{"yAxis": limit} for limit in limits_of.limits],
        }
    return drawn
