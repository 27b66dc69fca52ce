"""One endpoint: is it there, how late it speaks, for whom it speaks, and what happened to it."""

from typing import Any

from nicegui import ui

from twin.console.charts import Curve, Scale, TimeChart
from twin.console.kit import Facts, Stat, bare_panel, choice, not_found, panel, tag
from twin.console.kit import page as heading
from twin.console.live import TICK_S, HistoryError
from twin.console.pages.dead_letters import letter_table
from twin.console.pages.life import CommandList
from twin.console.pages.pathways import ONLINE
from twin.console.pages.strips import EventList, HistoryNote
from twin.console.pages.tables import column, live_table
from twin.console.views import HISTORY_HOURS, HISTORY_NAMES, Views
from twin.console.words import DASH, KIND_NAMES, PATHWAY_NAMES, age, count, milliseconds, moment, plural
from twin.state.device_twin import freshness
from twin.state.endpoint_twin import EndpointTwin

_COMMANDS, _EVENTS, _LETTERS = 8, 20, 10
_RELOAD_S = 10.0  # how often a new figure comes: see twin.state.sampling
_FACTS = ("Pathway", "Variant", "Adapter", "Interval", "Promised age", "Session", "Software", "Last seen, UTC")
_COLUMNS = (
    column("id", "Device"),
    column("kind", "Kind"),
    column("home", "Home"),
    column("age", "Age", end=True, shown="age_text"),
    column("state", "State"),
    column("source", "Source"),
)
_CELLS = {
    "home": "<a :href=\"'/homes/' + props.row.home\">{{ props.row.home }}</a>",
    "state": "<span :class=\"'pill ' + props.row.tone\">{{ props.row.state }}</span>",
}


def page(views: Views, endpoint: str) -> None:
    """Build the page of one endpoint."""
    if endpoint not in views.sources.pilot.endpoint:
        not_found(f"There is no endpoint {endpoint}", "The pathways' page lists all of this pilot's.")
    else:
        _Endpoint(views, endpoint)


