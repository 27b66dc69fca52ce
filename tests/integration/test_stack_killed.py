"""Whatever dies is started again, the others wait and go on, and history has every second once."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet
import pytest

from tests.integration.stack import ELM_STREET, Stack, twin

pytestmark = pytest.mark.integration


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    running = Stack(tmp_path, "--backfill", "5m")
    try:
        running.until("live and fresh", running.is_live)
        yield running
    finally:
        running.stop()


def history(stack: Stack, into: Path) -> pyarrow.Table:
    done = twin("export", str(ELM_STREET), str(into), "--folder", str(stack.folder), "--url", stack.url)
    assert done.returncode == 0, done.stderr
    return pyarrow.parquet.read_table(into / "telemetry.parquet")


def gaps_s(table: pyarrow.Table, device: str) -> list[float]:
    """Seconds between the rows of one device, where they are not one second or a minute of back-fill."""
    times = table.filter(pc.field("device") == device).column("measured_at").to_pylist()
    steps = [(after - before).total_seconds() for before, after in itertools.pairwise(sorted(times))]
    return [step for step in steps if step not in {1.0, 60.0}]


@pytest.mark.parametrize("name", ["broker", "twin"])
def test_a_killed_process_comes_back_and_no_second_is_lost_or_doubled(stack: Stack, tmp_path: Path, name: str) -> None:
    pid = stack.kill(name)
    stack.until(f"a new {name}", lambda: stack.replaced(name, pid))
    stack.until("live and fresh again", stack.is_live)
    stack.until("a minute after", lambda: stack.get("/summary")["steps"] >= 40)

    table = history(stack, tmp_path / "out")

    keys = table.group_by(["device", "measured_at"]).aggregate([([], "count_all")])
    assert keys.num_rows == table.num_rows
    for device in ("h02-meter", "h05-battery", "h53-meter"):  # gateways report every second
        assert gaps_s(table, device) == []


def test_a_killed_world_goes_on_where_it_was(stack: Stack, tmp_path: Path) -> None:
    stack.until("its state is on disk", (stack.folder / "world.state").exists)
    before = stack.get("/devices/h02-meter")["reported"]["energy_import_wh"]

    pid = stack.kill("world")
    stack.until("endpoints are seen to be gone", lambda: stack.get("/overview")["endpoints_online"] == 0)
    stack.until("a new world", lambda: stack.replaced("world", pid))
    stack.until("live and fresh again", stack.is_live)

    after = stack.get("/devices/h02-meter")["reported"]["energy_import_wh"]
    assert before <= after < before + 500  # a register, not a fresh meter
    table = history(stack, tmp_path / "out")
    registers = table.filter(pc.field("device") == "h02-meter").sort_by("measured_at").column("energy_import_wh")
    values = registers.to_pylist()
    assert all(later >= earlier - 5 for earlier, later in itertools.pairwise(values))
