"""Inverters run at their network's own frequency: nominal, limits and what they measure follow it."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import numpy as np
import pytest

from simulators.fleet.fmu_fleet import Fleet
from simulators.world import Run, World
from tests.builders import small_pilot
from tests.pace_keeper import keep_pace
from twin.bus.memory import MemoryBroker
from twin.clock import WallClock
from twin.model.device import DeviceKind

SUNNY = datetime(2026, 6, 21, 16, 0, tzinfo=UTC)


@cache
def inverters_after_a_minute(frequency_hz: float) -> Fleet:
    pilot = small_pilot(homes=2, kinds=(DeviceKind.METER, DeviceKind.PV))
    pilot = replace(pilot, network=replace(pilot.network, frequency_hz=frequency_hz))
    broker = MemoryBroker()
    keep_pace(broker, pilot)
    bus = broker.client("world")
    bus.open()
    world = World(
        pilot, bus=bus, clock=WallClock(), run=Run(start=SUNNY, backfill_s=120, speed=0, step_s=10, duration_s=60)
    )
    fleet: Fleet = world.simulators[DeviceKind.PV.value].fleet  # type: ignore[attr-defined]
    asyncio.run(world.run())
    return fleet


@pytest.mark.parametrize("frequency_hz", [50.0, 60.0])
def test_inverters_measure_the_frequency_of_their_network(frequency_hz: float) -> None:
    inverters = inverters_after_a_minute(frequency_hz)

    assert inverters.inputs["frequency_hz"].tolist() == [frequency_hz] * 2


def test_the_sun_feeds_in_the_same_at_50_and_at_60_hz() -> None:
    """Limits are the same per unit, so a frequency that is nominal means the same on either network."""
    european, american = inverters_after_a_minute(50.0), inverters_after_a_minute(60.0)

    assert european.outputs["in_service"].tolist() == [1.0, 1.0]
    assert np.all(european.outputs["power_w"] < -1_000.0)
    assert european.outputs["power_w"].tolist() == pytest.approx(american.outputs["power_w"].tolist(), rel=1e-9)
