"""Devices that run a vendor's FMU, and the care for the processes that they run in.

A process that crashes or gives no answer in time costs its own devices only: their values are NaN until it is back.
It is started again after a while that doubles with every failure; where several devices shared it, they come back in
two halves, so that one bad device ends up alone. Nothing here waits longer than `STEP_WITHIN_S` in a step.
"""

import contextlib
import logging
import secrets
import select
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.fleet.vendor_frames import FrameError, receive, send
from simulators.fleet.vendor_map import Link, Wiring, describe, wiring
from twin.clock import Clock
from twin.model.device import DeviceKind
from twin.model.topology import VendorModel

Column = NDArray[np.float64]

STEP_WITHIN_S: Final = 1.0
START_WITHIN_S: Final = 20.0
_LARGEST: Final = 1e8  # W, Wh, degC: more than this no home device has, so it counts as no value
_LAST_MOMENT_S: Final = 0.05  # a process that crashes closes its connection a moment before it is gone
_FIRST_REST_S, _LONGEST_REST_S = 1.0, 60.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one process runs: the FMU, its wiring, the devices' names, and their parameters in the vendor's words."""

    fmu: Path
    wiring: Wiring
    names: tuple[str, ...]
    parameters: Column  # shape (parameters, devices)

    def part(self, rows: slice) -> "Job":
        """The same for some of the devices."""
        return Job(fmu=self.fmu, wiring=self.wiring, names=self.names[rows], parameters=self.parameters[:, rows])


class VendorProcess:
    """One process, from `start` to `close`. States: starting (`connection` is None or not ready), ready, failed."""

    def __init__(self, job: Job, clock: Clock) -> None:
        self.job = job
        self.is_ready = False
        self.failure: str | None = None
        self._clock = clock
        self._deadline_s = clock.monotonic_s() + START_WITHIN_S
        self._token = secrets.token_hex(16)
        self._connection: socket.socket | None = None
        self._server = socket.create_server(("127.0.0.1", 0), backlog=1)
        port = self._server.getsockname()[1]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "simulators.fleet.vendor_process", str(port)], stdin=subprocess.PIPE
        )
        assert self._process.stdin is not None  # noqa: S101 - asked for above
        with contextlib.suppress(OSError):  # a process that is gone already is seen by `look`
            self._process.stdin.write(f"{self._token}\n".encode())
            self._process.stdin.flush()  # and left open: its end tells the process that we are gone

    def look(self, wait_s: float) -> None:
        """Bring the start further, waiting no longer than `wait_s`."""
        if self.is_ready or self.failure is not None:
            return
        try:
            if self._connection is None and select.select([self._server], [], [], wait_s)[0]:
                self._greet()
            if self._connection is not None and select.select([self._connection], [], [], wait_s)[0]:
                head, _ = receive(self._connection, STEP_WITHIN_S)
                self._tell(head.get("messages", []))
                self.is_ready = True
        except FrameError as error:
            self.fail(f"the process {error}")
        if not self.is_ready and self.failure is None:
            if self._process.poll() is not None:
                self.fail("the process ended while it started")
            elif self._clock.monotonic_s() > self._deadline_s:
                self.fail(f"the process is not ready after {START_WITHIN_S:g} s")

    def ask(self, head: dict[str, object], body: bytes | Column = b"") -> None:
        """Send a request; the answer comes with `answer`."""
        assert self._connection is not None  # noqa: S101 - only ready processes are asked
        try:
            send(self._connection, head, body)
        except FrameError as error:
            self.fail(f"the process {error}")

    def answer(self, until_s: float) -> tuple[dict[str, object], bytes] | None:
        """The answer to the last request, or None when there is none by the moment `until_s` of the stopwatch."""
        if self.failure is not None or self._connection is None:
            return None
        try:
            head, body = receive(self._connection, max(0.0, until_s - self._clock.monotonic_s()))
        except FrameError as error:
            self.fail(f"the process {error}")
            return None
        self._tell(head.get("messages", []))
        return head, body

    def fail(self, reason: str) -> None:
        """Give the process up."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_LAST_MOMENT_S)
        code = self._process.returncode
        ended = f" (ended with code {code})" if code is not None else ""
        self.failure = f"{reason}{ended}"
        self.close()

    def close(self) -> None:
        """End the process at once: it holds nothing that is worth saving."""
        self.is_ready = False
        for end in (self._connection, self._server):
            if end is not None:
                end.close()
        if self._process.poll() is None:
            self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STEP_WITHIN_S)
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def _greet(self) -> None:
        connection, _ = self._server.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = connection
        head, _ = receive(connection, STEP_WITHIN_S)
        if head.get("token") != self._token:
            raise FrameError("is not the one that was started")
        job = self.job
        setup: dict[str, object] = {
            "do": "setup",
            "fmu": str(job.fmu),
            "names": job.names,
            "parameters": [(link.reference, link.type) for link in job.wiring.parameters],
            "inputs": [(link.reference, link.type) for link in job.wiring.inputs],
            "outputs": [(link.reference, link.type) for link in job.wiring.outputs],
            "start": job.wiring.start,
        }
        send(connection, setup, np.ascontiguousarray(job.parameters))

    def _tell(self, messages: object) -> None:
        if isinstance(messages, list):
            for message in messages:
                _log.warning("%s (%s ...): %s", self.job.fmu.name, self.job.names[0], message)


