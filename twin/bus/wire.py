"""The messages on our own topics, as pydantic models: frozen, finite, nothing extra, aware times.

JSON Schema and AsyncAPI in docs/bus/ are generated from here (`python -m twin.bus.document`).
"""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, FiniteFloat

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Sequence = Annotated[int, Field(ge=0, le=2**53)]
PhaseTriple = tuple[FiniteFloat, FiniteFloat, FiniteFloat]


class Message(BaseModel):
    """Base of all wire messages."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class DeviceValues(Message):
    """One device's values at one moment; names and ranges are those of twin.model.quantity."""

    device: Id
    measured_at: AwareDatetime
    values: Annotated[dict[str, FiniteFloat], Field(min_length=1, max_length=64)]
    quality: Literal["good", "estimated", "stale", "suspect"] = "good"


class Telemetry(Message):
    """All of an endpoint's readings of one interval. `sequence` counts up by endpoint and `session`."""

    endpoint: Id
    session: Annotated[str, Field(min_length=1, max_length=40)]
    sequence: Sequence
    published_at: AwareDatetime
    readings: Annotated[tuple[DeviceValues, ...], Field(min_length=1, max_length=100_000)]


class BirthDevice(Message):
    """What an endpoint says of one of its devices."""

    device: Id
    kind: str
    reports: tuple[str, ...]
    controls: tuple[str, ...]
    ratings: dict[str, FiniteFloat]


class Birth(Message):
    """An endpoint introduces itself; retained."""

    endpoint: Id
    session: str
    published_at: AwareDatetime
    software: str
    devices: tuple[BirthDevice, ...]


class Status(Message):
    """Online, or offline by last will; retained. A will has no time of its own."""

    endpoint: Id
    state: Literal["online", "offline"]
    published_at: AwareDatetime | None = None


class CommandMessage(Message):
    """The twin asks an endpoint to set one quantity of one device until `expires_at`."""

    id: Annotated[str, Field(min_length=1, max_length=64)]
    device: Id
    quantity: str
    value: FiniteFloat
    issued_at: AwareDatetime
    expires_at: AwareDatetime
    priority: Annotated[int, Field(ge=0, le=9)] = 5


class Response(Message):
    """The endpoint's one answer to a command; a duplicate of the command gets the same answer again."""

    id: Annotated[str, Field(min_length=1, max_length=64)]
    endpoint: Id
    published_at: AwareDatetime
    outcome: Literal["acknowledged", "refused", "expired", "superseded"]
    reason: Annotated[str, Field(max_length=500)] = ""


class ClockMessage(Message):
    """How the pilot's time runs: `driven` to `time` by whoever publishes this, or `live` like the wall's; retained.

    While driven, all telemetry measured up to `time` has been published before this message. `backfill_until`
    is set while history is being filled in, so that a console can show progress.
    """

    time: AwareDatetime
    mode: Literal["driven", "live"]
    speed: Annotated[float, Field(ge=0)] = 1.0  # times real time; 0 as fast as possible
    backfill_until: AwareDatetime | None = None


class Pace(Message):
    """The twin has taken in everything up to `time`; a world in driven time waits for this within a window."""

    time: AwareDatetime


class GridMessage(Message):
    """One feeder's power flow at one moment, load convention, phases a, b, c.

    `node_voltage_pu`, when present, holds a, b, c of node 0, then of node 1, ... in the network's order;
    nodes not energised on a phase carry 0.
    """

    feeder: Annotated[int, Field(ge=0)]
    measured_at: AwareDatetime
    head_power_w: PhaseTriple
    head_reactive_power_var: PhaseTriple
    losses_w: FiniteFloat
    transformer_loading: FiniteFloat
    line_loading: FiniteFloat
    v_min_pu: FiniteFloat
    v_max_pu: FiniteFloat
    node_voltage_pu: tuple[FiniteFloat, ...] = ()


class ModelFault(Message):
    """Simulated devices that report nothing because their makers' model has failed, why, and what comes next."""

    devices: Annotated[tuple[Id, ...], Field(min_length=1, max_length=10_000)]
    model: Annotated[str, Field(max_length=200)]
    reason: Annotated[str, Field(max_length=500)]
    restarts: Annotated[int, Field(ge=0)]  # since the model last ran well
    given_up: bool  # no further restart follows


class WorldHealth(Message):
    """How well the simulated world keeps time, since its start; lags in ms behind the absolute deadline.

    Published every second while live, and at once when `model_faults` change.
    """

    published_at: AwareDatetime
    steps: int
    missed_deadlines: int
    lag_ms_p50: FiniteFloat
    lag_ms_p99: FiniteFloat
    lag_ms_max: FiniteFloat
    backfill_s: FiniteFloat | None = None
    messages: int
    outbox: int
    grid_nodes: int
    energy_balance_error: FiniteFloat
    v_min_pu: FiniteFloat
    v_max_pu: FiniteFloat
    transformer_loading_max: FiniteFloat
    losses_w: FiniteFloat
    model_faults: Annotated[tuple[ModelFault, ...], Field(max_length=10_000)] = ()
