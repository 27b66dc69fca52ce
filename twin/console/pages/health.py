"""Twin health: whether to trust what the other pages show."""

from nicegui import ui

from twin.console.kit import Facts, Grid, Stat, Text, empty, panel, tag
from twin.console.kit import page as heading
from twin.console.live import TICK_S
from twin.console.views import Views
from twin.console.words import DASH, age, count, milliseconds, moment, percent, power, size
from twin.model.health import Percentiles, StoreHealth, TwinHealth, WorldHealth

LAG_P99_MS = 50.0
UPDATE_P99_MS = 20.0
BALANCE = 1e-6
_FULL = 0.8


def page(views: Views) -> None:
    """Build the page."""
    _Health(views)


class _Health:
    def __init__(self, views: Views) -> None:
        self._views = views
        self._shown: TwinHealth | None = None
        with heading("Twin health") as self._sub:
            pass
        with tag("div", "grid12"):
            with tag("section", "panel w3"):
                self._bus = Stat("Bus")
            with tag("section", "panel w3"):
                self._update = Stat("Wire to state, p99")
            with tag("section", "panel w3"):
                self._lag = Stat("World lag, p99")
            with tag("section", "panel w3"):
                self._store = Stat("Store")
            with panel("From the bus to the state", width="w4"):
                self._ingest = Facts(
                    ("Messages", "Telemetry messages", "Updates of twins", "Repeats dropped", "Dead letters", "Queue")
                )
            with panel("History", width="w4"):
                self._history = Facts(
                    ("Rows stored", "Waiting in the spool", "Spool on disk", "Writing", "Last trouble")
                )
                self._trouble = Text("", tag="p", classes="tone-bad")
            with panel("Delays", width="w4"):
                self._delays = Grid(("", ">p50", ">p99", ">max"), label="Delays")
            with panel("World", width="w12", note="what the simulated part says of itself"):
                self._world = tag("div", "grid12")
        with self._world:
            with tag("div", "w4"):
                self._pace = Facts(("Steps", "Missed deadlines", "Outbox"))
            with tag("div", "w4"):
                self._grid = Facts(("Nodes solved", "Voltage, lowest and highest", "Transformer loading"))
            with tag("div", "w4"):
                self._balance = Facts(("Losses", "Energy balance error", "Back-fill took"))
        self._absent = tag("div")
        with self._absent:
            empty(
                "No simulated world has reported.",
                "In an all-live pilot there is none; else start one with `twin run`.",
            )
        self.update()
        ui.timer(TICK_S, self.update)

    def update(self) -> None:
        """Show the newest figures."""
        health = self._views.health.get()
        if health is self._shown:
            return
        self._shown = health
        ingest = health.ingest
        self._sub.say(f"{health.mode} time, as of {moment(health.at)} UTC")
        self._bus.say(
            "Connected" if health.bus_connected else "Away",
            "messages flow" if health.bus_connected else "reconnecting; check that the broker runs",
            "tone-good" if health.bus_connected else "tone-bad",
        )
        late = ingest.update_latency_ms
        self._update.say(milliseconds(late.p99), f"aim: under {UPDATE_P99_MS:.0f} ms", _over(late.p99, UPDATE_P99_MS))
        self._ingest.say("Messages", count(ingest.messages))
        self._ingest.say("Telemetry messages", count(ingest.telemetry_messages))
        self._ingest.say("Updates of twins", count(ingest.twin_updates))
        self._ingest.say("Repeats dropped", count(ingest.duplicates))
        letters = sum(ingest.dead_letters.values())
        self._ingest.say("Dead letters", count(letters), "tone-warn" if letters else "")
        crowded = ingest.queue_limit and ingest.queue > _FULL * ingest.queue_limit
        self._ingest.say(
            "Queue", f"{count(ingest.queue)} of {count(ingest.queue_limit)}", "tone-bad" if crowded else ""
        )
        durations = {"Wire to state": late, "Store write": health.store.write_ms}
        if health.world is not None:
            durations["World lag"] = health.world.lag_ms
        self._delays.say([_row(name, of) for name, of in durations.items()])
        self._show_store(health.store)
        self._show_world(health.world)

    def _show_store(self, store: StoreHealth) -> None:
        failing = store.failing_since is not None
        self._store.say(
            "Failing" if failing else count(store.rows),
            f"since {moment(store.failing_since)}" if failing else f"rows; {count(store.pending)} waiting",
            "tone-bad" if failing else "",
        )
        self._history.say("Rows stored", count(store.rows))
        self._history.say("Waiting in the spool", count(store.pending))
        self._history.say("Spool on disk", size(store.spool_bytes))
        self._history.say("Writing", "failing" if failing else "yes", "tone-bad" if failing else "tone-good")
        self._history.say("Last trouble", store.last_error or "none")
        self._trouble.say(f"{store.last_error}. Nothing is lost while the spool has room." if failing else "")

    def _show_world(self, world: WorldHealth | None) -> None:
        self._world.classes(remove="hidden" if world else "", add="" if world else "hidden")
        self._absent.classes(remove="" if world else "hidden", add="hidden" if world else "")
        if world is None:
            self._lag.say(DASH, "no simulated world")
            return
        self._lag.say(
            milliseconds(world.lag_ms.p99),
            f"{count(world.missed_deadlines)} missed deadlines",
            _over(world.lag_ms.p99, LAG_P99_MS),
        )
        self._pace.say("Steps", count(world.steps))
        self._pace.say("Missed deadlines", count(world.missed_deadlines), "tone-warn" if world.missed_deadlines else "")
        self._pace.say("Outbox", count(world.outbox))
        self._grid.say("Nodes solved", count(world.grid_nodes))
        self._grid.say("Voltage, lowest and highest", f"{world.v_min_pu:.3f} … {world.v_max_pu:.3f} pu")
        self._grid.say("Transformer loading", percent(world.transformer_loading_max, 1))
        self._balance.say("Losses", power(world.losses_w))
        self._balance.say(
            "Energy balance error", f"{world.energy_balance_error:.1e}", _over(world.energy_balance_error, BALANCE)
        )
        self._balance.say("Back-fill took", age(world.backfill_s))


def _row(name: str, durations: Percentiles) -> tuple[str, ...]:
    return (name, *(milliseconds(value) for value in (durations.p50, durations.p99, durations.max)))


def _over(value: float, limit: float) -> str:
    return "tone-bad" if value > limit else ""