class _Group:
    """Some devices in one process, with their rests between failures."""

    def __init__(self, job: Job, rows: NDArray[np.intp], clock: Clock, rest_s: float = 0.0) -> None:
        self.job = job
        self.rows = rows
        self.rest_s = rest_s
        self._clock = clock
        self._again_s = clock.monotonic_s() + rest_s
        self.ready_s: float | None = None
        self.process: VendorProcess | None = None if rest_s else VendorProcess(job, clock)

    def look(self, wait_s: float = 0.0) -> bool:
        """True when the process is ready; starts it when its rest is over."""
        if self.process is None and self._clock.monotonic_s() >= self._again_s:
            self.process = VendorProcess(self.job, self._clock)
        if self.process is None:
            return False
        self.process.look(wait_s)
        if self.process.is_ready and self.ready_s is None:
            self.ready_s = self._clock.monotonic_s()
        return self.process.is_ready

    @property
    def has_failed(self) -> bool:
        """True when the process has been given up."""
        return self.process is not None and self.process.failure is not None

    def successors(self) -> list["_Group"]:
        """What comes back after the failure: two halves of several devices, or the one device."""
        ran_well = self.ready_s is not None and self._clock.monotonic_s() - self.ready_s > _LONGEST_REST_S
        rest_s = _FIRST_REST_S if ran_well else min(max(_FIRST_REST_S, 2.0 * self.rest_s), _LONGEST_REST_S)
        count = len(self.rows)
        halves = [slice(0, count)] if count == 1 else [slice(0, count // 2), slice(count // 2, count)]
        return [_Group(self.job.part(half), self.rows[half], self._clock, rest_s) for half in halves]


class VendorFleet:
    """All devices of one kind that run the same FMU with the same map.

    `parameters` are our parameter arrays for these devices; those that the map names are set at the start.
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
    ) -> None:
        path = Path(model.fmu)
        self._wiring = wiring(kind, model)
        count = len(names)
        values = [_theirs(link, np.broadcast_to(parameters[link.ours], (count,))) for link in self._wiring.parameters]
        matrix = np.array(values, dtype=np.float64).reshape(len(values), count)
        job = Job(fmu=path, wiring=self._wiring, names=names, parameters=matrix)
        rows = np.arange(count)
        parts = [slice(k, k + 1) for k in range(count)] if describe(path).once_per_process else [slice(0, count)]
        self._clock = clock
        self._groups = [_Group(job.part(part), rows[part], clock) for part in parts]
        self._factor = np.array([[link.factor] for link in self._wiring.outputs])
        self._offset = np.array([[link.offset] for link in self._wiring.outputs])
        self.names = names
        until_s = clock.monotonic_s() + START_WITHIN_S
        for group in self._groups:
            while not group.has_failed and not group.look(0.05) and clock.monotonic_s() < until_s:
                pass  # `look` waits; the first steps shall have values where that is possible

    @property
    def quantities(self) -> frozenset[str]:
        """Our outputs that the vendor's model gives."""
        return frozenset(link.ours for link in self._wiring.outputs)

    @property
    def constants(self) -> Mapping[str, float]:
        """Our outputs that never change."""
        return MappingProxyType(dict(self._wiring.constants))

    def step(self, step_s: float, inputs: Mapping[str, Column]) -> dict[str, Column]:
        """Advance all devices; outputs by our names, NaN for devices whose process is not there."""
        given = np.array([_theirs(link, inputs[link.ours]) for link in self._wiring.inputs])
        given = given.reshape(len(self._wiring.inputs), len(self.names))
        found = np.full((len(self._wiring.outputs), len(self.names)), np.nan)
        asked = []
        for group in self._groups:
            if group.look() and group.process is not None:
                group.process.ask({"do": "step", "step_s": step_s}, np.ascontiguousarray(given[:, group.rows]))
                asked.append((group, group.process))
        until_s = self._clock.monotonic_s() + STEP_WITHIN_S
        for group, process in asked:
            answered = process.answer(until_s)
            if answered is not None:
                theirs = np.frombuffer(answered[1], dtype=np.float64).reshape(len(found), len(group.rows))
                found[:, group.rows] = self._factor * theirs + self._offset
        self._replace_failed()
        found[~(np.abs(found) < _LARGEST)] = np.nan
        return {link.ours: found[k] for k, link in enumerate(self._wiring.outputs)}

    def save(self) -> list[bytes]:
        """State of every device, empty where its FMU gives none."""
        states = [b""] * len(self.names)
        until_s = self._clock.monotonic_s() + STEP_WITHIN_S
        for group in self._groups:
            if group.look() and group.process is not None:
                group.process.ask({"do": "save"})
                answered = group.process.answer(until_s)
                if answered is not None:
                    at = 0
                    sizes = answered[0]["sizes"]
                    assert isinstance(sizes, list)  # noqa: S101 - our own process says so
                    for row, size in zip(group.rows.tolist(), sizes, strict=True):
                        states[row] = answered[1][at : at + size]
                        at += size
        self._replace_failed()
        return states

    def restore(self, states: list[bytes]) -> None:
        """Put states back; devices without one, or without a process, go on as they are."""
        until_s = self._clock.monotonic_s() + STEP_WITHIN_S
        for group in self._groups:
            if group.look() and group.process is not None:
                own = [states[row] for row in group.rows.tolist()]
                group.process.ask({"do": "restore", "sizes": [len(state) for state in own]}, b"".join(own))
                group.process.answer(until_s)
        self._replace_failed()

    def close(self) -> None:
        """End all processes."""
        for group in self._groups:
            if group.process is not None:
                group.process.close()
        self._groups = []

    def _replace_failed(self) -> None:
        groups = []
        for group in self._groups:
            if not group.has_failed or group.process is None:
                groups.append(group)
                continue
            comers = group.successors()
            groups += comers
            _log.warning(
                "%s of %s: %s; again in %g s%s",
                group.job.fmu.name,
                ", ".join(group.job.names[:3]) + (" ..." if len(group.rows) > 3 else ""),  # noqa: PLR2004
                group.process.failure,
                comers[0].rest_s,
                " in two halves" if len(comers) > 1 else "",
            )
        self._groups = groups


def _theirs(link: Link, ours: Column) -> Column:
    return (ours - link.offset) / link.factor
