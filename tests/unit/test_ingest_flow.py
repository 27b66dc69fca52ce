"""From a frame on the bus to state, history and acknowledgement, and what happens when one of them cannot."""

import json

import pytest

from tests.ingest_stage import START, Stage, seconds
from twin.bus import codec, topics
from twin.bus.port import Frame
from twin.bus.wire import ClockMessage, GridMessage, Pace, WorldHealth
from twin.ingest.frame_queue import FrameQueue, Waiting
from twin.model.event import Reason
from twin.store.port import StoreError

METER = {"h1-meter": {"power_w": 500.0}}


def drive(stage: Stage, offset_s: float, *, mode: str = "driven") -> None:
    message = ClockMessage.model_validate({"time": stage.at(offset_s), "mode": mode})
    stage.far_bus.publish(topics.clock(stage.pilot.name), codec.encode(message), retain=True)
    stage.ingest.pump()


def grid_payload(**changes: object) -> bytes:
    fields: dict[str, object] = {
        "feeder": 0,
        "measured_at": START,
        "head_power_w": (1.0, 2.0, 3.0),
        "head_reactive_power_var": (0.0, 0.0, 0.0),
        "losses_w": 4.0,
        "transformer_loading": 0.5,
        "line_loading": 0.25,
        "v_min_pu": 0.97,
        "v_max_pu": 1.02,
        "node_voltage_pu": tuple(float(number) for number in range(12)),
    }
    return codec.encode(GridMessage.model_validate(fields | changes))


def unacknowledged(stage: Stage) -> int:
    """How many frames would come again, were the twin killed now."""
    return len(stage.broker._sessions["twin"].unacknowledged)


def recover(stage: Stage) -> None:
    """History works again, and the pause before the next try is over."""
    stage.history.trouble = None
    stage.ingest._commit._next_try_s = 0.0


def test_nothing_is_acknowledged_before_history_has_it() -> None:
    stage = Stage()
    stage.history.trouble = StoreError("disk full", retryable=True)
    stage.telemetry(METER)
    assert stage.state.device("h1-meter").reported == {"power_w": 500.0}
    assert unacknowledged(stage) == 1


def test_while_history_fails_the_state_goes_on_and_nothing_is_lost() -> None:
    stage = Stage()
    stage.history.trouble = StoreError("disk full", retryable=True)
    for offset_s in range(5):
        stage.pass_time(offset_s)
        stage.telemetry({"h1-meter": {"power_w": float(offset_s)}})
    assert stage.state.device("h1-meter").reported == {"power_w": 4.0}
    assert stage.event_kinds.count("history-failed") == 1
    recover(stage)
    stage.pass_time(6)
    assert [report.values["power_w"] for report in stage.history.reports] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert unacknowledged(stage) == 0
    assert "history-recovered" in stage.event_kinds


def test_what_history_will_never_take_is_an_alarm_and_does_not_stand_in_the_way() -> None:
    stage = Stage()
    stage.history.trouble = StoreError("not a row", retryable=False)
    stage.telemetry(METER)
    stage.history.trouble = None
    stage.pass_time(1)
    stage.telemetry(METER)
    assert "history-refused" in stage.event_kinds
    assert len(stage.history.reports) == 1
    assert unacknowledged(stage) == 0


def test_while_too_much_waits_for_history_no_more_is_taken() -> None:
    stage = Stage(queue_limit=3)
    stage.history.trouble = StoreError("disk full", retryable=True)
    for offset_s in range(10):
        stage.pass_time(offset_s)
        stage.telemetry({"h1-meter": {"power_w": float(offset_s)}})
    assert stage.state.device("h1-meter").reported == {"power_w": 2.0}
    recover(stage)
    stage.pass_time(11)
    assert [report.values["power_w"] for report in stage.history.reports] == [float(number) for number in range(10)]


def test_a_killed_twin_gets_again_what_it_had_not_made_safe_and_takes_it_once() -> None:
    stage = Stage()
    stage.telemetry(METER)
    stage.history.trouble = StoreError("disk full", retryable=True)
    stage.pass_time(1)
    stage.telemetry({"h1-meter": {"power_w": 900.0}})
    stage.twin_bus.drop()
    stage.twin_bus.open()
    recover(stage)
    stage.ingest.pump()
    assert [report.values["power_w"] for report in stage.history.reports] == [500.0, 900.0]
    assert stage.state.dead_letter_counts == {}
    assert unacknowledged(stage) == 0


def test_the_bus_gone_and_back_is_told_once_each() -> None:
    stage = Stage()
    stage.pass_time(1)
    stage.twin_bus.drop()
    for offset_s in (2, 3):
        stage.pass_time(offset_s)
    stage.twin_bus.open()
    for offset_s in (4, 5):
        stage.pass_time(offset_s)
    assert list(stage.event_kinds) == ["bus-gone", "bus-back"]


def test_a_driven_clock_moves_the_twin_and_the_twin_says_how_far_it_is() -> None:
    stage = Stage()
    paces: list[Frame] = []
    stage.far_bus.subscribe(topics.pace(stage.pilot.name), paces.append)
    for offset_s in (60, 120):
        now = stage.at(offset_s)
        stage.telemetry(METER, measured_at=now, published_at=now + seconds(0.5))
        drive(stage, offset_s + 1)
    assert stage.clock.now() == stage.at(121)
    assert [codec.decode(Pace, frame.payload).time for frame in paces] == [stage.at(61), stage.at(121)]
    assert stage.ingest.mode == "driven"


