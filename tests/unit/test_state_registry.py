"""The pilot's state: what gets in, what is refused, what is an event, and what readers see."""

from datetime import timedelta

import pytest

from tests.builders import small_pilot
from tests.ingest_stage import START, Stage, seconds
from twin.clock import DrivenClock
from twin.model.device import Pathway
from twin.model.event import Reason
from twin.model.health import Percentiles
from twin.model.telemetry import GridReport, Report
from twin.state.registry import PilotState

METER = {"h1-meter": {"power_w": 500.0}}


def reasons(stage: Stage) -> dict[Reason, int]:
    return dict(stage.state.dead_letter_counts)


@pytest.mark.parametrize(
    ("offset", "reason"),
    [
        (seconds(5), None),
        (seconds(5.001), Reason.FROM_THE_FUTURE),
        (-timedelta(days=7), None),
        (-timedelta(days=7, seconds=1), Reason.TOO_OLD),
    ],
)
def test_a_measurement_may_be_a_little_ahead_and_up_to_a_week_old(offset: timedelta, reason: Reason | None) -> None:
    stage = Stage()
    stage.telemetry(METER, measured_at=START + offset)
    assert reasons(stage) == ({reason: 1} if reason else {})
    assert bool(stage.state.device("h1-meter").reported) is (reason is None)


def test_one_bad_reading_does_not_cost_the_good_ones_beside_it() -> None:
    stage = Stage()
    stage.telemetry({**METER, "h2-meter": {"power_w": 1.0}, "h9-meter": {"power_w": 1.0}, "h1-pv": {"soc": 7.0}})
    assert reasons(stage) == {Reason.NOT_ITS_DEVICE: 1, Reason.UNKNOWN_DEVICE: 1, Reason.OUT_OF_RANGE: 1}
    assert stage.state.device("h1-meter").reported == {"power_w": 500.0}
    assert not stage.state.device("h2-meter").reported
    assert stage.state.endpoint("gw-h1").dead_letters == 3


def test_a_message_published_in_the_future_is_refused_whole() -> None:
    stage = Stage()
    stage.telemetry(METER, published_at=START + seconds(60))
    assert reasons(stage) == {Reason.FROM_THE_FUTURE: 1}
    assert not stage.state.device("h1-meter").reported


def test_a_replayed_message_is_refused_and_a_late_one_is_history_but_not_news() -> None:
    stage = Stage()
    stage.telemetry(METER, sequence=0)
    stage.pass_time(10)
    stage.telemetry(METER, sequence=5)
    stage.telemetry(METER, sequence=5)
    assert reasons(stage) == {Reason.REPLAYED: 1}
    stage.telemetry({"h1-meter": {"power_w": 77.0}}, sequence=4, measured_at=START + seconds(4))
    assert stage.state.device("h1-meter").reported == {"power_w": 500.0}
    assert [report.values["power_w"] for report in stage.history.reports] == [500.0, 500.0, 77.0]


def test_a_new_session_counts_from_its_own_start_and_the_old_one_stays_known() -> None:
    stage = Stage()
    stage.telemetry(METER, session="a", sequence=7)
    stage.pass_time(1)
    stage.telemetry(METER, session="b", sequence=0)
    assert stage.state.device("h1-meter").measured_at == START + seconds(1)
    assert (stage.state.endpoint("gw-h1").session, stage.state.endpoint("gw-h1").sequence) == ("b", 0)
    stage.telemetry(METER, session="a", sequence=7)
    assert reasons(stage) == {Reason.REPLAYED: 1}


def test_a_refused_message_does_not_use_up_its_sequence_number() -> None:
    stage = Stage()
    stage.telemetry(METER, sequence=900, measured_at=START + timedelta(days=1))
    stage.telemetry(METER, sequence=1)
    assert stage.state.device("h1-meter").reported == {"power_w": 500.0}


def test_a_cache_that_repeats_itself_is_a_duplicate_and_no_dead_letter() -> None:
    stage = Stage()
    for _ in range(3):
        stage.telemetry(METER, measured_at=START)
    health = stage.ingest.health()
    assert (health.duplicates, health.twin_updates, health.dead_letters) == (2, 1, {})
    assert len(stage.history.reports) == 1


def test_after_an_outage_an_endpoint_may_repeat_what_was_not_acknowledged() -> None:
    stage = Stage()
    stage.status("online")
    stage.telemetry(METER, sequence=1)
    stage.status("offline")
    stage.status("online")
    stage.telemetry(METER, sequence=1)
    assert reasons(stage) == {}
    assert stage.ingest.health().duplicates == 1
    stage.pass_time(120)
    stage.telemetry(METER, sequence=1)
    assert reasons(stage) == {Reason.REPLAYED: 1}


