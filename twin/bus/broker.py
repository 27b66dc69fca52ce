"""The embedded broker: a mosquitto on this machine, else amqtt in a child process.

Loopback only unless asked otherwise. What each keeps when its process is killed:

- mosquitto writes sessions, queued QoS 1 messages and retained messages to `folder` every second or two, and on `stop`.
- amqtt writes subscriptions and retained messages every second, but not the messages that wait for an absent client:
  those are gone. It carries a few thousand messages a second.
"""

import base64
import hashlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from twin.bus.port import BusError

Kind = Literal["mosquitto", "amqtt"]

LOOPBACK: Final = "127.0.0.1"
PACKET_BYTES: Final = 12_000_000
IN_FLIGHT: Final = 20_000  # what a client may leave unacknowledged: seconds of a fast world, below 65,535 packet ids
QUEUED: Final = 250_000
QUEUED_BYTES: Final = 256_000_000

_OLDEST_MOSQUITTO: Final = (2, 0)
_SYSTEM_FOLDERS: Final = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"  # not on every user's PATH
_POLL_S: Final = 0.05
_READY_POLLS: Final = 400  # 20 s: a cold Python on a busy machine takes a few
_STOP_S: Final = 5.0
_ATTEMPTS: Final = 3  # another process may take the free port between finding and using it
_HASH_ROUNDS: Final = 101  # mosquitto's own default
_LOG_TAIL: Final = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Which broker would run; `program` is the executable that does it."""

    kind: Kind
    program: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerTls:
    """The broker's certificate and key (PEM)."""

    cert_file: Path
    key_file: Path


def find() -> Found:
    """A mosquitto of version 2 or later on PATH or in the system's folders, else amqtt."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path=_SYSTEM_FOLDERS)
    if program is not None:
        said = subprocess.run([program, "-h"], capture_output=True, text=True, timeout=5, check=False).stdout
        version = re.search(r"version (\d+)\.(\d+)(\S*)", said)
        if version is not None and (int(version[1]), int(version[2])) >= _OLDEST_MOSQUITTO:
            return Found(kind="mosquitto", program=program, version=version[0].removeprefix("version "))
    return Found(kind="amqtt", program=sys.executable, version="")


class EmbeddedBroker:
    """A running broker process; `start` makes one."""

    def __init__(self, *, process: "subprocess.Popen[bytes]", kind: Kind, url: str, port: int) -> None:
        self._process = process
        self.kind = kind
        self.url = url
        self.port = port

    @classmethod
    def start(
        cls,
        folder: Path,
        *,
        port: int | None = None,
        host: str = LOOPBACK,
        credentials: Mapping[str, str] | None = None,
        tls: BrokerTls | None = None,
        kind: Kind | None = None,
    ) -> "EmbeddedBroker":
        """Start a broker that keeps its files in `folder`, and wait until it answers.

        Without `port` a free one is found; the same `folder` and `port` continue an earlier broker. `credentials` are
        passwords by user, and shut out everyone else. `kind` insists on one broker. Raises BusError when it does not
        come up, with what it said.
        """
        for user, password in (credentials or {}).items():
            if not user or not password or set(user + password) & set(":\r\n\0"):
                raise ValueError(f"broker user {user!r}: neither name nor password may be empty or hold a colon")
        folder.mkdir(parents=True, exist_ok=True)
        found = find()
        if kind == "mosquitto" and found.kind != "mosquitto":
            raise BusError("no mosquitto of version 2 or later on this machine", retryable=False)
        if kind == "amqtt":
            found = Found(kind="amqtt", program=sys.executable, version="")
        if port is not None and _in_use(host, port):
            raise BusError(f"{found.kind} did not start on {host}:{port}: the port is in use", retryable=True)
        failure = ""
        for _ in range(_ATTEMPTS if port is None else 1):
            chosen = port or free_port(host)
            command = _command(found, folder.resolve(), host, chosen, credentials=credentials, tls=tls)
            log = folder / "broker.log"
            with log.open("wb") as sink:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=sink,
                    stderr=sink,
                    start_new_session=True,  # so that Ctrl-C in a terminal does not end the broker before its clients
                )
            if _ready(process, host, chosen):
                scheme = "mqtt" if tls is None else "mqtts"
                shown = "localhost" if tls is not None and host == LOOPBACK else host  # what certificates name
                return cls(process=process, kind=found.kind, url=f"{scheme}://{shown}:{chosen}", port=chosen)
            _end(process)
            failure = log.read_text(errors="replace")[-_LOG_TAIL:].strip()
        raise BusError(f"{found.kind} did not start on {host}:{chosen}: {failure or 'no answer'}", retryable=True)

    @property
    def pid(self) -> int:
        """The broker's process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """True while the process runs."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End it, letting it save; kill it when that takes more than seconds."""
        _end(self._process)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._process.kill()
        self._process.wait(_STOP_S)