def test_in_driven_time_messages_speak_of_the_step_that_the_clock_has_yet_to_tell() -> None:
    stage = Stage()
    drive(stage, 0)
    for step in range(1, 4):
        stage.telemetry(METER, measured_at=stage.at(60 * step), published_at=stage.at(60 * step + 0.5))
        seen = stage.state.device("h1-meter")
        assert seen.received_at == stage.at(60 * step + 0.5)
        drive(stage, 60 * step)
    assert stage.state.dead_letter_counts == {}
    stage.telemetry(METER, measured_at=stage.at(180 + 126))
    assert stage.state.dead_letter_counts == {Reason.FROM_THE_FUTURE: 1}


def test_no_pace_is_told_while_history_cannot_take_what_came() -> None:
    stage = Stage()
    paces: list[Frame] = []
    stage.far_bus.subscribe(topics.pace(stage.pilot.name), paces.append)
    stage.history.trouble = StoreError("disk full", retryable=True)
    stage.telemetry(METER)
    drive(stage, 60)
    assert paces == []
    recover(stage)
    stage.ingest.pump()
    assert len(paces) == 1


def test_a_clock_that_is_told_to_go_back_stays_and_says_so() -> None:
    stage = Stage()
    drive(stage, 600)
    drive(stage, 60)
    assert stage.clock.now() == stage.at(600)
    assert stage.event_kinds.count("clock-went-back") == 1


def test_going_live_releases_the_clock() -> None:
    stage = Stage()
    drive(stage, 60)
    drive(stage, 61, mode="live")
    assert stage.ingest.mode == "live"
    assert stage.clock.now() > stage.at(61)


def test_a_power_flow_becomes_the_state_of_its_feeder() -> None:
    stage = Stage()
    stage.far_bus.publish(topics.grid(stage.pilot.name, 0), grid_payload())
    stage.ingest.pump()
    seen = stage.state.grid(0)
    assert seen is not None
    assert seen.head_power_w == (1.0, 2.0, 3.0)
    assert seen.node_voltage_pu == ((0.0, 1.0, 2.0), (3.0, 4.0, 5.0), (6.0, 7.0, 8.0), (9.0, 10.0, 11.0))
    assert [report for batch in stage.history.batches for report in batch.grid] == [seen]


@pytest.mark.parametrize(
    ("feeder", "changes", "reason"),
    [
        (0, {"feeder": 1}, Reason.WRONG_TOPIC),
        (1, {"feeder": 1}, Reason.UNKNOWN_DEVICE),
        (0, {"node_voltage_pu": (1.0, 1.0)}, Reason.WRONG_SHAPE),
        (0, {"measured_at": START + seconds(6)}, Reason.FROM_THE_FUTURE),
        (0, {"measured_at": START - seconds(8 * 86_400)}, Reason.TOO_OLD),
    ],
)
def test_a_power_flow_that_cannot_be_is_a_dead_letter(feeder: int, changes: dict[str, object], reason: Reason) -> None:
    stage = Stage()
    stage.far_bus.publish(topics.grid(stage.pilot.name, feeder), grid_payload(**changes))
    stage.ingest.pump()
    assert stage.state.dead_letter_counts == {reason: 1}
    assert stage.state.grid(0) is None


def test_the_worlds_own_health_is_shown() -> None:
    stage = Stage()
    fields = dict.fromkeys(WorldHealth.model_fields, 1) | {"published_at": START.isoformat(), "model_faults": ()}
    stage.far_bus.publish(topics.world(stage.pilot.name), json.dumps(fields).encode())
    stage.ingest.pump()
    assert stage.state.world is not None
    assert stage.state.world.lag_ms.p99 == 1.0


def waiting(payload: bytes, *, kept: bool) -> Waiting:
    token = (1, 1) if kept else None
    frame = Frame(topic="t", payload=payload, retained=False, arrived_s=0.0, token=token)
    return Waiting(lambda _: None, frame, len(payload))


def test_a_full_queue_refuses_what_nobody_keeps_and_holds_up_what_the_broker_keeps() -> None:
    queue = FrameQueue(2, hold_s=0.01)
    for _ in range(2):
        assert queue.put(waiting(b"x", kept=True), hold=True)
    assert not queue.put(waiting(b"x", kept=False), hold=True)
    assert queue.put(waiting(b"x", kept=True), hold=True)
    assert len(queue.take(10, 0.0)) == 3
    assert queue.put(waiting(b"x", kept=False), hold=True)


def test_a_queue_is_also_full_when_it_holds_too_many_bytes() -> None:
    queue = FrameQueue(100, bytes_limit=1_000, hold_s=0.0)
    assert queue.put(waiting(bytes(1_000), kept=True), hold=False)
    assert not queue.put(waiting(b"x", kept=False), hold=False)
    queue.take(1, 0.0)
    assert queue.put(waiting(b"x", kept=False), hold=False)


def test_overflow_is_counted() -> None:
    stage = Stage(queue_limit=1)
    topic = topics.endpoint(stage.pilot.name, "gw-h1", topics.TELEMETRY)
    for _ in range(3):
        stage.far_bus.publish(topic, b"{}", qos=0)
    assert stage.state.dead_letter_counts == {Reason.OVERFLOW: 2}
