"""A replay: what it shows at a moment is what was known then, whichever way it got there."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests import review_stage as stage
from tests.review_stage import at
from twin.clock import WallClock
from twin.console.past import rebuild
from twin.model.command import CommandState
from twin.replay.player import HistoryPlayer
from twin.state.past import PastState
from twin.store.embedded import EmbeddedStore

TOGETHER_S = 10.0


class HandClock:
    """A stopwatch that the test holds."""

    def __init__(self) -> None:
        self.s = 0.0

    def now(self) -> datetime:
        return at(self.s)

    def monotonic_s(self) -> float:
        return self.s


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    store = EmbeddedStore(tmp_path_factory.mktemp("player") / "history.duckdb", stage.pilot())
    stage.write(store)
    yield store
    store.close()


@pytest.fixture
def player(store: EmbeddedStore) -> Iterator[HistoryPlayer]:
    player = HistoryPlayer(stage.pilot(), store, start=at(30), end=at(590), speed=10.0, at=at(100), wall=HandClock())
    player.open()
    yield player
    player.close()


def eventually(what: Callable[[], bool]) -> None:
    clock, pause = WallClock(), threading.Event()
    end_s = clock.monotonic_s() + TOGETHER_S
    while not what():
        assert clock.monotonic_s() < end_s, f"not within {TOGETHER_S} s"
        pause.wait(0.01)


def picture(state: PastState) -> object:
    """All that the pages show of devices and feeders."""
    devices = [(one.id, one.reported, one.measured_at, one.received_at, one.desired) for one in state.devices.values()]
    online = [state.online(endpoint.id) for endpoint in state.pilot.endpoints]
    return devices, online, dict(state.grids), list(state.events), dict(state.dead_letter_counts)


def test_it_begins_where_it_is_told_and_stands_still(player: HistoryPlayer) -> None:
    assert player.now == at(100)
    assert not player.playing
    assert player.state.device("h1-meter").measured_at == at(100)


def test_playing_shows_what_leaping_shows(store: EmbeddedStore) -> None:
    clock = HandClock()
    player = HistoryPlayer(stage.pilot(), store, start=at(30), end=at(590), speed=10.0, at=at(100), wall=clock)
    player.open()
    player.play()
    for second in range(1, 34):
        clock.s = second
        player.play()  # pressed again it only looks at the clock at once
        eventually(lambda goal=100 + 10 * second: player.now >= at(goal))  # type: ignore[misc]
    player.pause()
    shown = player.now
    player.close()

    assert shown == at(430)
    assert picture(player.state) == picture(rebuild(stage.pilot(), store, shown).state)
    assert player.desk.records()[0].state is CommandState.EXPIRED


def test_a_leap_back_forgets_what_came_later(player: HistoryPlayer) -> None:
    player.seek(at(400))
    eventually(lambda: player.now == at(400))
    assert player.state.device("h3-meter").measured_at == at(120)
    version = player.state.version

    player.seek(at(50))
    eventually(lambda: player.now == at(50))

    assert player.state.device("h3-meter").measured_at is None
    assert player.desk.records() == ()
    assert player.state.version > version


def test_it_stays_within_its_stretch(player: HistoryPlayer) -> None:
    player.seek(at(0))
    eventually(lambda: player.now == at(30))
    player.seek(at(5_000))
    eventually(lambda: player.now == at(590))


def test_at_the_end_it_stops_and_play_begins_anew(store: EmbeddedStore) -> None:
    clock = HandClock()
    player = HistoryPlayer(stage.pilot(), store, start=at(30), end=at(60), speed=1.0, at=at(59), wall=clock)
    player.open()
    player.play()
    clock.s = 5
    eventually(lambda: not player.playing)
    assert player.now == at(60)

    player.play()
    eventually(lambda: player.now == at(30))
    assert player.playing
    player.close()


def test_a_speed_that_is_none_is_refused(player: HistoryPlayer) -> None:
    with pytest.raises(ValueError, match="positive"):
        player.set_speed(0.0)
    player.set_speed(60.0)
    assert player.speed == 60.0


def test_nothing_can_be_asked_of_a_replay(player: HistoryPlayer) -> None:
    with pytest.raises(ValueError, match="this is a replay"):
        player.desk.request(device="h1-battery", quantity="power_setpoint_w", value=1.0)


def test_history_that_cannot_be_read_stops_the_play_and_is_said(tmp_path: Path) -> None:
    store, clock = EmbeddedStore(tmp_path / "history.duckdb", stage.pilot()), HandClock()
    stage.write(store)
    player = HistoryPlayer(stage.pilot(), store, start=at(30), end=at(590), speed=1.0, at=at(59), wall=clock)
    player.open()
    store.close()
    player.play()
    clock.s = 5

    eventually(lambda: bool(player.trouble))

    assert not player.playing
    assert "closed" in player.trouble
    player.close()


def test_a_long_stride_is_a_leap(store: EmbeddedStore) -> None:
    clock = HandClock()
    player = HistoryPlayer(stage.pilot(), store, start=at(30), end=at(590), speed=300.0, at=at(60), wall=clock)
    player.open()
    player.play()
    clock.s = 1
    eventually(lambda: player.now == at(360))
    player.pause()
    player.close()

    assert player.state.device("h3-meter").measured_at == at(120)
    assert at(360) - timedelta(minutes=5) == at(60)
