"""Which readings may enter: checks of a decoded message against the pilot and the time. Pure; refuses by reading.

What the bytes mean, and whether each value can be one of its quantity, the adapter has already judged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from twin.model.event import Reason, Refusal
from twin.model.telemetry import Report
from twin.model.topology import Pilot

SKEW = timedelta(seconds=5)  # how far ahead of ours a far side's clock may run
OLDEST = timedelta(days=7)  # what is measured longer ago is no longer news, nor trusted as history


class EndpointReadings(Protocol):
    """Telemetry of one endpoint as an adapter hands it over; session and sequence None where there is none."""

    @property
    def endpoint(self) -> str:
        """Id of the endpoint it claims to come from."""
        ...

    @property
    def session(self) -> str | None:
        """What changes when the endpoint restarts."""
        ...

    @property
    def sequence(self) -> int | None:
        """Counts up within a session."""
        ...

    @property
    def published_at(self) -> datetime:
        """When it left the far side."""
        ...

    @property
    def reports(self) -> Sequence[Report]:
        """One per device and moment."""
        ...

    @property
    def refusals(self) -> Sequence[Refusal]:
        """What the adapter has already refused of the message."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeFrame:
    """The times a message may speak of: nothing measured after `latest` or before `earliest`.

    `now` is when it arrived. In driven time a message arrives before the clock tells of its moment: `ahead` then
    says how far the clock may be behind, and a report counts as received when it was published.
    """

    now: datetime
    ahead: timedelta = timedelta(0)

    @property
    def latest(self) -> datetime:
        """The end of what may have been measured."""
        return self.now + self.ahead + SKEW

    @property
    def earliest(self) -> datetime:
        """The start of what is still taken."""
        return self.now - OLDEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """What of a message may enter, and why the rest may not."""

    reports: Sequence[Report]
    refusals: Sequence[Refusal]


def passed(pilot: Pilot, readings: EndpointReadings, frame: TimeFrame) -> Passed:
    """Those reports of `readings` that its endpoint may make about this moment; the others as refusals."""
    endpoint = readings.endpoint
    if endpoint not in pilot.endpoint:
        return _refuse_all(Reason.UNKNOWN_ENDPOINT, f"endpoint {endpoint!r} is not in the pilot")
    latest, earliest = frame.latest, frame.earliest
    if readings.published_at > latest:
        detail = f"published_at {readings.published_at.isoformat()} is later than {latest.isoformat()}"
        return _refuse_all(Reason.FROM_THE_FUTURE, detail)
    devices = pilot.device
    reports: list[Report] = []
    refusals: list[Refusal] = []
    for report in readings.reports:
        device = devices.get(report.device)
        measured_at = report.measured_at
        if device is None:
            refusals.append(_refusal(Reason.UNKNOWN_DEVICE, f"device {report.device!r} is not in the pilot"))
        elif device.endpoint != endpoint:
            detail = f"{endpoint!r} does not speak for {report.device!r}; {device.endpoint!r} does"
            refusals.append(_refusal(Reason.NOT_ITS_DEVICE, detail))
        elif measured_at > latest:
            detail = f"{report.device} measured_at {measured_at.isoformat()} is later than {latest.isoformat()}"
            refusals.append(_refusal(Reason.FROM_THE_FUTURE, detail))
        elif measured_at < earliest:
            detail = f"{report.device} measured_at {measured_at.isoformat()} is earlier than {earliest.isoformat()}"
            refusals.append(_refusal(Reason.TOO_OLD, detail))
        else:
            reports.append(report)
    if frame.ahead:
        arrival = max(frame.now, readings.published_at)
        reports = [_arrived(report, arrival) for report in reports]
    return Passed(reports=reports, refusals=refusals)


def _arrived(report: Report, at: datetime) -> Report:
    """`report` as received `at`. Spelt out: dataclasses.replace would cost as much as decoding."""
    return Report(
        device=report.device,
        measured_at=report.measured_at,
        published_at=report.published_at,
        received_at=at,
        values=report.values,
        quality=report.quality,
    )


def _refusal(reason: Reason, detail: str) -> Refusal:
    return Refusal(reason=reason, detail=detail)


def _refuse_all(reason: Reason, detail: str) -> Passed:
    return Passed(reports=(), refusals=(_refusal(reason, detail),))
