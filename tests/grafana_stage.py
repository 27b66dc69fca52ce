"""A Grafana to mark things in: a stand-in that keeps annotations in memory, and the real one where a test has it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

STAND_IN_TOKEN = "stand-in"


@dataclass
class StandIn:
    """Grafana's annotations API as its documentation has it. `fault` is answered instead while it is not 0."""

    port: int = 0
    annotations: list[dict[str, Any]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    fault: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, object]:
        self.requests.append(f"{method} {path}")
        if self.fault:
            return self.fault, {"message": "out of order"}
        asked = urlsplit(path)
        if asked.path == "/api/health":
            return 200, {"version": "stand-in", "database": "ok"}
        if method == "GET":
            tags = set(parse_qs(asked.query).get("tags", []))
            return 200, [one for one in self.annotations if tags <= set(one["tags"])]
        if method == "POST":
            made = {"timeEnd": body["time"], **{name: value for name, value in body.items() if value is not None}}
            self.annotations.append({**made, "id": len(self.annotations) + 1})
            return 200, {"id": len(self.annotations), "message": "Annotation added"}
        (found,) = (one for one in self.annotations if one["id"] == int(asked.path.rsplit("/", 1)[1]))
        found.update({name: value for name, value in body.items() if value is not None})
        return 200, {"message": "Annotation patched"}


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """The stand-in on a port of its own, until the end of the block."""
    grafana = StandIn()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            allowed = self.headers.get("Authorization") == f"Bearer {STAND_IN_TOKEN}"
            status, answer = grafana.answer(self.command, self.path, body) if allowed else (401, {"message": "no"})
            spelt = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(spelt)))
            self.end_headers()
            self.wfile.write(spelt)

        do_GET = do_POST = do_PATCH = _serve  # noqa: N815 - the names that are called

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has there
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    grafana.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield grafana
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
