"""Far sides and adapters face to face, without a bus: what an agent sends, the adapter of the same name reads."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from simulators.endpoints.controls import Controls
from simulators.endpoints.port import Agent, Outgoing
from simulators.endpoints.registry import AGENTS
from twin.adapters.port import Adapter, Answer, Decoded
from twin.adapters.registry import load
from twin.bus.port import Frame
from twin.model.command import Command
from twin.model.device import KINDS, DeviceKind
from twin.model.quantity import CIRCUIT_CLOSED, CIRCUIT_ENERGY, CIRCUIT_POWER, MAIN_CLOSED
from twin.model.topology import Pilot

START_S = 1_780_315_200.0  # 2026-06-01 12:00 UTC
MIDDLE: Mapping[str, float] = {
    "power_w": 1234.5,
    "reactive_power_var": -56.7,
    "voltage_v": 230.12,
    "energy_import_wh": 1_234_567.8,
    "energy_export_wh": 9_876.5,
    "power_available_w": -2000.1,
    "active_power_limit": 0.753,
    "soc": 0.5012,
    "power_setpoint_w": -1500.2,
    "plugged": 1.0,
    "power_limit_w": 7400.0,
    "discharge_request_w": 3000.0,
    "temperature_indoor_degc": 20.55,
    "setpoint_heat_degc": 21.0,
    "setpoint_offset_k": -1.5,
    "temperature_tank_degc": 51.23,
    "temperature_outlet_degc": 54.87,
    "setpoint_tank_degc": 55.0,
    "setpoint_tank_offset_k": 5.0,
    **dict.fromkeys((MAIN_CLOSED, *CIRCUIT_CLOSED), 1.0),
    **dict.fromkeys(CIRCUIT_POWER, 345.6),
    **dict.fromkeys(CIRCUIT_ENERGY, -12_345.6),
}


class Stage:
    """One wire: the agent of `name`, the controls it writes, and the adapter that reads it."""

    def __init__(self, name: str, pilot: Pilot, start_s: float = START_S) -> None:
        self.pilot = pilot
        self.controls = Controls(pilot)
        self.agent: Agent = AGENTS[name](pilot, self.controls, start_s)
        self.adapter: Adapter = load(name)(pilot)
        self.endpoint = next(endpoint for endpoint in pilot.endpoints if endpoint.adapter == name)

    def read(self, message: Outgoing) -> Decoded:
        """The adapter's reading of a message, received when it is due."""
        frame = Frame(topic=message.topic, payload=message.payload, retained=message.retain, arrived_s=0.0)
        return self.adapter.decode(frame, datetime.fromtimestamp(message.due_s, UTC))

    def command(self, order: Command, now_s: float = START_S) -> list[Outgoing]:
        """Send a command through the adapter to the agent; its messages in return."""
        outbound = self.adapter.encode(self.endpoint.id, order)
        return self.agent.receive(outbound.topic, outbound.payload, now_s)

    def answer(self, order: Command, now_s: float = START_S) -> Answer:
        """Send a command and read the one answer."""
        (message,) = self.command(order, now_s)
        answer = self.read(message)
        assert isinstance(answer, Answer)
        return answer


def columns(pilot: Pilot, **values: float) -> dict[DeviceKind, dict[str, NDArray[np.float64]]]:
    """Arrays for every kind, every device the same: MIDDLE, overridden by `values`."""
    chosen = {**MIDDLE, **values}
    counts = {kind: sum(device.kind is kind for device in pilot.devices) for kind in DeviceKind}
    return {
        kind: {quantity: np.full(counts[kind], chosen[quantity]) for quantity in description.reports}
        for kind, description in KINDS.items()
    }


def order(
    device: str,
    quantity: str = "power_setpoint_w",
    value: float = 1500.0,
    *,
    identity: str = "c-1",
    priority: int = 5,
    lasts_s: float = 900.0,
    at_s: float = START_S,
) -> Command:
    """A command asked for at `at_s`."""
    asked = datetime.fromtimestamp(at_s, UTC)
    return Command(
        id=identity,
        device=device,
        quantity=quantity,
        value=value,
        requested_at=asked,
        expires_at=asked + timedelta(seconds=lasts_s),
        priority=priority,
        origin="operator",
    )
