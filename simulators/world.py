"""From a pilot to a running mosaik world; simulators.wiring connects it.

::

    surroundings ──► device fleets ──► panel ──► battery ──► meter ──► grid ──► bridge ◄──► bus
                          ▲              ▲                              │         │
                          ├──────────────┴── voltage, one step later ◄──┘         │
                          └───────── what is asked for, one step later ◄──────────┘
"""

import gc
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import mosaik_api_v3
from mosaik import AsyncWorld
from mosaik.async_scenario import Entity
from mosaik.starters import PythonStarter

from simulators.bridge import Bridge, WorldStopped
from simulators.checkpoint import Checkpoint, Saved
from simulators.cosim.base import MODEL, ArraySimulator
from simulators.cosim.circuits import Circuits
from simulators.cosim.control import Asked
from simulators.cosim.fleet import FleetSimulator
from simulators.cosim.grid import GridSimulator
from simulators.cosim.panel import PanelSimulator
from simulators.cosim.surroundings import SurroundingsSimulator
from simulators.endpoints.controls import Controls
from simulators.endpoints.registry import agents as build_agents
from simulators.fleet.fmu_fleet import Fleet, FleetError, build_of
from simulators.fleet.mixed import MixedFleet, vendor_fleets
from simulators.fleet.parameters import parameters
from simulators.fleet.vendor import UNPACED_WAIT_S, WAIT_S
from simulators.layout import Layout
from simulators.outbox import Outbox
from simulators.pace import Pacer
from simulators.sources import people_of, weather_of
from simulators.timeline import BACKFILL_STEP_S, Timeline
from simulators.wiring import connect
from twin.bus.port import Bus
from twin.clock import Clock
from twin.model.device import DeviceKind
from twin.model.topology import Pilot

_MODEL = {
    DeviceKind.PV: "pv_inverter",
    DeviceKind.BATTERY: "battery",
    DeviceKind.EV_CHARGER: "ev_charger",
    DeviceKind.HEAT_PUMP: "house",
    DeviceKind.WATER_HEATER: "water_heater",
    DeviceKind.METER: "meter",
    DeviceKind.SMART_PANEL: "panel",
}
_BASE_LOAD = "base_load"
_log = logging.getLogger(__name__)
_FOREVER_S = 100 * 366 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """When and how fast a world runs.

    `start` is where live begins, the wall's now when None; `speed` times real time, 0 as fast as possible;
    `duration_s` counts from where live begins, None for ever. With a `folder`, a world on the wall's time goes on
    where the last one left its state there, if that is not longer ago than `backfill_s`.
    """

    start: datetime | None
    backfill_s: int
    speed: float
    step_s: int = 1
    duration_s: float | None = None
    folder: Path | None = None


