"""The embedded brokers as processes: killed, restarted, with TLS and passwords."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.bus_arms import CLOCK, Inbox, until
from twin.bus import broker
from twin.bus.broker import BrokerTls, EmbeddedBroker
from twin.bus.mqtt import MqttBus
from twin.bus.port import BusError

pytestmark = pytest.mark.integration


@pytest.fixture(params=["mosquitto", "amqtt"])
def kind(request: pytest.FixtureRequest) -> broker.Kind:
    if request.param == "mosquitto" and broker.find().kind != "mosquitto":
        pytest.skip("no mosquitto on this machine")
    chosen: broker.Kind = request.param
    return chosen


class Brokers:
    """Starts brokers and ends them all in the end."""

    def __init__(self) -> None:
        self._started: list[EmbeddedBroker] = []

    def __call__(
        self,
        folder: Path,
        *,
        kind: broker.Kind | None = None,
        port: int | None = None,
        tls: BrokerTls | None = None,
        credentials: dict[str, str] | None = None,
    ) -> EmbeddedBroker:
        started = EmbeddedBroker.start(folder, kind=kind, port=port, tls=tls, credentials=credentials)
        self._started.append(started)
        return started

    def stop(self) -> None:
        for one in self._started:
            one.stop()


@pytest.fixture
def start() -> Iterator[Brokers]:
    brokers = Brokers()
    yield brokers
    brokers.stop()


class Clients:
    """Makes buses and closes them in the end."""

    def __init__(self) -> None:
        self._made: list[MqttBus] = []

    def __call__(self, url: str, name: str, *, ca_file: Path | None = None) -> MqttBus:
        bus = MqttBus(url=url, client_id=name, clock=CLOCK, ca_file=ca_file)
        self._made.append(bus)
        return bus

    def close(self) -> None:
        for bus in self._made:
            bus.close()


@pytest.fixture
def client() -> Iterator[Clients]:
    clients = Clients()
    yield clients
    clients.close()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CA and a server certificate for localhost, made by openssl."""
    folder = tmp_path_factory.mktemp("certificates")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    for command in (
        ["req", "-x509", *key, "-subj", "/CN=Test CA", "-keyout", "ca.key", "-out", "ca.crt"],
        ["req", "-x509", *key, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-addext",
         "basicConstraints=critical,CA:FALSE", "-CA", "ca.crt", "-CAkey", "ca.key", "-keyout", "server.key",
         "-out", "server.crt"],
    ):  # fmt: skip
        subprocess.run(["openssl", *command], cwd=folder, check=True, capture_output=True)
    return folder


def test_bus_goes_on_when_the_broker_is_killed_and_started_again(
    kind: broker.Kind, start: Brokers, client: Clients, tmp_path: Path
) -> None:
    running = start(tmp_path, kind=kind)
    inbox = Inbox()
    reader, writer = client(running.url, "reader"), client(running.url, "writer")
    reader.subscribe("t", inbox, acknowledge_by_hand=True)
    for bus in (reader, writer):
        bus.open()
        bus.wait_until_ready(30)
    writer.publish("t", b"before")
    inbox.wait_for(b"before")
    reader.acknowledge(inbox.frames)
    if kind == "amqtt":
        until((tmp_path / "amqtt.json").exists)
    running.kill()
    until(lambda: not reader.connected and not writer.connected)
    assert not running.alive
    for number in range(100):
        writer.publish("t", b"%d" % number)
    assert writer.outbox == 100
    assert writer.trouble is not None

    running = start(tmp_path, kind=kind, port=running.port)
    expected = [b"before", *(b"%d" % number for number in range(100))]
    until(lambda: set(inbox.payloads) >= set(expected), within_s=20)
    firsts = list(dict.fromkeys(inbox.payloads))  # the broker's copy of `before` may come again
    assert firsts == expected
    until(lambda: writer.outbox == 0)
    assert writer.trouble is None


