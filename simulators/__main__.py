"""The simulated world as a process: `python -m simulators PILOT --broker URL`.

Started and watched by `twin run`; ends in order on SIGTERM or SIGINT. Exit code 2 for refused input.
"""

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from simulators.people.weather_file import WeatherError
from simulators.world import Run, World
from twin.bus import topics
from twin.bus.codec import encode
from twin.bus.mqtt import MqttBus
from twin.bus.wire import Status
from twin.clock import WallClock
from twin.pilot import PilotError, load_pilot

_REFUSED = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a world until it is over or told to stop."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    try:
        pilot = load_pilot(options.pilot)
        clock = WallClock()
        bus = MqttBus(url=options.broker, client_id=f"{pilot.name}-world", clock=clock)
        bus.set_will(topics.world_status(pilot.name), encode(Status(endpoint="world", state="offline")))
        run = Run(
            start=options.start,
            backfill_s=options.backfill_s,
            speed=options.speed,
            duration_s=options.duration_s,
            folder=options.folder,
        )
        bus.open()
        try:
            bus.publish(topics.world_status(pilot.name), encode(Status(endpoint="world", state="online")), retain=True)
            world = World(pilot, bus=bus, clock=clock, run=run)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: world.pacer.stop())
            asyncio.run(world.run())
        finally:
            bus.close()
    except (PilotError, WeatherError) as error:
        sys.stderr.write(f"{error}\n")
        return _REFUSED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulators", description=__doc__.splitlines()[0])
    parser.add_argument("pilot", type=Path, help="pilot file")
    parser.add_argument("--folder", type=Path, help="where the world keeps its state between runs")
    parser.add_argument("--broker", required=True, help="mqtt://host:port or mqtts://host:port")
    parser.add_argument("--start", type=datetime.fromisoformat, help="where live begins, RFC 3339; now when left out")
    parser.add_argument("--backfill-s", type=int, default=86_400, help="seconds of history before that")
    parser.add_argument("--speed", type=float, default=1.0, help="times real time; 0 as fast as the twin can follow")
    parser.add_argument("--duration-s", type=float, help="stop after so many seconds of pilot time once live")
    return parser


if __name__ == "__main__":
    sys.exit(main())
