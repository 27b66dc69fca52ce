"""Incident archives and replays from the command line, in processes of their own."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.stack import ELM_STREET, ROOT, twin
from twin.bus.broker import free_port
from twin.model.event import Event, Severity
from twin.model.telemetry import GridReport, Report
from twin.pilot import load_pilot
from twin.store.embedded import EmbeddedStore
from twin.store.port import Batch

pytestmark = pytest.mark.integration

START = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
WITHIN_S = 60.0


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten minutes of a pilot: one meter at once, one four minutes late."""
    folder = tmp_path_factory.mktemp("history")
    store = EmbeddedStore(folder / "history.duckdb", load_pilot(ELM_STREET))
    reports = [
        Report(
            device=device,
            measured_at=at(second),
            published_at=at(second + late_s),
            received_at=at(second + late_s),
            values={"power_w": float(second)},
        )
        for second in range(0, 600, 10)
        for device, late_s in (("h02-meter", 0), ("h01-meter", 240))
    ]
    grid = [
        GridReport(
            feeder=0,
            measured_at=at(second),
            received_at=at(second),
            head_power_w=(1_000.0 if second < 300 else 3_000.0, 0.0, 0.0),
            head_reactive_power_var=(0.0, 0.0, 0.0),
            losses_w=1.0,
            transformer_loading=0.1,
            line_loading=0.1,
            v_min_pu=1.0,
            v_max_pu=1.0,
        )
        for second in range(0, 600, 10)
    ]
    event = Event(at=at(200), severity=Severity.WARNING, kind="device-stale", subject="h01-meter", text="as told")
    store.write(Batch(reports=reports, grid=grid, events=[event]))
    store.close()
    return folder


@pytest.fixture(scope="module")
def archive(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("archive") / "out.zip"
    done = twin("incident", "export", str(ELM_STREET), str(target), "--folder", str(folder),
                "--from", "2026-06-15T12:03:00", "--to", "2026-06-15T12:08:00Z")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "open it with `twin replay" in done.stdout
    return target


class Replay:
    """`twin replay` until it is told to end."""

    def __init__(self, *arguments: str) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/api/v1"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "twin", "replay", *arguments, "--port", str(port)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        end_s = time.monotonic() + WITHIN_S
        while self.get("/summary") is None:
            assert self.process.poll() is None, self.process.stdout.read() if self.process.stdout else ""
            assert time.monotonic() < end_s, f"no answer within {WITHIN_S} s"
            time.sleep(0.1)

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        try:
            return httpx.get(self.url + path, timeout=10, trust_env=False).raise_for_status().json()
        except httpx.HTTPError:
            return None


@pytest.fixture
def replays() -> Iterator[list[Replay]]:
    running: list[Replay] = []
    yield running
    for replay in running:
        replay.process.send_signal(signal.SIGINT)
        try:
            said, _ = replay.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            replay.process.kill()
            raise
        assert replay.process.returncode == 0, said
        assert "Traceback" not in said


def test_an_archive_opens_alone_and_shows_what_was_known_then(archive: Path, replays: list[Replay]) -> None:
    replay = Replay(str(archive), "--at", "2026-06-15T12:05:00Z")
    replays.append(replay)

    prompt, late = replay.get("/devices/h02-meter"), replay.get("/devices/h01-meter")
    assert prompt["reported"]["power_w"] == 300.0
    assert late["reported"]["power_w"] == 60.0
    assert (late["age_s"], late["stale"]) == (240.0, False)
    assert [event["kind"] for event in replay.get("/events")] == ["device-stale"]
    assert replay.get("/health")["at"] == "2026-06-15T12:05:00Z"
    series = replay.get("/devices/h01-meter/series?start=2026-06-15T12:00:00Z&end=2026-06-15T12:10:00Z")
    assert max(series["values"]) == 60.0

    wish = {"device": "h02-battery", "quantity": "power_setpoint_w", "value": 1.0}
    device = next((one["id"] for one in replay.get("/devices") if one["kind"] == "battery"), "")
    answer = httpx.post(f"{replay.url}/commands", json={**wish, "device": device}, trust_env=False)
    assert answer.status_code == 422
    assert "this is a replay" in answer.json()["detail"]


def test_a_replay_plays_to_its_end(folder: Path, replays: list[Replay]) -> None:
    replay = Replay(str(ELM_STREET), "--folder", str(folder), "--from", "2026-06-15T12:01:00Z",
                    "--to", "2026-06-15T12:09:00Z", "--speed", "600")  # fmt: skip
    replays.append(replay)

    end_s = time.monotonic() + WITHIN_S
    while replay.get("/summary")["replay"]["playing"]:
        assert time.monotonic() < end_s
        time.sleep(0.1)
    assert replay.get("/summary")["at"] == "2026-06-15T12:09:00+00:00"
    assert replay.get("/devices/h02-meter")["reported"]["power_w"] == 540.0


def test_history_that_a_running_twin_holds_is_refused_with_what_to_do(folder: Path, tmp_path: Path) -> None:
    holder = EmbeddedStore(folder / "history.duckdb", load_pilot(ELM_STREET))
    try:
        done = twin("replay", str(ELM_STREET), "--folder", str(folder))
        exported = twin("incident", "export", str(ELM_STREET), str(tmp_path / "out.zip"), "--folder", str(folder),
                        "--from", "2026-06-15T12:03:00", "--url", f"http://127.0.0.1:{free_port()}")  # fmt: skip
    finally:
        holder.close()

    assert done.returncode == 2
    assert "in use by another process" in done.stderr
    assert "Look back" in done.stderr
    assert "twin incident export" in done.stderr
    assert exported.returncode == 1
    assert "no twin answers" in exported.stderr
    assert list(tmp_path.iterdir()) == []


def test_two_periods_of_one_run_are_compared(folder: Path, archive: Path) -> None:
    periods = ["--from", "2026-06-15T12:00:00", "--from-b", "2026-06-15T12:05:00", "--for", "4m", "--json"]
    done = twin("compare", str(ELM_STREET), "--folder", str(folder), *periods)
    found = json.loads(done.stdout)

    assert (found["a"]["mean"], found["b"]["mean"], found["mean"]) == (1_000.0, 3_000.0, 2_000.0)
    table = twin("compare", str(ELM_STREET), str(archive), "--folder", str(folder))
    assert table.returncode == 0, table.stderr
    assert "energy_wh" in table.stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("replay", "nowhere.zip"), "there is no nowhere.zip"),
        (("replay", "{archive}", "--from", "2026-06-15T13:00:00"), "must be before"),
        (("replay", "{archive}", "--from", "2026-06-15T12:07:00", "--to", "2026-06-15T12:04:00"), "must be before"),
        (("replay", "{archive}", "--from", "2026-06-15", "--to", "2026-06-15T01:00"), "nothing is known from"),
        (("replay", "{archive}", "--folder", "var"), "is an archive and has its own history"),
        (("replay", "{broken}"), "is damaged"),
        (("compare", "{archive}", "--quantity", "flux"), "known here: head_power_w"),
        (("compare", "{archive}", "--device", "h99-meter"), "has no device 'h99-meter'"),
        (("incident", "export", str(ELM_STREET), "out.zip", "--from", "2026-06-15", "--to", "2026-06-15"), "before"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_is_allowed(
    archive: Path, tmp_path: Path, arguments: tuple[str, ...], expected: str
) -> None:
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "broken.zip").write_bytes(content)
    places = {"archive": archive, "broken": tmp_path / "broken.zip"}

    done = twin(*(argument.format(**places) for argument in arguments))

    assert done.returncode == 2, done.stdout + done.stderr
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
