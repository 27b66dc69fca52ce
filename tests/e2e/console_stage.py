"""A pilot's twin with a plausible day behind it, to look at: true state, history, commands and console, time by hand.

The figures are made up by simple formulas of the time of day; nothing here is a measurement of how good the twin is.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.builders import small_pilot
from twin.adapters.port import Answer, Readings
from twin.adapters.registry import load
from twin.bus.memory import MemoryBroker
from twin.clock import DrivenClock
from twin.console.conditions import conditions
from twin.console.sources import ConsoleSources
from twin.dispatch import Dispatcher
from twin.model.device import KINDS, DeviceKind, Pathway
from twin.model.event import DeadLetter, Reason
from twin.model.health import IngestHealth, Percentiles, StoreHealth, TwinHealth, WorldHealth
from twin.model.quantity import CIRCUIT_CLOSED, CIRCUIT_POWER, MAIN_CLOSED
from twin.model.telemetry import GridReport, Quality, Report
from twin.model.topology import Device, Endpoint, Pilot
from twin.state.aggregate import overview, pathway_table
from twin.state.alarms import AlarmBook
from twin.state.commands import CommandBook
from twin.state.gate import TimeFrame
from twin.state.registry import PilotState
from twin.store.embedded import EmbeddedStore
from twin.store.port import Batch

START = datetime(2026, 6, 15, 17, 40, tzinfo=UTC)
LATENCY_S: Mapping[Pathway, float] = MappingProxyType({Pathway.OEM: 0.9, Pathway.GATEWAY: 0.04, Pathway.HEMS: 0.12})
CACHE_S: Mapping[Pathway, float] = MappingProxyType({Pathway.OEM: 95.0, Pathway.GATEWAY: 0.0, Pathway.HEMS: 1.0})


class ConsoleStage:
    """A twin to look at. `step` lets time pass; `health` may be changed at will."""

    def __init__(self, folder: Path, pilot: Pilot | None = None, *, history: bool = True) -> None:
        self.pilot = pilot or small_pilot(homes=6)
        self.clock = DrivenClock(START)
        self.state = PilotState(self.pilot, self.clock)
        self.store = EmbeddedStore(folder / "history.duckdb", self.pilot)
        self.bus = MemoryBroker(clock=self.clock).client("twin")
        self.bus.open()
        names = {endpoint.adapter for endpoint in self.pilot.endpoints}
        self.dispatcher = Dispatcher(
            state=self.state,
            book=CommandBook(self.pilot),
            adapters={name: load(name)(self.pilot) for name in names},
            bus=self.bus,
            clock=self.clock,
        )
        self.alarms = AlarmBook(self.state.note)
        self._number = {device.id: index for index, device in enumerate(self.pilot.devices)}
        self._sequence = itertools.count()
        self._commanded: dict[tuple[str, str], float] = {}
        self.health = self._healthy()
        if history:
            self._remember_a_day()

    def close(self) -> None:
        self.bus.close()
        self.store.close()

    def sources(self) -> ConsoleSources:
        return ConsoleSources(
            pilot=self.pilot,
            state=self.state,
            history=self.store,
            commands=self.dispatcher,
            alarms=self.alarms,
            health=lambda: replace(self.health, at=self.clock.now()),
            summary=lambda: {"homes": len(self.pilot.homes), "devices": len(self.pilot.devices)},
            clock=self.clock,
        )

    def step(self, seconds: float = 1.0, *, silent: Sequence[str] = ()) -> None:
        """Time passes; every endpoint that is due reports, except those in `silent`, and the power flow is new."""
        before = self.clock.now()
        self.clock.drive(before + timedelta(seconds=seconds))
        now = self.clock.now()
        for endpoint in self.pilot.endpoints:
            due = int(now.timestamp()) // endpoint.interval_s > int(before.timestamp()) // endpoint.interval_s
            if endpoint.id not in silent and due:
                self.report(endpoint)
        for feeder in range(self.pilot.feeders):
            self.state.take_grid(self.grid(feeder, now, nodes=True))
        self.state.sweep(now)
        self.dispatcher.tick()
        wrong = conditions(self.state, overview(self.state, now), pathway_table(self.state, now), self.health)
        self.alarms.judge(wrong, now=now, stopwatch_s=now.timestamp())

    def report(self, endpoint: Endpoint) -> None:
        """All devices of an endpoint report, as late as its pathway makes them."""
        now = self.clock.now()
        published = now - timedelta(seconds=LATENCY_S[endpoint.pathway] * (1 + 0.4 * math.sin(now.timestamp())))
        measured = published - timedelta(seconds=CACHE_S[endpoint.pathway])
        reports = [
            Report(
                device=device.id,
                measured_at=measured,
                published_at=published,
                received_at=now,
                values=self.values(device, now),
                quality=Quality.ESTIMATED if device.kind is DeviceKind.WATER_HEATER else Quality.GOOD,
            )
            for device in self.pilot.endpoint_devices[endpoint.id]
        ]
        readings = Readings(
            endpoint=endpoint.id,
            session="one",
            sequence=next(self._sequence),
            published_at=published,
            reports=reports,
        )
        taken = self.state.take(readings, TimeFrame(now=now))
        self.dispatcher.reported(taken.news, session="one")

    def answer(self, command: str, device: str, outcome: str = "acknowledged", reason: str = "") -> None:
        """The device's endpoint answers a command; the device does as it is told from then on."""
        record = self.dispatcher.record(command)
        if record is not None and outcome == "acknowledged":
            self._commanded[device, record.command.quantity] = record.command.value
        self.dispatcher.answered(
            Answer(
                endpoint=self.pilot.device[device].endpoint,
                command=command,
                outcome=outcome,
                reason=reason,
                published_at=self.clock.now(),
            )
        )

    def spoil(self) -> None:
        """Something on the bus that is no message."""
        topic = f"hg/1/{self.pilot.name}/{self.pilot.endpoints[-1].id}/telemetry"
        for reason, detail, excerpt in (
            (Reason.NOT_JSON, "unexpected character at 1", b"<html>\xff502 Bad Gateway</html>"),
            (Reason.OUT_OF_RANGE, "soc = 1.7 is outside 0..1 1", b'{"endpoint":"x","readings":[{"soc":1.7}]}'),
        ):
            letter = DeadLetter(at=self.clock.now(), topic=topic, reason=reason, detail=detail, excerpt=excerpt)
            self.state.bury(letter, self.pilot.endpoints[-1].id)

    def values(self, device: Device, at: datetime) -> Mapping[str, float]:  # noqa: PLR0911 - one per kind
        """What `device` would measure at `at`."""
        number = self._number[device.id]
        hour = at.hour + at.minute / 60 + at.second / 3_600
        sun = max(0.0, math.sin((hour - 5.5) / 15.5 * math.pi)) ** 1.4 if 5.5 < hour < 21 else 0.0
        wobble = 1 + 0.12 * math.sin(at.timestamp() / 97 + 1.7 * number) + 0.05 * math.sin(at.timestamp() / 3 + number)
        ratings = device.ratings
        match device.kind:
            case DeviceKind.PV:
                power = -0.82 * ratings["ac_power_va"] * sun * wobble
                limit = self._commanded.get((device.id, "active_power_limit"), 1.0)
                return {"power_w": power * limit, "power_available_w": power, "active_power_limit": limit}
            case DeviceKind.BATTERY:
                asked = self._commanded.get((device.id, "power_setpoint_w"))
                power = 0.55 * ratings["power_w"] * (sun - 0.45) * wobble if asked is None else asked
                soc = 0.5 + 0.38 * math.sin((hour - 11 + 0.1 * number) / 12 * math.pi)
                return {"power_w": power, "soc": min(max(soc, 0.1), 1.0), "power_setpoint_w": asked or power}
            case DeviceKind.EV_CHARGER:
                plugged = (hour + number) % 24 > 17 or (hour + number) % 24 < 7
                power = ratings["power_w"] * wobble * 0.8 if plugged and (number + int(hour)) % 3 == 0 else 0.0
                return {"power_w": power, "soc": 0.6, "plugged": float(plugged), "power_limit_w": ratings["power_w"]}
            case DeviceKind.HEAT_PUMP:
                power = max(0.0, 700 + 900 * math.sin(hour / 3 + number)) * wobble
                return {"power_w": power, "temperature_indoor_degc": 20.8 + 0.4 * wobble, "setpoint_heat_degc": 20.5,
                        "setpoint_offset_k": self._commanded.get((device.id, "setpoint_offset_k"), 0.0)}  # fmt: skip
            case DeviceKind.WATER_HEATER:
                power = ratings["power_w"] if (int(hour * 4) + number) % 11 == 0 else 0.0
                return {"power_w": power, "temperature_tank_degc": 54.0 + wobble, "setpoint_tank_degc": 55.0}
            case DeviceKind.SMART_PANEL:
                closed = {name: self._commanded.get((device.id, name), 1.0) for name in (MAIN_CLOSED, *CIRCUIT_CLOSED)}
                powers = dict.fromkeys(CIRCUIT_POWER, 40.0 * wobble)
                return {"power_w": 6.0 + sum(powers.values()), **closed, **powers}
            case DeviceKind.METER:
                home = self.pilot.home[device.home]
                others = [self.pilot.device[one] for one in home.devices if one != device.id]
                peak = math.exp(-(((hour - 19) / 2.6) ** 2)) + 0.5 * math.exp(-(((hour - 7.5) / 1.8) ** 2))
                base = (180 + 950 * peak) * wobble
                power = base + sum(self.values(other, at)["power_w"] for other in others)
                return {"power_w": power, "reactive_power_var": 0.2 * base, "voltage_v": 241.0 - power / 900,
                        "energy_import_wh": 4.1e6 + 9e3 * hour, "energy_export_wh": 2.7e6 + 7e3 * hour}  # fmt: skip
            case kind:  # a panel: a little of its own, and every switch closed
                closed = {name: self._commanded.get((device.id, name), 1.0) for name in KINDS[kind].controls}
                return {"power_w": 60 * wobble, **closed}

    def grid(self, feeder: int, at: datetime, *, nodes: bool) -> GridReport:
        """A power flow that droops and rises along the feeder with what the homes draw."""
        meters = [self.pilot.device[self.pilot.meter_of[home.id]] for home in self.pilot.homes if home.feeder == feeder]
        phases = [0.0, 0.0, 0.0]
        for meter in meters:
            phases["abc".index(self.pilot.home[meter.home].phases[0])] += self.values(meter, at)["power_w"]
        losses = 30 + sum(watts * watts for watts in phases) * 4e-7
        network = self.pilot.network
        far = max(math.dist((n.x_m, n.y_m), (network.nodes[1].x_m, network.nodes[1].y_m)) for n in network.nodes)
        voltages = [
            tuple(
                1.03
                - 0.018 * (watts / 15e3) * math.dist((n.x_m, n.y_m), (network.nodes[1].x_m, network.nodes[1].y_m)) / far
                for watts in phases
            )
            for n in network.nodes
        ]
        every = [value for node in voltages for value in node]
        return GridReport(
            feeder=feeder,
            measured_at=at,
            received_at=at,
            head_power_w=(phases[0] + losses / 3, phases[1] + losses / 3, phases[2] + losses / 3),
            head_reactive_power_var=(900.0, 800.0, 850.0),
            losses_w=losses,
            transformer_loading=math.hypot(sum(phases), 2_500) / network.transformers[0].s_rated_va,
            line_loading=max(abs(watts) for watts in phases) / 60e3,
            v_min_pu=min(every),
            v_max_pu=max(every),
            node_voltage_pu=tuple((v[0], v[1], v[2]) for v in voltages) if nodes else (),
        )

    def _remember_a_day(self, every: timedelta = timedelta(minutes=10)) -> None:
        moments = [START - every * count for count in range(144, 0, -1)]
        reports = [
            Report(device=device.id, measured_at=at, published_at=at, received_at=at, values=self.values(device, at))
            for at in moments
            for device in self.pilot.devices
        ]
        grid = [self.grid(feeder, at, nodes=False) for at in moments for feeder in range(self.pilot.feeders)]
        self.store.write(Batch(reports=reports, grid=grid))

    def _healthy(self) -> TwinHealth:
        letters: dict[str, Any] = {}
        return TwinHealth(
            at=START,
            bus_connected=True,
            ingest=IngestHealth(
                messages=48_211,
                telemetry_messages=48_090,
                twin_updates=170_344,
                duplicates=3,
                dead_letters=letters,
                queue=2,
                queue_limit=10_000,
                update_latency_ms=Percentiles(p50=0.8, p99=4.1, max=17.2),
            ),
            store=StoreHealth(
                rows=1_612_800, pending=212, spool_bytes=88_000, write_ms=Percentiles(p50=21, p99=74, max=160)
            ),
            world=WorldHealth(
                published_at=START,
                steps=3_600,
                missed_deadlines=0,
                lag_ms=Percentiles(p50=0.4, p99=6.3, max=14.9),
                backfill_s=11.8,
                outbox=0,
                grid_nodes=len(self.pilot.network.nodes),
                energy_balance_error=3.1e-9,
                v_min_pu=0.991,
                v_max_pu=1.047,
                transformer_loading_max=0.31,
                losses_w=812.0,
            ),
            mode="live",
            backfill_until=None,
        )
