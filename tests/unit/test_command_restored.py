"""A twin that is started again takes up the commands it had sent, from history."""

from tests.ingest_stage import Stage
from twin.model.command import CommandState

IDLE = {"h1-meter": {"power_w": 500.0}, "h1-battery": {"power_w": 0.0, "power_setpoint_w": 0.0}}
CHARGING = {"h1-meter": {"power_w": 2500.0}, "h1-battery": {"power_w": 2000.0, "power_setpoint_w": 2000.0}}


def ask(stage: Stage, *, duration_s: float = 300.0) -> str:
    return stage.dispatcher.request("h1-battery", "power_setpoint_w", 2000.0, duration_s).command.id


def restarted(before: Stage, *, offset_s: float) -> Stage:
    after = Stage()
    after.pass_time(offset_s)
    records = sorted(before.history.commands().values(), key=lambda record: record.command.requested_at, reverse=True)
    after.dispatcher.restore(records)
    return after


def test_an_answer_that_comes_after_the_restart_finds_its_command() -> None:
    before = Stage()
    before.telemetry(IDLE)
    command = ask(before)
    before.pass_time(1)

    after = restarted(before, offset_s=5)
    after.telemetry(IDLE)
    after.answer(command, "acknowledged")
    after.pass_time(6)
    after.telemetry(CHARGING)

    record = after.dispatcher.record(command)
    assert record is not None
    assert record.reached(CommandState.ACKNOWLEDGED) is not None
    assert record.reached(CommandState.APPLIED) is not None
    assert after.state.device("h1-battery").desired["power_setpoint_w"].command_id == command
    assert after.state.dead_letter_counts == {}


def test_a_finished_command_stays_finished_and_is_still_known() -> None:
    before = Stage()
    before.telemetry(IDLE)
    command = ask(before, duration_s=10.0)
    before.pass_time(200)
    assert before.dispatcher.record(command).state is CommandState.EXPIRED  # type: ignore[union-attr]

    after = restarted(before, offset_s=210)
    after.pass_time(400)

    assert after.dispatcher.record(command) == before.dispatcher.record(command)
    assert not after.state.device("h1-battery").desired


def test_a_command_that_ran_out_meanwhile_ends() -> None:
    before = Stage()
    before.telemetry(IDLE)
    command = ask(before, duration_s=60.0)
    before.pass_time(1)

    after = restarted(before, offset_s=120)
    after.pass_time(150)

    record = after.dispatcher.record(command)
    assert record is not None
    assert record.state is CommandState.EXPIRED
    assert not after.state.device("h1-battery").desired


def test_a_new_command_supersedes_the_one_taken_up() -> None:
    before = Stage()
    before.telemetry(IDLE)
    first = ask(before)
    before.pass_time(1)

    after = restarted(before, offset_s=5)
    second = ask(after)

    assert second != first
    taken_up = after.dispatcher.record(first)
    assert taken_up is not None
    assert taken_up.state is CommandState.SUPERSEDED
