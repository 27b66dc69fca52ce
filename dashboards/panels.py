"""Panels in the few forms that the dashboards use, each with its title, what it means, its unit and its limits."""

from collections.abc import Sequence
from typing import TypeVar

from grafana_foundation_sdk.builders import barchart, dashboard, heatmap, stat, statetimeline, table, text, timeseries
from grafana_foundation_sdk.builders.common import (
    GraphThresholdsStyleConfig,
    ReduceDataOptions,
    ScaleDistributionConfig,
    StackingConfig,
    VizLegendOptions,
    VizTextDisplayOptions,
    VizTooltipOptions,
)
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, ValueMapping
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.text import TextMode

from dashboards.flux import Flux
from dashboards.links import Link
from dashboards.look import PLAINLY, Override, by_thresholds, properties
from dashboards.source import SOURCE

SAMPLED = "20s"
"""Twice the time between samples of the twin, so that no window of a panel falls between two."""
_CONNECTED_MS = 150_000.0  # back-filled minutes are a line, not dots

Panel = TypeVar("Panel", timeseries.Panel, stat.Panel, table.Panel, statetimeline.Panel, heatmap.Panel, barchart.Panel)


def _dress(
    panel: Panel,
    title: str,
    about: str,
    queries: Sequence[str],
    *,
    unit: str = "",
    decimals: int | None = None,
    limits: dashboard.ThresholdsConfig = PLAINLY,
    mappings: Sequence[ValueMapping] = (),
    overrides: Sequence[Override] = (),
    links: Sequence[Link] = (),
    name: str = "",
    interval: str = "",
) -> Panel:
    panel.title(title).description(about).datasource(SOURCE).thresholds(limits)
    panel.targets([Flux(query, "ABCDEFGH"[index]) for index, query in enumerate(queries)])
    if unit:
        panel.unit(unit)
    if decimals is not None:
        panel.decimals(decimals)
    if mappings:
        panel.mappings(list(mappings))
    if links:
        panel.data_links([link.builder() for link in links])
    if name:
        panel.display_name(name)
    if interval:
        panel.interval(interval)
    for field, of in overrides:
        panel.override_by_name(field, properties(of))
    return panel


def question(content: str) -> text.Panel:
    """The question of a dashboard and how to read the answer, over its whole width."""
    return text.Panel().transparent(True).mode(TextMode.MARKDOWN).content(content)  # noqa: FBT003


def lines(
    title: str,
    about: str,
    *queries: str,
    unit: str,
    label: str = "",
    limits: dashboard.ThresholdsConfig = PLAINLY,
    overrides: Sequence[Override] = (),
    links: Sequence[Link] = (),
    mappings: Sequence[ValueMapping] = (),
    name: str = "",
    interval: str = SAMPLED,
    decimals: int | None = None,
    minimum: float | None = None,
    soft: tuple[float, float] | None = None,
    stacked: bool = False,
    bars: bool = False,
    points: bool = False,
    steps: bool = False,
    connected_ms: float = _CONNECTED_MS,
    logarithmic: bool = False,
    calculations: Sequence[str] = (),
) -> timeseries.Panel:
    """Values over time. `limits` are drawn as lines when they are more than a colour."""
    panel = _dress(
        timeseries.Panel(),
        title,
        about,
        queries,
        unit=unit,
        limits=limits,
        overrides=overrides,
        links=links,
        mappings=mappings,
        name=name,
        interval=interval,
        decimals=decimals,
    )
    legend = VizLegendOptions().show_legend(True).calcs(list(calculations))  # noqa: FBT003
    legend.display_mode(common.LegendDisplayMode.TABLE if calculations else common.LegendDisplayMode.LIST)
    legend.placement(common.LegendPlacement.RIGHT if calculations else common.LegendPlacement.BOTTOM)
    panel.legend(legend)
    panel.tooltip(VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.NONE))
    panel.line_width(1.5).fill_opacity(0).show_points(common.VisibilityMode.NEVER)
    panel.span_nulls(connected_ms)
    if bars:
        panel.draw_style(common.GraphDrawStyle.BARS).fill_opacity(80)
    if points:
        panel.draw_style(common.GraphDrawStyle.POINTS).point_size(6).show_points(common.VisibilityMode.ALWAYS)
    if steps:
        panel.line_interpolation(common.LineInterpolation.STEP_AFTER)
    if stacked:
        panel.stacking(StackingConfig().mode(common.StackingMode.NORMAL).group("A"))
    if logarithmic:
        panel.scale_distribution(ScaleDistributionConfig().type(common.ScaleDistribution.LOG).log(10))
    if label:
        panel.axis_label(label)
    if minimum is not None:
        panel.min(minimum)
    if soft is not None:
        panel.axis_soft_min(soft[0]).axis_soft_max(soft[1])
    if limits is not PLAINLY:
        panel.thresholds_style(GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED))
    return panel


