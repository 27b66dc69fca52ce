"""Does the meter agree with what a device says it did? Recent powers of every home, and the comparison.

The residual of a home is its meter's power minus the powers that its devices report, all measured at the same moment:
the unmetered rest (lights, kitchen). A device that tells the truth leaves it alone; one that only claims to have
changed its power changes the residual by as much. docs/adr/0007-verified-at-the-meter.md has the reasons and limits.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil, inf, isnan, nan
from statistics import median

from twin.model.telemetry import Report
from twin.model.topology import Device, Pilot

_LEAST_W = 100.0  # below this a change of the residual is the noise of a household
_SHARE = 0.5  # of the device's own change
SAMPLES = 3  # a median of three withstands one kettle
_FEWEST, _MOST = 8, 128  # samples kept of a device
_SPAN = 3.0  # reporting intervals of the home's slowest device that the samples reach back


class PowerSamples:
    """A device's latest powers with their times, at least `spacing_s` apart, in a ring of `size`."""

    __slots__ = ("_count", "_newest_s", "_powers_w", "_times_s", "spacing_s")

    def __init__(self, size: int, spacing_s: float) -> None:
        self.spacing_s = spacing_s
        self._times_s = array("d", [nan]) * size
        self._powers_w = array("d", [nan]) * size
        self._newest_s = -inf
        self._count = 0

    def add(self, at_s: float, power_w: float) -> None:
        """Keep a sample, unless it comes too soon after the one before."""
        if at_s - self._newest_s < self.spacing_s:
            return
        slot = self._count % len(self._times_s)
        self._times_s[slot], self._powers_w[slot] = at_s, power_w
        self._newest_s = at_s
        self._count += 1

    def between(self, start_s: float, end_s: float) -> list[tuple[float, float]]:
        """Samples measured from start to end, both included, oldest first, as (time, power)."""
        pairs = zip(self._times_s, self._powers_w, strict=True)
        return sorted(pair for pair in pairs if start_s <= pair[0] <= end_s)

    def near(self, at_s: float, within_s: float) -> float | None:
        """The power measured nearest to `at_s`, or None when nothing was within `within_s` of it."""
        best_s, found = within_s, None
        for time_s, power_w in zip(self._times_s, self._powers_w, strict=True):
            distance_s = abs(time_s - at_s)
            if distance_s <= best_s and not isnan(distance_s):
                best_s, found = distance_s, power_w
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A device's own power and its home's residual, measured at the same time, in W."""

    power_w: float
    residual_w: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Before and after a command: how the device's own power and the home's residual moved, in W."""

    device_change_w: float
    residual_change_w: float
    samples_after: int

    @property
    def agrees(self) -> bool:
        """True when the meter bears the device out.

        A change that the meter could tell from household noise needs one sample; where the device hardly moved
        there is less to see, and the agreement must last.
        """
        moved = abs(self.device_change_w) >= _LEAST_W
        if not moved and self.samples_after < SAMPLES:
            return False
        return abs(self.residual_change_w) < max(_SHARE * abs(self.device_change_w), _LEAST_W)


def compare(before: Sequence[Moment], after: Sequence[Moment]) -> Comparison | None:
    """Medians of both sides against each other; None while a side is empty."""
    if not before or not after:
        return None
    return Comparison(
        device_change_w=median(moment.power_w for moment in after) - median(moment.power_w for moment in before),
        residual_change_w=median(moment.residual_w for moment in after)
        - median(moment.residual_w for moment in before),
        samples_after=len(after),
    )


class PowerMemory:
    """Recent powers of every device of the pilot, in bounded memory.

    Rings reach back three reporting intervals of the slowest endpoint of the home, so that a value that comes from a
    cloud minutes late still finds what the meter measured at the same moment.
    """

    def __init__(self, pilot: Pilot) -> None:
        self._pilot = pilot
        self._samples: dict[str, PowerSamples] = {}
        for home in pilot.homes:
            intervals = {name: float(pilot.endpoint[pilot.device[name].endpoint].interval_s) for name in home.devices}
            reach_s = _SPAN * max(intervals.values(), default=1.0)
            for name, interval_s in intervals.items():
                size = min(_MOST, max(_FEWEST, ceil(reach_s / interval_s)))
                spacing_s = reach_s / size if size == _MOST else 0.0
                self._samples[name] = PowerSamples(size, spacing_s)

    def add(self, report: Report) -> None:
        """Remember the power in a report, if it has one."""
        power_w = report.values.get("power_w")
        if power_w is not None:
            self._samples[report.device].add(report.measured_at.timestamp(), power_w)

    def moments(self, device: Device, start: datetime | None, end: datetime) -> Sequence[Moment]:
        """The latest moments, up to three, from `start` to `end` at which the device and the meter are known."""
        meter = self._pilot.meter_of.get(device.home)
        if meter is None:
            return ()
        start_s = -inf if start is None else start.timestamp()
        found: list[Moment] = []
        for at_s, power_w in reversed(self._samples[device.id].between(start_s, end.timestamp())):
            residual_w = self._residual(device, meter, at_s, power_w)
            if residual_w is not None:
                found.append(Moment(power_w=power_w, residual_w=residual_w))
                if len(found) == SAMPLES:
                    break
        return tuple(found)

    def _residual(self, device: Device, meter: str, at_s: float, power_w: float) -> float | None:
        metered_w = self._samples[meter].near(at_s, self._match_s(meter))
        if metered_w is None:
            return None
        residual_w = metered_w - power_w
        for other in self._pilot.home[device.home].devices:
            if other in {device.id, meter}:
                continue
            other_w = self._samples[other].near(at_s, self._match_s(other))
            if other_w is not None:  # else it does not report: part of the unmetered rest
                residual_w -= other_w
        return residual_w

    def _match_s(self, device: str) -> float:
        """How far apart two measurements may lie and still speak of the same moment."""
        return max(1.0, float(self._pilot.endpoint[self._pilot.device[device].endpoint].interval_s))
