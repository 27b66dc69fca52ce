"""World and twin run; afterwards history is asked what the twin knew at moments that were noted while it ran.

The cloud's values are minutes old when they come: a past moment must not show them before they came, and must show
them from then on. An archive of the run, opened elsewhere, must say the same to the byte.
"""

import asyncio
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from simulators.world import Run, World
from tests.builders import small_pilot
from twin.app import Twin
from twin.bus import topics
from twin.bus.memory import MemoryBroker
from twin.bus.port import Frame
from twin.clock import DrivenClock, WallClock
from twin.console.past import Rebuilt, rebuild
from twin.model.telemetry import GridReport
from twin.state.device_twin import Freshness, freshness
from twin.state.registry import PilotState
from twin.store.embedded import EmbeddedStore
from twin.store.incident import write
from twin.store.incident_reader import read
from twin.store.spool import Spool

START = datetime(2026, 6, 21, 16, 0, tzinfo=UTC)
RUN_S = 420
NOTED_S = (90, 200, 330, 410)
CLOUD = "h3-meter"

Times = tuple[datetime | None, datetime | None, datetime | None]


@dataclass
class Noted:
    """What the twin knew at one moment, written down then."""

    at: datetime
    times: Mapping[str, Times]
    reported: Mapping[str, Mapping[str, float]]
    ages: Mapping[str, Freshness]
    desired: Mapping[str, Mapping[str, float]]
    grid: GridReport | None


@dataclass
class Stage:
    """A run that is over, with what was noted on the way."""

    twin: Twin
    folder: Path
    noted: dict[int, Noted] = field(default_factory=dict)
    command: str = ""


def note(state: PilotState, now: datetime) -> Noted:
    devices = state.devices.values()
    return Noted(
        at=now,
        times={one.id: (one.measured_at, one.published_at, one.received_at) for one in devices},
        reported={one.id: dict(one.reported) for one in devices},
        ages={one.id: freshness(one, now) for one in devices},
        desired={one.id: {name: wish.value for name, wish in one.desired.items()} for one in devices},
        grid=state.grid(0),
    )


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("as-known-then")
    pilot = small_pilot(homes=3)
    broker = MemoryBroker()
    twin = Twin(
        pilot,
        bus=broker.client("twin"),
        clock=DrivenClock(START - timedelta(minutes=1)),
        store=EmbeddedStore(folder / "history.duckdb", pilot),
        spool=Spool(folder / "spool"),
    )
    stage = Stage(twin=twin, folder=folder)
    twin.writer.start()
    twin.bus.open()

    def follow(_frame: Frame) -> None:
        twin.ingest.pump()
        second = int((twin.clock.now() - START).total_seconds())
        if second >= 120 and not stage.command:
            stage.command = twin.dispatcher.request("h1-battery", "power_setpoint_w", 1_000.0, 120).command.id
        if second in NOTED_S:
            stage.noted[second] = note(twin.state, twin.clock.now())

    twin.bus.subscribe(topics.clock(pilot.name), follow)
    bus = broker.client("world")
    bus.open()
    run = Run(start=START, backfill_s=0, speed=0, duration_s=RUN_S)
    asyncio.run(World(pilot, bus=bus, clock=WallClock(), run=run).run())
    twin.ingest.pump()
    twin.writer.flush()
    yield stage
    twin.stop()


def known(stage: Stage, second: float) -> Rebuilt:
    return rebuild(stage.twin.pilot, stage.twin.store, at(second))


@pytest.mark.parametrize("second", NOTED_S)
def test_a_past_moment_is_what_the_twin_knew_when_it_was_now(stage: Stage, second: int) -> None:
    then = stage.noted[second]
    # In driven time the clock stands at a step until the next: what comes meanwhile is stamped with the step itself.
    just_before = then.at - timedelta(microseconds=1)
    again = note(rebuild(stage.twin.pilot, stage.twin.store, just_before).state, then.at)

    assert again.times == then.times
    assert again.reported == then.reported
    assert again.ages == then.ages
    assert again.desired == then.desired
    assert again.grid == then.grid


def test_the_cloud_comes_late_and_is_not_shown_before(stage: Stage) -> None:
    reports = [one for piece in stage.twin.store.reports_received(at(-60), at(RUN_S)) for one in piece]
    late = max((one for one in reports if one.device == CLOUD), key=lambda one: one.received_at - one.measured_at)
    lateness = late.received_at - late.measured_at
    assert lateness > timedelta(seconds=20)

    just_before = (late.received_at - START).total_seconds() - 0.001
    before, after = known(stage, just_before).state.device(CLOUD), known(stage, just_before + 0.001).state.device(CLOUD)

    assert before.measured_at is None or before.measured_at < late.measured_at
    assert (after.measured_at, after.received_at) == (late.measured_at, late.received_at)


def test_an_archive_opened_elsewhere_says_the_same_to_the_byte(stage: Stage, tmp_path: Path) -> None:
    twin = stage.twin
    write(tmp_path / "out.zip", twin.store, twin.pilot, start=at(150), end=at(RUN_S), written_at=at(RUN_S))
    incident = read(tmp_path / "out.zip", tmp_path / "elsewhere")
    store = EmbeddedStore(incident.database, incident.pilot)

    for second in (150, 200, 333.3, 410):
        here, there = known(stage, second), rebuild(incident.pilot, store, at(second))
        assert pickle.dumps(note(there.state, at(second))) == pickle.dumps(note(here.state, at(second)))
        assert there.commands == here.commands
        assert there.state.events == here.state.events
        assert there.health == here.health
    store.close()
