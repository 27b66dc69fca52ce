"""The buses under contract: in memory, and over MQTT through a relay whose connections can really be cut."""

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Protocol

from twin.bus.memory import MemoryBroker, MemoryBus
from twin.bus.mqtt import MqttBus
from twin.bus.port import Bus, Frame
from twin.clock import WallClock

CLOCK = WallClock()


def until(reached: Callable[[], bool], *, within_s: float = 10.0) -> None:
    """Poll until `reached`, or fail."""
    deadline_s = CLOCK.monotonic_s() + within_s
    while not reached():
        assert CLOCK.monotonic_s() < deadline_s, f"not reached within {within_s:g} s"
        CLOCK.sleep(0.005)


class Inbox:
    """A handler that keeps the frames."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    def __call__(self, frame: Frame) -> None:
        self.frames.append(frame)

    @property
    def payloads(self) -> list[bytes]:
        return [frame.payload for frame in self.frames]

    def wait_for(self, *payloads: bytes) -> None:
        """Wait until exactly `payloads` have come, in this order."""
        until(lambda: len(self.frames) >= len(payloads))
        assert self.payloads == list(payloads)


class Arm(Protocol):
    """One kind of bus."""

    def client(self, name: str, *, max_outbox: int = 1000) -> Bus: ...
    def ready(self, bus: Bus) -> None:
        """Open it if need be, and wait until its subscriptions are in force."""

    def cut(self, bus: Bus) -> None:
        """Break its connection, without a goodbye, and keep it broken."""

    def mend(self, bus: Bus) -> None:
        """Let it connect again, and wait until it has."""

    def close(self) -> None: ...


class MemoryArm:
    """Clients of one MemoryBroker."""

    def __init__(self) -> None:
        self._broker = MemoryBroker()
        self._opened: set[int] = set()

    def client(self, name: str, *, max_outbox: int = 1000) -> Bus:
        return self._broker.client(name, max_outbox=max_outbox)

    def ready(self, bus: Bus) -> None:
        if not bus.connected:
            bus.open()

    def cut(self, bus: Bus) -> None:
        assert isinstance(bus, MemoryBus)
        bus.drop()

    def mend(self, bus: Bus) -> None:
        bus.open()

    def close(self) -> None:
        """Nothing to end."""


class Relay:
    """Passes TCP connections on to a port, until it is cut."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._sockets: list[socket.socket] = []
        self._whole = threading.Event()
        self._whole.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._whole.clear()
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self._whole.set()

    def close(self) -> None:
        self.cut()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for one in (self._listener, *self._sockets):
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._target), timeout=5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            self._sockets += [near, far]
            if not self._whole.is_set():
                near.close()
                far.close()
                continue
            for source, sink in ((near, far), (far, near)):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while content := source.recv(65536):
            sink.sendall(content)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


class MqttArm:
    """MqttBus clients of a broker on `port`, each through a relay of its own."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._relays: dict[int, Relay] = {}
        self._buses: list[MqttBus] = []

    def client(self, name: str, *, max_outbox: int = 1000) -> Bus:
        relay = Relay(self._port)
        url = f"mqtt://127.0.0.1:{relay.port}"
        bus = MqttBus(url=url, client_id=name, clock=CLOCK, max_outbox=max_outbox)
        self._relays[id(bus)] = relay
        self._buses.append(bus)
        return bus

    def ready(self, bus: Bus) -> None:
        assert isinstance(bus, MqttBus)
        if not bus.connected:
            bus.open()
        bus.wait_until_ready(10)

    def cut(self, bus: Bus) -> None:
        self._relays[id(bus)].cut()
        until(lambda: not bus.connected)

    def mend(self, bus: Bus) -> None:
        assert isinstance(bus, MqttBus)
        self._relays[id(bus)].mend()
        bus.wait_until_ready(10)

    def close(self) -> None:
        for bus in self._buses:
            bus.close()
        for relay in self._relays.values():
            relay.close()