class _Endpoint:
    def __init__(self, views: Views, endpoint: str) -> None:
        self._views = views
        self._id = endpoint
        self._hours = HISTORY_HOURS[0]
        pilot = views.sources.pilot
        known = pilot.endpoint[endpoint]
        self._devices = [device.id for device in pilot.endpoint_devices[endpoint]]
        size = f"{plural(len(known.homes), 'home')}, {plural(len(self._devices), 'device')}"
        with heading(f"Endpoint {endpoint}", f"{PATHWAY_NAMES[known.pathway]}, {size}"):
            choice(HISTORY_NAMES, self._choose, start=0, label="Time shown in the charts")
        self._history = HistoryNote()
        with tag("div", "grid12"):
            self._stats = {}
            for name in ("State", "Messages", "Latency", "Added age"):
                with bare_panel("w3 m6"):
                    self._stats[name] = Stat(name)
            with panel("Latency", width="w4", note="published to received, p99"):
                latency = self._chart(
                    "Latency", Scale(unit="ms", digits=1, low=0.0), "Latency of the endpoint over time"
                )
            with panel("Age", width="w4", note="measured to received, median"):
                ages = self._chart(
                    "Age", Scale(unit="s", digits=1, low=0.0), "Age of what the endpoint sends over time"
                )
            with panel("What it is", width="w4"):
                self._facts = Facts(_FACTS)
            with panel("Devices", width="w12"):
                self._table = live_table(_COLUMNS, _CELLS, rows=self._rows(), label=f"Devices behind {endpoint}")
            with panel("Commands through it", note=f"newest first, at most {_COMMANDS}"):
                self._commands = CommandList(
                    views, limit=_COMMANDS, hint="“Set…” on the page of one of its homes sends one."
                )
            with panel("Events", note=f"of the endpoint and its devices, newest first, at most {_EVENTS}"):
                about = frozenset((endpoint, *self._devices, f"endpoint-offline:{endpoint}"))
                self._events = EventList(views, limit=_EVENTS, about=about)
            with panel("Dead letters", note=f"from its topics, newest first, at most {_LETTERS}"):
                self._letters = tag("div")
        self._shown_letters: object = None
        self._charts = ((latency, "latency_p99_ms"), (ages, "age_p50_s"))
        self._facts.say("Pathway", PATHWAY_NAMES[known.pathway])
        self._facts.say("Variant", known.variant)
        self._facts.say("Adapter", known.adapter)
        self._facts.say("Interval", age(known.interval_s))
        self._facts.say("Promised age", age(known.max_age_s))
        self.update()
        ui.timer(0.05, self.load, once=True)
        ui.timer(TICK_S, self.update)
        ui.timer(_RELOAD_S, self.load, immediate=False)

    @staticmethod
    def _chart(name: str, scale: Scale, label: str) -> TimeChart:
        return TimeChart((Curve(name=name, colour="accent", area=True),), scale, label=label)

    async def _choose(self, number: int) -> None:
        self._hours = HISTORY_HOURS[number]
        await self.load()

    async def load(self) -> None:
        """Fill the charts from history."""
        try:
            names = [name for _, name in self._charts]
            past = await self._views.sample_history("endpoint", self._id, names, self._hours)
        except HistoryError as error:
            self._history.say(error)
            return
        self._history.say(None)
        for (chart, _), series in zip(self._charts, past.series, strict=True):
            chart.fill([series], past.start, past.end)

    def update(self) -> None:
        """Show the endpoint as it is now."""
        twin = self._views.sources.state.endpoint(self._id)
        self._say(twin)
        self._table.rows = self._rows()
        self._events.update()
        mine = set(self._devices)
        self._commands.say([record for record in self._views.commands.get() if record.command.device in mine])
        letters = [
            letter for letter in self._views.sources.state.dead_letters if f"/{self._id}/" in f"/{letter.topic}/"
        ][:_LETTERS]
        if letters != self._shown_letters:
            self._shown_letters = letters
            self._letters.clear()
            with self._letters:
                letter_table(letters)

    def _say(self, twin: EndpointTwin) -> None:
        tone, online = ONLINE[twin.online]
        heard = twin.messages > 0
        since = f"since {moment(twin.since)} UTC" if twin.since else "it has not announced itself"
        self._stats["State"].say(online, since, f"tone-{tone}" if tone else "")
        refused = f", {count(twin.dead_letters)} refused" if twin.dead_letters else ""
        self._stats["Messages"].say(f"{twin.messages_per_s:.2f} /s", f"{count(twin.messages)} so far{refused}")
        p50, p99 = (milliseconds(value if heard else None) for value in (twin.latency_ms.p50, twin.latency_ms.p99))
        self._stats["Latency"].say(p50, f"p99 {p99}")
        self._stats["Added age"].say(
            age(twin.age_p50_s if heard else None), f"highest {age(twin.age_max_s if heard else None)}"
        )
        self._facts.say("Session", twin.session or DASH)
        self._facts.say("Software", twin.software or DASH)
        self._facts.say("Last seen, UTC", moment(twin.last_seen))

    def _rows(self) -> list[dict[str, Any]]:
        state, now = self._views.sources.state, self._views.sources.clock.now()
        rows = []
        for device in self._devices:
            twin = state.device(device)
            fresh = freshness(twin, now)
            tone, said = ("", "waiting") if fresh.never else ("warn", "stale") if fresh.stale else ("good", "fresh")
            rows.append(
                {
                    "id": device,
                    "kind": KIND_NAMES.get(twin.kind, twin.kind),
                    "home": twin.home,
                    "age": None if fresh.never else round(fresh.age_s),
                    "age_text": age(None if fresh.never else fresh.age_s),
                    "state": said,
                    "tone": tone,
                    "source": twin.source.value,
                }
            )
        return rows
