"""One device as the twin knows it: what it reported and what was asked of it, side by side, never merged.

Everything here is pure. A report that is not newer than what is known changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from twin.model.device import DeviceKind, Pathway
from twin.model.telemetry import Quality, Report
from twin.model.topology import Device, Source

_NO_TIMES: Mapping[str, datetime] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """What was asked of one quantity: by which command, until when, and how strongly (higher wins)."""

    value: float
    command_id: str
    until: datetime
    priority: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceTwin:
    """The image of one device. `reported` is empty and the three times are None until its first report.

    `older` names the reported quantities that the newest report did not carry, with the time each was measured.
    """

    device: Device
    pathway: Pathway
    max_age_s: float
    reported: Mapping[str, float] = field(default_factory=dict)
    measured_at: datetime | None = None
    published_at: datetime | None = None
    received_at: datetime | None = None
    quality: Quality = Quality.GOOD
    older: Mapping[str, datetime] = field(default_factory=dict)
    desired: Mapping[str, Desired] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The device's id in the pilot."""
        return self.device.id

    @property
    def kind(self) -> DeviceKind:
        """What the device is."""
        return self.device.kind

    @property
    def home(self) -> str:
        """Id of the home it belongs to."""
        return self.device.home

    @property
    def endpoint(self) -> str:
        """Id of the endpoint that speaks for it."""
        return self.device.endpoint

    @property
    def source(self) -> Source:
        """Simulated or live."""
        return self.device.source

    def measured(self, quantity: str) -> datetime | None:
        """When the reported value of `quantity` was measured, or None when it never was."""
        return self.older.get(quantity, self.measured_at) if quantity in self.reported else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How old what we know of a device is. `never` while it has not reported; it is then not called stale."""

    age_s: float
    stale: bool
    never: bool


def apply(twin: DeviceTwin, report: Report) -> DeviceTwin:
    """The twin after `report`, or `twin` itself when the report is not newer by its time of measurement.

    A report of some quantities leaves the others as they were, with their own time in `older`.
    """
    known = twin.measured_at
    if known is not None and report.measured_at <= known:
        return twin
    reported, older = report.values, _NO_TIMES
    if known is not None and not twin.reported.keys() <= reported.keys():
        older = {name: twin.older.get(name, known) for name in twin.reported if name not in reported}
        reported = {**twin.reported, **reported}
    return DeviceTwin(
        device=twin.device,
        pathway=twin.pathway,
        max_age_s=twin.max_age_s,
        reported=reported,
        measured_at=report.measured_at,
        published_at=report.published_at,
        received_at=report.received_at,
        quality=report.quality,
        older=older,
        desired=twin.desired,
    )


def desire(twin: DeviceTwin, quantity: str, wish: Desired | None) -> DeviceTwin:
    """The twin with `wish` for `quantity`, or with no wish for it; what it reported stays untouched."""
    others = {name: desired for name, desired in twin.desired.items() if name != quantity}
    return replace(twin, desired=others if wish is None else {**others, quantity: wish})


def freshness(twin: DeviceTwin, now: datetime, max_age_s: float | None = None) -> Freshness:
    """How old the newest measurement is at `now`; stale beyond `max_age_s`, by default what its pathway promises.

    Judged by the time of measurement: a value that has just arrived from a cache may be old.
    """
    if twin.measured_at is None:
        return Freshness(age_s=float("inf"), stale=False, never=True)
    age_s = max(0.0, (now - twin.measured_at).total_seconds())
    return Freshness(age_s=age_s, stale=age_s > (twin.max_age_s if max_age_s is None else max_age_s), never=False)
