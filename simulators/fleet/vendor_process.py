"""Runs n instances of one vendor's FMU away from the world: `python -m simulators.fleet.vendor_process PORT`.

Native code of others may crash, hang or print; here it takes nobody with it. Everything comes and goes in frames over
one local connection (vendor_frames). An instance that refuses a call gives NaN and is begun anew a minute of simulated
time later; the others go on.
"""

import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.fleet.fmu_fleet import FmuRefusal, open_instance, unpack
from simulators.fleet.vendor_frames import FrameError, receive, send
from simulators.fleet.vendor_map import describe

_AGAIN_AFTER_S = 60.0
_WHOLE = frozenset({"Integer", "Int32", "Enumeration", "Boolean"})
_SUFFIX = {"Enumeration": {"2.0": "Integer", "3.0": "Int64"}}

Group = tuple[str, list[int], list[int]]  # type, value references, columns in the frame


class Device:
    """One instance, from its first call to its last."""

    def __init__(self, path: Path, folder: Path, name: str, start: Sequence[tuple[int, str, float]]) -> None:
        self._description = describe(path)
        self._arguments = (path, folder, name)
        self._start = start
        self._time_s = 0.0
        self._resting_s = 0.0
        self.messages: list[str] = []
        self._fmu = self._begun()

    def step(self, step_s: float, inputs: list[tuple[Group, NDArray[np.float64]]]) -> bool:
        """Set inputs and advance; False while the instance rests after a refusal."""
        if self._fmu is None:
            self._resting_s += step_s
            if self._resting_s < _AGAIN_AFTER_S:
                return False
            self._fmu = self._begun()
        try:
            for (kind, references, _), values in inputs:
                self._call("set", kind, references, _typed(kind, values))
            only = self._description.step_s
            parts = 1 if only is None else max(1, round(step_s / only))
            for _ in range(parts):
                self._fmu.doStep(self._time_s, step_s / parts)
                self._time_s += step_s / parts
        except FmuRefusal as error:
            self.messages.append(str(error))
            self._fmu = None  # not freed: what has failed is not to be called again
            self._resting_s = 0.0
            return False
        return True

    def read(self, kind: str, references: list[int]) -> list[float]:
        """Values of variables of one type."""
        return [float(value) for value in self._call("get", kind, references)]

    def save(self) -> bytes | None:
        """The instance's state, if the FMU can give it."""
        if self._fmu is None or not self._description.keeps_state:
            return None
        old = self._description.fmi == "2.0"
        state = self._fmu.getFMUstate() if old else self._fmu.getFMUState()
        blob = self._fmu.serializeFMUstate(state) if old else self._fmu.serializeFMUState(state)
        (self._fmu.freeFMUstate if old else self._fmu.freeFMUState)(state)
        return bytes(blob)

    def restore(self, blob: bytes) -> None:
        """Put a saved state back; what does not fit is said in `messages` and left."""
        if self._fmu is None:
            return
        old = self._description.fmi == "2.0"
        try:
            state = self._fmu.deSerializeFMUstate(blob) if old else self._fmu.deserializeFMUState(blob)
            (self._fmu.setFMUstate if old else self._fmu.setFMUState)(state)
            (self._fmu.freeFMUstate if old else self._fmu.freeFMUState)(state)
        except FmuRefusal as error:
            self.messages.append(f"begins anew, its saved state does not fit: {error}")

    def _begun(self) -> Any:  # noqa: ANN401 - FMPy has no types
        self._time_s = 0.0
        fmu = self._fmu = open_instance(*self._arguments, self.messages)
        if self._description.fmi == "2.0":
            fmu.setupExperiment(startTime=0.0)
        for reference, kind, value in self._start:
            self._call("set", kind, [reference], _typed(kind, np.array([value])))
        if self._description.fmi == "2.0":
            fmu.enterInitializationMode()
        else:
            fmu.enterInitializationMode(startTime=0.0)
        fmu.exitInitializationMode()
        return fmu

    def _call(self, verb: str, kind: str, *arguments: object) -> Any:  # noqa: ANN401 - FMPy has no types
        suffix = _SUFFIX.get(kind, {}).get(self._description.fmi, kind)
        return getattr(self._fmu, verb + suffix)(*arguments)


