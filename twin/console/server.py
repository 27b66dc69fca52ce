"""Serves the console on its own thread and event loop, so that no page can hold up the way from the bus to the state.

Refuses a taken port by name, and a second console in one process: NiceGUI has one application per process.
"""

import errno
import socket
import threading

import uvicorn
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from nicegui import app as nicegui_app
from nicegui import ui

from twin.console.api.app import build_api
from twin.console.frame import STATIC, Console
from twin.console.sources import ConsoleSources
from twin.console.views import Views

_START_TIMEOUT_S = 15.0
_STOP_TIMEOUT_S = 0.7
_running = threading.Lock()


class ConsoleError(Exception):
    """The console cannot be served: what, where, and what to do."""


class _Server(uvicorn.Server):
    """Says when it answers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


class ConsoleServer:
    """The console at `url`; port 0 takes any free port."""

    def __init__(self, sources: ConsoleSources, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._sources = sources
        self._host = host
        self._port = port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where the console answers."""
        host = "127.0.0.1" if self._host in {"0.0.0.0", ""} else self._host  # noqa: S104 - a place to listen, not to go
        return f"http://{f'[{host}]' if ':' in host else host}:{self._port}"

    def start(self) -> None:
        """Listen and answer; returns when the first page can be asked for. Raises ConsoleError."""
        if not _running.acquire(blocking=False):
            raise ConsoleError("this process already runs a console; stop it first")
        try:
            listener = self._listen()
        except BaseException:
            _running.release()
            raise
        self._server = _Server(
            uvicorn.Config(
                build_app(self._sources),
                log_config=None,
                log_level="warning",
                access_log=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="console", daemon=True)
        self._thread.start()
        if not self._server.ready.wait(_START_TIMEOUT_S):
            self.stop()
            raise ConsoleError(f"the console at {self.url} did not start within {_START_TIMEOUT_S:.0f} s")

    def stop(self) -> None:
        """Close every page's connection and stop listening, within a second. Safe to call twice."""
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join(_STOP_TIMEOUT_S)
        self._server.force_exit = True
        self._thread.join(_STOP_TIMEOUT_S)
        self._server = self._thread = None
        _running.release()

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self._host, self._port))
        except OSError as error:
            listener.close()
            if error.errno == errno.EADDRINUSE:
                raise ConsoleError(
                    f"port {self._port} on {self._host} is taken; choose another with --port, or 0 for any free one"
                ) from error
            raise ConsoleError(f"cannot listen on {self._host}:{self._port}: {error.strerror}") from error
        self._port = int(listener.getsockname()[1])
        return listener


def build_app(sources: ConsoleSources) -> FastAPI:
    """The HTTP API with the pages mounted beside it."""
    views = Views(sources)
    api = build_api(views)
    api.mount("/static", StaticFiles(directory=STATIC), name="static")
    # NiceGUI's application outlives each server of the process, and Starlette takes no middleware once one was served.
    nicegui_app.user_middleware.clear()
    nicegui_app.middleware_stack = None
    ui.run_with(
        api,
        root=Console(views).page,
        title="Hearthgrid",
        favicon=STATIC / "mark.svg",
        dark=None,
        language="en-GB",
        tailwind=False,
        binding_refresh_interval=None,
        reconnect_timeout=5.0,
        show_welcome_message=False,
    )
    return api
