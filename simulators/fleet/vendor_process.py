"""Runs the devices of one vendor's FMU away from the world: `python -m simulators.fleet.vendor_process PORT`.

Native code of others may crash, hang or print; here it takes nobody with it. The library is loaded once. Its devices
are one instance with arrays where the FMU offers that, else an instance each. Everything comes and goes in frames over
one local connection (vendor_frames).
"""

import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.fleet.fmu_fleet import FmuRefusal, unpack
from simulators.fleet.vendor_frames import FrameError, receive, send
from simulators.fleet.vendor_instance import Instance, ports
from simulators.fleet.vendor_map import describe


class Host:
    """All devices of one process."""

    def __init__(self, setup: dict[str, Any], body: bytes) -> None:
        self._setup = setup
        self._path = Path(setup["fmu"])
        self._about = describe(self._path)
        self._folder = unpack(self._path)  # once: all instances share one library
        self._count = len(setup["names"])
        self._parameters = np.frombuffer(body, dtype=np.float64).reshape(len(setup["parameters"]), self._count)
        self._inputs, self._outputs = ports(setup["inputs"]), ports(setup["outputs"])
        self._shapes = (len(setup["inputs"]), len(setup["outputs"]))
        self._messages: list[str] = []
        self._instances = self._together() if setup["size"] is not None else self._singly()

    def step(self, step_s: float, body: bytes) -> NDArray[np.float64]:
        """Values of all outputs, shape (outputs, devices); NaN where an instance rests."""
        given = np.frombuffer(body, dtype=np.float64).reshape(self._shapes[0], self._count)
        found = np.full((self._shapes[1], self._count), np.nan)
        try:
            self._step(step_s, given, found)
        except FmuRefusal as error:  # of all devices together
            if self._about.once_per_process:
                raise
            self._messages.append(f"refuses for all devices at once, they begin anew one by one: {error}")
            self._instances = self._singly()
            self._step(step_s, given, found)
        return found

    def save(self) -> list[bytes]:
        """State of every device, empty where there is none; the first has that of all where they are together."""
        states = [instance.save() for instance in self._instances]
        return states + [b""] * (self._count - len(states))

    def restore(self, sizes: list[int], body: bytes) -> None:
        """Put states back; a size of 0 leaves an instance alone."""
        ends = np.cumsum(sizes).tolist()
        for instance, size, end in zip(self._instances, sizes, ends, strict=False):
            if size:
                instance.restore(body[end - size : end])

    def resting(self) -> list[tuple[int, str, int, bool]]:
        """Devices without values: row, why, restarts so far, given up."""
        return [
            (row, instance.why[:300], max(0, instance.refusals - 1), instance.is_given_up)
            for row, instance in enumerate(self._instances)
            if instance.rests
        ]

    def messages(self) -> list[str]:
        """What instances had to say since last asked, few of it."""
        found, self._messages = self._messages, []
        for instance in self._instances:
            found += instance.messages
            instance.messages.clear()
        return found[:5]

    def _step(self, step_s: float, given: NDArray[np.float64], found: NDArray[np.float64]) -> None:
        width = self._count // len(self._instances)
        for number, instance in enumerate(self._instances):
            own = slice(number * width, (number + 1) * width)
            instance.step(step_s, self._inputs, given[:, own], self._outputs, found[:, own])

    def _together(self) -> list[Instance]:
        """One instance with arrays."""
        return [self._instance(slice(0, self._count), self._setup["size"])]

    def _singly(self) -> list[Instance]:
        """An instance for each device; where the FMU has arrays, of one element."""
        return [self._instance(slice(row, row + 1), self._setup["size"]) for row in range(self._count)]

    def _instance(self, rows: slice, size: int | None) -> Instance:
        names = self._setup["names"][rows]
        start = [(reference, kind, [value]) for reference, kind, value in self._setup["start"]]
        start = [(ref, kind, values * len(names) if ref in self._sized() else values) for ref, kind, values in start]
        start += [
            (reference, kind, self._parameters[k, rows].tolist())
            for k, (reference, kind) in enumerate(self._setup["parameters"])
        ]
        return Instance(
            path=self._path,
            folder=self._folder,
            about=self._about,
            name=names[0],
            start=start,
            count=len(names),
            size=size,
        )

    def _sized(self) -> set[int]:
        """References of variables with one value for each device."""
        size = self._setup["size"]
        return {v.reference for v in self._about.variables.values() if size is not None and v.sized_by == size}


def serve(connection: socket.socket) -> None:
    """Answer frames until the world closes the connection."""
    host: Host | None = None
    while True:
        head, body = receive(connection)
        if head["do"] == "setup":
            try:
                host = Host(head, body)
            except Exception as error:  # whatever it is, the world shall know why nothing runs
                send(connection, {"failed": f"{type(error).__name__}: {error}"[:300]})
                raise
            send(connection, {"messages": host.messages()})
        elif host is None:
            raise FrameError("wants something before it has said what to run")
        elif head["do"] == "step":
            found = host.step(head["step_s"], body)
            send(connection, {"messages": host.messages(), "resting": host.resting()}, found)
        elif head["do"] == "save":
            states = host.save()
            send(connection, {"sizes": [len(state) for state in states]}, b"".join(states))
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
