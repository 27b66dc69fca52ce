"""Pathways: OEM cloud, gateway and HEMS side by side, as measured, and every endpoint."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from nicegui import ui

from twin.console.kit import Grid, panel, tag
from twin.console.kit import page as heading
from twin.console.live import TICK_S
from twin.console.pages.pathway_card import PathwayCard
from twin.console.pages.tables import MANY, PATHWAY_CELL, SLOW_TICK_S, column, live_table
from twin.console.views import Views
from twin.console.words import DASH, PATHWAY_NAMES, PATHWAY_SHAPES, age, count, milliseconds, moment, percent
from twin.model.command import CommandRecord, CommandState
from twin.model.device import Pathway
from twin.state.aggregate import PathwayRow
from twin.state.endpoint_twin import EndpointTwin

ONLINE = {True: ("good", "Online"), False: ("bad", "Offline"), None: ("", "Not heard of")}
"""Tone and word for an endpoint that is there, is not, or has never been heard of."""

_COLUMNS = (
    column("id", "Endpoint"),
    column("pathway", "Pathway"),
    column("online", "State"),
    column("rate", "Messages/s", end=True, shown="rate_text"),
    column("latency", "Latency p50", end=True, shown="latency_text"),
    column("latency_p99", "p99", end=True, shown="latency_p99_text"),
    column("age", "Added age p50", end=True, shown="age_text"),
    column("promise", "Promised age", end=True, shown="promise_text", wide=True),
    column("homes", "Homes", end=True, wide=True),
    column("variant", "Variant", wide=True),
    column("software", "Software", wide=True),
    column("seen", "Last seen, UTC", wide=True),
)
_CELLS = {
    "id": "<a :href=\"'/endpoints/' + props.row.id\">{{ props.row.id }}</a>",
    "pathway": PATHWAY_CELL,
    "online": "<span :class=\"'pill ' + props.row.tone\">{{ props.row.online }}</span>",
}
_SETTLED_WELL = (CommandState.VERIFIED,)
_SETTLED_ILL = (CommandState.REFUSED, CommandState.EXPIRED, CommandState.UNREACHABLE)


def page(views: Views) -> None:
    """Build the page."""
    rows = views.pathways.get()
    with heading("Pathways", "what each costs in age, latency and lost commands, as measured"):
        pass
    with tag("div", "grid12 cards"):
        cards = {row.pathway: PathwayCard(views, row.pathway) for row in rows}
    with tag("div", "stack"):
        with panel("Side by side", width="", note="over the latest messages"):
            grid = Grid(("", *(f">{PATHWAY_NAMES[row.pathway]}" for row in rows)), label="Pathways side by side")
        with panel("Endpoints", width=""):
            table = live_table(_COLUMNS, _CELLS, rows=_endpoints(views), label="Endpoints")

    def renew() -> None:
        table.rows = _endpoints(views)

    def update() -> None:
        grid.say(_comparison(views, views.pathways.get()))
        for row in views.pathways.get():
            cards[row.pathway].say(row)

    update()
    ui.timer(TICK_S, update)
    ui.timer(TICK_S if len(views.sources.pilot.endpoints) <= MANY else SLOW_TICK_S, renew, immediate=False)


def _comparison(views: Views, rows: Sequence[PathwayRow]) -> Sequence[Sequence[str | tuple[str, str]]]:
    commands = _commands(views)
    promises = {row.pathway: _promise(views, row.pathway) for row in rows}
    table: list[list[str | tuple[str, str]]] = [
        ["Homes", *(count(row.homes) for row in rows)],
        ["Devices reporting", *(f"{count(row.devices_reporting)} of {count(row.devices)}" for row in rows)],
        ["Endpoints online", *(f"{count(row.endpoints_online)} of {count(row.endpoints)}" for row in rows)],
        ["Messages per second", *(f"{row.messages_per_s:.2f}" for row in rows)],
        ["Messages", *(count(row.messages) for row in rows)],
        ["Latency, median", *(milliseconds(row.latency_ms.p50 if row.messages else None) for row in rows)],
        ["Latency, p99", *(milliseconds(row.latency_ms.p99 if row.messages else None) for row in rows)],
        ["Age now, median", *(age(row.age_p50_s if row.devices_reporting else None) for row in rows)],
        ["Age now, highest", *(age(row.age_max_s if row.devices_reporting else None) for row in rows)],
        ["Promised age", *(promises[row.pathway] for row in rows)],
        ["Within promise", *((percent(row.within_promise_share, 1), _share_tone(row)) for row in rows)],
        ["Repeats dropped", *(count(row.duplicates) for row in rows)],
        ["Dead letters", *((count(row.dead_letters), "tone-warn" if row.dead_letters else "") for row in rows)],
        ["Commands", *(count(sum(commands[row.pathway].values())) for row in rows)],
        ["verified", *(_part(commands[row.pathway], _SETTLED_WELL) for row in rows)],
        ["refused, expired, unreachable", *(_part(commands[row.pathway], _SETTLED_ILL) for row in rows)],
    ]
    return table


def _share_tone(row: PathwayRow) -> str:
    return "tone-good" if row.within_promise_share == 1 else "tone-warn"


def _part(states: Counter[CommandState], which: Sequence[CommandState]) -> str:
    total = sum(states.values())
    return f"{sum(states[state] for state in which)} of {total}" if total else DASH


def _promise(views: Views, pathway: Pathway) -> str:
    ages = sorted({endpoint.max_age_s for endpoint in views.sources.pilot.endpoints if endpoint.pathway is pathway})
    return " to ".join(age(value) for value in ((ages[0], ages[-1]) if len(ages) > 1 else ages))


def _commands(views: Views) -> Mapping[Pathway, Counter[CommandState]]:
    found: dict[Pathway, Counter[CommandState]] = {pathway: Counter() for pathway in Pathway}
    record: CommandRecord
    for record in views.commands.get():
        found[views.sources.pilot.pathway(record.command.device)][record.state] += 1
    return found


def _endpoints(views: Views) -> list[dict[str, Any]]:
    endpoint = views.sources.pilot.endpoint
    return [_row(twin, endpoint[twin.id].max_age_s, len(endpoint[twin.id].homes)) for twin in views.endpoints.get()]


def _row(twin: EndpointTwin, promise_s: float, homes: int) -> dict[str, Any]:
    tone, online = ONLINE[twin.online]
    heard = twin.messages > 0
    return {
        "id": twin.id,
        "pathway": PATHWAY_NAMES[twin.pathway],
        "colour": twin.pathway.value,
        "shape": PATHWAY_SHAPES[twin.pathway],
        "online": online,
        "tone": tone,
        "rate": twin.messages_per_s,
        "rate_text": f"{twin.messages_per_s:.2f}",
        "latency": twin.latency_ms.p50,
        "latency_text": milliseconds(twin.latency_ms.p50 if heard else None),
        "latency_p99": twin.latency_ms.p99,
        "latency_p99_text": milliseconds(twin.latency_ms.p99 if heard else None),
        "age": twin.age_p50_s,
        "age_text": age(twin.age_p50_s if heard else None),
        "promise": promise_s,
        "promise_text": age(promise_s),
        "homes": homes,
        "variant": twin.variant,
        "software": twin.software or DASH,
        "seen": moment(twin.last_seen),
    }
