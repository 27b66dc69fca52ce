"""A day of history at one-minute steps, everything on: how long it takes, and which part takes how much of it.

    python -m benchmarks.backfill [--pilot pilots/elm-street.yaml] [--hours 24]

Two runs in one command. "together" is the whole way in two processes over an MQTT broker, as `twin run` has it: world,
broker, twin, spool and store. "shares" is the same in one process over the memory bus under a sampling of every part's
own time, so that the parts add up. The yardstick is the bare scheduler: the same number of steps of as many mosaik
simulators that do nothing.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from mosaik import AsyncWorld
from mosaik.starters import PythonStarter
from rich.console import Console
from rich.table import Table

from simulators.cosim.base import MODEL, Arrays, ArraySimulator
from simulators.timeline import BACKFILL_STEP_S, Timeline
from simulators.world import Run, World
from twin.app import Twin
from twin.bus import topics
from twin.bus.broker import EmbeddedBroker
from twin.bus.memory import MemoryBroker
from twin.bus.mqtt import MqttBus
from twin.bus.port import Frame
from twin.clock import DrivenClock, WallClock
from twin.model.topology import Pilot
from twin.pilot import load_pilot
from twin.store.embedded import EmbeddedStore
from twin.store.spool import Spool

START = datetime(2026, 6, 21, 12, tzinfo=UTC)


class Meter:
    """Own time of each part: what runs inside a part and is metered itself does not count for it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._inside: list[float] = []

    def wrap(self, owner: object, name: str, part: str) -> None:
        """Count every call of `owner.name` for `part`."""
        original: Callable[..., Any] = getattr(owner, name)

        def metered(*arguments: object, **named: object) -> object:
            self._inside.append(0.0)
            started = time.perf_counter()
            try:
                return original(*arguments, **named)
            finally:
                took = time.perf_counter() - started
                self.seconds[part] += took - self._inside.pop()
                if self._inside:
                    self._inside[-1] += took

        setattr(owner, name, metered)


class Idle(ArraySimulator):
    """Does nothing, once a step, after the one before it."""

    def advance(self, t: int, length_s: int, inputs: Arrays) -> Arrays:  # noqa: ARG002
        """One number."""
        return {"out": np.zeros(1)}


def build_twin(pilot: Pilot, bus: Any, folder: Path) -> Twin:  # noqa: ANN401 - any bus
    """A twin on `bus` with its history in `folder`."""
    store = EmbeddedStore(folder / "history.duckdb", pilot)
    return Twin(
        pilot, bus=bus, clock=DrivenClock(START - timedelta(days=2)), store=store, spool=Spool(folder / "spool")
    )


def together(pilot_file: Path, hours: float) -> tuple[float, int]:
    """Seconds and rows of the whole way: twin here, world in a process of its own, broker between."""
    pilot = load_pilot(pilot_file)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = EmbeddedBroker.start(folder / "broker")
        bus = MqttBus(url=broker.url, client_id="twin", clock=WallClock())
        twin = build_twin(pilot, bus, folder)
        twin.start()
        bus.wait_until_ready(10)
        arguments = ["--broker", broker.url, "--start", START.isoformat(), "--speed", "0", "--duration-s", "0"]
        started = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "simulators", str(pilot_file), "--backfill-s", str(int(hours * 3600)), *arguments],
            check=True,
        )
        while twin.clock.now() < START:
            time.sleep(0.02)
        twin.writer.flush(60)
        took = time.perf_counter() - started
        rows = twin.store.rows()
        twin.stop()
        broker.stop()
    return took, rows


def shares(pilot_file: Path, hours: float) -> dict[str, float]:
    """Seconds of each part's own time, all in this process."""
    pilot = load_pilot(pilot_file)
    meter = Meter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = MemoryBroker()
        bus = broker.client("world")
        twin = build_twin(pilot, broker.client("twin"), folder)
        run = Run(start=START, backfill_s=int(hours * 3600), speed=0, duration_s=0)
        world = World(pilot, bus=bus, clock=WallClock(), run=run)
        for simulator in world.simulators.values():
            meter.wrap(simulator, "advance", type(simulator).__name__)
        for agent in world.agents:
            meter.wrap(agent, "sample", "endpoints")
        meter.wrap(bus, "publish", "memory bus")
        meter.wrap(twin.ingest, "pump", "twin: decode, gate, apply")
        meter.wrap(twin.writer, "submit", "twin: spool")
        twin.bus.open()
        bus.open()

        def follow(_frame: Frame) -> None:
            twin.ingest.pump()

        twin.bus.subscribe(topics.clock(pilot.name), follow)
        started = time.perf_counter()
        asyncio.run(world.run())
        stepped = time.perf_counter() - started
        twin.writer.start()
        twin.writer.flush(120)
        meter.seconds["store"] = time.perf_counter() - started - stepped
        meter.seconds["mosaik and the rest"] = stepped - sum(
            seconds for part, seconds in meter.seconds.items() if part != "store"
        )
        twin.stop()
    return dict(meter.seconds)


def bare_mosaik(steps: int, simulators: int) -> float:
    """Seconds that mosaik itself needs for so many steps of so many simulators in a row."""
    timeline = Timeline(epoch=START, live_at_s=steps * BACKFILL_STEP_S, step_s=BACKFILL_STEP_S, first_s=BACKFILL_STEP_S)

    async def run() -> None:
        async with AsyncWorld() as world:
            before = None
            for number in range(simulators):
                kwargs = {"timeline": timeline, "inputs": ["in"], "outputs": ["out"]}
                factory = await world.start(PythonStarter(Idle, kwargs=kwargs), sim_id=f"idle{number}")
                entity = await factory.models[MODEL]()
                if before is not None:
                    world.connect(before, entity, ("out", "in"))
                before = entity
            await world.run(until=steps * BACKFILL_STEP_S, print_progress=False)

    started = time.perf_counter()
    asyncio.run(run())
    return time.perf_counter() - started


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pilot", type=Path, default=Path("pilots/elm-street.yaml"))
    parser.add_argument("--hours", type=float, default=24)
    options = parser.parse_args()
    took, rows = together(options.pilot, options.hours)
    parts = shares(options.pilot, options.hours)
    steps = int(options.hours * 60)
    bare = bare_mosaik(steps, 10)
    whole = sum(parts.values())
    table = Table("part", "s", "share", title=f"{options.pilot.stem}, {options.hours:g} h at 1-min steps")
    for part, seconds in sorted(parts.items(), key=lambda item: -item[1]):
        table.add_row(part, f"{seconds:.2f}", f"{seconds / whole:.0%}")
    table.add_row("all in one process", f"{whole:.2f}", "100%")
    table.add_section()
    table.add_row("together: two processes over MQTT", f"{took:.2f}", f"{rows:,} rows")
    table.add_row("yardstick: 10 idle mosaik simulators", f"{bare:.2f}", f"together / yardstick {took / bare:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
