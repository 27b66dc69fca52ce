"""A command's life from the request to its end, every branch, each step timed."""

from collections.abc import Sequence

import pytest

from tests.builders import small_pilot
from tests.ingest_stage import START, Stage, seconds
from twin.bus import codec
from twin.bus.wire import CommandMessage
from twin.model.command import CommandRecord, CommandState
from twin.model.device import Pathway
from twin.model.event import Reason
from twin.state.commands import CommandBook

IDLE = {"h1-meter": {"power_w": 500.0}, "h1-battery": {"power_w": 0.0, "power_setpoint_w": 0.0}}
CHARGING = {"h1-meter": {"power_w": 2500.0}, "h1-battery": {"power_w": 2000.0, "power_setpoint_w": 2000.0}}


def charge(stage: Stage, *, duration_s: float = 300.0) -> str:
    record = stage.dispatcher.request(
        device="h1-battery", quantity="power_setpoint_w", value=2000.0, duration_s=duration_s
    )
    return record.command.id


def found(stage: Stage, command: str) -> CommandRecord:
    record = stage.dispatcher.record(command)
    assert record is not None
    return record


def life(stage: Stage, command: str) -> Sequence[tuple[CommandState, float]]:
    return [(step.state, (step.at - START).total_seconds()) for step in found(stage, command).steps]


def sent_ids(stage: Stage) -> Sequence[str]:
    return [codec.decode(CommandMessage, frame.payload).id for frame in stage.commands]


def test_a_command_is_sent_acknowledged_applied_and_verified_and_each_step_is_timed() -> None:
    stage = Stage()
    stage.telemetry(IDLE)
    command = charge(stage)
    assert stage.state.device("h1-battery").reported["power_setpoint_w"] == 0.0
    stage.pass_time(1)
    stage.answer(command, "acknowledged")
    stage.pass_time(2)
    stage.telemetry({"h1-battery": CHARGING["h1-battery"]})
    stage.pass_time(3)
    stage.telemetry(CHARGING)
    assert life(stage, command) == [
        (CommandState.REQUESTED, 0),
        (CommandState.SENT, 0),
        (CommandState.ACKNOWLEDGED, 1),
        (CommandState.APPLIED, 2),
        (CommandState.VERIFIED, 3),
    ]
    assert stage.history.commands()[command] == found(stage, command)
    stage.pass_time(301)
    assert stage.state.device("h1-battery").desired == {}
    assert found(stage, command).state is CommandState.VERIFIED


@pytest.mark.parametrize("outcome", ["refused", "expired", "superseded"])
def test_an_endpoint_may_say_no(outcome: str) -> None:
    stage = Stage()
    command = charge(stage)
    stage.answer(command, outcome, reason="owner opted out")
    assert found(stage, command).state == outcome
    assert found(stage, command).steps[-1].reason == "owner opted out"
    assert stage.state.device("h1-battery").desired == {}
    assert f"command-{outcome}" in stage.event_kinds


def test_a_second_answer_changes_nothing() -> None:
    stage = Stage()
    command = charge(stage)
    stage.answer(command, "acknowledged")
    stage.pass_time(1)
    stage.answer(command, "acknowledged")
    assert len(found(stage, command).steps) == 3
    assert stage.state.dead_letter_counts == {}


def test_an_answer_to_nothing_that_was_asked_is_a_dead_letter() -> None:
    stage = Stage()
    command = charge(stage)
    stage.answer("made-up", "acknowledged")
    stage.answer(command, "acknowledged", endpoint="gw-h2")
    assert stage.state.dead_letter_counts == {Reason.UNKNOWN_COMMAND: 1, Reason.NOT_ITS_DEVICE: 1}
    assert found(stage, command).state is CommandState.SENT


def test_what_the_device_measured_before_the_command_does_not_show_it_applied() -> None:
    stage = Stage()
    stage.pass_time(10)
    command = charge(stage)
    stage.answer(command, "acknowledged")
    stage.telemetry(CHARGING, measured_at=START + seconds(9))
    assert found(stage, command).state is CommandState.ACKNOWLEDGED


def test_a_report_that_overtakes_the_answer_counts_once_the_answer_is_here() -> None:
    stage = Stage()
    stage.telemetry(IDLE)
    command = charge(stage)
    stage.pass_time(1)
    stage.telemetry(CHARGING)
    assert found(stage, command).state is CommandState.SENT
    stage.pass_time(2)
    stage.answer(command, "acknowledged")
    assert [state for state, _ in life(stage, command)][2:] == ["acknowledged", "applied", "verified"]


def test_a_device_that_obeys_without_a_word_is_taken_at_its_deed() -> None:
    stage = Stage()
    stage.telemetry(IDLE)
    command = charge(stage)
    stage.pass_time(1)
    stage.telemetry(CHARGING)
    stage.pass_time(30)
    assert [state for state, _ in life(stage, command)][2:] == ["applied", "verified"]


def test_a_command_that_nobody_answers_is_unreachable() -> None:
    stage = Stage()
    stage.status("online")
    command = charge(stage)
    stage.pass_time(21)
    assert found(stage, command).state is CommandState.SENT
    stage.pass_time(22)
    assert found(stage, command).state is CommandState.UNREACHABLE
    assert stage.state.device("h1-battery").desired == {}


def test_a_cloud_is_given_longer_to_answer_than_a_gateway() -> None:
    stage = Stage(small_pilot(homes=1, pathways=(Pathway.OEM,)))
    command = charge(stage)
    stage.pass_time(180)
    assert found(stage, command).state is CommandState.SENT
    stage.pass_time(181)
    assert found(stage, command).state is CommandState.UNREACHABLE


