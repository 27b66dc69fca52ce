"""A pilot run for real: the command `twin run` with its three processes, and ways to look at and hurt them."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil

from twin.bus.broker import free_port

ROOT = Path(__file__).parents[2]
ELM_STREET = ROOT / "pilots" / "elm-street.yaml"


def twin(*arguments: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "twin", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


class Stack:
    """`twin run` on a folder of its own, until `stop`."""

    def __init__(self, folder: Path, *options: str, pilot: Path = ELM_STREET) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.summary = folder / "summary.json"
        arguments = [
            "run",
            str(pilot),
            "--port",
            str(self.port),
            "--folder",
            str(folder),
            "--summary",
            str(self.summary),
        ]
        self.output = (folder / "launcher.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "twin", *arguments, *options],
            cwd=ROOT,
            stdout=self.output,
            stderr=subprocess.STDOUT,
        )

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """What the API says, None while it does not answer."""
        try:
            return httpx.get(f"{self.url}/api/v1{path}", timeout=5, trust_env=False).raise_for_status().json()
        except httpx.HTTPError:
            return None

    def until(self, what: str, condition: Callable[[], object], *, within_s: float = 90) -> None:
        """Wait for something to become true; fails by name, with the logs, when it does not."""
        end = time.monotonic() + within_s
        while not condition():
            assert self.process.poll() is None, f"ended while waiting for: {what}\n{self.logs()}"
            assert time.monotonic() < end, f"not within {within_s} s: {what}\n{self.logs()}"
            time.sleep(0.1)

    def is_live(self) -> bool:
        """History is filled in and every device is as fresh as its pathway promises."""
        health, summary = self.get("/health"), self.get("/summary")
        if not health or not summary:
            return False
        filled_in = summary["backfill_s"] is not None and health["backfill_until"] is None
        return filled_in and health["mode"] == "live" and summary["fresh_share"] == 1.0

    def child(self, name: str) -> psutil.Process | None:
        """The process of the broker, the twin or the world."""
        word = {"broker": "mosquitto", "twin": "serve", "world": "simulators"}[name]
        for process in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if any(word in part for part in process.cmdline()):
                    return process
            except psutil.Error:
                continue
        return None

    def kill(self, name: str) -> int:
        """SIGKILL one of the three; its process id."""
        process = self.child(name)
        assert process is not None, f"no {name} to kill\n{self.logs()}"
        process.kill()
        return process.pid

    def replaced(self, name: str, pid: int) -> bool:
        """A new one runs in place of the killed one."""
        process = self.child(name)
        return process is not None and process.pid != pid

    def stop(self, number: int = signal.SIGINT, *, within_s: float = 20) -> int:
        """End it as Ctrl-C does; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(within_s)
        finally:
            if self.process.poll() is None:
                for process in psutil.Process(self.process.pid).children(recursive=True):
                    process.kill()
                self.process.kill()
            self.output.close()

    def figures(self) -> dict[str, Any]:
        """The summary it wrote at its end."""
        figures: dict[str, Any] = json.loads(self.summary.read_text())
        return figures

    def logs(self) -> str:
        """The end of everything said."""
        return "\n".join(
            f"== {path.name}\n{path.read_text(errors='replace')[-2000:]}" for path in self.folder.glob("*.log")
        )
