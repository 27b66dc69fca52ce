"""A past moment as it was known then: what had not come is not there, what came late comes late."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import review_stage as stage
from tests.review_stage import at
from twin.clock import DrivenClock
from twin.console.past import KnownHistory, Rebuilt, Silent, rebuild
from twin.model.command import CommandState
from twin.model.device import Pathway
from twin.model.event import Reason
from twin.state.aggregate import overview
from twin.state.device_twin import freshness
from twin.store.embedded import EmbeddedStore


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    store = EmbeddedStore(tmp_path_factory.mktemp("past") / "history.duckdb", stage.pilot())
    stage.write(store)
    yield store
    store.close()


def known(store: EmbeddedStore, second: float) -> Rebuilt:
    return rebuild(stage.pilot(), store, at(second))


def test_what_a_cloud_has_cached_is_not_known_before_it_comes(store: EmbeddedStore) -> None:
    before, after = known(store, stage.CACHE_S - 1).state, known(store, stage.CACHE_S).state

    assert before.device("h3-meter").measured_at is None
    assert after.device("h3-meter").measured_at == at(0)
    assert after.device("h3-meter").received_at == at(stage.CACHE_S)
    assert known(store, 599).state.device("h3-meter").measured_at == at(300)


def test_ages_and_freshness_are_those_of_then(store: EmbeddedStore) -> None:
    state = known(store, 599).state

    assert freshness(state.device("h3-meter"), at(599)).age_s == 299.0
    assert not freshness(state.device("h3-meter"), at(599)).stale  # the cloud promises 300 s
    assert freshness(known(store, 301).state.device("h3-meter"), at(301)).age_s == 241.0
    assert freshness(known(store, 400).state.device("h2-meter"), at(400)).stale


def test_an_endpoint_is_there_or_not_as_the_events_tell(store: EmbeddedStore) -> None:
    assert known(store, 290).state.online("hems-h2") is True
    assert known(store, 310).state.online("hems-h2") is False
    assert known(store, 450).state.online("hems-h2") is True
    assert known(store, 100).state.online("acme") is None
    assert known(store, 300).state.online("acme") is True  # no event tells; it was heard
    assert overview(known(store, 310).state, at(310)).endpoints_online == 2


def test_latency_and_counts_of_a_pathway_are_told(store: EmbeddedStore) -> None:
    gateway = known(store, 400).state.pathways[Pathway.GATEWAY]

    assert gateway.latency_ms.p50 == pytest.approx(200.0)
    assert gateway.messages == 400


def test_a_wish_stands_from_when_it_was_asked_until_it_ended(store: EmbeddedStore) -> None:
    def desired(second: float) -> float | None:
        wish = known(store, second).state.device("h1-battery").desired.get("power_setpoint_w")
        return None if wish is None else wish.value

    assert [desired(second) for second in (119, 120, 419, 421)] == [None, 1_500.0, 1_500.0, None]


def test_commands_have_the_steps_that_they_had_taken(store: EmbeddedStore) -> None:
    assert known(store, 119).commands == []
    assert known(store, 125).commands[0].state is CommandState.ACKNOWLEDGED
    assert known(store, 500).commands[0].state is CommandState.EXPIRED


def test_events_and_dead_letters_are_those_of_then(store: EmbeddedStore) -> None:
    early, late = known(store, 199).state, known(store, 300).state

    assert [event.kind for event in early.events] == ["endpoint-online", "endpoint-online"]
    assert late.events[0].kind == "endpoint-offline"
    assert (early.dead_letter_counts, late.dead_letter_counts) == ({}, {Reason.NOT_JSON: 1})
    assert [letter.at for letter in late.dead_letters] == [at(200)]


def test_the_feeder_and_the_last_picture_of_its_nodes(store: EmbeddedStore) -> None:
    grid = known(store, 95).state.grid(0)

    assert grid is not None
    assert grid.measured_at == at(90)
    assert grid.node_voltage_pu[3] == (1.0, 1.0, 1.0006)


def test_the_twin_says_how_it_was(store: EmbeddedStore) -> None:
    health = known(store, 255).health

    assert (health.mode, health.bus_connected, health.ingest.messages) == ("past", True, 250)
    assert health.world is not None
    assert health.world.steps == 250
    assert health.ingest.update_latency_ms.max == 12.5


def test_before_the_first_sample_nothing_is_claimed_of_the_twin(tmp_path: Path) -> None:
    empty = EmbeddedStore(tmp_path / "history.duckdb", stage.pilot())
    rebuilt = rebuild(stage.pilot(), empty, at(0))
    empty.close()

    assert rebuilt.health.world is None
    assert rebuilt.state.events == ()
    assert overview(rebuilt.state, at(0)).devices_reporting == 0


def test_no_chart_shows_what_had_not_come(store: EmbeddedStore) -> None:
    clock = DrivenClock(at(250))
    history = KnownHistory(store, clock)

    def cloud() -> list[float]:
        return list(history.device_series("h3-meter", "power_w", at(0), at(600)).values)

    assert cloud() == [0.0]
    clock.drive(at(599))
    assert cloud() == [0.0, 60.0, 120.0, 180.0, 240.0, 300.0]
    assert len(history.recent_events(9, until=at(2_000))) == 4
    assert list(history.grid_series("losses_w", at(590), at(2_000)).values) == [10.0]


def test_nothing_can_be_asked_of_the_past() -> None:
    desk = Silent("this is past")
    desk.show([stage.command()])

    with pytest.raises(ValueError, match="this is past"):
        desk.request(device="h1-battery", quantity="power_setpoint_w", value=1.0)
    assert desk.record("wish-1") == stage.command()
    assert desk.record("other") is None


def test_a_state_follows_a_leap_in_time_for_who_reads_it(store: EmbeddedStore) -> None:
    early, late = known(store, 100).state, known(store, 500).state
    version = early.version

    early.become(late)

    assert early.version > version
    assert early.device("h1-meter").measured_at == at(500)
    assert early.online("acme") is True