class World:
    """The simulated world of one pilot on one bus."""

    def __init__(self, pilot: Pilot, *, bus: Bus, clock: Clock, run: Run) -> None:
        layout = Layout(pilot=pilot)
        self._layout = layout
        on_wall = run.start is None and run.speed == 1
        builds = [build_of(model) for model in (*_MODEL.values(), _BASE_LOAD)]
        self._checkpoint = (
            Checkpoint(run.folder / "world.state", pilot, builds=builds) if run.folder and on_wall else None
        )
        saved = self._checkpoint.read() if self._checkpoint else None
        self._timeline = _timeline(run, clock, on_wall=on_wall, saved=saved)
        timeline = self._timeline
        outbox = Outbox()
        self.pacer = Pacer(
            bus=bus,
            pilot=pilot.name,
            clock=clock,
            timeline=timeline,
            outbox=outbox,
            speed=run.speed,
            on_wall=on_wall,
        )
        controls, circuits = Controls(pilot), Circuits(layout)
        grid = GridSimulator(timeline=timeline, layout=layout)
        weather = weather_of(pilot)
        paced = run.speed > 0
        self._fleets = {
            kind: _fleet(layout, kind, clock, lambda: WAIT_S if paced and timeline.live else UNPACED_WAIT_S)
            for kind in _MODEL
        }
        self._base_load = Fleet(model=_BASE_LOAD, n=layout.homes)
        self._saveable = {**{kind.value: fleet for kind, fleet in self._fleets.items()}, "base_load": self._base_load}
        if saved is not None and timeline.utc_s(-timeline.length_s(0)) == saved.utc_s:
            self._take_up(saved)
        self.agents = build_agents(pilot, controls, timeline.utc_s(0))
        self.bridge = Bridge(
            timeline=timeline,
            layout=layout,
            bus=bus,
            agents=self.agents,
            grid=grid,
            pacer=self.pacer,
            outbox=outbox,
            asked=Asked(layout, controls, circuits),
            duration_s=run.duration_s,
            keep=self._save_when_due,
            vendors={kind: fleet for kind, fleet in self._fleets.items() if isinstance(fleet, MixedFleet)},
        )
        self.simulators: Mapping[str, ArraySimulator] = {
            "surroundings": SurroundingsSimulator(
                timeline=timeline, layout=layout, weather=weather, people=people_of(pilot, weather)
            ),
            **{
                kind.value: FleetSimulator(
                    timeline=timeline,
                    fleet=fleet,
                    home=layout.kinds[kind].home,
                    by_home=("voltage_pu", "power_total_w", "reactive_power_total_var"),
                )
                for kind, fleet in self._fleets.items()
                if kind is not DeviceKind.SMART_PANEL
            },
            "panel": PanelSimulator(
                timeline=timeline,
                layout=layout,
                circuits=circuits,
                base_load=self._base_load,
                panels=self._fleets[DeviceKind.SMART_PANEL],
            ),
            "grid": grid,
            "bridge": self.bridge,
        }

    def _take_up(self, saved: Saved) -> None:
        if saved.states.keys() != self._saveable.keys():
            _log.warning("the devices begin anew, the saved state is of other kinds of device")
            return
        try:
            for name, fleet in self._saveable.items():
                fleet.restore(saved.states[name])
        except FleetError as error:
            _log.warning("the devices begin anew, their saved state does not fit: %s", error)

    def _save_when_due(self, t: int) -> None:
        utc_s = self._timeline.utc_s(t)
        if self._checkpoint is not None and self._checkpoint.is_due(utc_s):
            self._checkpoint.write(utc_s, self._saveable)

    async def run(self) -> None:
        """Introduce the endpoints and step until stopped or over. Frees the FMUs at the end."""
        gc.freeze()  # what is built lasts; collections need not look at it again
        self.bridge.introduce(0)
        try:
            async with AsyncWorld() as world:
                entities = {name: await _start(world, name, simulator) for name, simulator in self.simulators.items()}
                connect(world, entities, self._layout, self.bridge.in_force)
                await world.run(until=_FOREVER_S, print_progress=False)
        except WorldStopped:
            return
        finally:
            gc.unfreeze()  # what was frozen here and when going live may go, in this process and at its exit
            for fleet in self._saveable.values():
                fleet.close()


def _timeline(run: Run, clock: Clock, *, on_wall: bool, saved: Saved | None) -> Timeline:
    live_at = run.start or clock.now()
    if not on_wall and run.start is None:
        live_at = live_at.replace(microsecond=0)
    epoch = (live_at - timedelta(seconds=run.backfill_s)).replace(second=0, microsecond=0)
    first_s = BACKFILL_STEP_S if run.backfill_s else run.step_s
    if saved is not None and epoch.timestamp() <= saved.utc_s < live_at.timestamp() - 1:
        first_s = min(int(live_at.timestamp() - saved.utc_s), BACKFILL_STEP_S)
        epoch = datetime.fromtimestamp(saved.utc_s + first_s, UTC)
    started_s, ahead_s = clock.monotonic_s(), (live_at - epoch).total_seconds()
    wall_s = (lambda: clock.monotonic_s() - started_s + ahead_s) if on_wall else None
    return Timeline(epoch=epoch, live_at_s=int(ahead_s), step_s=run.step_s, first_s=first_s, wall_s=wall_s)


def _fleet(layout: Layout, kind: DeviceKind, clock: Clock, wait_s: Callable[[], float]) -> Fleet:
    devices = layout.kinds[kind].devices
    chosen = parameters(
        kind,
        [device.ratings for device in devices],
        seed=layout.pilot.seed,
        frequency_hz=layout.pilot.network.frequency_hz,
    )
    vendors = vendor_fleets(kind, devices, chosen, clock, wait_s)
    if not vendors:
        return Fleet(model=_MODEL[kind], n=len(devices), parameters=chosen)
    return MixedFleet(model=_MODEL[kind], n=len(devices), parameters=chosen, vendors=vendors)


async def _start(world: AsyncWorld, name: str, simulator: ArraySimulator) -> Entity:
    # The simulators are built before, with what they share; mosaik only asks its starter for a callable.
    factory = await world.start(PythonStarter(cast("type[mosaik_api_v3.Simulator]", lambda: simulator)), sim_id=name)
    entity: Entity = await factory.models[MODEL]()
    return entity