def test_a_restarted_broker_remembers_who_listens_and_what_is_retained(
    kind: broker.Kind, start: Brokers, client: Clients, tmp_path: Path
) -> None:
    running = start(tmp_path, kind=kind)
    reader, writer = client(running.url, "reader"), client(running.url, "writer")
    reader.subscribe("t/#", Inbox())
    for bus in (reader, writer):
        bus.open()
        bus.wait_until_ready(30)
    writer.publish("t/status", b"online", retain=True)
    until(lambda: writer.outbox == 0)
    for bus in (reader, writer):
        bus.close()
    state = tmp_path / ("mosquitto.db" if kind == "mosquitto" else "amqtt.json")
    until(lambda: state.exists() and b"t/status" in state.read_bytes() and b"t/#" in state.read_bytes())
    running.kill()

    running = start(tmp_path, kind=kind, port=running.port)
    late, again, inbox = client(running.url, "writer"), client(running.url, "reader"), Inbox()
    late.open()
    late.wait_until_ready(30)
    late.publish("t/value", b"while the reader is away")
    until(lambda: late.outbox == 0)
    again.subscribe("t/#", inbox)
    again.open()
    until(lambda: len(inbox.frames) >= 2)
    came = {frame.topic: (frame.payload, frame.retained) for frame in inbox.frames}
    assert came == {"t/status": (b"online", True), "t/value": (b"while the reader is away", False)}


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_mosquitto_keeps_what_waits_for_an_absent_client(
    how: str, start: Brokers, client: Clients, tmp_path: Path
) -> None:
    if broker.find().kind != "mosquitto":
        pytest.skip("no mosquitto on this machine")
    running = start(tmp_path)
    inbox = Inbox()
    reader, writer = client(running.url, "reader"), client(running.url, "writer")
    reader.subscribe("t", inbox)
    for bus in (reader, writer):
        bus.open()
        bus.wait_until_ready(30)
    reader.close()
    for number in range(200):
        writer.publish("t", b"number-%d" % number)
    until(lambda: writer.outbox == 0)
    writer.close()
    if how == "kill":
        saved = tmp_path / "mosquitto.db"
        until(lambda: saved.exists() and b"number-199" in saved.read_bytes())
        running.kill()
    else:
        running.stop()
    running = start(tmp_path, port=running.port)
    again = client(running.url, "reader")
    again.subscribe("t", inbox)
    again.open()
    inbox.wait_for(*(b"number-%d" % number for number in range(200)))
    again.close()


def test_tls_and_passwords_let_in_who_may_and_say_why_not(
    kind: broker.Kind,
    start: Brokers,
    client: Clients,
    tmp_path: Path,
    certificates: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tls = BrokerTls(cert_file=certificates / "server.crt", key_file=certificates / "server.key")
    running = start(tmp_path, kind=kind, tls=tls, credentials={"twin": "s3cret/@"})
    ca_file = certificates / "ca.crt"
    assert running.url == f"mqtts://localhost:{running.port}"

    inbox = Inbox()
    good = client(f"mqtts://twin:s3cret%2F%40@localhost:{running.port}", "good", ca_file=ca_file)
    good.subscribe("t", inbox)
    good.open()
    good.wait_until_ready(30)
    good.publish("t", b"in confidence")
    inbox.wait_for(b"in confidence")

    for name, url in (
        ("wrong-password", f"mqtts://twin:guess@localhost:{running.port}"),
        ("no-password", f"mqtts://localhost:{running.port}"),
    ):
        bad = client(url, name, ca_file=ca_file)
        bad.open()
        with pytest.raises(BusError, match=r"refused .*: Not authorized") as refusal:
            bad.wait_until_ready(30)
        assert not refusal.value.retryable
        assert not bad.connected
        assert f"refused {name}" in caplog.text
    assert "guess" not in caplog.text

    stranger = client(f"mqtts://twin:s3cret%2F%40@localhost:{running.port}", "stranger")
    stranger.open()
    with pytest.raises(BusError, match="certificate verify failed") as distrust:
        stranger.wait_until_ready(2)
    assert distrust.value.retryable


def test_passwords_are_not_kept_in_the_clear(kind: broker.Kind, start: Brokers, tmp_path: Path) -> None:
    running = start(tmp_path, kind=kind, credentials={"twin": "plainly-visible"})
    running.stop()
    assert (tmp_path / "passwords").stat().st_mode & 0o077 == 0
    assert not any(b"plainly-visible" in file.read_bytes() for file in tmp_path.iterdir())


def test_a_port_in_use_is_refused(kind: broker.Kind, start: Brokers, tmp_path: Path) -> None:
    first = start(tmp_path / "first", kind=kind)
    with pytest.raises(BusError, match=rf"{kind} did not start on 127.0.0.1:{first.port}: .*in use"):
        start(tmp_path / "second", kind=kind, port=first.port)
    assert first.alive
    first.stop()
    assert not first.alive
    first.stop()


def test_closing_is_bounded_when_the_broker_does_not_answer(
    kind: broker.Kind, start: Brokers, client: Clients, tmp_path: Path
) -> None:
    running = start(tmp_path, kind=kind)
    bus = client(running.url, "left-alone")
    bus.open()
    bus.wait_until_ready(30)
    running.kill()
    until(lambda: not bus.connected)
    bus.publish("t", b"stays behind")
    started_s = CLOCK.monotonic_s()
    bus.close()
    assert CLOCK.monotonic_s() - started_s < 4.5


@pytest.mark.parametrize("user", ["", "a:b", "a\nb"])
def test_users_that_a_password_file_cannot_hold_are_refused(user: str, start: Brokers, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="neither name nor password"):
        start(tmp_path, credentials={user: "x"})
