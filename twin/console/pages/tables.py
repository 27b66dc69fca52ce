"""Long tables to search, sort and leaf through: Quasar's table, told to show one text and sort by another value."""

from collections.abc import Mapping, Sequence
from typing import Any

from nicegui import ui

from twin.console.kit import put

MANY = 150
"""Tables with more rows than this are renewed less often, every `SLOW_TICK_S`."""
SLOW_TICK_S = 6.0

PATHWAY_CELL = """<span class="row nowrap-row">
    <span :class="'dot ' + props.row.shape" :title="props.row.pathway"
        :style="'--c:var(--' + props.row.colour + ')'"></span>
    <span class="wide-only">{{ props.row.pathway }}</span></span>"""
"""A pathway's mark and name, from the row's `shape`, `colour` and `pathway`; the name only where there is room."""

_PAGE = 50


def column(
    field: str, label: str, *, end: bool = False, wide: bool = False, shown: str = "", sortable: bool = True
) -> dict[str, Any]:
    """A column sorted by `field` and showing `shown`; `end` aligns it right, `wide` hides it on narrow screens."""
    hidden = " wide-only" if wide else ""
    return {
        "name": field,
        "field": field,
        "label": label,
        "align": "right" if end else "left",
        "sortable": sortable,
        "shown": shown or field,
        "classes": f"nowrap{hidden}" if field != "kinds" else hidden,
        "headerClasses": hidden,
    }


def live_table(
    columns: Sequence[dict[str, Any]], cells: Mapping[str, str], *, rows: list[dict[str, Any]], label: str
) -> ui.table:
    """A table keyed by `id`, so that rows change in place; `cells` are Vue templates by column name."""
    table = ui.table(columns=list(columns), rows=rows, row_key="id", pagination=_PAGE)
    table.classes("console-table").props("flat dense binary-state-sort hide-no-data=false")
    put(table, "aria-label", label)
    put(table, "no-data-label", "Nothing to show yet: nothing has been reported.")
    put(table, "no-results-label", "Nothing matches the search.")
    for one in columns:
        name = one["name"]
        content = cells.get(name) or "{{ props.row." + one["shown"] + " }}"
        table.add_slot(f"body-cell-{name}", f'<q-td :props="props">{content}</q-td>')
    return table
