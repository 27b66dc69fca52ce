"""World and twin in one process and in driven time: all three pathways, from the device to the operator and back."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from simulators.world import Run, World
from tests.builders import small_pilot
from twin.app import Twin
from twin.bus import topics
from twin.bus.memory import MemoryBroker
from twin.bus.port import Frame
from twin.clock import DrivenClock, WallClock
from twin.model.command import CommandRecord, CommandState
from twin.model.device import DeviceKind
from twin.model.quantity import CIRCUIT_POWER
from twin.model.topology import Pilot
from twin.state.device_twin import freshness
from twin.store.embedded import EmbeddedStore
from twin.store.spool import Spool

START = datetime(2026, 6, 21, 16, 0, tzinfo=UTC)
RUN_S = 660
WISH_W = 1_500.0
LEVERS = {
    DeviceKind.HEAT_PUMP: ("setpoint_offset_k", 2.0),
    DeviceKind.WATER_HEATER: ("setpoint_tank_offset_k", 10.0),
}
OPENED = {"h1": "main_closed", "h2": "circuit_4_closed", "h3": "circuit_6_closed"}  # all, water heater, lights


@dataclass
class Stage:
    """A run that is over, and what came of it."""

    pilot: Pilot
    twin: Twin
    commands: dict[str, str] = field(default_factory=dict)
    relays: dict[str, str] = field(default_factory=dict)
    levers: dict[str, str] = field(default_factory=dict)

    def record(self, home: str, commands: Mapping[str, str] | None = None) -> CommandRecord:
        record = self.twin.dispatcher.record((commands or self.commands)[home])
        assert record is not None
        return record

    def reported(self, device: str) -> Mapping[str, float]:
        return self.twin.state.device(device).reported


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Three homes, one per pathway, asked to charge their battery after a minute, to open a relay two minutes later."""
    folder = tmp_path_factory.mktemp("one-process")
    pilot = small_pilot(homes=3, kinds=tuple(DeviceKind))
    broker = MemoryBroker()
    twin = Twin(
        pilot,
        bus=broker.client("twin"),
        clock=DrivenClock(START - timedelta(minutes=61)),
        store=EmbeddedStore(folder / "history.duckdb", pilot),
        spool=Spool(folder / "spool"),
    )
    stage = Stage(pilot=pilot, twin=twin)
    twin.writer.start()
    twin.bus.open()

    def follow(_frame: Frame) -> None:
        twin.ingest.pump()
        if twin.clock.now() >= START + timedelta(seconds=60) and not stage.commands:
            for device in pilot.devices:
                if device.kind is DeviceKind.BATTERY:
                    record = twin.dispatcher.request(device.id, "power_setpoint_w", WISH_W, RUN_S)
                    stage.commands[device.home] = record.command.id
        if twin.clock.now() >= START + timedelta(seconds=180) and not stage.relays:
            for home, relay in OPENED.items():
                record = twin.dispatcher.request(f"{home}-smart-panel", relay, 0.0, RUN_S)
                stage.relays[home] = record.command.id
        if twin.clock.now() >= START + timedelta(seconds=330) and not stage.levers:
            for device in pilot.devices:
                lever = LEVERS.get(device.kind)
                if lever is not None:
                    record = twin.dispatcher.request(device.id, *lever, RUN_S)
                    stage.levers[device.id] = record.command.id

    twin.bus.subscribe(topics.clock(pilot.name), follow)
    bus = broker.client("world")
    bus.open()
    run = Run(start=START, backfill_s=3_600, speed=0, duration_s=RUN_S)
    asyncio.run(World(pilot, bus=bus, clock=WallClock(), run=run).run())
    twin.ingest.pump()
    yield stage
    twin.stop()


@pytest.mark.parametrize("home", ["h1", "h2", "h3"])
def test_a_battery_setpoint_is_verified_at_the_meter_over_every_pathway(stage: Stage, home: str) -> None:
    record = stage.record(home)

    assert [step.state for step in record.steps] == [
        CommandState.REQUESTED,
        CommandState.SENT,
        CommandState.ACKNOWLEDGED,
        CommandState.APPLIED,
        CommandState.VERIFIED,
    ]
    times = [step.at for step in record.steps]
    assert times == sorted(times)