def test_stale_and_fresh_again_are_told_once_each() -> None:
    stage = Stage()
    stage.telemetry(METER)
    for offset_s in (1, 5.5, 6, 7, 8):
        stage.pass_time(offset_s)
    assert stage.event_kinds.count("device-stale") == 1
    stage.telemetry(METER)
    stage.pass_time(9)
    stage.pass_time(10)
    assert stage.event_kinds.count("device-fresh-again") == 1
    stage.pass_time(60)
    assert stage.event_kinds.count("device-stale") == 2


def test_many_devices_of_an_endpoint_make_one_event_together() -> None:
    stage = Stage()
    stage.telemetry({device.id: {"power_w": 1.0} for device in stage.pilot.endpoint_devices["gw-h1"]})
    stage.pass_time(30)
    assert list(stage.event_kinds) == ["endpoint-online", "devices-first-seen", "devices-stale"]


def test_an_endpoint_comes_goes_and_shows_that_it_lives() -> None:
    stage = Stage()
    assert stage.state.endpoint("gw-h1").online is None
    stage.birth(session="s1")
    stage.status("online")
    stage.status("online")
    stage.status("offline")
    assert list(stage.event_kinds) == ["endpoint-online", "endpoint-offline"]
    stage.telemetry(METER)  # published before it went, still under way
    assert stage.state.endpoint("gw-h1").online is False
    stage.pass_time(6)
    stage.telemetry(METER)
    seen = stage.state.endpoint("gw-h1")
    assert (seen.online, seen.software, seen.session) == (True, "gateway 1.0", "s1")


def test_a_birth_that_the_broker_kept_does_not_bring_a_gone_endpoint_back() -> None:
    stage = Stage()
    stage.birth()
    stage.status("online")
    stage.status("offline")
    stage.twin_bus.drop()
    stage.twin_bus.open()
    stage.ingest.pump()
    assert stage.state.online("gw-h1") is False
    assert stage.event_kinds.count("endpoint-online") == 1


def test_what_a_far_side_says_of_itself_is_kept_short() -> None:
    stage = Stage()
    stage.state.take_presence("gw-h1", online=True, session="s" * 10_000, software="v" * 10_000)
    seen = stage.state.endpoint("gw-h1")
    assert (len(seen.session or ""), len(seen.software or "")) == (64, 64)


def test_an_endpoint_knows_its_rate_latency_and_age() -> None:
    stage = Stage()
    for offset_s in range(1, 121):
        stage.pass_time(offset_s)
        now = stage.clock.now()
        stage.telemetry(METER, measured_at=now - seconds(0.5), published_at=now - seconds(0.2))
    seen = stage.state.endpoint("gw-h1")
    assert seen.messages == 120
    assert seen.messages_per_s == pytest.approx(1.0, abs=0.1)
    assert seen.latency_ms == Percentiles(p50=200.0, p99=200.0, max=200.0)
    assert (seen.age_p50_s, seen.age_max_s) == (0.5, 0.5)
    stage.pass_time(300)
    assert stage.state.endpoint("gw-h1").messages_per_s == 0.0


def test_readers_keep_a_consistent_view_and_see_by_the_version_that_it_is_old() -> None:
    stage = Stage()
    stage.telemetry(METER)
    version, view = stage.state.version, stage.state.devices
    assert stage.state.devices is view
    stage.pass_time(1)
    stage.telemetry({"h1-meter": {"power_w": 900.0}})
    assert view["h1-meter"].reported == {"power_w": 500.0}
    assert stage.state.devices["h1-meter"].reported == {"power_w": 900.0}
    assert stage.state.version > version


def test_the_state_starts_from_what_history_knows_without_any_noise() -> None:
    state = PilotState(small_pilot(homes=1, pathways=(Pathway.GATEWAY,)), DrivenClock(START))
    known = Report(device="h1-meter", measured_at=START, published_at=START, received_at=START, values={"power_w": 3.0})
    gone = Report(device="h7-meter", measured_at=START, published_at=START, received_at=START, values={"power_w": 3.0})
    state.restore([known, gone])
    assert state.device("h1-meter").reported == {"power_w": 3.0}
    assert not state.events


def test_a_power_flow_that_is_not_newer_changes_nothing() -> None:
    state = PilotState(small_pilot(), DrivenClock(START))
    report = GridReport(
        feeder=0,
        measured_at=START,
        received_at=START,
        head_power_w=(1.0, 2.0, 3.0),
        head_reactive_power_var=(0.0, 0.0, 0.0),
        losses_w=1.0,
        transformer_loading=0.5,
        line_loading=0.2,
        v_min_pu=0.98,
        v_max_pu=1.01,
    )
    assert state.grid(0) is None
    assert state.take_grid(report)
    assert not state.take_grid(report)
    assert state.grid(0) is report
