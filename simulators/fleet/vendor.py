"""Devices that run a vendor's FMU: their values step by step, and what happens when its process fails.

A process that crashes or hangs (vendor_child) costs its own devices only: their values are NaN until it is back.
Where several devices shared it, they come back in two halves, so that one bad device ends up alone; a device that goes
on failing is restarted after growing rests, a bounded number of times, and then given up. A process that is merely
late keeps its devices' last values, marked as absent, and takes the time that it missed with its next step.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.fleet.vendor_child import Column, Job, VendorProcess
from simulators.fleet.vendor_frames import Frame
from simulators.fleet.vendor_map import Link, describe, wiring
from twin.clock import Clock
from twin.model.device import DeviceKind
from twin.model.health import ModelFault
from twin.model.topology import VendorModel

WAIT_S: Final = 0.25  # the most that a world that keeps pace with the wall waits for all answers of a step
UNPACED_WAIT_S: Final = 5.0  # a world that fills in history waits rather than have a hole in it
_LONGEST_STEP_S: Final = 900.0
_MOST_PROCESSES: Final = 16  # of about 50 MB each: no more halving beyond
_LARGEST: Final = 1e8  # W, Wh, degC: more than this no home device has, so it counts as no value

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarts:
    """How often a process is started again: rests of `first_s`, doubled up to `longest_s`, at most `most` times.

    One that has run for `well_s` without a failure counts from the beginning.
    """

    most: int = 10
    first_s: float = 1.0
    longest_s: float = 60.0
    well_s: float = 600.0

    def rest_s(self, failures: int) -> float:
        """The rest after so many failures in a row."""
        return min(self.first_s * 2.0 ** max(0, failures - 1), self.longest_s)


class _Group:
    """Some devices in one process. `failures` in a row, without running well between, led here; `why` the last one."""

    def __init__(
        self,
        job: Job,
        rows: NDArray[np.intp],
        clock: Clock,
        restarts: Restarts,
        *,
        failures: int = 0,
        why: str | None = None,
    ) -> None:
        self.job = job
        self.rows = rows
        self.why = why
        self.resting: tuple[ModelFault, ...] = ()  # of single devices that refused, in a process that is well
        self.resting_rows: list[int] = []
        self.missed_s = 0.0  # simulated time that it has not been asked to step yet
        self.process: VendorProcess | None = None
        self.is_given_up = failures > restarts.most
        self._failures = failures
        self._clock = clock
        self._restarts = restarts
        self._ready_s: float | None = None
        self._again_s = clock.monotonic_s() + (0.0 if why is None else restarts.rest_s(failures))

    @property
    def faults(self) -> tuple[ModelFault, ...]:
        """What keeps its devices from giving values, if anything does."""
        if self.why is None:
            return self.resting
        fault = ModelFault(
            devices=self.job.names,
            model=self.job.fmu.name,
            reason=self.why,
            restarts=max(0, self._failures - 1),
            given_up=self.is_given_up,
        )
        return (fault,)

    def is_ready(self, wait_s: float = 0.0) -> bool:
        """True when the process is there; starts it when its rest is over, unless it is given up."""
        if self.process is None:
            if self.is_given_up or self._clock.monotonic_s() < self._again_s:
                return False
            self.process = VendorProcess(self.job, self._clock)
        self.process.look(wait_s)
        if self.process.is_ready and self._ready_s is None:
            self._ready_s = self._clock.monotonic_s()
        return self.process.is_ready

    def answered(self, resting: list[tuple[int, str, int, bool]]) -> None:
        """It gives values again, but for devices that rest inside it: (row, reason, restarts, given up)."""
        self.why = None
        self.resting_rows = [row for row, *_ in resting]
        self.resting = tuple(
            ModelFault(
                devices=(self.job.names[row],),
                model=self.job.fmu.name,
                reason=reason,
                restarts=restarts,
                given_up=given_up,
            )
            for row, reason, restarts, given_up in resting
        )

    def successors(self, why: str, *, may_halve: bool) -> list["_Group"]:
        """What comes after a failure: two halves of several devices, else all of them again or given up."""
        count = len(self.rows)
        halve = may_halve and count > 1
        ran_well = self._ready_s is not None and self._clock.monotonic_s() - self._ready_s > self._restarts.well_s
        failures = 0 if halve else (0 if ran_well else self._failures) + 1
        parts = [slice(0, count // 2), slice(count // 2, count)] if halve else [slice(0, count)]
        return [
            _Group(self.job.part(part), self.rows[part], self._clock, self._restarts, failures=failures, why=why)
            for part in parts
        ]


class VendorFleet:
    """All devices of one kind that run the same FMU with the same map.

    `parameters` are our parameter arrays for these devices; those that the map names are set at the start. `wait_s`
    says how long a step may wait for late answers, `start_within_s` how long the processes are waited for here: the
    first steps shall have values where that is possible.
    Raises FleetError for a map that `twin check` would refuse.
    """

    def __init__(
        self,
        *,
        kind: DeviceKind,
        model: VendorModel,
        names: tuple[str, ...],
        parameters: Mapping[str, Column],
        clock: Clock,
        wait_s: Callable[[], float] = lambda: WAIT_S,
        restarts: Restarts = Restarts(),
        start_within_s: float = 30.0,
    ) -> None:
        path = Path(model.fmu)
        self._wiring = wiring(kind, model)
        count = len(names)
        values = [_theirs(link, np.broadcast_to(parameters[link.ours], (count,))) for link in self._wiring.parameters]
        matrix = np.array(values, dtype=np.float64).reshape(len(values), count)
        job = Job(fmu=path, wiring=self._wiring, names=names, parameters=matrix)
        rows = np.arange(count)
        alone = describe(path).once_per_process and self._wiring.size is None
        parts = [slice(k, k + 1) for k in range(count)] if alone else [slice(0, count)]
        self._clock = clock
        self._wait_s = wait_s
        self._groups = [_Group(job.part(part), rows[part], clock, restarts) for part in parts]
        self._factor = np.array([[link.factor] for link in self._wiring.outputs])
        self._offset = np.array([[link.offset] for link in self._wiring.outputs])
        self._found = np.full((len(self._wiring.outputs), count), np.nan)
        self.names = names
        self.absent: NDArray[np.bool_] = np.ones(count, dtype=np.bool_)
        until_s = clock.monotonic_s() + start_within_s
        for group in self._groups:
            while not group.is_ready(0.05) and clock.monotonic_s() < until_s and _failure(group) is None:
                pass  # `is_ready` waits

    @property
    def quantities(self) -> frozenset[str]:
        """Our outputs that the vendor's model gives."""
        return frozenset(link.ours for link in self._wiring.outputs)

    @property
    def constants(self) -> Mapping[str, float]:
        """Our outputs that never change."""
        return MappingProxyType(dict(self._wiring.constants))

    @property
    def faults(self) -> tuple[ModelFault, ...]:
        """Which devices give no values because their model failed, and what is done about it."""
        return tuple(fault for group in self._groups for fault in group.faults)

    def step(self, step_s: float, inputs: Mapping[str, Column]) -> dict[str, Column]:
        """Advance all devices; outputs by our names.

        `absent` then says whose values are none of this step: NaN where the model failed, the last ones where its
        process is late.
        """
        given = np.array([_theirs(link, inputs[link.ours]) for link in self._wiring.inputs])
        given = given.reshape(len(self._wiring.inputs), len(self.names))
        self.absent[:] = True
        asked = []
        for group in self._groups:
            group.missed_s = max(step_s, min(group.missed_s + step_s, _LONGEST_STEP_S))
            if not group.is_ready() or group.process is None:
                group.missed_s = 0.0  # it begins anew
                self._found[:, group.rows] = np.nan
                continue
            self._take(group, self._clock.monotonic_s())
            if group.process.is_ready and group.process.asked is None:
                request: dict[str, object] = {"do": "step", "step_s": group.missed_s}
                group.process.ask(request, np.ascontiguousarray(given[:, group.rows]))
                group.missed_s = 0.0
            asked.append(group)
        until_s = self._clock.monotonic_s() + self._wait_s()
        for group in asked:
            self._take(group, until_s)
        self._replace_failed()
        found = np.where(np.abs(self._found) < _LARGEST, self._found, np.nan)
        return {link.ours: found[k] for k, link in enumerate(self._wiring.outputs)}

    def save(self) -> list[bytes]:
        """State of every device, empty where its FMU gives none or its process has none in time."""
        states = [b""] * len(self.names)
        for group, (head, body) in self._told({"do": "save"}, self._wait_s()):
            at = 0
            for row, size in zip(group.rows.tolist(), head["sizes"], strict=True):
                states[row] = body[at : at + size]
                at += size
        return states

    def restore(self, states: list[bytes]) -> None:
        """Put states back; devices without one, or without a process, go on as they are."""
        for group in self._groups:
            own = [states[row] for row in group.rows.tolist()]
            request: dict[str, object] = {"do": "restore", "sizes": [len(state) for state in own]}
            self._told(request, UNPACED_WAIT_S, of=group, body=b"".join(own))

    def close(self) -> None:
        """End all processes."""
        for group in self._groups:
            if group.process is not None:
                group.process.close()
        self._groups = []

    def _told(
        self, request: dict[str, object], wait_s: float, *, of: _Group | None = None, body: bytes = b""
    ) -> list[tuple[_Group, Frame]]:
        """Ask all processes that are free, or the one `of` a group, and give what they answer in time."""
        asked = []
        for group in self._groups if of is None else [of]:
            if group.is_ready() and group.process is not None and group.process.asked is None:
                group.process.ask(request, body)
                asked.append((group, group.process))
        until_s = self._clock.monotonic_s() + wait_s
        answers = [(group, process.poll(until_s)) for group, process in asked]
        self._replace_failed()
        return [(group, frame) for group, frame in answers if frame is not None]

    def _take(self, group: _Group, until_s: float) -> None:
        """Wait for the answer of a group's process; the values of a step become those of its devices."""
        process = group.process
        was = None if process is None else process.asked
        if process is None or was is None:
            return
        frame = process.poll(until_s)
        if frame is None or was != "step":
            return
        theirs = np.frombuffer(frame[1], dtype=np.float64).reshape(len(self._found), len(group.rows))
        self._found[:, group.rows] = self._factor * theirs + self._offset
        group.answered(frame[0]["resting"])
        self.absent[group.rows] = False
        self.absent[group.rows[group.resting_rows]] = True

    def _replace_failed(self) -> None:
        groups = []
        count = len(self._groups)
        for group in self._groups:
            why = _failure(group)
            if why is None:
                groups.append(group)
                continue
            comers = group.successors(why, may_halve=count < _MOST_PROCESSES)
            count += len(comers) - 1
            groups += comers
            self._found[:, group.rows] = np.nan
            self.absent[group.rows] = True
            _log.warning(
                "%s of %s: %s; %s%s",
                group.job.fmu.name,
                ", ".join(group.job.names[:3]) + (" ..." if len(group.rows) > 3 else ""),  # noqa: PLR2004
                why,
                "given up" if comers[0].is_given_up else "it is started again",
                " in two halves" if len(comers) > 1 else "",
            )
        self._groups = groups


def _failure(group: _Group) -> str | None:
    return None if group.process is None else group.process.failure


def _theirs(link: Link, ours: Column) -> Column:
    return (ours - link.offset) / link.factor