def test_the_cloud_takes_minutes_where_gateway_and_hems_take_seconds(stage: Stage) -> None:
    took = {
        home: (stage.record(home).steps[-1].at - stage.record(home).command.requested_at).total_seconds()
        for home in stage.commands
    }

    assert took["h1"] < 15  # gateway: reports every second
    assert took["h2"] < 60  # HEMS: every five
    assert took["h3"] > 30  # OEM cloud: a cache of its own


def test_the_devices_do_as_they_are_asked(stage: Stage) -> None:
    for home in stage.commands:
        battery = stage.twin.state.device(f"{home}-battery")
        assert battery.reported["power_w"] == pytest.approx(WISH_W, abs=30)  # standby and inverter losses
        assert battery.desired["power_setpoint_w"].value == WISH_W


@pytest.mark.parametrize("home", ["h1", "h2", "h3"])
def test_an_open_relay_is_verified_at_the_meter_over_every_pathway(stage: Stage, home: str) -> None:
    record = stage.record(home, stage.relays)

    assert record.state is CommandState.VERIFIED
    assert stage.reported(f"{home}-smart-panel")[OPENED[home]] == 0.0


@pytest.mark.parametrize(
    "device", ["h1-heat-pump", "h2-heat-pump", "h3-heat-pump", "h2-water-heater", "h3-water-heater"]
)
def test_the_levers_of_house_and_tank_are_verified_over_every_pathway(stage: Stage, device: str) -> None:
    record = stage.record(device, stage.levers)
    quantity, value = LEVERS[stage.pilot.device[device].kind]

    assert record.state is CommandState.VERIFIED
    assert stage.reported(device)[quantity] == pytest.approx(value, abs=0.06)  # the cloud says it in Fahrenheit


def test_an_open_main_relay_leaves_only_the_battery_at_the_meter(stage: Stage) -> None:
    for kind in ("pv", "ev-charger", "heat-pump", "water-heater"):
        assert stage.reported(f"h1-{kind}")["power_w"] == 0.0, kind
    panel = stage.reported("h1-smart-panel")
    assert 4.0 <= panel["power_w"] <= 8.0  # its own consumption
    assert all(panel[name] == 0.0 for name in CIRCUIT_POWER)
    assert stage.reported("h1-meter")["power_w"] == pytest.approx(
        stage.reported("h1-battery")["power_w"] + panel["power_w"], abs=0.5
    )


def test_an_open_circuit_leaves_the_others_alone(stage: Stage) -> None:
    panel = stage.reported("h2-smart-panel")

    assert panel["circuit_4_power_w"] == stage.reported("h2-water-heater")["power_w"] == 0.0
    assert panel["circuit_1_power_w"] == stage.reported("h2-pv")["power_w"] < 0.0
    assert panel["circuit_5_power_w"] > 0.0
    lights = sum(panel[f"circuit_{number}_power_w"] for number in range(5, 13))
    assert 4.0 - 4.5 <= panel["power_w"] - lights <= 8.0 + 4.5  # every figure is rounded to 1 W


def test_every_device_is_within_the_age_that_its_pathway_promises(stage: Stage) -> None:
    now = START + timedelta(seconds=RUN_S)

    for device in stage.pilot.devices:
        promise_s = stage.pilot.endpoint[device.endpoint].max_age_s
        assert not freshness(stage.twin.state.device(device.id), now, promise_s).stale, device.id


def test_nothing_was_refused_on_the_way(stage: Stage) -> None:
    assert dict(stage.twin.state.dead_letter_counts) == {}


def test_history_holds_each_moment_once(stage: Stage) -> None:
    stage.twin.writer.flush()

    meter = stage.twin.store.device_series("h1-meter", "power_w", START, START + timedelta(seconds=60), points=1_000)
    assert list(meter.times) == [START + timedelta(seconds=second) for second in range(60)]


def test_a_home_adds_up_to_its_meter(stage: Stage) -> None:
    """The gateway reports all devices at the same second, and its smart panel all that no other device does."""
    devices = [stage.twin.state.device(device) for device in stage.pilot.home["h1"].devices]
    meter = next(device for device in devices if device.kind is DeviceKind.METER)
    others = sum(device.reported["power_w"] for device in devices if device is not meter)

    assert meter.reported["power_w"] == pytest.approx(others, abs=0.5)  # each rounds to 0.1 W
