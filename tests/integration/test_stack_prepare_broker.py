"""The prepared files in a real mosquitto: who gets in, who may say what, and the twin and the world through TLS."""

import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.bus_arms import CLOCK, Inbox, until
from twin.bus import broker
from twin.bus.broker import free_port
from twin.bus.mqtt import MqttBus
from twin.bus.port import BusError
from twin.pilot import load_pilot
from twin.stack import layout
from twin.stack.grants import HEALTH, TWIN, WORLD
from twin.stack.prepare import Wanted, prepare

ROOT = Path(__file__).parents[2]
PILOT = ROOT / "tests" / "data" / "pilots" / "valid-two-homes.yaml"
ENDPOINTS = ("gateway-h01", "gateway-h02")

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(broker.find().kind != "mosquitto", reason="needs a mosquitto"),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl"),
]


class Broker:
    """mosquitto on the prepared files, as in the container but for places and port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "stack"
        self.port = free_port()
        self.url = f"mqtts://localhost:{self.port}"
        self._state = folder / "broker"
        self._pilot = folder / PILOT.name
        shutil.copy(PILOT, self._pilot)
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self, *rotate: str) -> None:
        wanted = Wanted(
            pilot_file=self._pilot,
            folder=self.folder,
            settings=self.folder.parent / ".env",
            owner=layout.Owner(uid=os.geteuid(), gid=os.getegid()),
            rotate=frozenset(rotate),
        )
        prepare(load_pilot(self._pilot), wanted, clock=CLOCK)

    def start(self) -> None:
        self._state.mkdir(exist_ok=True)
        text = (self.folder / layout.CONFIGURATION).read_text()
        text = text.replace("/run/secrets", f"{self.folder}/secrets").replace("/mosquitto/data", str(self._state))
        text = text.replace("listener 8883", f"listener {self.port} 127.0.0.1")
        if os.geteuid() == 0:
            text += "user root\n"  # else it gives up the right to read the files
        configuration = self._state / "mosquitto.conf"
        configuration.write_text(text)
        with (self._state / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [broker.find().program, "-c", str(configuration)], stdout=log, stderr=subprocess.STDOUT
            )
        until(self._answers, within_s=20)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def password(self, user: str) -> str:
        if user in {TWIN, WORLD}:
            place = layout.TWIN_PASSWORD if user == TWIN else layout.WORLD_PASSWORD
            return (self.folder / place).read_text().strip()
        found: dict[str, str] = json.loads((self.folder / "endpoints" / f"{user}.json").read_text())
        return found["password"]

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


Join = Callable[..., tuple[MqttBus, Inbox]]


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Broker]:
    running = Broker(tmp_path)
    running.prepare()
    running.start()
    yield running
    running.stop()


@pytest.fixture
def join(stack: Broker) -> Iterator[Join]:
    """Connects a user of the broker with the password that was handed out, or another; gives its bus and inbox."""
    buses: list[MqttBus] = []

    def join_(
        user: str, *, password: str | None = None, client_id: str = "any", hears: str | None = None
    ) -> tuple[MqttBus, Inbox]:
        secret = stack.password(user) if password is None else password
        url = stack.url.replace("//", f"//{user}:{secret}@")
        bus = MqttBus(url=url, client_id=client_id, clock=CLOCK, ca_file=stack.folder / layout.AUTHORITY)
        buses.append(bus)
        inbox = Inbox()
        if hears is not None:
            bus.subscribe(hears, inbox)
        bus.open()
        bus.wait_until_ready(10)
        return bus, inbox

    yield join_
    for bus in buses:
        bus.close()


def telemetry(endpoint: str) -> str:
    return f"hg/1/two-homes/{endpoint}/telemetry"


def test_an_endpoint_speaks_for_itself_and_for_no_other(join: Join) -> None:
    _, heard = join(TWIN, hears="hg/1/two-homes/+/telemetry")
    endpoint, _ = join("gateway-h01")
    endpoint.publish(telemetry("gateway-h01"), b"mine")
    endpoint.publish(telemetry("gateway-h02"), b"another's")
    endpoint.publish("hg/1/two-homes/world", b"the world's")
    endpoint.publish("hg/1/two-homes/gateway-h01/command", b"a command to myself")
    endpoint.publish(telemetry("gateway-h01"), b"mine again")
    heard.wait_for(b"mine", b"mine again")


def test_an_endpoint_hears_its_own_commands_whatever_it_subscribes_to(join: Join) -> None:
    _, heard = join("gateway-h01", hears="#")
    twin, _ = join(TWIN)
    twin.publish("hg/1/two-homes/gateway-h02/command", b"to the other")
    twin.publish("hg/1/two-homes/pace", b"to the world")
    twin.publish("hg/1/two-homes/gateway-h01/command", b"to me")
    heard.wait_for(b"to me")


def test_the_world_speaks_for_the_simulated_endpoints_and_sends_no_commands(join: Join) -> None:
    _, heard = join(TWIN, hears="hg/1/two-homes/+/telemetry")
    _, commanded = join("gateway-h01", hears="hg/1/two-homes/gateway-h01/command")
    world, _ = join(WORLD)
    world.publish("hg/1/two-homes/gateway-h01/command", b"not the world's to send")
    for endpoint in ENDPOINTS:
        world.publish(telemetry(endpoint), endpoint.encode())
    heard.wait_for(*(endpoint.encode() for endpoint in ENDPOINTS))
    assert commanded.frames == []


@pytest.mark.parametrize(("user", "password"), [("gateway-h01", "wrong"), ("nobody", "x"), (TWIN, "")])
def test_a_wrong_password_and_an_unknown_user_are_refused(user: str, password: str, join: Join) -> None:
    with pytest.raises(BusError) as refused:
        join(user, password=password)
    assert not refused.value.retryable  # the broker said no, and not that it is away


def test_nobody_gets_in_unnamed_or_in_plain(stack: Broker) -> None:
    unnamed = MqttBus(url=stack.url, client_id="any", clock=CLOCK, ca_file=stack.folder / layout.AUTHORITY)
    unnamed.open()
    with pytest.raises(BusError) as refused:
        unnamed.wait_until_ready(10)
    unnamed.close()
    assert not refused.value.retryable
    plain = MqttBus(url=stack.url.replace("mqtts", "mqtt"), client_id="any", clock=CLOCK)
    plain.open()
    with pytest.raises(BusError):
        plain.wait_until_ready(1)
    plain.close()
    listeners = [line for line in (stack.folder / layout.CONFIGURATION).read_text().splitlines() if "listener" in line]
    assert listeners == ["listener 8883"]


def test_a_stranger_to_the_authority_does_not_trust_the_broker(stack: Broker) -> None:
    with (
        socket.create_connection(("127.0.0.1", stack.port), timeout=10) as plain,
        pytest.raises(ssl.SSLCertVerificationError, match=r"unable to get local issuer|self-signed"),
    ):
        ssl.create_default_context().wrap_socket(plain, server_hostname="localhost")


def test_nobody_takes_over_anothers_session_by_its_client_id(join: Join) -> None:
    twin, heard = join(TWIN, client_id="two-homes-twin", hears="hg/1/two-homes/+/telemetry")
    endpoint, _ = join("gateway-h01", client_id="two-homes-twin")
    endpoint.publish(telemetry("gateway-h01"), b"mine")
    heard.wait_for(b"mine")
    assert twin.connected
    assert endpoint.connected


def test_a_rotated_password_shuts_the_old_one_out_after_the_brokers_restart(stack: Broker, join: Join) -> None:
    old = stack.password("gateway-h01")
    stack.prepare("gateway-h01")
    stack.stop()
    stack.start()
    with pytest.raises(BusError) as refused:
        join("gateway-h01", password=old)
    assert not refused.value.retryable
    assert join("gateway-h01")[0].connected
    assert join("gateway-h02")[0].connected


@pytest.mark.skipif(shutil.which("mosquitto_sub") is None, reason="needs mosquitto_sub")
def test_the_health_check_reads_its_password_from_a_file(stack: Broker, tmp_path: Path) -> None:
    options = (stack.folder / layout.HEALTH_CLIENT).read_text()
    options = options.replace("-p 8883", f"-p {stack.port}").replace("/run/secrets", f"{stack.folder}/secrets")
    (tmp_path / "mosquitto_sub").write_text(options)
    done = subprocess.run(
        ["mosquitto_sub"],
        env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "seconds" in done.stdout
    assert HEALTH in options


def test_twin_and_world_run_through_tls_each_with_its_own_password(stack: Broker, tmp_path: Path) -> None:
    port = free_port()
    started = [
        _start("twin", TWIN, layout.TWIN_PASSWORD, stack, tmp_path, "serve", "--port", str(port)),
        _start("simulators", WORLD, layout.WORLD_PASSWORD, stack, tmp_path, "--backfill-s", "60"),
    ]
    api = httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", trust_env=False, timeout=30)

    def get(path: str) -> dict[str, Any]:
        """What the twin says there, nothing while it does not answer; four times a second is enough."""
        CLOCK.sleep(0.25)
        ended = [process.args for process in started if process.poll() is not None]
        assert not ended, f"{ended}: {''.join(log.read_text() for log in tmp_path.glob('*.log'))}"
        try:
            found: dict[str, Any] = api.get(path).raise_for_status().json()
        except httpx.HTTPError:
            return {}
        return found

    def live() -> bool:
        found = get("/health")
        return bool(found) and found["world"] is not None and found["backfill_until"] is None

    try:
        until(live, within_s=120)
        order = {"device": "h01-battery", "quantity": "power_setpoint_w", "value": 1000.0, "duration_s": 300}
        asked = api.post("/commands", json=order).raise_for_status().json()
        until(lambda: "acknowledged" in str(get(f"/commands/{asked['id']}")), within_s=60)
        shown = " ".join(str(part) for process in started for part in process.args)  # type: ignore[union-attr]
        assert stack.password(TWIN) not in shown
        assert stack.password(WORLD) not in shown
    finally:
        api.close()
        for process in started:
            process.terminate()
        for process in started:
            process.wait(20)


def _start(
    module: str, user: str, secret: str, stack: Broker, folder: Path, *options: str
) -> "subprocess.Popen[bytes]":
    verb, rest = (options[:1], options[1:]) if options[0] == "serve" else ((), options)
    url = stack.url.replace("//", f"//{user}@")
    environment = {
        **os.environ,
        "HEARTHGRID_BROKER_PASSWORD_FILE": str(stack.folder / secret),
        "HEARTHGRID_BROKER_CA_FILE": str(stack.folder / layout.AUTHORITY),
    }
    with (folder / f"{module}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", module, *verb, str(PILOT), "--broker", url, "--folder", str(folder / module), *rest],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
