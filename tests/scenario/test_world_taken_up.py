"""A world goes on where it was only with the device models that it had: another build's state counts for nothing."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from simulators.checkpoint import Checkpoint
from simulators.fleet.fmu_fleet import build_of
from simulators.world import Run, World
from tests.builders import small_pilot
from twin.bus.memory import MemoryBroker
from twin.clock import DrivenClock

NOW = datetime(2026, 6, 21, 16, 0, tzinfo=UTC)
MODELS = ("pv_inverter", "battery", "ev_charger", "house", "water_heater", "meter", "panel", "base_load")
SAVED_AGO_S = 600
BACKFILL_S = 3_600


@pytest.mark.parametrize(("house", "begins_ago_s"), [("of today", SAVED_AGO_S - 60), ("of another build", BACKFILL_S)])
def test_a_state_of_another_build_of_the_house_leaves_the_whole_history_to_be_filled_in(
    tmp_path: Path, house: str, begins_ago_s: int
) -> None:
    pilot = small_pilot(homes=1)
    builds = [house if model == "house" and house != "of today" else build_of(model) for model in MODELS]
    kept = Checkpoint(tmp_path / "world.state", pilot, builds=builds)
    kept.write((NOW - timedelta(seconds=SAVED_AGO_S)).timestamp(), {})
    kept.finish()

    run = Run(start=None, backfill_s=BACKFILL_S, speed=1, folder=tmp_path)
    world = World(pilot, bus=MemoryBroker().client("after"), clock=DrivenClock(NOW), run=run)

    epoch = world.simulators["surroundings"].timeline.epoch
    assert (NOW - epoch).total_seconds() == begins_ago_s
