"""The console as a server: it says where it is, why it cannot start, and goes when told."""

import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.console_stage import ConsoleStage
from twin.console.server import ConsoleError, ConsoleServer

pytestmark = pytest.mark.integration


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[ConsoleStage]:
    stage = ConsoleStage(tmp_path, history=False)
    stage.step(10)
    yield stage
    stage.close()


def test_a_console_can_be_started_stopped_and_started_again_in_silence(
    stage: ConsoleStage, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    for _ in range(2):
        server = ConsoleServer(stage.sources())
        server.start()
        page = httpx.get(server.url)
        assert page.status_code == 200
        assert "<title>Overview · Hearthgrid</title>" in page.text
        assert httpx.get(f"{server.url}/static/console.css").status_code == 200
        assert httpx.get(f"{server.url}/api/v1/pilot").json()["name"] == "small"
        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < 1.0
        with pytest.raises(httpx.ConnectError):
            httpx.get(server.url)
        server.stop()
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_a_taken_port_is_named(stage: ConsoleStage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConsoleError, match=rf"port {port} on 127\.0\.0\.1 is taken; choose another with --port"):
            ConsoleServer(stage.sources(), port=port).start()


def test_an_address_that_is_not_ours_is_named(stage: ConsoleStage) -> None:
    with pytest.raises(ConsoleError, match=r"cannot listen on 192\.0\.2\.1:0"):
        ConsoleServer(stage.sources(), host="192.0.2.1").start()


def test_a_second_console_in_one_process_is_refused_and_leaves_the_first_alone(stage: ConsoleStage) -> None:
    first = ConsoleServer(stage.sources())
    first.start()
    try:
        with pytest.raises(ConsoleError, match="already runs a console"):
            ConsoleServer(stage.sources()).start()
        assert httpx.get(f"{first.url}/api/v1/pilot").status_code == 200
    finally:
        first.stop()


def test_a_page_that_waits_does_not_keep_the_console_from_stopping(stage: ConsoleStage) -> None:
    server = ConsoleServer(stage.sources())
    server.start()
    with socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1]))):
        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < 1.5