class Host:
    """All instances of one process."""

    def __init__(self, setup: dict[str, Any], body: bytes) -> None:
        path, names = Path(setup["fmu"]), setup["names"]
        folder = unpack(path)  # once: all instances share one library
        parameters = np.frombuffer(body, dtype=np.float64).reshape(len(setup["parameters"]), len(names))
        self._devices = [
            Device(
                path,
                folder,
                name,
                [
                    *((reference, kind, value) for reference, kind, value in setup["start"]),
                    *(
                        (reference, kind, float(parameters[k, row]))
                        for k, (reference, kind) in enumerate(setup["parameters"])
                    ),
                ],
            )
            for row, name in enumerate(names)
        ]
        self._inputs = _groups(setup["inputs"])
        self._outputs = _groups(setup["outputs"])
        self._shapes = (len(setup["inputs"]), len(setup["outputs"]))

    def step(self, step_s: float, body: bytes) -> NDArray[np.float64]:
        """Values of all outputs, shape (outputs, devices); NaN where an instance rests."""
        given = np.frombuffer(body, dtype=np.float64).reshape(self._shapes[0], len(self._devices))
        found = np.full((self._shapes[1], len(self._devices)), np.nan)
        for row, device in enumerate(self._devices):
            if device.step(step_s, [(group, given[group[2], row]) for group in self._inputs]):
                for kind, references, columns in self._outputs:
                    found[columns, row] = device.read(kind, references)
        return found

    def save(self) -> list[bytes | None]:
        """State of every instance, None where there is none."""
        return [device.save() for device in self._devices]

    def restore(self, sizes: list[int], body: bytes) -> None:
        """Put states back; a size of 0 leaves an instance alone."""
        at = 0
        for device, size in zip(self._devices, sizes, strict=True):
            if size:
                device.restore(body[at : at + size])
            at += size

    def messages(self) -> list[str]:
        """What instances had to say since last asked, few of it."""
        found = []
        for device in self._devices:
            found += device.messages
            device.messages.clear()
        return found[:5]


def serve(connection: socket.socket) -> None:
    """Answer frames until the world closes the connection."""
    host: Host | None = None
    while True:
        head, body = receive(connection, None)
        if head["do"] == "setup":
            host = Host(head, body)
            send(connection, {"messages": host.messages()})
        elif host is None:
            raise FrameError("wants something before it has said what to run")
        elif head["do"] == "step":
            found = host.step(head["step_s"], body)
            send(connection, {"messages": host.messages()}, found)
        elif head["do"] == "save":
            states = host.save()
            send(connection, {"sizes": [len(state or b"") for state in states]}, b"".join(s or b"" for s in states))
        else:
            host.restore(head["sizes"], body)
            send(connection, {"messages": host.messages()})


def main(arguments: list[str]) -> int:
    """Connect to the world and serve it; ends when the world goes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the world, which then ends us
    token = sys.stdin.readline().strip()
    threading.Thread(target=_end_with_the_world, daemon=True).start()
    sys.stdout.flush()
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what native code prints belongs into the log
    with socket.create_connection(("127.0.0.1", int(arguments[0])), timeout=5.0) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        send(connection, {"token": token})
        try:
            serve(connection)
        except FrameError:
            return 0
    return 0


def _end_with_the_world() -> None:
    """Native code that hangs must not outlive the world: our input ends when the world does."""
    sys.stdin.read()
    os._exit(0)


def _groups(links: list[tuple[int, str]]) -> list[Group]:
    """Variables of one type go in one call."""
    kinds = sorted({kind for _, kind in links})
    return [
        (
            kind,
            [reference for reference, of in links if of == kind],
            [column for column, (_, of) in enumerate(links) if of == kind],
        )
        for kind in kinds
    ]


def _typed(kind: str, values: NDArray[np.float64]) -> list[Any]:
    if kind == "Boolean":
        return [bool(value > 0.5) for value in values]  # noqa: PLR2004 - between no and yes
    if kind in _WHOLE:
        return [round(float(value)) for value in values]
    return [float(value) for value in values]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
