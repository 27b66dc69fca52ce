"""The world feeds the models all that it knows: no input of a house or a tank is left at what the model starts with."""

import asyncio
from datetime import UTC, datetime

import pytest

from simulators.cosim.base import Arrays
from simulators.cosim.fleet import FleetSimulator
from simulators.world import Run, World
from tests.builders import small_pilot
from tests.pace_keeper import keep_pace
from twin.bus.memory import MemoryBroker
from twin.clock import WallClock
from twin.model.device import DeviceKind

START = datetime(2026, 6, 21, 16, 0, tzinfo=UTC)
NOT_FED = {
    DeviceKind.HEAT_PUMP: frozenset[str](),
    DeviceKind.WATER_HEATER: frozenset({"draw_hot_l_min"}),  # dishwashers and washing machines take cold water
}


@pytest.mark.parametrize("kind", list(NOT_FED))
def test_every_input_of_house_and_water_heater_is_fed(kind: DeviceKind, monkeypatch: pytest.MonkeyPatch) -> None:
    pilot = small_pilot(homes=3, kinds=tuple(DeviceKind))
    broker = MemoryBroker()
    keep_pace(broker, pilot)
    bus = broker.client("world")
    bus.open()
    world = World(pilot, bus=bus, clock=WallClock(), run=Run(start=START, backfill_s=120, speed=0, duration_s=1))
    simulator = world.simulators[kind.value]
    assert isinstance(simulator, FleetSimulator)
    fed: set[str] = set()
    advance = simulator.advance

    def watched(t: int, length_s: int, inputs: Arrays) -> Arrays:
        fed.update(inputs)
        return advance(t, length_s, inputs)

    monkeypatch.setattr(simulator, "advance", watched)
    asyncio.run(world.run())

    assert fed == set(simulator.fleet.inputs) - NOT_FED[kind]
