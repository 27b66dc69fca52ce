"""Our own topics into the model's words: a feeder's power flow, the world's health, the clock.

Refuses with RefusedError what is not the message it should be, or not of this pilot.
"""

from typing import TypeVar

from twin.adapters.port import RefusedError
from twin.bus import codec, wire
from twin.bus.port import Frame
from twin.model.event import Reason
from twin.model.health import ModelFault, Percentiles, WorldHealth
from twin.model.telemetry import GridReport
from twin.model.topology import Pilot
from twin.state.gate import TimeFrame

_M = TypeVar("_M", bound=wire.Message)
_PHASES = 3


def clock_message(frame: Frame) -> wire.ClockMessage:
    """The message that says how time runs. Raises RefusedError."""
    return _message(wire.ClockMessage, frame)


def grid_report(frame: Frame, pilot: Pilot, times: TimeFrame) -> GridReport:
    """One feeder's power flow. Raises RefusedError."""
    message = _message(wire.GridMessage, frame)
    if frame.topic.rpartition("/")[2] != str(message.feeder):
        raise RefusedError(Reason.WRONG_TOPIC, f"feeder {message.feeder} on {frame.topic!r:.120}")
    if message.feeder >= pilot.feeders:
        detail = f"feeder {message.feeder}; the pilot has feeders 0 to {pilot.feeders - 1}"
        raise RefusedError(Reason.UNKNOWN_DEVICE, detail)
    if not times.earliest <= message.measured_at <= times.latest:
        late = message.measured_at > times.latest
        detail = f"feeder {message.feeder} measured_at {message.measured_at.isoformat()}"
        raise RefusedError(Reason.FROM_THE_FUTURE if late else Reason.TOO_OLD, detail)
    voltages = message.node_voltage_pu
    if voltages and len(voltages) != _PHASES * len(pilot.network.nodes):
        detail = f"{len(voltages)} node voltages; the network has {len(pilot.network.nodes)} nodes of {_PHASES} phases"
        raise RefusedError(Reason.WRONG_SHAPE, detail)
    return GridReport(
        feeder=message.feeder,
        measured_at=message.measured_at,
        received_at=max(times.now, message.measured_at) if times.ahead else times.now,
        head_power_w=message.head_power_w,
        head_reactive_power_var=message.head_reactive_power_var,
        losses_w=message.losses_w,
        transformer_loading=message.transformer_loading,
        line_loading=message.line_loading,
        v_min_pu=message.v_min_pu,
        v_max_pu=message.v_max_pu,
        node_voltage_pu=tuple(zip(*(voltages[phase::_PHASES] for phase in range(_PHASES)), strict=True)),
    )


def world_status(frame: Frame) -> wire.Status:
    """Whether the simulated world is there."""
    return _message(wire.Status, frame)


def world_health(frame: Frame) -> WorldHealth:
    """How well the simulated world keeps time. Raises RefusedError."""
    message = _message(wire.WorldHealth, frame)
    return WorldHealth(
        published_at=message.published_at,
        steps=message.steps,
        missed_deadlines=message.missed_deadlines,
        lag_ms=Percentiles(p50=message.lag_ms_p50, p99=message.lag_ms_p99, max=message.lag_ms_max),
        backfill_s=message.backfill_s,
        outbox=message.outbox,
        grid_nodes=message.grid_nodes,
        energy_balance_error=message.energy_balance_error,
        v_min_pu=message.v_min_pu,
        v_max_pu=message.v_max_pu,
        transformer_loading_max=message.transformer_loading_max,
        losses_w=message.losses_w,
        model_faults=tuple(ModelFault(**fault.model_dump()) for fault in message.model_faults),
    )


def _message(model: type[_M], frame: Frame) -> _M:
    try:
        return codec.decode(model, frame.payload)
    except codec.DecodeError as error:
        raise RefusedError(error.reason, error.detail) from None
