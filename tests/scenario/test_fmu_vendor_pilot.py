"""A pilot with a vendor's battery runs like any other; when the vendor's code dies, the rest of the pilot goes on."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import orjson
import pytest

from simulators.world import Run, World
from tests.vendor_fmu import build_vendor_fmu
from twin.bus import topics
from twin.bus.codec import decode
from twin.bus.memory import MemoryBroker
from twin.bus.port import Frame
from twin.bus.wire import ClockMessage, Pace
from twin.clock import DrivenClock, WallClock
from twin.ingest.own_topics import world_health
from twin.model.event import Severity
from twin.model.health import WorldHealth
from twin.model.topology import Pilot
from twin.pilot import load_pilot
from twin.state.registry import PilotState

DATA = Path(__file__).parents[1] / "data" / "pilots"
START = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)


def telemetry(
    pilot: Pilot, *, minutes: int, health: list[WorldHealth] | None = None
) -> list[dict[str, dict[str, float]]]:
    """Values by device of every telemetry message of a fast run; `health` takes what the world says of itself."""
    broker = MemoryBroker()
    listener, bus = broker.client("listener"), broker.client("world")
    listener.open()
    bus.open()
    seen: list[dict[str, dict[str, float]]] = []

    def take(frame: Frame) -> None:
        if frame.topic == topics.clock(pilot.name):
            moment = decode(ClockMessage, frame.payload).time
            listener.publish(topics.pace(pilot.name), Pace(time=moment).model_dump_json().encode())
        elif frame.topic.endswith("/telemetry"):
            seen.append({r["device"]: r["values"] for r in orjson.loads(frame.payload)["readings"]})
        elif frame.topic == topics.world(pilot.name) and health is not None:
            health.append(world_health(frame))

    listener.subscribe("#", take)
    world = World(
        pilot, bus=bus, clock=WallClock(), run=Run(start=START, backfill_s=minutes * 60, speed=0, duration_s=2)
    )
    asyncio.run(world.run())
    bus.close()
    listener.close()
    return seen


def of_device(messages: list[dict[str, dict[str, float]]], device: str, quantity: str) -> list[float]:
    return [values[device][quantity] for values in messages if quantity in values.get(device, {})]


def test_a_vendors_battery_reports_what_its_fmu_says() -> None:
    messages = telemetry(load_pilot(DATA / "valid-vendor-battery.yaml"), minutes=30)
    soc = of_device(messages, "h01-battery", "soc")
    assert soc
    assert soc[0] == pytest.approx(0.25, abs=0.02)  # the start value in the vendor's words, not the rating's 0.5
    assert min(soc) >= 0.2 - 1e-9


def test_the_pilot_goes_on_when_the_vendors_code_dies(tmp_path: Path) -> None:
    """The map turns every command into 666 kW, on which the FMU crashes: its battery is silent, the homes are not."""
    build_vendor_fmu(tmp_path)
    text = (DATA / "valid-two-homes.yaml").read_text()
    crashing = (
        "{kind: battery, energy_wh: 10000, power_w: 5000, model: {fmu: PowerBrick.fmu, map: {"
        "power_setpoint_w: {variable: P_cmd, factor: 1.0e+9, offset: -6.665e+14}, power_w: P_ac, soc: SoC}}}"
    )
    path = tmp_path / "pilot.yaml"
    path.write_text(text.replace("{kind: battery, energy_wh: 10000, power_w: 5000}", crashing))

    pilot = load_pilot(path)
    health: list[WorldHealth] = []
    messages = telemetry(pilot, minutes=10, health=health)

    assert not any("h01-battery" in devices for devices in messages)  # not even what it is asked for
    for meter in ("h01-meter", "h02-meter"):
        powers_w = of_device(messages, meter, "power_w")
        assert len(powers_w) >= 10
        assert np.isfinite(powers_w).all()

    state = PilotState(pilot, DrivenClock(START))
    for said in health:
        state.take_world(said)
    event = next(event for event in state.events if event.kind == "device-model-failed")
    assert (event.subject, event.severity) == ("h01-battery", Severity.ALARM)
    assert "PowerBrick.fmu" in event.text
    assert "SIGSEGV" in event.text
    assert "restart 1" in event.text
