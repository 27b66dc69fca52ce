"""Homes: all of them, to search and sort; a home's name leads to its page."""

from collections.abc import Sequence
from typing import Any

from nicegui import ui

from twin.console.kit import page as heading
from twin.console.kit import panel
from twin.console.live import TICK_S
from twin.console.pages.tables import MANY, PATHWAY_CELL, SLOW_TICK_S, column, live_table
from twin.console.views import HomeRow, Views
from twin.console.words import KIND_NAMES, PATHWAY_NAMES, PATHWAY_SHAPES, age, count, plural, power
from twin.model.device import DeviceKind

_STATES = {"f": ("good", "Fresh"), "s": ("warn", "Stale"), "n": ("", "Waiting")}
_COLUMNS = (
    column("id", "Home"),
    column("pathway", "Pathway"),
    column("state", "State"),
    column("power", "Power", end=True, shown="power_text"),
    column("age", "Age", end=True, shown="age_text"),
    column("feeder", "Feeder", end=True, wide=True),
    column("phases", "Phase", wide=True),
    column("point", "Connection", wide=True),
    column("kinds", "Devices", wide=True, sortable=False),
)
_CELLS = {
    "id": "<a :href=\"'/homes/' + encodeURIComponent(props.row.id)\">{{ props.row.id }}</a>",
    "pathway": PATHWAY_CELL,
    "state": "<span :class=\"'pill ' + props.row.tone\">{{ props.row.state }}</span>",
}


def page(views: Views) -> None:
    """Build the page."""
    pilot = views.sources.pilot
    with heading("Homes", f"{count(len(pilot.homes))} behind {plural(pilot.feeders, 'feeder')}"):
        search = ui.element("input").classes("search")
        search.props('type=search placeholder="Search homes" aria-label="Search homes"')
    shown = views.homes.get()
    with panel("All homes", width=""):
        table = live_table(_COLUMNS, _CELLS, rows=views.made(_rows, shown), label="Homes")
    search.on("input", lambda event: table.set_filter(event.args), js_handler="(event) => emit(event.target.value)")

    def update() -> None:
        nonlocal shown
        homes = views.homes.get()
        if homes is not shown:
            shown = homes
            table.rows = views.made(_rows, homes)

    ui.timer(TICK_S if len(pilot.homes) <= MANY else SLOW_TICK_S, update)


def _rows(rows: Sequence[HomeRow]) -> list[dict[str, Any]]:
    return [_row(row) for row in rows]


def _row(row: HomeRow) -> dict[str, Any]:
    tone, state = _STATES[row.mark]
    first = row.pathways[0]
    return {
        "id": row.home.id,
        "pathway": " + ".join(PATHWAY_NAMES[pathway] for pathway in row.pathways),
        "colour": first.value,
        "shape": PATHWAY_SHAPES[first],
        "state": state,
        "tone": tone,
        "power": row.power_w,
        "power_text": power(row.power_w),
        "age": row.age_s,
        "age_text": age(row.age_s),
        "feeder": row.home.feeder + 1,
        "phases": row.home.phases,
        "point": row.home.connection_point,
        "kinds": ", ".join(KIND_NAMES[kind] for kind in row.kinds if kind is not DeviceKind.METER),
    }