def figure(
    title: str,
    about: str,
    query: str,
    *,
    unit: str,
    limits: dashboard.ThresholdsConfig = PLAINLY,
    mappings: Sequence[ValueMapping] = (),
    overrides: Sequence[Override] = (),
    links: Sequence[Link] = (),
    decimals: int | None = None,
    filled: bool = False,
    silent: str = "silent",
) -> stat.Panel:
    """One number, or a few side by side; `filled` paints the panel, for what must be seen from afar."""
    panel = _dress(
        stat.Panel(),
        title,
        about,
        (query,),
        unit=unit,
        limits=limits,
        mappings=mappings,
        overrides=overrides,
        links=links,
        decimals=decimals,
    )
    mode = common.BigValueColorMode.BACKGROUND if filled else common.BigValueColorMode.VALUE
    panel.color_scheme(by_thresholds()).color_mode(mode).graph_mode(common.BigValueGraphMode.NONE)
    panel.reduce_options(ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False))  # noqa: FBT003
    text_mode = common.BigValueTextMode.VALUE_AND_NAME if overrides else common.BigValueTextMode.VALUE
    return panel.no_value(silent).text_mode(text_mode).justify_mode(common.BigValueJustifyMode.CENTER)


def rows(
    title: str,
    about: str,
    *queries: str,
    order: Sequence[str] = (),
    overrides: Sequence[Override] = (),
    links: Sequence[Link] = (),
) -> table.Panel:
    """A table; `order` names its columns from left to right, and overrides give them their words and units."""
    panel = _dress(table.Panel(), title, about, queries, overrides=overrides, links=links)
    places = {name: place for place, name in enumerate(order)}
    panel.with_transformation(
        DataTransformerConfig(id_val="organize", options={"indexByName": places, "excludeByName": {}})
    )
    return panel.filterable(True)  # noqa: FBT003


def lamp(name: str, mapping: ValueMapping) -> tuple[tuple[str, object], ...]:
    """A column of a table whose values are words on their colour."""
    shown = ("custom.cellOptions", {"type": "color-text"})
    return ("displayName", name), ("mappings", [mapping]), shown, ("custom.displayMode", "color-text")


def timeline(
    title: str, about: str, query: str, *, mappings: Sequence[ValueMapping], name: str, links: Sequence[Link] = ()
) -> statetimeline.Panel:
    """States over time, a row per series."""
    panel = _dress(
        statetimeline.Panel(), title, about, (query,), mappings=mappings, name=name, links=links, interval="1s"
    )
    panel.merge_values(True).show_value(common.VisibilityMode.AUTO).row_height(0.8)  # noqa: FBT003
    return panel.legend(VizLegendOptions().show_legend(False).display_mode(common.LegendDisplayMode.HIDDEN))  # noqa: FBT003


def cells(
    title: str, about: str, query: str, *, unit: str, low: float, high: float, decimals: int, interval: str
) -> heatmap.Panel:
    """Values as colours: a row per series, a column per window."""
    panel = _dress(heatmap.Panel(), title, about, (query,), interval=interval)
    panel.calculate(False).cell_gap(0).max_data_points(200)  # noqa: FBT003
    colours = heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Spectral").steps(64)
    panel.color(colours.min(low).max(high).reverse(False))  # noqa: FBT003
    panel.cell_values(heatmap.CellValues().unit(unit).decimals(decimals))
    panel.rows_frame(heatmap.RowsHeatmapOptions().layout(common.HeatmapCellLayout.AUTO).value("voltage"))
    panel.y_axis(heatmap.YAxisConfig().axis_placement(common.AxisPlacement.LEFT).axis_label("node").reverse(False))  # noqa: FBT003
    return panel.show_legend()


def bars(
    title: str, about: str, query: str, *, unit: str, x: str, label: str, overrides: Sequence[Override] = ()
) -> barchart.Panel:
    """Counts per name, stacked."""
    panel = _dress(barchart.Panel(), title, about, (query,), unit=unit, overrides=overrides)
    panel.x_field(x).stacking(common.StackingMode.NORMAL).axis_label(label).fill_opacity(80).line_width(0)
    panel.show_value(common.VisibilityMode.AUTO).orientation(common.VizOrientation.HORIZONTAL).decimals(0)
    panel.text(VizTextDisplayOptions().value_size(13))
    legend = VizLegendOptions().show_legend(True).placement(common.LegendPlacement.BOTTOM)  # noqa: FBT003
    return panel.legend(legend.display_mode(common.LegendDisplayMode.LIST).calcs([]))


def alerts(title: str, about: str) -> dashboard.Panel:
    """Which of our alert rules are pending or firing; Grafana's own list, no query."""
    options = {
        "viewMode": "list",
        "groupMode": "default",
        "maxItems": 20,
        "sortOrder": 3,
        "dashboardAlerts": False,
        "folder": None,
        "alertInstanceLabelFilter": '{service="hearthgrid"}',
        "datasource": "-- Grafana --",
        "stateFilter": {"firing": True, "pending": True, "noData": True, "normal": False, "error": True},
    }
    return dashboard.Panel().type("alertlist").title(title).description(about).options(options)
