"""A real InfluxDB 2 that a test can kill and start again; HEARTHGRID_TEST_INFLUXD names the program."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.influx_server import FOR_EVER
from twin.bus.broker import free_port
from twin.clock import WallClock
from twin.store.influx.address import Address
from twin.store.influx.client import Influx
from twin.store.influx.setup import prepare

_TOKEN = "token-of-the-test"
_UP_WITHIN_S = 60.0
_CLOCK = WallClock()


class InfluxProcess:
    """One server on a free port of this machine, with its files in `folder`."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.address = Address(url=f"http://127.0.0.1:{self._port}", org="lab", bucket="hg", token=_TOKEN)

    def start(self) -> None:
        """Start, and wait until it answers."""
        folder = self._folder
        with (folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._program,
                    f"--http-bind-address=127.0.0.1:{self._port}",
                    f"--bolt-path={folder / 'bolt'}",
                    f"--sqlite-path={folder / 'sqlite'}",
                    f"--engine-path={folder / 'engine'}",
                    "--reporting-disabled",
                    "--log-level=warn",
                ],
                stdout=log,
                stderr=log,
            )
        give_up_s = _CLOCK.monotonic_s() + _UP_WITHIN_S
        while not self._healthy():
            assert self._process.poll() is None, (folder / "log").read_text()
            assert _CLOCK.monotonic_s() < give_up_s, "the server does not come up"
            _CLOCK.sleep(0.05)

    def _healthy(self) -> bool:
        try:
            return httpx.get(f"{self.address.url}/health").status_code == 200
        except httpx.HTTPError:
            return False

    def set_up(self) -> None:
        """Make the first user and the buckets."""
        first = {"username": "lab", "password": "lab-lab-lab", "org": "lab", "bucket": "first", "token": _TOKEN}
        httpx.post(f"{self.address.url}/api/v2/setup", json=first).raise_for_status()
        influx = Influx(self.address, _CLOCK)
        prepare(influx, FOR_EVER)
        influx.close()

    def kill(self) -> None:
        """End it at once, as a power cut does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)
            self._process = None


@contextmanager
def own_influx(folder: Path) -> Iterator[InfluxProcess]:
    """A server that runs and is set up; the test is skipped where there is no such program."""
    program = os.environ.get("HEARTHGRID_TEST_INFLUXD")
    if not program:
        pytest.skip("no InfluxDB program: HEARTHGRID_TEST_INFLUXD is not set")
    folder.mkdir()
    server = InfluxProcess(program, folder)
    try:
        server.start()
        server.set_up()
        yield server
    finally:
        server.kill()
