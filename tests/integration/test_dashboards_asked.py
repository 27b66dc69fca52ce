"""Every query of every dashboard, variable, annotation and alert rule, asked of an InfluxDB that a real run has filled.

World and twin run in one process and in driven time, in the last hour: everything is commanded, one command fails, a
message is refused and an endpoint goes away, so that nothing has an excuse to be empty.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from dashboards.check import Ask, check
from simulators.world import Run, World
from tests.builders import small_pilot
from tests.influx_server import fresh_buckets
from twin.app import Twin
from twin.bus import topics
from twin.bus.memory import MemoryBroker
from twin.bus.port import Bus, Frame
from twin.bus.wire import Status
from twin.clock import DrivenClock, WallClock
from twin.model.device import DeviceKind
from twin.model.event import Severity
from twin.state.alarms import RAISED
from twin.store.influx.client import Influx
from twin.store.influx.store import InfluxStore
from twin.store.spool import Spool

pytestmark = pytest.mark.integration

RUN_S, BACKFILL_S, SAMPLE_S = 600, 1_800, 10
WISHES = {
    DeviceKind.BATTERY: ("power_setpoint_w", 1_500.0),
    DeviceKind.HEAT_PUMP: ("setpoint_offset_k", -1.0),
    DeviceKind.WATER_HEATER: ("setpoint_tank_degc", 50.0),
    DeviceKind.EV_CHARGER: ("power_limit_w", 2_000.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A server that holds a run, and when the run ended."""

    ask: Ask
    bucket: str
    end: datetime


class Play:
    """What happens during the run, told by the pilot's clock."""

    def __init__(self, twin: Twin, stranger: Bus, start: datetime) -> None:
        self._twin = twin
        self._stranger = stranger
        self._start = start
        self._done = set[str]()

    def follow(self, _frame: Frame) -> None:
        """Take in what has come; do what is due."""
        twin = self._twin
        twin.ingest.pump()
        seconds = (twin.clock.now() - self._start).total_seconds()
        if seconds >= 0 and self._due(f"sample {seconds // SAMPLE_S}", at_s=0):
            twin.sample()
        if self._due("ask", at_s=60):
            for device in twin.pilot.devices:
                if device.kind in WISHES:
                    twin.dispatcher.request(device.id, *WISHES[device.kind], RUN_S)
        if self._due("ask in vain", at_s=90):
            twin.dispatcher.request("h3-pv", "active_power_limit", 0.5, 5)  # the cloud needs minutes
        if self._due("spoil", at_s=120):
            self._say("gw-h1", topics.TELEMETRY, b"not json")
        if self._due("leave", at_s=RUN_S - 60):
            self._say("hems-h2", topics.STATUS, Status(endpoint="hems-h2", state="offline").model_dump_json().encode())
            twin.state.note(Severity.ALARM, RAISED, "offline:hems-h2", "HEMS: one of one endpoint offline")

    def _due(self, name: str, *, at_s: float) -> bool:
        due = name not in self._done and self._twin.clock.now() >= self._start + timedelta(seconds=at_s)
        if due:
            self._done.add(name)
        return due

    def _say(self, endpoint: str, channel: str, payload: bytes) -> None:
        self._stranger.publish(topics.endpoint(self._twin.pilot.name, endpoint, channel), payload)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    with fresh_buckets() as address:
        wall = WallClock()
        start = wall.now().replace(microsecond=0) - timedelta(seconds=RUN_S + 60)
        pilot = small_pilot(homes=3)
        broker = MemoryBroker()
        twin = Twin(
            pilot,
            bus=broker.client("twin"),
            clock=DrivenClock(start - timedelta(seconds=BACKFILL_S + 60)),
            store=InfluxStore(address, pilot, wall),
            spool=Spool(tmp_path_factory.mktemp("asked") / "spool"),
        )
        stranger, bus = broker.client("stranger"), broker.client("world")
        twin.writer.start()
        for client in (twin.bus, stranger, bus):
            client.open()
        twin.bus.subscribe(topics.clock(pilot.name), Play(twin, stranger, start).follow)
        run = Run(start=start, backfill_s=BACKFILL_S, speed=0, duration_s=RUN_S)
        asyncio.run(World(pilot, bus=bus, clock=wall, run=run).run())
        twin.ingest.pump()
        twin.sample()
        twin.writer.flush(60)
        end = twin.clock.now() + timedelta(seconds=1)
        twin.stop()
        server = Influx(address, wall)
        try:
            yield Filled(ask=server.ask, bucket=address.bucket, end=end)
        finally:
            server.close()


def test_every_query_has_rows(filled: Filled) -> None:
    answers = list(check(filled.ask, bucket=filled.bucket, now=filled.end, strict=True))

    failed = [
        f"{one.question.board}: {one.question.place}: {one.error or 'no rows'}" for one in answers if not one.passed
    ]
    assert not failed, "\n".join(failed)
    assert len(answers) > 90


def test_a_time_without_a_run_has_no_answers(filled: Filled) -> None:
    long_before = filled.end - timedelta(days=6)

    answers = list(check(filled.ask, bucket=filled.bucket, now=long_before))

    panels = [one for one in answers if one.question.role in {"panel", "alert"}]
    assert not any(one.rows for one in panels)
    assert any(not one.passed for one in panels)


def test_a_query_that_the_server_refuses_fails_with_its_words(filled: Filled) -> None:
    answers = check(filled.ask, bucket="no such bucket", now=filled.end)

    first = next(answers)
    assert not first.passed
    assert "no such bucket" in first.error
