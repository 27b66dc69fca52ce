"""One process that runs a vendor's FMU, as the world sees it: started, asked, polled, ended.

A process that crashes is ended at once. One that gives no answer is ended when it has computed for too long since it
was asked, by its own CPU time: then it hangs, however busy the machine is. One that is merely paused or starved is
waited for much longer, and what it answers late still counts. Nothing here makes the world wait longer than it says.
"""

import contextlib
import logging
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.fleet.vendor_frames import Frame, FrameError, Line
from simulators.fleet.vendor_map import Wiring
from twin.clock import Clock

Column = NDArray[np.float64]

START_CPU_S: Final = 30.0
STEP_CPU_S: Final = 2.0
CPU_PER_DEVICE_S: Final = 0.002
SILENT_S: Final = 60.0  # an answer takes no longer, however paused or starved the process is
START_SILENT_S: Final = 180.0
_LOOK_S = 1.0  # a world that was itself paused counts no more than this between two looks
_LAST_MOMENT_S = 0.05  # a process that crashes closes its connection a moment before it is gone
_END_WITHIN_S = 1.0

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
    """One process, from its start to `close`: it starts, is ready, is asked and answers, or has failed."""

    def __init__(self, job: Job, clock: Clock) -> None:
        self.job = job
        self.is_ready = False
        self.failure: str | None = None
        self.asked: str | None = None  # what its next answer is to
        self._clock = clock
        self._token = secrets.token_hex(16)
        self._line: Line | None = None
        self._greeted = False
        self._server = socket.create_server(("127.0.0.1", 0), backlog=1)
        port = self._server.getsockname()[1]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "simulators.fleet.vendor_process", str(port)], stdin=subprocess.PIPE
        )
        count = len(job.names)
        self._patience = _Patience(clock, self.pid, START_CPU_S + count * 5 * CPU_PER_DEVICE_S, START_SILENT_S)
        assert self._process.stdin is not None  # noqa: S101 - asked for above
        with contextlib.suppress(OSError):  # a process that is gone already is seen by `look`
            self._process.stdin.write(f"{self._token}\n".encode())
            self._process.stdin.flush()  # and left open: its end tells the process that we are gone

    @property
    def pid(self) -> int:
        """The process's number on this machine."""
        return self._process.pid

    def look(self, wait_s: float) -> None:
        """Bring the start further, waiting no longer than `wait_s`."""
        if self.is_ready or self.failure is not None:
            return
        try:
            if self._line is None and select.select([self._server], [], [], wait_s)[0]:
                connection, _ = self._server.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._line = Line(connection)
            found = None if self._line is None else self._line.poll(wait_s)
            if found is not None and self._line is not None:
                self._take_start(found[0], self._line)
        except FrameError as error:
            self.fail(f"its process {error} while it started")
        if not self.is_ready and self.failure is None:
            if self._process.poll() is not None:
                self.fail("its process ended while it started")
            elif (trouble := self._patience.spent()) is not None:
                self.fail(f"its process does not get ready: it {trouble}")

    def ask(self, head: dict[str, object], body: bytes | Column = b"") -> None:
        """Send a request; `poll` gives the answer. Only for a process that is ready and not `asked`."""
        assert self._line is not None  # noqa: S101 - only ready processes are asked
        assert self.asked is None  # noqa: S101 - one thing at a time
        self.asked = str(head["do"])
        self._patience = _Patience(self._clock, self.pid, STEP_CPU_S + len(self.job.names) * CPU_PER_DEVICE_S, SILENT_S)
        try:
            self._line.send(head, body)
        except FrameError as error:
            self.fail(f"its process {error}")

    def poll(self, until_s: float) -> Frame | None:
        """The answer to the last request, or None when there is none by the moment `until_s` of the stopwatch."""
        while self._line is not None and self.failure is None and self.asked is not None:
            wait_s = max(0.0, until_s - self._clock.monotonic_s())
            try:
                found = self._line.poll(min(wait_s, _LOOK_S))
            except FrameError as error:
                self.fail(f"its process {error}")
                return None
            if found is not None:
                self.asked = None
                self._tell(found[0].get("messages", []))
                return found
            if (trouble := self._patience.spent()) is not None:
                self.fail(f"its process {trouble}")
                return None
            if wait_s <= 0.0:
                return None
        return None

    def fail(self, reason: str) -> None:
        """Give the process up."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_LAST_MOMENT_S)
        self.failure = f"{reason}{_ending(self._process.returncode)}"
        self.close()

    def close(self) -> None:
        """End the process at once: it holds nothing that is worth saving."""
        self.is_ready = False
        if self._line is not None:
            self._line.close()
        self._server.close()
        if self._process.poll() is None:
            self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_WITHIN_S)
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def _take_start(self, head: dict[str, object], line: Line) -> None:
        """First it says that it is the one that was started, then that it has begun, or why not."""
        if self._greeted:
            self._tell(head.get("messages", []))
            if "failed" in head:
                self.fail(f"it does not start: {head['failed']}")
                return
            self.is_ready = True
            return
        if head.get("token") != self._token:
            raise FrameError("is not the one that was started")
        self._greeted = True
        job = self.job
        setup: dict[str, object] = {
            "do": "setup",
            "fmu": str(job.fmu),
            "names": job.names,
            "parameters": [(link.reference, link.type) for link in job.wiring.parameters],
            "inputs": [(link.reference, link.type) for link in job.wiring.inputs],
            "outputs": [(link.reference, link.type) for link in job.wiring.outputs],
            "start": job.wiring.start,
            "size": job.wiring.size,
        }
        line.send(setup, np.ascontiguousarray(job.parameters))

    def _tell(self, messages: object) -> None:
        if isinstance(messages, list):
            for message in messages:
                _log.warning("%s (%s ...): %s", self.job.fmu.name, self.job.names[0], message)


class _Patience:
    """How long a process may be without an answer: a little of its CPU time, or much of ours."""

    def __init__(self, clock: Clock, pid: int, cpu_s: float, silent_s: float) -> None:
        self._clock = clock
        self._pid = pid
        self._cpu_s, self._silent_s = cpu_s, silent_s
        self._cpu_from_s = _cpu_s(pid)
        self._looked_s = clock.monotonic_s()
        self._waited_s = 0.0

    def spent(self) -> str | None:
        """Why it is over, or None; what passes between two looks counts up to a second."""
        now_s = self._clock.monotonic_s()
        self._waited_s += min(now_s - self._looked_s, _LOOK_S)
        self._looked_s = now_s
        used_s = _cpu_s(self._pid) - self._cpu_from_s
        if used_s > self._cpu_s:
            return f"hangs: {used_s:.1f} s of computing without an answer"
        if self._waited_s > self._silent_s:
            return f"is silent: no answer for {self._waited_s:.0f} s, in which it computed for {used_s:.1f} s"
        return None


def _cpu_s(pid: int) -> float:
    """CPU time that a process has used; 0 where the system does not say (only Linux does), or it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _ending(code: int | None) -> str:
    if code is None:
        return ""
    if code < 0:
        name = signal.Signals(-code).name if -code in signal.valid_signals() else f"signal {-code}"
        return f" ({name}: a crash of the maker's code, or ended from outside)"
    return f" (ended with code {code})"
