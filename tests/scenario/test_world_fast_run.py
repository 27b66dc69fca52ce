"""A fast run of Elm Street in one process: the seed decides every byte, and energy adds up."""

import asyncio
import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from simulators.world import Run, World
from twin.bus import topics
from twin.bus.codec import decode
from twin.bus.memory import MemoryBroker
from twin.bus.port import Frame
from twin.bus.wire import ClockMessage, GridMessage, Pace, WorldHealth
from twin.clock import WallClock
from twin.model.topology import Pilot
from twin.pilot import load_pilot

PILOTS = Path(__file__).parents[2] / "pilots"
START = datetime(2026, 6, 21, 16, 0, tzinfo=UTC)


class Listener:
    """Takes in all traffic, and keeps pace as a twin would."""

    def __init__(self, pilot: Pilot) -> None:
        self.broker = MemoryBroker()
        self._bus = self.broker.client("listener")
        self._bus.open()
        self._pace = topics.pace(pilot.name)
        self._clock = topics.clock(pilot.name)
        self.digest = hashlib.sha256()
        self.frames = 0
        self.last: dict[str, bytes] = {}
        self._bus.subscribe("#", self._take)

    def _take(self, frame: Frame) -> None:
        if frame.topic == self._pace:
            return
        self.digest.update(frame.topic.encode() + b"\0" + frame.payload + b"\n")
        self.frames += 1
        self.last[frame.topic] = frame.payload
        if frame.topic == self._clock:
            moment = decode(ClockMessage, frame.payload).time
            self._bus.publish(self._pace, Pace(time=moment).model_dump_json().encode())


def run(pilot: Pilot, *, minutes: int, seconds: int) -> Listener:
    listener = Listener(pilot)
    bus = listener.broker.client("world")
    bus.open()
    world = World(
        pilot,
        bus=bus,
        clock=WallClock(),
        run=Run(start=START, backfill_s=minutes * 60, speed=0, duration_s=seconds),
    )
    asyncio.run(world.run())
    bus.close()
    return listener


@pytest.fixture(scope="module")
def elm_street() -> Pilot:
    return load_pilot(PILOTS / "elm-street.yaml")


@pytest.fixture(scope="module")
def traffic(elm_street: Pilot) -> Listener:
    return run(elm_street, minutes=90, seconds=60)


def test_same_pilot_seed_and_start_give_the_same_bytes(elm_street: Pilot, traffic: Listener) -> None:
    again = run(elm_street, minutes=90, seconds=60)

    assert traffic.frames > 4_000
    assert again.frames == traffic.frames
    assert again.digest.hexdigest() == traffic.digest.hexdigest()


def test_energy_at_the_heads_is_that_of_meters_and_losses(elm_street: Pilot, traffic: Listener) -> None:
    health = decode(WorldHealth, traffic.last[topics.world(elm_street.name)])

    # origin: conservation of energy; the bar of 1e-6 is the project's, the solver's tolerance gives about 1e-12
    assert 0 < health.energy_balance_error < 1e-9
    assert health.grid_nodes == 907
    assert 0.9 < health.v_min_pu < health.v_max_pu < 1.1
    assert 0 < health.transformer_loading_max < 1


def test_the_grid_is_sent_whole_for_drawing(elm_street: Pilot, traffic: Listener) -> None:
    grid = decode(GridMessage, traffic.last[topics.grid(elm_street.name, 0)])

    assert grid.measured_at >= START
    assert len(grid.node_voltage_pu) in {0, 3 * 907}
    assert grid.losses_w > 0


def test_the_clock_ends_where_the_run_ends(elm_street: Pilot, traffic: Listener) -> None:
    clock = decode(ClockMessage, traffic.last[topics.clock(elm_street.name)])

    assert (clock.time - START).total_seconds() == 60
    assert clock.backfill_until is None
