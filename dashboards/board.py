"""Puts a dashboard together: its question on top, rows of panels below, links, variables, annotations.

Refuses rows that are not as wide as the grid, and two panels of one title: alert rules find their panel by it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import Dashboard, DashboardCursorSync, GridPos, VariableModel
from grafana_foundation_sdk.models.dashboard import Panel as BuiltPanel

from dashboards import annotations, links, panels

PanelBuilder = Builder[BuiltPanel]

WIDTH = 24
_QUESTION_HEIGHT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Panels side by side: their widths, of 24 together, and their common height."""

    height: int
    panels: Sequence[tuple[int, PanelBuilder]]


def row(height: int, *of: tuple[int, PanelBuilder]) -> Row:
    """Panels side by side."""
    if sum(width for width, _ in of) != WIDTH:
        raise ValueError(f"a row's panels are {WIDTH} wide together, these are {[width for width, _ in of]}")
    return Row(height=height, panels=of)


def board(
    *,
    uid: str,
    question: str,
    reading: str,
    rows: Sequence[Row],
    variables: Sequence[Builder[VariableModel]],
    span: str = "now-1h",
    refresh: str = "10s",
) -> Dashboard:
    """A dashboard for one question; `reading` says in a sentence or two how to read it."""
    built = dashboard.Dashboard(question).uid(uid).description(reading).tags([links.TAG]).readonly()
    built.time(span, "now").refresh(refresh).timezone("browser").tooltip(DashboardCursorSync.CROSSHAIR)
    built.link(links.across())
    for annotation in annotations.every():
        built.annotation(annotation)
    built.variables(list(variables))
    top = panels.question(f"### {question}\n{reading}").build()
    top.id_val, top.grid_pos = 1, GridPos(h=_QUESTION_HEIGHT, w=WIDTH, x=0, y=0)
    placed = [top]
    y = _QUESTION_HEIGHT
    for one in rows:
        x = 0
        for width, builder in one.panels:
            panel = builder.build()
            panel.id_val, panel.grid_pos = len(placed) + 1, GridPos(h=one.height, w=width, x=x, y=y)
            placed.append(panel)
            x += width
        y += one.height
    result = built.build()
    result.panels = list(placed)
    panel_ids(result)
    return result


def panel_ids(of: Dashboard) -> Mapping[str, int]:
    """The ids of a dashboard's panels, by title."""
    found: dict[str, int] = {}
    for panel in of.panels or []:
        title, number = panel.title or "", getattr(panel, "id_val", None)
        if title in found or number is None:
            raise ValueError(f"{of.title}: panel {title!r} is there twice or has no id")
        found[title] = number
    return found