def free_port(host: str = LOOPBACK) -> int:
    """A TCP port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _in_use(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def password_line(user: str, password: str) -> str:
    """One line of a password file, in mosquitto's form: PBKDF2 with SHA-512 and a salt."""
    salt = secrets.token_bytes(12)
    return f"{user}:$7${_HASH_ROUNDS}${base64.b64encode(salt).decode()}${_hashed(password, salt, _HASH_ROUNDS)}"


def password_is(line: str, password: str) -> bool:
    """Whether `password` is that of a line made by `password_line`."""
    _, _, rounds, salt, expected = line.partition(":")[2].split("$")
    return secrets.compare_digest(_hashed(password, base64.b64decode(salt), int(rounds)), expected)


def _hashed(password: str, salt: bytes, rounds: int) -> str:
    return base64.b64encode(hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)).decode()


def _command(
    found: Found, folder: Path, host: str, port: int, *, credentials: Mapping[str, str] | None, tls: BrokerTls | None
) -> list[str]:
    passwords = folder / "passwords"
    if credentials:
        _write_secret(passwords, "".join(password_line(*pair) + "\n" for pair in credentials.items()))
    if found.kind == "amqtt":
        command = [found.program, "-m", "twin.bus.broker_amqtt", "--host", host, "--port", str(port)]
        command += ["--state", str(folder / "amqtt.json")]
        if credentials:
            command += ["--passwords", str(passwords)]
        if tls is not None:
            command += ["--cert", str(tls.cert_file), "--key", str(tls.key_file)]
        return command
    lines = [
        f"listener {port} {host}",
        f"allow_anonymous {str(not credentials).lower()}",
        "set_tcp_nodelay true",
        "persistence true",
        f"persistence_location {folder}/",
        "autosave_interval 1",
        "persistent_client_expiration 1d",
        f"max_inflight_messages {IN_FLIGHT}",
        f"max_queued_messages {QUEUED}",
        f"max_queued_bytes {QUEUED_BYTES}",
        f"max_packet_size {PACKET_BYTES}",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
    ]
    if os.geteuid() == 0:
        lines.append("user root")  # else it gives up root and with it the right to write to `folder`
    if credentials:
        lines.append(f"password_file {passwords}")
    if tls is not None:
        lines += [f"certfile {tls.cert_file.resolve()}", f"keyfile {tls.key_file.resolve()}"]
    configuration = folder / "mosquitto.conf"
    configuration.write_text("\n".join(lines) + "\n")
    return [found.program, "-c", str(configuration)]


def _write_secret(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)


def _ready(process: "subprocess.Popen[bytes]", host: str, port: int) -> bool:
    """Wait, within bounds, until it takes connections; False when it ended or never did."""
    for _ in range(_READY_POLLS):
        try:
            process.wait(_POLL_S)
        except subprocess.TimeoutExpired:
            pass
        else:
            return False
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            continue
        return True
    return False


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(_STOP_S)