@pytest.mark.parametrize(
    ("told", "reason"),
    [(False, "never answered"), (True, "never reported")],
)
def test_a_command_that_is_not_verified_expires_and_says_what_was_missing(*, told: bool, reason: str) -> None:
    stage = Stage()
    command = charge(stage, duration_s=10)
    if told:
        stage.answer(command, "acknowledged")
    stage.pass_time(16)
    assert found(stage, command).state is CommandState.EXPIRED
    assert reason in found(stage, command).steps[-1].reason
    assert stage.state.device("h1-battery").desired == {}


def test_the_wish_ends_on_time_though_late_evidence_is_still_awaited() -> None:
    """A cloud may deliver five minutes late what was measured while the command was in force."""
    stage = Stage(small_pilot(homes=1, pathways=(Pathway.OEM,)))
    command = charge(stage, duration_s=60)
    stage.book.answer(endpoint="acme", command=command, outcome="acknowledged", reason="", now=START)
    stage.pass_time(61)
    assert stage.state.device("h1-battery").desired == {}
    assert found(stage, command).state is CommandState.ACKNOWLEDGED
    stage.pass_time(361)
    assert found(stage, command).state is CommandState.EXPIRED


def test_while_the_endpoint_is_away_a_command_waits_and_goes_out_when_it_is_back() -> None:
    stage = Stage()
    stage.status("online")
    stage.status("offline")
    command = charge(stage)
    stage.pass_time(100)
    assert (found(stage, command).state, stage.commands) == (CommandState.REQUESTED, [])
    stage.status("online")
    assert sent_ids(stage) == [command]
    assert found(stage, command).state is CommandState.SENT


def test_while_the_endpoint_never_comes_back_a_command_expires() -> None:
    stage = Stage()
    stage.status("offline")
    command = charge(stage)
    stage.pass_time(301)
    assert found(stage, command).state is CommandState.EXPIRED
    assert "not there" in found(stage, command).steps[-1].reason


def test_after_an_outage_an_unanswered_command_is_sent_again_under_the_same_id() -> None:
    stage = Stage()
    stage.status("online")
    command = charge(stage)
    stage.status("offline")
    stage.pass_time(100)
    stage.status("online")
    assert sent_ids(stage) == [command, command]
    stage.answer(command, "acknowledged")
    assert found(stage, command).state is CommandState.ACKNOWLEDGED


def test_after_an_outage_a_command_that_the_device_shows_is_not_sent_again() -> None:
    stage = Stage()
    stage.status("online")
    stage.telemetry(IDLE)
    command = charge(stage)
    stage.answer(command, "acknowledged")
    stage.pass_time(1)
    stage.telemetry(CHARGING)
    stage.status("offline")
    stage.status("online")
    assert sent_ids(stage) == [command]


def test_a_gateway_that_restarted_and_forgot_is_told_again() -> None:
    stage = Stage()
    stage.birth(session="a")
    stage.telemetry(IDLE, session="a")
    command = charge(stage)
    stage.answer(command, "acknowledged")
    stage.pass_time(1)
    stage.telemetry(CHARGING, session="a")
    stage.pass_time(2)
    stage.telemetry(IDLE, session="b")
    assert sent_ids(stage) == [command, command]
    assert stage.state.device("h1-battery").desired["power_setpoint_w"].command_id == command
    stage.pass_time(3)
    stage.telemetry(IDLE, session="b")
    assert len(stage.commands) == 2


def test_what_the_owner_has_overridden_since_is_dropped_and_not_sent_again() -> None:
    stage = Stage()
    stage.status("online")
    stage.telemetry(IDLE)
    command = charge(stage)
    stage.answer(command, "acknowledged")
    stage.pass_time(1)
    stage.telemetry({"h1-battery": CHARGING["h1-battery"]})
    stage.status("offline")
    stage.pass_time(20)
    stage.status("online")
    stage.telemetry(IDLE)
    assert found(stage, command).state is CommandState.SUPERSEDED
    assert "overridden at the device" in found(stage, command).steps[-1].reason
    assert sent_ids(stage) == [command]
    assert stage.state.device("h1-battery").desired == {}


def test_a_device_whose_clock_ends_a_command_a_little_early_has_not_overridden_it() -> None:
    stage = Stage()
    stage.telemetry(IDLE)
    command = charge(stage, duration_s=60)
    stage.answer(command, "acknowledged")
    stage.pass_time(1)
    stage.telemetry({"h1-battery": CHARGING["h1-battery"]})
    stage.pass_time(57)
    stage.telemetry({"h1-battery": IDLE["h1-battery"]})
    assert found(stage, command).state is CommandState.APPLIED


def test_while_the_bus_is_gone_a_command_waits_and_nothing_is_lost() -> None:
    stage = Stage()
    stage.twin_bus.drop()
    command = charge(stage)
    assert found(stage, command).state is CommandState.REQUESTED
    stage.twin_bus.open()
    stage.pass_time(1)
    assert sent_ids(stage) == [command]


def test_the_book_needs_neither_bus_nor_clock() -> None:
    book = CommandBook(small_pilot())
    record = book.request(
        device="h1-battery",
        quantity="power_setpoint_w",
        value=1.0,
        duration_s=1,
        priority=5,
        origin="test",
        now=START,
    )
    book.tick(START + seconds(1), lambda _: True)
    assert [step.state for step in book.changed()[0].steps] == [CommandState.REQUESTED, CommandState.EXPIRED]
    assert book.changed() == ()
    assert not book.in_force(record.command.id)
