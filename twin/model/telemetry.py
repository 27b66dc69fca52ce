"""What a device said, and how far to trust it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Quality(StrEnum):
    """How far a value can be trusted (after CIM ReadingQuality)."""

    GOOD = "good"
    ESTIMATED = "estimated"
    STALE = "stale"
    SUSPECT = "suspect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One device's values at one moment, in canonical quantities and signs.

    Three times: `measured_at` true in the device, `published_at` left the far side, `received_at` our clock.
    """

    device: str
    measured_at: datetime
    published_at: datetime
    received_at: datetime
    values: Mapping[str, float]
    quality: Quality = Quality.GOOD


@dataclass(frozen=True, slots=True, kw_only=True)
class GridReport:
    """One feeder at one moment, as the power flow sees it.

    Powers in W at the medium-voltage side of the transformer, import positive, one value per phase a, b, c.
    `transformer_loading` is the highest of the feeder's transformers in pu of its rating, `line_loading` of its lines.
    `node_voltage_pu` has one (a, b, c) triple per node of the network, in its order, or is empty when not sent. It is
    sent less often than the rest; the state keeps the last one, which may be seconds older than `measured_at`.
    """

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
    node_voltage_pu: tuple[tuple[float, float, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One quantity over time: `times` UTC ascending, `values` of the same length."""

    times: Sequence[datetime]
    values: Sequence[float]
