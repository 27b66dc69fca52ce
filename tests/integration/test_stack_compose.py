"""The compose file on a container engine: up, hurt, mended, and what the doctor says meanwhile.

No image is fetched: the engine must hold them, and the environment names them. HEARTHGRID_TEST_MOSQUITTO_IMAGE and
HEARTHGRID_TEST_INFLUXDB_IMAGE are needed; of our own image HEARTHGRID_TEST_IMAGE, or HEARTHGRID_TEST_BASE_IMAGE, a
Python from which it is built; HEARTHGRID_TEST_GRAFANA_IMAGE may be left out, and Grafana with it.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.contract.bus_arms import CLOCK
from twin.bus.broker import free_port
from twin.pilot import load_pilot
from twin.stack import layout
from twin.stack.doctor import diagnose
from twin.stack.engine import StackEngine, paused
from twin.stack.findings import Finding
from twin.stack.look import look
from twin.stack.prepare import Wanted, prepare

ROOT = Path(__file__).parents[2]
PILOT = ROOT / "tests" / "data" / "pilots" / "valid-two-homes.yaml"
IMAGES = {
    "HEARTHGRID_IMAGE": os.environ.get("HEARTHGRID_TEST_IMAGE", "hearthgrid:test"),
    "HEARTHGRID_MOSQUITTO_IMAGE": os.environ.get("HEARTHGRID_TEST_MOSQUITTO_IMAGE", ""),
    "HEARTHGRID_INFLUXDB_IMAGE": os.environ.get("HEARTHGRID_TEST_INFLUXDB_IMAGE", ""),
    "HEARTHGRID_GRAFANA_IMAGE": os.environ.get("HEARTHGRID_TEST_GRAFANA_IMAGE", ""),
}
BASE = os.environ.get("HEARTHGRID_TEST_BASE_IMAGE")
ALWAYS = ("mosquitto", "influxdb", "twin", "simulators")
ASK = """
import json, sys, urllib.request
query = sys.argv[1].encode()
token = open("/run/secrets/influxdb_token").read().strip()
headers = {"Authorization": "Token " + token, "Content-Type": "application/vnd.flux", "Accept": "application/csv"}
asked = urllib.request.Request("http://influxdb:8086/api/v2/query?org=hearthgrid", data=query, headers=headers)
print(urllib.request.urlopen(asked, timeout=20).read().decode())
"""
GET = "import sys, urllib.request as u; print(u.urlopen('http://127.0.0.1:8080/api/v1' + sys.argv[1]).read().decode())"
GRAFANA = """
import base64, json, sys, urllib.request
password, path = sys.argv[1:]
flux = 'from(bucket: "hearthgrid") |> range(start: -1h) |> filter(fn: (r) => r._field == "power_w") |> last()'
query = {"refId": "A", "datasource": {"uid": "hearthgrid", "type": "influxdb"}, "query": flux}
body = {"from": "now-1h", "to": "now", "queries": [query]} if path.endswith("/query") else None
headers = {"Authorization": "Basic " + base64.b64encode(b"admin:" + password.encode()).decode()}
headers["Content-Type"] = "application/json"
sent = None if body is None else json.dumps(body).encode()
request = urllib.request.Request("http://grafana:3000" + path, data=sent, headers=headers)
print(urllib.request.urlopen(request, timeout=20).read().decode())
"""
EVERY_POINT = """
from(bucket: "hearthgrid") |> range(start: -1d)
  |> filter(fn: (r) => r._measurement == "meter" and r._field == "power_w") |> group() |> count()
