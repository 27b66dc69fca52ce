"""A vehicle gives to its home when told, never below its reserve, and the panel's registers count what has flowed."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from simulators.world import Run, World
from tests.builders import small_pilot
from twin.app import Twin
from twin.bus import topics
from twin.bus.memory import MemoryBroker
from twin.bus.port import Frame
from twin.clock import DrivenClock, WallClock
from twin.model.command import CommandState
from twin.model.device import DeviceKind
from twin.model.quantity import CIRCUITS
from twin.model.topology import Device, Pilot
from twin.store.embedded import EmbeddedStore
from twin.store.spool import Spool

NIGHT = datetime(2026, 6, 22, 6, 0, tzinfo=UTC)  # two in the morning there: the cars are at home, and full
RUN_S, TOLD_S, HELD_S = 540, 60, 480
SEEN_S = 530  # the last messages are still under way
GIVE_W = 5_000.0
RESERVE = 0.9
VEHICLE_WH = 5_000.0
SECOND_H = 1.0 / 3_600.0
CHARGER_CIRCUIT = 2  # of tests.builders.small_pilot

Values = NDArray[np.float64]


@dataclass
class Stage:
    """A run that is over, and what came of it."""

    pilot: Pilot
    twin: Twin
    commands: dict[str, str] = field(default_factory=dict)

    def each_second(self, device: str, quantity: str) -> Values:
        """What the gateway's home reported, second by second of the live run."""
        series = self.twin.store.device_series(
            device, quantity, NIGHT, NIGHT + timedelta(seconds=SEEN_S), points=10_000
        )
        assert len(series.times) == SEEN_S
        return np.array(series.values)


def with_small_vehicle(device: Device) -> Device:
    if device.kind is not DeviceKind.EV_CHARGER:
        return device
    return replace(device, ratings={**device.ratings, "vehicle_energy_wh": VEHICLE_WH, "soc_home_min": RESERVE})


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Three homes, one per pathway; after a minute each vehicle is told to give 5 kW for seven minutes."""
    folder = tmp_path_factory.mktemp("vehicle")
    pilot = small_pilot(homes=3, kinds=tuple(DeviceKind))
    pilot = replace(pilot, devices=tuple(with_small_vehicle(device) for device in pilot.devices))
    broker = MemoryBroker()
    twin = Twin(
        pilot,
        bus=broker.client("twin"),
        clock=DrivenClock(NIGHT - timedelta(minutes=61)),
        store=EmbeddedStore(folder / "history.duckdb", pilot),
        spool=Spool(folder / "spool"),
    )
    stage = Stage(pilot=pilot, twin=twin)
    twin.writer.start()
    twin.bus.open()

    def follow(_frame: Frame) -> None:
        twin.ingest.pump()
        if twin.clock.now() >= NIGHT + timedelta(seconds=TOLD_S) and not stage.commands:
            for home in ("h1", "h2", "h3"):
                record = twin.dispatcher.request(f"{home}-ev-charger", "discharge_request_w", GIVE_W, HELD_S - TOLD_S)
                stage.commands[home] = record.command.id

    twin.bus.subscribe(topics.clock(pilot.name), follow)
    bus = broker.client("world")
    bus.open()
    run = Run(start=NIGHT, backfill_s=3_600, speed=0, duration_s=RUN_S)
    asyncio.run(World(pilot, bus=bus, clock=WallClock(), run=run).run())
    twin.ingest.pump()
    twin.writer.flush()
    yield stage
    twin.stop()


@pytest.mark.parametrize("home", ["h1", "h2", "h3"])
def test_a_vehicle_told_to_give_is_verified_at_the_meter_over_every_pathway(stage: Stage, home: str) -> None:
    record = stage.twin.dispatcher.record(stage.commands[home])

    assert record is not None
    assert record.state is CommandState.VERIFIED, record.steps


def test_a_vehicle_gives_what_it_is_told_until_its_reserve_and_never_less_is_left(stage: Stage) -> None:
    power_w = stage.each_second("h1-ev-charger", "power_w")
    soc = stage.each_second("h1-ev-charger", "soc")

    assert (stage.each_second("h1-ev-charger", "plugged") == 1.0).all()
    assert power_w[:TOLD_S].min() >= 0.0  # nothing before it is told
    assert power_w[TOLD_S + 5] == pytest.approx(-GIVE_W, abs=6.0)  # standby of up to 5 W
    assert soc.min() == pytest.approx(RESERVE, abs=5e-5)  # four digits on the wire
    empty = soc[:HELD_S] <= RESERVE + 5e-5
    assert empty.any()
    assert power_w[:HELD_S][empty][1:].min() >= 0.0  # at the reserve it gives no more, though still told to


def test_when_the_command_is_over_it_charges_again(stage: Stage) -> None:
    assert stage.each_second("h1-ev-charger", "discharge_request_w")[[0, TOLD_S + 5, -1]].tolist() == [0.0, GIVE_W, 0.0]
    assert stage.each_second("h1-ev-charger", "power_w")[HELD_S + 5] > 1_000.0


@pytest.mark.parametrize("home", ["h2", "h3"])
def test_no_pathway_leads_below_the_reserve(stage: Stage, home: str) -> None:
    series = stage.twin.store.device_series(
        f"{home}-ev-charger", "soc", NIGHT, NIGHT + timedelta(seconds=RUN_S), points=10_000
    )

    assert min(series.values) >= RESERVE - 5.1e-4  # a tenth of a per cent on the wire


@pytest.mark.parametrize("circuit", CIRCUITS)
def test_a_register_is_the_integral_of_its_circuits_power(stage: Stage, circuit: int) -> None:
    power_w = stage.each_second("h1-smart-panel", f"circuit_{circuit}_power_w")
    register_wh = stage.each_second("h1-smart-panel", f"circuit_{circuit}_energy_wh")

    # power is the mean over the second that ends with the register; both are rounded to 0.1 on the wire
    integral_wh = np.cumsum(power_w[1:]) * SECOND_H
    assert register_wh[1:] - register_wh[0] == pytest.approx(integral_wh, abs=0.1 + 0.05 * SEEN_S * SECOND_H)


def test_registers_rise_with_what_is_drawn_and_fall_with_what_a_vehicle_gives(stage: Stage) -> None:
    vehicle_wh = stage.each_second("h1-smart-panel", f"circuit_{CHARGER_CIRCUIT}_energy_wh")
    lights_wh = sum(stage.each_second("h1-smart-panel", f"circuit_{number}_energy_wh") for number in range(5, 13))

    given_wh = vehicle_wh[TOLD_S] - vehicle_wh.min()
    assert given_wh == pytest.approx((1.0 - RESERVE) * VEHICLE_WH * 0.9, rel=0.04)  # efficiency 0.88 to 0.92
    assert lights_wh[-1] - lights_wh[0] > 5.0  # type: ignore[index]
    assert lights_wh[0] > 10.0  # type: ignore[index]  # an hour had been counted before
