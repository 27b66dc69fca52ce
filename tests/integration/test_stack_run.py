"""The main job, as a user runs it: `twin run`, look at it, ask a device for something, take the history home."""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet
import pytest

from tests.integration.stack import ELM_STREET, Stack, twin

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = Stack(tmp_path_factory.mktemp("stack"), "--backfill", "2h")
    try:
        running.until("live and fresh", running.is_live)
        yield running
    finally:
        running.stop()


def test_every_home_is_mirrored_without_a_dead_letter(stack: Stack) -> None:
    summary = stack.get("/summary")

    assert (summary["homes"], summary["devices"], summary["endpoints"]) == (55, 198, 37)
    assert summary["dead_letters"] == 0
    assert summary["energy_balance_error"] < 1e-6
    assert summary["store_rows"] > 120 * 55


@pytest.mark.parametrize("pathway", ["gateway", "hems"])
def test_a_battery_command_is_verified_at_the_meter_over_the_quick_pathways(stack: Stack, pathway: str) -> None:
    battery = next(
        device for device in stack.get("/devices") if device["kind"] == "battery" and device["pathway"] == pathway
    )
    # The run starts now, by night or by day: ask for what any state of charge can give.
    asked_w = 900 if battery["reported"]["soc"] < 0.5 else -900

    asked = twin("set", battery["id"], "power_setpoint_w", str(asked_w), "--for", "2m", "--url", stack.url)

    assert asked.returncode == 0, asked.stderr
    assert [line.split()[1] for line in asked.stdout.splitlines()] == [
        "requested",
        "sent",
        "acknowledged",
        "applied",
        "verified",
    ]


def test_what_cannot_be_asked_is_refused_with_what_is_allowed(stack: Stack) -> None:
    nonsense = twin("set", "h99-battery", "power_setpoint_w", "1", "--url", stack.url)
    too_much = twin("set", "h05-battery", "power_setpoint_w", "99000", "--url", stack.url)

    assert nonsense.returncode == too_much.returncode == 2
    assert "h99-battery" in nonsense.stderr
    assert "99000" in too_much.stderr
    assert "Traceback" not in nonsense.stderr + too_much.stderr


def test_status_and_devices_speak_json(stack: Stack) -> None:
    status = json.loads(twin("status", "--json", "--url", stack.url).stdout)
    devices = json.loads(twin("devices", "--json", "--home", "h01", "--url", stack.url).stdout)

    assert status["pilot"] == "elm-street"
    assert {device["home"] for device in devices} == {"h01"}


def test_history_is_exported_while_the_twin_holds_it(stack: Stack, tmp_path: Path) -> None:
    done = twin("export", str(ELM_STREET), str(tmp_path), "--folder", str(stack.folder), "--url", stack.url)

    assert done.returncode == 0, done.stderr
    telemetry = pyarrow.parquet.read_table(tmp_path / "telemetry.parquet")
    assert telemetry.num_rows > 120 * 55
    assert {"measured_at", "device", "power_w", "soc"} <= set(telemetry.column_names)


def test_an_orderly_end_writes_the_summary_and_history_opens_afterwards(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    stack = Stack(folder, "--backfill", "10m", "--for", "5s")
    stack.process.wait(90)
    stack.stop()

    assert stack.process.returncode == 0, stack.logs()
    figures = stack.figures()
    assert figures["steps"] >= 5
    assert figures["first_page_s"] > 0
    assert figures["backfill_s"] > 0
    done = twin("export", str(ELM_STREET), str(tmp_path / "out"), "--folder", str(folder), "--format", "csv")
    assert done.returncode == 0, done.stderr
    rows = pyarrow.csv.read_csv(tmp_path / "out" / "telemetry.csv").num_rows
    assert rows == figures["store_rows"]
