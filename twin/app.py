"""Where the twin is put together: clock, bus, state, history, commands and console, once, in this order.

Nothing below this module chooses its own clock, address or file.
"""

import gc
import logging
import os
import re
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from resource import getpagesize
from typing import Any

from twin.adapters.port import Adapter
from twin.adapters.registry import load as load_adapter
from twin.bus.mqtt import MqttBus
from twin.bus.port import Bus
from twin.clock import Clock, DrivenClock, WallClock
from twin.console.conditions import conditions
from twin.console.grafana import EVENTS_READ, Marker, connect
from twin.console.server import ConsoleServer
from twin.console.sources import ConsoleSources
from twin.dispatch import Dispatcher
from twin.ingest import Ingest
from twin.model.event import Event
from twin.model.health import TwinHealth
from twin.model.topology import Pilot
from twin.state.aggregate import overview, pathway_table
from twin.state.alarms import AlarmBook
from twin.state.commands import CommandBook
from twin.state.registry import PilotState
from twin.state.sampling import Commands, Sampler
from twin.store.embedded import EmbeddedStore
from twin.store.incident import write as write_incident
from twin.store.influx.address import SCHEME as INFLUX_SCHEME
from twin.store.influx.address import address
from twin.store.influx.store import InfluxStore
from twin.store.port import Batch, Store, StoreError
from twin.store.spool import Spool
from twin.store.writer import HistoryWriter

_log = logging.getLogger(__name__)

