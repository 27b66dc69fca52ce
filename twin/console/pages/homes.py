"""Homes: all of them, to search and sort; a home's name leads to its page."""

from collections.abc import Mapping
from typing import Any

from nicegui import ui

from twin.console.kit import page as heading
from twin.console.kit import panel
from twin.console.live import TICK_S
from twin.console.pages.tables import column, live_table
from twin.console.views import HomeRow, Views
from twin.console.words import KIND_NAMES, PATHWAY_NAMES, PATHWAY_SHAPES, age, plural, power
from twin.model.device import DeviceKind

_STATES = {"f": ("good", "Fresh"), "s": ("warn", "Stale"), "n": ("", "Waiting")}
_COLUMNS = (
    column("id", "Home"),
    column("pathway", "Pathway"),
    column("state", "State"),
    column("power", "Power", end=True, shown="power_text"),
    column("age", "Oldest value", end=True, shown="age_text"),
    column("feeder", "Feeder", end=True, wide=True),
    column("phases", "Phase", wide=True),
    column("point", "Connection", wide=True),
    column("kinds", "Devices", wide=True, sortable=False),
)
_CELLS = {
    "id": "<a :href=\"'/homes/' + encodeURIComponent(props.row.id)\">{{ props.row.id }}</a>",
    "pathway": (
        '<span class="row" style="flex-wrap:nowrap"><span :class="\'dot \' + props.row.shape" '
        ":style=\"'--c:var(--' + props.row.colour + ')'\"></span>{{ props.row.pathway }}</span>"
    ),
    "state": "<span :class=\"'pill ' + props.row.tone\">{{ props.row.state }}</span>",
}


def page(views: Views) -> None:
    """Build the page."""
    with heading("Homes", f"{len(views.sources.pilot.homes)} behind {plural(views.sources.pilot.feeders, 'feeder')}"):
        search = (
            ui.element("input")
            .classes("search")
            .props('type=search placeholder="Search homes" aria-label="Search homes"')
        )
    shown: list[object] = [None]
    with panel("All homes", width=""):
        table = live_table(_COLUMNS, _CELLS, rows=_rows(views), label="Homes")
    search.on("input", lambda event: table.set_filter(event.args), js_handler="(event) => emit(event.target.value)")

    def update() -> None:
        homes = views.homes.get()
        if homes is not shown[0]:
            shown[0] = homes
            table.rows = _rows(views)

    ui.timer(TICK_S, update)


def _rows(views: Views) -> list[dict[str, Any]]:
    kinds = {
        home.id: ", ".join(
            KIND_NAMES[kind]
            for kind in dict.fromkeys(views.sources.pilot.device[device].kind for device in home.devices)
            if kind is not DeviceKind.METER
        )
        for home in views.sources.pilot.homes
    }
    return [_row(row, kinds) for row in views.homes.get()]


def _row(row: HomeRow, kinds: Mapping[str, str]) -> dict[str, Any]:
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
        "kinds": kinds[row.home.id],
    }
