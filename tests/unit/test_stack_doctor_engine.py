"""The engine's answers through the real SDK: an engine's API on loopback, with answers as Docker 20.10 gives them."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from twin.stack.engine import StackEngine, use_of
from twin.stack.grants import StackError

LABELS = {
    "com.docker.compose.project": "hearthgrid",
    "com.docker.compose.service": "influxdb",
    "com.docker.compose.oneoff": "False",
    "com.docker.compose.project.working_dir": "/srv/hearthgrid",
}
CONTAINER: dict[str, Any] = {
    "Id": "c0ffee000000aaaabbbb",
    "Name": "/hearthgrid-influxdb-1",
    "Image": "sha256:1111",
    "RestartCount": 2,
    "Config": {"Image": "influxdb:2.7.12", "Labels": LABELS, "Tty": False},
    "State": {
        "Status": "running",
        "OOMKilled": False,
        "ExitCode": 0,
        "StartedAt": "2026-11-23T17:31:20.123456789Z",
        "Health": {"Status": "unhealthy", "Log": [{"ExitCode": 22, "Output": "curl: (22) error: 503\n"}]},
    },
    "NetworkSettings": {"Networks": {"hearthgrid_store": {}, "bridge": {}}},
    "Mounts": [
        {"Type": "volume", "Name": "hearthgrid_influxdb", "Destination": "/var/lib/influxdb2"},
        {"Type": "bind", "Destination": "/run/secrets/influxdb_token"},
    ],
}
DF = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 1000 800 100 89% /var/lib/influxdb2\n"
ANSWERS: dict[str, Any] = {
    "GET /version": {"Version": "20.10.24", "ApiVersion": "1.41", "MinAPIVersion": "1.12"},
    "GET /containers/json": [{"Id": CONTAINER["Id"], "Names": ["/x"], "Labels": LABELS, "State": "running"}],
    f"GET /containers/{CONTAINER['Id']}/json": CONTAINER,
    "GET /images/influxdb:2.7.12/json": {"Id": "sha256:2222", "RepoTags": ["influxdb:2.7.12"]},
    "GET /volumes/hearthgrid_influxdb": {"Name": "hearthgrid_influxdb", "Labels": LABELS},
}


class Api(BaseHTTPRequestHandler):
    """Answers by table, 404 for all else, and keeps what it was asked to do."""

    asked: list[str]

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, verb: str) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = re.sub(r"^/v[\d.]+", "", self.path.partition("?")[0])
        self.asked.append(f"{verb} {path}")
        found = ANSWERS.get(f"{verb} {path}")
        body = json.dumps(found or {"message": "no such thing"}).encode()
        self.send_response(200 if found is not None else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What an engine on loopback, where DOCKER_HOST now points, is asked."""
    kept: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Kept", (Api,), {"asked": kept}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{server.server_address[1]}")
    yield kept
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.usefixtures("asked")
def test_a_look_finds_state_health_networks_and_images() -> None:
    engine = StackEngine("hearthgrid")
    found = engine.look({"influxdb:2.7.12", "grafana/grafana:12.3.1"})
    engine.close()
    assert found.trouble == ""
    assert found.version == "20.10.24"
    assert found.images == {"influxdb:2.7.12": "sha256:2222"}
    (container,) = found.containers
    assert (container.service, container.state, container.health) == ("influxdb", "running", "unhealthy")
    assert container.health_said == "curl: (22) error: 503"
    assert container.started_at is not None
    assert container.started_at.isoformat() == "2026-11-23T17:31:20+00:00"
    assert container.networks == ("bridge", "hearthgrid_store")
    assert (container.image_id, container.restarts) == ("sha256:1111", 2)
    assert found.volumes == ()  # nothing can be run in it


def test_how_full_a_volume_is_comes_from_df_and_from_nothing_else() -> None:
    assert use_of(DF) == (800 / 900, 100 * 1024)
    assert use_of("") is None
    assert use_of("df: /var/lib/influxdb2: No such file or directory\n") is None
    assert use_of("a b c d e f\n") is None


def test_a_fault_is_done_to_the_services_container_and_to_no_other(asked: list[str]) -> None:
    engine = StackEngine("hearthgrid")
    with pytest.raises(StackError, match="influxdb: 404"):
        engine.pause("influxdb")  # this engine knows no pause
    with pytest.raises(StackError, match=r"no container of service 'twin' in project hearthgrid"):
        engine.kill("twin")
    engine.close()
    assert [line for line in asked if line.startswith("POST")] == [f"POST /containers/{CONTAINER['Id']}/pause"]


def test_an_engine_that_is_not_there_is_trouble_and_no_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    engine = StackEngine("hearthgrid")
    found = engine.look(())
    engine.close()
    assert "refused" in found.trouble
    assert not found.denied
    with pytest.raises(StackError, match="twin: "):
        engine.pause("twin")