"""


def _missing() -> str:
    """Why this cannot run here, empty when it can."""
    if not all(IMAGES[name] for name in ("HEARTHGRID_MOSQUITTO_IMAGE", "HEARTHGRID_INFLUXDB_IMAGE")):
        return "no images named: HEARTHGRID_TEST_MOSQUITTO_IMAGE, HEARTHGRID_TEST_INFLUXDB_IMAGE"
    if not BASE and "HEARTHGRID_TEST_IMAGE" not in os.environ:
        return "neither HEARTHGRID_TEST_IMAGE nor HEARTHGRID_TEST_BASE_IMAGE is named"
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode
    ):
        return "no container engine answers"
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode:
        return "docker has no compose"
    return ""


MISSING = _missing()
pytestmark = [pytest.mark.integration, pytest.mark.skipif(bool(MISSING), reason=MISSING), pytest.mark.timeout(900)]


class Stack:
    """A project of its own from the project's compose file."""

    def __init__(self, folder: Path) -> None:
        self.compose = folder / "compose.yaml"
        self.project = f"hearthgrid-test-{os.getpid()}"
        self.environment = {
            **os.environ,
            **IMAGES,
            "COMPOSE_PROJECT_NAME": self.project,
            "HEARTHGRID_CONSOLE_PORT": str(free_port()),
            "HEARTHGRID_GRAFANA_PORT": str(free_port()),
            "HEARTHGRID_BROKER_PORT": str(free_port()),
            "HEARTHGRID_BACKFILL_S": "60",
        }
        self.services = (*ALWAYS, "grafana") if IMAGES["HEARTHGRID_GRAFANA_IMAGE"] else ALWAYS
        self.engine = StackEngine(self.project)
        shutil.copy(ROOT / "compose.yaml", self.compose)
        (folder / "pilots").mkdir()
        shutil.copy(PILOT, folder / "pilots")
        shutil.copytree(ROOT / "dashboards" / "provisioned", folder / "dashboards" / "provisioned")
        wanted = Wanted(
            pilot_file=folder / "pilots" / PILOT.name,
            folder=folder / "stack",
            settings=folder / ".env",
            owner=layout.default_owner(),
        )
        prepare(load_pilot(wanted.pilot_file), wanted, clock=CLOCK)

    def run(self, *arguments: str) -> str:
        """`docker compose` to its end."""
        command = ["docker", "compose", "-f", str(self.compose), "--profile", "sim", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=400, check=False)
        assert done.returncode == 0, f"{command}\n{done.stderr[-3000:]}"
        return done.stdout

    def findings(self) -> Mapping[str, Finding]:
        """What the doctor finds, by subject; without what is said of a Grafana that is left out."""
        found = diagnose(look(self.compose, clock=CLOCK, environment=self.environment))
        left_out = {"grafana"} - set(self.services)
        return {each.subject: each for each in found.findings if each.subject not in left_out}

    def errors(self) -> list[str]:
        """The errors among them, in words."""
        return [f"{each.subject} {each.what}" for each in self.findings().values() if each.severity == "error"]

    def get(self, path: str) -> dict[str, Any]:
        """What the twin's API says, asked in its container; empty while it does not answer."""
        code, said = self.engine.run_in("twin", ["python", "-c", GET, path])
        found: dict[str, Any] = json.loads(said) if code == 0 else {}
        return found

    def stored(self) -> int:
        """How many readings of meters InfluxDB holds."""
        code, said = self.engine.run_in("twin", ["python", "-c", ASK, EVERY_POINT])
        rows = [line.split(",") for line in said.splitlines() if line.startswith(",_result")]
        return int(rows[0][-1]) if code == 0 and rows else 0

    def until(self, what: str, reached: Callable[[], bool], *, within_s: float = 180) -> None:
        """Look every second until it is so."""
        end_s = CLOCK.monotonic_s() + within_s
        while not reached():
            assert CLOCK.monotonic_s() < end_s, f"not within {within_s:g} s: {what}; {self.errors()}"
            CLOCK.sleep(1.0)

    def live(self) -> bool:
        """The twin has the broker, hears the world, and has no backlog."""
        found = self.get("/health")
        return bool(found) and found["bus_connected"] and found["world"] is not None and found["backfill_until"] is None


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack, up; taken down with its volumes at the end."""
    if BASE and "HEARTHGRID_TEST_IMAGE" not in os.environ:
        build = ["docker", "build", "-q", "-t", IMAGES["HEARTHGRID_IMAGE"], "--build-arg", f"PYTHON_IMAGE={BASE}"]
        network = os.environ.get("HEARTHGRID_TEST_BUILD_NETWORK", "default")
        subprocess.run([*build, "--network", network, str(ROOT)], check=True, timeout=600)
    made = Stack(tmp_path_factory.mktemp("stack"))
    try:
        made.run("up", "-d", "--no-build", *made.services)
        yield made
    finally:
        made.run("down", "-v", "--timeout", "5")
        made.engine.close()


@pytest.fixture
def stack(running: Stack) -> Stack:
    """The stack when nothing is wrong with it."""
    running.until("live", running.live)
    running.until("no error", lambda: running.errors() == [], within_s=60)
    return running


def test_history_of_every_home_reaches_influxdb_from_simulated_devices(stack: Stack) -> None:
    stack.until("readings stored", lambda: stack.stored() > 0)
    before = stack.stored()
    stack.until("more readings stored", lambda: stack.stored() > before)
    assert stack.get("/health")["ingest"]["dead_letters"] == {}


@pytest.mark.skipif(not IMAGES["HEARTHGRID_GRAFANA_IMAGE"], reason="no HEARTHGRID_TEST_GRAFANA_IMAGE")
def test_grafana_shows_what_the_twin_has_stored(stack: Stack) -> None:
    password = (stack.compose.parent / "stack" / layout.GRAFANA_PASSWORD).read_text().strip()

    def asked(path: str) -> str:
        return stack.engine.run_in("twin", ["python", "-c", GRAFANA, password, path])[1]

    stack.until("the data source answers", lambda: '"OK"' in asked("/api/datasources/uid/hearthgrid/health"))
    assert "Is the pilot healthy?" in asked("/api/search?type=dash-db")
    stack.until("a chart has points", lambda: "power_w" in asked("/api/ds/query"))


def test_no_service_is_root_or_can_write_outside_its_volumes(stack: Stack) -> None:
    for service in stack.services:
        code, said = stack.engine.run_in(service, ["id", "-u"])
        assert (code, said.strip() != "0") == (0, True), service
        code, said = stack.engine.run_in(service, ["touch", "/etc/written"])
        assert code != 0, service


def test_secrets_stand_in_no_command_line_and_no_environment(stack: Stack) -> None:
    folder = Path(layout.read_settings(stack.compose.parent / ".env")["HEARTHGRID_STACK"])
    secrets = [
        (folder / place).read_text().strip() for place in layout.NEEDED if "password" in place or "token" in place
    ]
    ids = stack.run("ps", "-q").split()
    shown = subprocess.run(["docker", "inspect", *ids], capture_output=True, text=True, check=True).stdout
    assert [secret for secret in secrets if secret in shown] == []


def test_a_killed_broker_is_named_and_when_it_is_back_the_twin_goes_on(stack: Stack) -> None:
    stack.engine.kill("mosquitto")
    stack.until("the doctor sees it", lambda: "mosquitto" in stack.findings())
    assert "has ended with exit code 137" in stack.findings()["mosquitto"].what
    stack.until("the twin misses it", lambda: stack.get("/health")["bus_connected"] is False)
    stack.engine.start("mosquitto")
    stack.until("live again", stack.live)
    before = stack.get("/health")["ingest"]["messages"]
    stack.until("messages again", lambda: stack.get("/health")["ingest"]["messages"] > before)


def test_a_frozen_influxdb_is_named_and_misses_nothing_when_it_goes_on(stack: Stack) -> None:
    with paused(stack.engine, "influxdb"):
        assert stack.findings()["influxdb"].what == "is paused"
        before = stack.get("/health")["ingest"]["twin_updates"]
        stack.until("the twin goes on", lambda: stack.get("/health")["ingest"]["twin_updates"] > before + 10)
    stack.until("nothing waits", lambda: stack.get("/health")["store"]["failing_since"] is None)
    before = stack.stored()
    stack.until("written again", lambda: stack.stored() > before)


def test_a_twin_cut_off_from_the_bus_is_named_and_comes_back(stack: Stack) -> None:
    stack.engine.disconnect("twin", "bus")
    assert stack.findings()["twin"].what == f"is cut off from network {stack.project}_bus"
    stack.until("the twin notices", lambda: stack.get("/health")["bus_connected"] is False)
    stack.engine.connect("twin", "bus")
    stack.until("live again", stack.live)


def test_the_store_is_out_of_the_simulators_reach(stack: Stack) -> None:
    knock = "import socket, sys; print(socket.create_connection((sys.argv[1], 8086), 3).getpeername()[0])"
    code, address = stack.engine.run_in("twin", ["python", "-c", knock, "influxdb"])
    assert code == 0, address
    code, said = stack.engine.run_in("simulators", ["python", "-c", knock, address.strip()])
    assert code != 0
    assert "unreachable" in said or "timed out" in said


def test_the_live_profile_has_no_simulators_and_offers_the_broker(stack: Stack) -> None:
    command = ["docker", "compose", "-f", str(stack.compose), "--profile", "live", "config", "--format", "json"]
    done = subprocess.run(command, env=stack.environment, capture_output=True, text=True, check=True)
    services = json.loads(done.stdout)["services"]
    assert "simulators" not in services
    (port,) = services["mosquitto-live"]["ports"]
    assert (port["host_ip"], port["target"]) == ("127.0.0.1", 8883)
    published = {name for name, service in services.items() if service.get("ports")}
    assert published == {"mosquitto-live", "twin", "grafana"}
