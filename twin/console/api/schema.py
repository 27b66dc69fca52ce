"""What the HTTP API sends and takes. Units and signs are the twin's own; times are UTC, RFC 3339; unknown is null."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from twin.model.command import CommandState
from twin.model.device import DeviceKind, Pathway
from twin.model.event import Reason, Severity
from twin.model.telemetry import Quality
from twin.model.topology import Source


class Out(BaseModel):
    """Anything sent; made from the twin's own objects by attribute."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class PilotOut(Out):
    """Who and what is in the pilot."""

    name: str
    title: str
    network: str
    nodes: int
    feeders: int
    homes: int
    devices: int
    endpoints: int
    seed: int


class DesiredOut(Out):
    """What was asked of one quantity: by which command, until when, how strongly."""

    value: float
    command_id: str
    until: datetime
    priority: int


class ControlOut(Out):
    """What a device can be asked for: the range of the quantity, in its unit."""

    unit: str
    minimum: float
    maximum: float
    meaning: str


class DeviceOut(Out):
    """A device: reported and desired side by side. `age_s` is null until it has reported."""

    id: str
    kind: DeviceKind
    home: str
    endpoint: str
    pathway: Pathway
    source: Source
    ratings: Mapping[str, float]
    reported: Mapping[str, float]
    desired: Mapping[str, DesiredOut]
    controls: Mapping[str, ControlOut]
    quality: Quality
    measured_at: datetime | None
    published_at: datetime | None
    received_at: datetime | None
    age_s: float | None
    promised_age_s: float
    stale: bool


class HomeRowOut(Out):
    """A home in the list: devices that are fresh, stale and not heard of yet; `age_s` of the oldest value."""

    id: str
    feeder: int
    connection_point: str
    phases: str
    pathways: tuple[Pathway, ...]
    power_w: float | None
    age_s: float | None
    fresh: int
    stale: int
    waiting: int


class HomeOut(Out):
    """A home: `unmetered_w` is what its meter sees beyond all its devices."""

    id: str
    feeder: int
    connection_point: str
    phases: str
    occupants: int
    pathways: tuple[Pathway, ...]
    power_w: float | None
    unmetered_w: float | None
    devices: tuple[DeviceOut, ...]


class SeriesOut(Out):
    """One quantity over time; `values[i]` at `times[i]`, means of bins when there is more than asked for."""

    device: str
    quantity: str
    unit: str
    start: datetime
    end: datetime
    times: tuple[datetime, ...]
    values: tuple[float | None, ...]


class PercentilesOut(Out):
    """Of a sample of durations, in ms."""

    p50: float
    p99: float
    max: float


class EndpointOut(Out):
    """The far side that speaks for devices. `online` is null until it is first heard of."""

    id: str
    pathway: Pathway
    variant: str
    online: bool | None
    since: datetime | None
    software: str | None
    last_seen: datetime | None
    messages: int
    messages_per_s: float
    duplicates: int
    dead_letters: int
    latency_ms: PercentilesOut
    age_p50_s: float
    age_p99_s: float
    age_max_s: float


class PathwayOut(Out):
    """One pathway, measured. Ages, in s, are those of the newest values right now."""

    pathway: Pathway
    homes: int
    devices: int
    devices_reporting: int
    endpoints: int
    endpoints_online: int
    messages: int
    messages_per_s: float
    latency_ms: PercentilesOut
    age_p50_s: float
    age_max_s: float
    within_promise_share: float
    duplicates: int
    dead_letters: int
    commands: Mapping[CommandState, int] = Field(default_factory=dict)


class GridOut(Out):
    """One feeder, counted from 1; triples are phases a, b, c; powers at the medium-voltage side, import positive."""

    feeder: int
    measured_at: datetime
    received_at: datetime
    head_power_w: tuple[float, float, float]
    head_reactive_power_var: tuple[float, float, float]
    losses_w: float
    transformer_loading: float
    line_loading: float
    v_min_pu: float
    v_max_pu: float


class GridDetailOut(GridOut):
    """A feeder with the voltage of every node, by node id, in pu per phase; empty when not sent."""

    node_voltage_pu: Mapping[str, tuple[float, float, float]] = Field(default_factory=dict)


class EventOut(Out):
    """One thing that happened."""

    at: datetime
    severity: Severity
    kind: str
    subject: str
    text: str


class ConditionOut(Out):
    """One thing that is wrong right now, what to do about it, and the console's page that shows it."""

    id: str
    severity: Severity
    kind: str
    subject: str
    text: str
    advice: str
    page: str


class AlarmOut(ConditionOut):
    """A condition that lasted. Times are null until they come; `waits` until somebody has acknowledged it."""

    raised_at: datetime
    cleared_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str
    comment: str
    waits: bool


class AlarmsOut(Out):
    """Alarms that stand or wait to be seen, what needs somebody first; and the latest that are over."""

    open: tuple[AlarmOut, ...]
    ended: tuple[AlarmOut, ...]


class AcknowledgeIn(BaseModel):
    """Who has seen an alarm, and what they have to say."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    by: Annotated[str, Field(min_length=1, max_length=80)]
    comment: Annotated[str, Field(max_length=500)] = ""


class FoundOut(Out):
    """One answer to a search: what it is, what it is called, and the console's page."""

    what: str
    name: str
    beside: str
    page: str


class DeadLetterOut(Out):
    """A message that could not be taken; `excerpt` has its first bytes, what is not UTF-8 escaped."""

    at: datetime
    topic: str
    reason: Reason
    detail: str
    excerpt: str


class DeadLettersOut(Out):
    """How many by reason since the start, and the latest, newest first."""

    counts: Mapping[Reason, int]
    recent: tuple[DeadLetterOut, ...]


class OverviewOut(Out):
    """The whole pilot at one moment. Powers in W, load convention; null where no feeder has reported yet."""

    at: datetime
    homes: int
    devices: int
    devices_reporting: int
    fresh_share: float
    endpoints: int
    endpoints_online: int
    homes_by_pathway: Mapping[Pathway, int]
    power_by_kind_w: Mapping[DeviceKind, float]
    head_power_w: float | None
    losses_w: float | None
    transformer_loading: float | None
    v_min_pu: float | None
    v_max_pu: float | None
    wrong_now: tuple[ConditionOut, ...] = ()


class CommandIn(BaseModel):
    """A wish: `value` in the quantity's unit, load convention; a higher priority wins over a lower one."""

    model_config = ConfigDict(extra="forbid")

    device: Annotated[str, Field(min_length=1, max_length=200)]
    quantity: Annotated[str, Field(min_length=1, max_length=100)]
    value: FiniteFloat
    duration_s: Annotated[FiniteFloat, Field(gt=0)] = 300.0
    priority: int = 5


class StepOut(Out):
    """One step of a command's life."""

    state: CommandState
    at: datetime
    reason: str


class CommandOut(Out):
    """A command and every step it has taken, oldest first."""

    id: str
    device: str
    quantity: str
    value: float
    requested_at: datetime
    expires_at: datetime
    priority: int
    origin: str
    state: CommandState
    open: bool
    steps: tuple[StepOut, ...]


class Refused(BaseModel):
    """Why a request cannot be answered, and what is allowed."""

    detail: str
