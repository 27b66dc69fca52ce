"""How well the twin itself is: the figures an operator needs to trust what it shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """Of a sample of durations in ms; all zero while there is none."""

    p50: float = 0.0
    p99: float = 0.0
    max: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestHealth:
    """The way from the bus to the state. `update_latency_ms`: bytes arrived until the state shows them."""

    messages: int = 0
    telemetry_messages: int = 0
    twin_updates: int = 0
    duplicates: int = 0  # redelivered by the broker, or a cache repeating itself: dropped silently, nothing lost
    dead_letters: Mapping[str, int] = field(default_factory=dict)  # by reason
    queue: int = 0
    queue_limit: int = 0
    update_latency_ms: Percentiles = Percentiles()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreHealth:
    """The way from the state to history."""

    rows: int = 0
    pending: int = 0  # rows safe in the spool, not yet in the store
    spool_bytes: int = 0
    write_ms: Percentiles = Percentiles()
    failing_since: datetime | None = None
    last_error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFault:
    """Devices that report nothing because the makers' model that they run has failed, and what is done about it.

    `restarts` counts those tried since the model last ran well; `given_up` says that none will follow.
    """

    devices: tuple[str, ...]
    model: str
    reason: str
    restarts: int
    given_up: bool


def fault_text(fault: ModelFault) -> str:
    """Why devices report nothing and what comes next, for a person."""
    if fault.given_up:
        then = f"given up after {fault.restarts} restarts; mend the model and start the world again"
    else:
        then = f"it is being restarted (restart {fault.restarts + 1})"
    return f"{fault.model}: {fault.reason}; {then}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldHealth:
    """What the simulated world says of itself; absent in an all-live pilot."""

    published_at: datetime
    steps: int
    missed_deadlines: int
    lag_ms: Percentiles
    backfill_s: float | None
    outbox: int
    grid_nodes: int
    energy_balance_error: float
    v_min_pu: float
    v_max_pu: float
    transformer_loading_max: float
    losses_w: float
    model_faults: tuple[ModelFault, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TwinHealth:
    """Everything at one moment."""

    at: datetime
    bus_connected: bool
    ingest: IngestHealth
    store: StoreHealth
    world: WorldHealth | None
    mode: str  # live, or driven
    backfill_until: datetime | None