_STORE_SCHEME = "duckdb:"
_LOOK_EVERY_S = 1.0
_GRACE_S = 60.0  # how long after a start silence is no alarm yet
_COMMANDS_TAKEN_UP = 1_000
_EVENTS_TAKEN_UP = 1_000
_FLUSH_WITHIN_S = 0.5
_SAMPLE_EVERY_S = 10.0
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Addresses and places of one twin. `store` is duckdb:FILE, or None for history.duckdb in `folder`."""

    broker: str
    store: str | None
    host: str
    port: int
    folder: Path
    grafana: str | None = None  # address of a Grafana in which alarms are marked
    pilot_file: Path | None = None


def store_url(store: str | None, folder: Path) -> str:
    """Where history is: as asked for, or in `folder`."""
    return store or f"{_STORE_SCHEME}{folder / 'history.duckdb'}"


def open_store(url: str, pilot: Pilot, *, create: bool = True) -> Store:
    """The store at `url`. ValueError for an unknown kind, or none there without `create`; StoreError when it fails.

    A server that is there and refuses is a ValueError too; one that is away is not: it is waited for while running.
    """
    if url.startswith(INFLUX_SCHEME):
        return _influx_store(url, pilot)
    if not url.startswith(_STORE_SCHEME) or url == _STORE_SCHEME:
        raise ValueError(f"unknown store {url!r}; write {_STORE_SCHEME}FILE, or {INFLUX_SCHEME}http://HOST:PORT")
    path = Path(url.removeprefix(_STORE_SCHEME))
    if not create and not path.exists():
        raise ValueError(f"there is no history at {path}; a twin that has run with this folder or store leaves it")
    return EmbeddedStore(path, pilot)


def _influx_store(url: str, pilot: Pilot) -> Store:
    try:
        return InfluxStore(address(url, os.environ), pilot, WallClock())
    except StoreError as error:
        if error.retryable:
            raise
        raise ValueError(str(error)) from error


class Twin:
    """The twin of one pilot on any bus, clock and store; the console is added by TwinApp."""

    def __init__(self, pilot: Pilot, *, bus: Bus, clock: Clock, store: Store, spool: Spool) -> None:
        self.pilot = pilot
        self.bus = bus
        self.clock = clock
        self.store = store
        self.state = PilotState(pilot, clock)
        self.writer = HistoryWriter(store, spool, clock)
        self._sampler = Sampler(pilot)
        self._caught_up = False
        names = {endpoint.adapter for endpoint in pilot.endpoints}
        adapters: Mapping[str, Adapter] = {name: load_adapter(name)(pilot) for name in sorted(names)}
        book = CommandBook(pilot)
        self.dispatcher = Dispatcher(state=self.state, book=book, adapters=adapters, bus=bus, clock=clock)
        self.ingest = Ingest(
            bus=bus, adapters=adapters, state=self.state, commands=self.dispatcher, history=self.writer, clock=clock
        )

    def start(self) -> None:
        """Take up where history ends, then listen. What a store that is away holds is taken up when it is back."""
        self.writer.start()
        with suppress(StoreError):  # then the store is away, and what the spool holds is written when it is back
            self.writer.flush()
        self.catch_up()
        self.ingest.start()
        self.bus.open()

    def catch_up(self) -> None:
        """Take up where history ends, unless that is done or the store is away.

        Later than at the start it gives way to what has been heard and asked for meanwhile.
        """
        if self._caught_up or self.writer.health().failing_since is not None:
            return
        try:
            reports, records = self.store.latest(), self.store.recent_commands(_COMMANDS_TAKEN_UP)
        except StoreError as error:
            if not error.retryable:
                raise
            _log.warning("history cannot be taken up yet: %s", error)
            return
        self._caught_up = True
        self.state.restore(reports)
        asked = {(record.command.device, record.command.quantity) for record in self.dispatcher.records()}
        self.dispatcher.restore(
            [record for record in records if (record.command.device, record.command.quantity) not in asked]
        )

    def stop(self) -> None:
        """Take in what has arrived, make it safe, let go."""
        self.bus.close()
        self.ingest.close()
        self.writer.close()
        self.store.close()

    def health(self) -> TwinHealth:
        """How the twin is, this moment."""
        return TwinHealth(
            at=self.clock.now(),
            bus_connected=self.bus.connected,
            ingest=self.ingest.health(),
            store=self.writer.health(),
            world=self.state.world,
            mode=self.ingest.mode,
            backfill_until=self.ingest.backfill_until,
        )

    def sample(self) -> None:
        """Let history know how the twin and its pathways are, this moment."""
        commands = Commands(records=self.dispatcher.records(), counts=self.dispatcher.counts_by_pathway())
        health = self.health()
        taken = self._sampler.samples(self.state, health, commands, health.at, memory_bytes=_memory_bytes())
        with suppress(StoreError):  # a store that fails shows in its health, and a gap is all that is lost
            self.writer.submit(Batch(samples=taken))

    def summary(self) -> dict[str, Any]:
        """The run in figures, as `twin status` prints and `--summary` writes them; history is brought up to date."""
        with suppress(StoreError):  # a store that fails shows in its health
            self.writer.flush(_FLUSH_WITHIN_S)
        health = self.health()
        world, ingest = health.world, health.ingest
        counts = {state.value: count for state, count in self.dispatcher.counts().items()}
        return {
            "pilot": self.pilot.name,
            "at": health.at.isoformat(),
            "homes": len(self.pilot.homes),
            "devices": len(self.pilot.devices),
            "endpoints": len(self.pilot.endpoints),
            "steps": world.steps if world else 0,
            "missed_deadlines": world.missed_deadlines if world else 0,
            "lag_ms": asdict(world.lag_ms) if world else None,
            "telemetry_messages": ingest.telemetry_messages,
            "twin_updates": ingest.twin_updates,
            "dead_letters": sum(ingest.dead_letters.values()),
            "dead_letters_by_reason": dict(ingest.dead_letters),
            "update_latency_ms": asdict(ingest.update_latency_ms),
            "commands": counts,
            "store_rows": health.store.rows,
            "backfill_s": world.backfill_s if world else None,
            "fresh_share": overview(self.state, health.at).fresh_share,
            "grid": None
            if world is None
            else {
                "nodes": world.grid_nodes,
                "v_min_pu": world.v_min_pu,
                "v_max_pu": world.v_max_pu,
                "transformer_loading_max": world.transformer_loading_max,
                "losses_w": world.losses_w,
            },
            "energy_balance_error": world.energy_balance_error if world else None,
        }


class TwinApp:
    """A twin on an MQTT broker with its console: what `twin serve` runs."""

    def __init__(self, pilot: Pilot, settings: Settings) -> None:
        clock = DrivenClock(_LONG_AGO)
        clock.follow_wall()
        settings.folder.mkdir(parents=True, exist_ok=True)
        bus = MqttBus(url=settings.broker, client_id=f"{pilot.name}-twin", clock=clock)
        store = open_store(store_url(settings.store, settings.folder), pilot)
        self._twin = Twin(pilot, bus=bus, clock=clock, store=store, spool=Spool(settings.folder / "spool"))
        twin = self._twin
        self._alarms = AlarmBook(twin.state.note)
        sources = ConsoleSources(
            pilot=pilot,
            state=twin.state,
            history=store,
            commands=twin.dispatcher,
            alarms=self._alarms,
            incident=self._incident,
            health=twin.health,
            summary=twin.summary,
            clock=clock,
        )
        self._settings = settings
        self._console = ConsoleServer(sources, host=settings.host, port=settings.port)
        self._marker = None if settings.grafana is None else _marker(settings.grafana, pilot, store)
        self._stopped = threading.Event()
        self._sampled = 0.0  # in which ten seconds the last sample was taken

    def run(self) -> None:
        """Serve until `stop`."""
        self._twin.start()
        try:
            with suppress(StoreError):  # a store that fails shows in its health
                self._alarms.restore(self._twin.store.recent_events(_EVENTS_TAKEN_UP))
            self._console.start()
            if self._marker is not None:
                self._marker.start()
            settled, started_s = False, self._twin.clock.monotonic_s()
            while not self._stopped.wait(_LOOK_EVERY_S):
                if not self._twin.ingest.alive:
                    raise RuntimeError("the ingest has failed; a twin that hears nothing must not look alive")
                if not settled and self._twin.ingest.backfill_until is None:
                    gc.freeze()  # all that is there lasts; a full collection over it would hold up what comes in
                settled = self._twin.ingest.backfill_until is None
                self._twin.catch_up()
                if settled:
                    self._judge(since_s=started_s)
                    self._sample()
        finally:
            gc.unfreeze()
            if self._marker is not None:
                self._marker.close()
            self._console.stop()
            self._twin.stop()

    def _sample(self) -> None:
        """Take a sample when one is due; in driven time the wall's seconds mean nothing, and none is taken."""
        slot = self._twin.clock.now().timestamp() // _SAMPLE_EVERY_S
        if slot != self._sampled and self._twin.ingest.mode == "live":
            self._sampled = slot
            self._twin.sample()

    def _judge(self, *, since_s: float) -> None:
        """Raise and clear alarms by what is wrong now; nothing before anything was heard, for a while."""
        state, health = self._twin.state, self._twin.health()
        if not health.ingest.telemetry_messages and self._twin.clock.monotonic_s() - since_s < _GRACE_S:
            return
        found = conditions(state, overview(state, health.at), pathway_table(state, health.at), health)
        self._alarms.judge(found, now=health.at, stopwatch_s=self._twin.clock.monotonic_s())

    def _incident(self, target: Path, start: datetime, end: datetime) -> None:
        """Write an incident archive of the stretch, with what waits in the spool."""
        twin = self._twin
        with suppress(StoreError):  # a store that fails shows in its health, and in what follows
            twin.writer.flush(_FLUSH_WITHIN_S)
        write_incident(
            target,
            twin.store,
            twin.pilot,
            start=start,
            end=end,
            written_at=twin.clock.now(),
            pilot_file=self._settings.pilot_file,
            settings={name: _open(value) for name, value in asdict(self._settings).items()},
        )

    def stop(self) -> None:
        """End `run`; safe from a signal handler."""
        self._stopped.set()


def _marker(url: str, pilot: Pilot, store: Store) -> Marker:
    def events() -> Sequence[Event]:
        try:
            return store.recent_events(EVENTS_READ)
        except StoreError:  # shows in its health; what happened is marked when history answers again
            return ()

    return Marker(connect(url, os.environ), pilot.name, events)


def _open(setting: object) -> object:
    """A setting as it may be shown to others: an address without user and password."""
    return re.sub(r"//[^/@]*@", "//", str(setting)) if setting is not None else None


def _memory_bytes() -> float | None:
    """What this process holds in memory now; None where the system does not tell in Linux's way."""
    try:
        return float(Path("/proc/self/statm").read_text().split()[1]) * getpagesize()
    except OSError:
        return None
