"""A small HTTP server that takes points as InfluxDB's write endpoint does, and can be told to fail as it does.

It reads line protocol by the published grammar, on its own: what it understands is what any server would. Questions
are answered with no rows, as a new server answers them.
"""

import json
import re
import socket
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

_ESCAPED = re.compile(r"\\([,= ])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One line, read."""

    measurement: str
    tags: Mapping[str, str]
    fields: Mapping[str, float | int | str | bool]
    at_ns: int

    @property
    def series(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        return self.measurement, tuple(sorted(self.tags.items()))


def _parts(sign: str) -> re.Pattern[str]:
    return re.compile(rf'(?:\\.|"(?:\\.|[^"\\])*"|[^\\"{sign}])+', re.DOTALL)


_LINES, _WORDS, _PAIRS, _SIDES = (_parts(sign) for sign in ("\n", " ", ",", "="))


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def _field_value(text: str) -> float | int | str | bool:
    if text.startswith('"'):
        assert text.endswith('"')
        return re.sub(r'\\(["\\])', r"\1", text[1:-1])
    if text in ("true", "false"):
        return text == "true"
    return int(text[:-1]) if text.endswith("i") else float(text)


def lines(body: str) -> list[str]:
    return _LINES.findall(body)


def parsed(line: str) -> Point:
    """Read one line; an AssertionError or ValueError says that it is none."""
    series, fields, at_ns = _WORDS.findall(line)
    measurement, *tags = _PAIRS.findall(series)
    pairs = [_SIDES.findall(one) for one in tags]
    assert all(len(pair) == 2 for pair in pairs), f"tags of {line!r}"
    values = [_SIDES.findall(one) for one in _PAIRS.findall(fields)]
    assert all(len(pair) == 2 for pair in values), f"fields of {line!r}"
    return Point(
        measurement=_plain(measurement),
        tags={_plain(name): _plain(value) for name, value in pairs},
        fields={_plain(name): _field_value(value) for name, value in values},
        at_ns=int(at_ns),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What to answer instead of taking the points. `silent`: nothing, until the client gives up; `broken`: hang up."""

    status: int = 204
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    silent: bool = False
    broken: bool = False
    take: bool = False  # the points are taken all the same
    if_longer: int = 0  # only for bodies longer than this


class Peer:
    """The server's memory: by bucket, series and time the fields, the last one written wins."""

    def __init__(self) -> None:
        self.buckets: dict[str, dict[tuple[Any, int], dict[str, Any]]] = {}
        self.answers: deque[Answer] = deque()
        self.always: Answer | None = None
        self.asked = Answer(status=200)  # what a question is answered
        self.requests = 0
        self.bodies: list[int] = []
        self.tokens: set[str] = set()
        self.port = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._connections: list[socket.socket] = []
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def points(self, bucket: str) -> int:
        return len(self.buckets.get(bucket, {}))

    def start(self) -> None:
        """Listen, on the port of before when there was one."""
        peer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                peer.answer(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def get_request(self) -> tuple[socket.socket, Any]:
                connection, address = super().get_request()
                peer._connections.append(connection)
                return connection, address

            def handle_error(self, request: object, client_address: object) -> None:
                """A client that gave up is not worth a traceback."""

        self._over.clear()
        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and break off what stands, as a killed server does."""
        self._over.set()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join(10)
            self._server.server_close()
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._connections.clear()
            self._server = None

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"]))
        self.tokens.add(request.headers.get("Authorization", ""))
        if self._over.is_set():
            request.close_connection = True
            return
        target = urlsplit(request.path)
        if target.path == "/api/v2/query":
            refusal = json.dumps({"message": self.asked.message}).encode()
            _send(request, self.asked.status, refusal if self.asked.status != 200 else b"\r\n", {})
            return
        assert target.path == "/api/v2/write"
        parameters = parse_qs(target.query)
        assert parameters["precision"] == ["ns"]
        with self._lock:
            self.requests += 1
            self.bodies.append(len(body))
            answer = self._next(len(body))
            if answer is None or answer.take:
                self._take(parameters["bucket"][0], body.decode())
        if answer is not None and (answer.silent or answer.broken):
            self._over.wait(10 if answer.silent else 0)
            request.close_connection = True
        elif answer is not None:
            text = json.dumps({"code": "x", "message": answer.message}).encode()
            _send(request, answer.status, text, {"Content-Type": "application/json", **answer.headers})
        else:
            _send(request, 204, b"", {})

    def _next(self, length: int) -> Answer | None:
        answer = self.answers[0] if self.answers else self.always
        if answer is None or length <= answer.if_longer:
            return None
        if self.answers:
            self.answers.popleft()
        return answer

    def _take(self, bucket: str, body: str) -> None:
        points = self.buckets.setdefault(bucket, {})
        for line in lines(body):
            point = parsed(line)
            points.setdefault((point.series, point.at_ns), {}).update(point.fields)


def _send(request: BaseHTTPRequestHandler, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    if status != 204:
        request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


@contextmanager
def running() -> Iterator[Peer]:
    """A peer that listens on a free port of this machine."""
    peer = Peer()
    peer.start()
    try:
        yield peer
    finally:
        peer.stop()
