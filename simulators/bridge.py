"""The one door from the simulated world to the bus, and the one publisher of time.

Every visible output is connected here, so this simulator steps last at each time; what it publishes is whole.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from simulators.balance import EnergyBalance, GridStrain
from simulators.cosim.base import Arrays, ArraySimulator
from simulators.cosim.control import ASKED, Asked
from simulators.cosim.grid import GridSimulator
from simulators.endpoints.port import Agent, Outgoing
from simulators.fleet.mixed import MixedFleet
from simulators.layout import FloatArray, Layout
from simulators.outbox import Outbox
from simulators.pace import Pacer
from simulators.timeline import Timeline
from twin.bus import topics, wire
from twin.bus.codec import encode
from twin.bus.port import Bus
from twin.bus.wire import GridMessage, WorldHealth
from twin.model.device import KINDS, DeviceKind
from twin.model.health import ModelFault

_PICTURE_EVERY_S = 5  # the voltage of every node is sent this often once live; it is for eyes
_HEALTH_EVERY_S = 1  # pilot time; while history is filled in, every _HEALTH_EVERY_S_BACKFILL
_HEALTH_EVERY_S_BACKFILL = 1_800
_MOST_FAULTY = 10_000  # devices whose faults one health message lists


class WorldStopped(Exception):  # noqa: N818 - not an error: the way out of mosaik's run
    """The world was asked to stop, or has run for as long as it should."""


class Bridge(ArraySimulator):
    """Hands the arrays of each step to the endpoints' agents, and their messages to the bus, at their time.

    Input attributes are `{kind}.{quantity}` for every quantity that a kind reports and is not merely asked for. The
    bridge's own outputs are what the devices are asked for in the next step, after commands have been taken in.
    `keep` is called at every live step, to save the world's state when that is due. `vendors` are the fleets in which
    some devices run their makers' models: a device whose model gives nothing reports nothing, not even what it is
    asked for, and the world's health says why.
    """

    def __init__(
        self,
        *,
        timeline: Timeline,
        layout: Layout,
        bus: Bus,
        agents: Sequence[Agent],
        grid: GridSimulator,
        pacer: Pacer,
        outbox: Outbox,
        asked: Asked,
        duration_s: float | None,
        keep: Callable[[int], None],
        vendors: Mapping[DeviceKind, MixedFleet] = MappingProxyType({}),
    ) -> None:
        inputs = [f"{kind.value}.{quantity}" for kind in DeviceKind for quantity in KINDS[kind].reports]
        super().__init__(timeline=timeline, inputs=[*inputs, "head_power_w"], outputs=ASKED)
        self._asked = asked
        self.in_force = asked.at(timeline.utc_s(-timeline.length_s(0)))
        self._pilot = layout.pilot.name
        self._nodes = len(layout.pilot.network.nodes) * layout.pilot.feeders
        self._meter_home = layout.kinds[DeviceKind.METER].home
        self._bus = bus
        self._agents = agents
        self._grid = grid
        self._pacer = pacer
        self._outbox = outbox
        self._duration_s = duration_s
        self._keep = keep
        self._vendors = vendors
        self._faults: tuple[ModelFault, ...] = ()
        self._live_since: int | None = None
        self._balance = EnergyBalance()
        self._strain = GridStrain()
        self._health_at: int | None = None

    def introduce(self, t: int) -> None:
        """Say which endpoints there are, before the first step."""
        self._pacer.announce()
        now_s = self.timeline.utc_s(t)
        for agent in self._agents:
            for message in agent.birth(now_s):
                self._bus.publish(message.topic, message.payload, qos=message.qos, retain=message.retain)
            self._pacer.listen(agent)

    def say_goodbye(self, t: int) -> None:
        """Say that the endpoints go, and how the world did; for an orderly end."""
        now_s = self.timeline.utc_s(t)
        self._publish_health(t)
        for agent in self._agents:
            for message in agent.farewell(now_s):
                self._bus.publish(message.topic, message.payload, qos=message.qos, retain=message.retain)

    def advance(self, t: int, length_s: int, inputs: Arrays) -> Arrays:
        """Publish what the step found, then hold the world until the next step is due."""
        now_s = self.timeline.utc_s(t)
        columns = self._columns(inputs)
        for agent in self._agents:
            self._outbox.add(agent.sample(now_s, columns))
        self._outbox.add(self._grid_messages(t))
        self._note_balance(length_s, columns)
        self._publish_health_when_due(t)
        if self.timeline.live:
            self._keep(t)
        self._pacer.hold(t)
        if self._pacer.stopping or self._is_over(t):
            self.say_goodbye(t)
            raise WorldStopped
        self.in_force = self._asked.at(now_s)
        return self.in_force

    def _columns(self, inputs: Arrays) -> Mapping[DeviceKind, Mapping[str, FloatArray]]:
        columns = {
            kind: {
                quantity: inputs[name] if (name := f"{kind.value}.{quantity}") in inputs else self.in_force[name]
                for quantity in KINDS[kind].reports
            }
            for kind in DeviceKind
        }
        # The grid speaks per home; a meter's place among the meters need not be its home's among the homes.
        meter = columns[DeviceKind.METER]
        meter["voltage_v"] = meter["voltage_v"][self._meter_home]
        for kind, fleet in self._vendors.items():
            absent = fleet.absent
            if absent.any():
                columns[kind] = {name: np.where(absent, np.nan, column) for name, column in columns[kind].items()}
        return columns

    def _grid_messages(self, t: int) -> list[Outgoing]:
        state = self._grid.state
        assert state is not None  # noqa: S101 - the grid has stepped before us
        with_picture = (self.timeline.live and t % _PICTURE_EVERY_S == 0) or t % 3600 == 0
        messages = []
        for feeder in range(len(state.losses_w)):
            voltages = np.round(state.node_voltage_pu(feeder), 5).ravel().tolist() if with_picture else ()
            head, reactive = state.head_power_w[feeder].tolist(), state.head_reactive_var[feeder].tolist()
            message = GridMessage.model_construct(
                feeder=feeder,
                measured_at=self.timeline.moment(t),
                head_power_w=tuple(head),
                head_reactive_power_var=tuple(reactive),
                losses_w=float(state.losses_w[feeder]),
                transformer_loading=float(state.transformer_loading[feeder].max()),
                line_loading=float(state.line_loading_max[feeder]),
                v_min_pu=float(state.v_min_pu[feeder]),
                v_max_pu=float(state.v_max_pu[feeder]),
                node_voltage_pu=tuple(voltages),
            )
            topic = topics.grid(self._pilot, feeder)
            messages.append(
                Outgoing(due_s=self.timeline.utc_s(t), topic=topic, payload=encode(message), qos=1, retain=False)
            )
        return messages

    def _note_balance(self, length_s: int, columns: Mapping[DeviceKind, Mapping[str, FloatArray]]) -> None:
        state = self._grid.state
        assert state is not None  # noqa: S101 - the grid has stepped before us
        meter = columns[DeviceKind.METER]
        self._balance.note(
            length_s,
            head_power_w=state.head_power_w,
            losses_w=state.losses_w,
            registers_wh=meter["energy_import_wh"] - meter["energy_export_wh"],
        )
        self._strain.note(length_s, state)

    def _publish_health_when_due(self, t: int) -> None:
        every_s = _HEALTH_EVERY_S if self.timeline.live else _HEALTH_EVERY_S_BACKFILL
        faults = tuple(fault for fleet in self._vendors.values() for fault in fleet.faults)
        if self._health_at is None or t - self._health_at >= every_s or faults != self._faults:
            self._health_at = t
            self._faults = faults
            self._publish_health(t)

    def _publish_health(self, t: int) -> None:
        lag = self._pacer.lag
        health = WorldHealth(
            published_at=self.timeline.moment(t),
            steps=lag.steps,
            missed_deadlines=lag.missed,
            lag_ms_p50=lag.percentile_ms(50),
            lag_ms_p99=lag.percentile_ms(99),
            lag_ms_max=lag.max_ms,
            backfill_s=self._pacer.backfill_s,
            messages=self._pacer.published,
            outbox=len(self._outbox),
            grid_nodes=self._nodes,
            energy_balance_error=self._balance.error,
            v_min_pu=self._strain.v_min_pu,
            v_max_pu=self._strain.v_max_pu,
            transformer_loading_max=self._strain.transformer_loading_max,
            losses_w=self._strain.losses_w,
            model_faults=_listed(self._faults),
        )
        self._bus.publish(topics.world(self._pilot), encode(health))

    def _is_over(self, t: int) -> bool:
        if not self.timeline.live or self._duration_s is None:
            return False
        self._live_since = t if self._live_since is None else self._live_since
        return t - self._live_since >= self._duration_s


def _listed(faults: Sequence[ModelFault]) -> tuple[wire.ModelFault, ...]:
    """Faults for the wire, of as many devices as a message holds; the others follow when these are mended."""
    listed = []
    room = _MOST_FAULTY
    for fault in faults:
        devices = fault.devices[:room]
        if not devices:
            break
        room -= len(devices)
        listed.append(
            wire.ModelFault(
                devices=devices,
                model=fault.model[:200],
                reason=fault.reason[:500],
                restarts=fault.restarts,
                given_up=fault.given_up,
            )
        )
    return tuple(listed)
