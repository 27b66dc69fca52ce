"""How the containers' health checks judge the twin and the world."""

import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from twin.clock import DrivenClock
from twin.stack.probe import main, twin_trouble, world_trouble

WRITTEN = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Health(BaseHTTPRequestHandler):
    """A twin's health by the path that is asked for."""

    def do_GET(self) -> None:
        body = {"/well": b'{"bus_connected": true}', "/alone": b'{"bus_connected": false}'}.get(self.path, b"<html>")
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def twin() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Health)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_twin_is_well_when_it_answers_and_has_the_broker(twin: str) -> None:
    assert twin_trouble(f"{twin}/well") is None
    assert twin_trouble(f"{twin}/alone") == "the twin has no connection to the broker"
    assert "does not answer" in (twin_trouble(f"{twin}/page") or "")
    assert "does not answer" in (twin_trouble("http://127.0.0.1:1/") or "")


@pytest.mark.parametrize(("age_s", "said"), [(60, None), (181, "no state for 181 s")])
def test_a_world_is_well_while_it_writes_its_state(age_s: int, said: str | None, tmp_path: Path) -> None:
    state = tmp_path / "world.state"
    state.touch()
    os.utime(state, (WRITTEN.timestamp(), WRITTEN.timestamp()))
    trouble = world_trouble(tmp_path, DrivenClock(WRITTEN + timedelta(seconds=age_s)))
    assert (trouble is None) if said is None else (said in (trouble or ""))


def test_a_world_that_has_written_nothing_is_not_live_yet(tmp_path: Path) -> None:
    assert "not live yet" in (world_trouble(tmp_path, DrivenClock(WRITTEN)) or "")


def test_a_probe_of_something_else_says_what_it_can_judge(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["broker"]) == 1
    assert "probe twin, or probe world FOLDER" in capsys.readouterr().out
