"""The ingest on a thread of its own, and what it withstands there."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime

import pytest

from tests.ingest_stage import START, KeptHistory, Stage
from twin.adapters.port import Decoded, Outbound
from twin.bus.port import Frame
from twin.dispatch import Dispatcher
from twin.ingest import Ingest
from twin.model.command import Command, CommandState
from twin.model.event import Reason, Severity
from twin.store.port import Batch, StoreError


def eventually(condition: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + 5.0
    while not condition() and time.monotonic() < deadline_s:
        threading.Event().wait(0.005)
    return condition()


def test_frames_are_taken_as_they_come_until_it_is_closed() -> None:
    stage = Stage()
    stage.ingest.start()
    for number in range(50):
        stage.clock.drive(stage.at(number))
        stage.far_bus.publish(
            "hg/1/small/gw-h1/status", b'{"endpoint": "gw-h1", "state": "online"}', retain=bool(number % 2)
        )
    assert eventually(lambda: stage.ingest.health().messages == 50)
    assert stage.ingest.alive
    started_s = time.monotonic()
    stage.ingest.close()
    assert time.monotonic() - started_s < 2.0
    stage.far_bus.publish("hg/1/small/gw-h1/status", b'{"endpoint": "gw-h1", "state": "offline"}')
    assert stage.state.online("gw-h1") is True


def test_history_that_recovers_gets_everything_without_anybodys_help() -> None:
    stage = Stage()
    stage.history.trouble = StoreError("disk full", retryable=True)
    stage.ingest.start()
    stage.far_bus.publish("hg/1/small/gw-h1/telemetry", b"not json")
    assert eventually(lambda: "history-failed" in stage.event_kinds)
    stage.history.trouble = None
    assert eventually(lambda: any(batch.dead_letters for batch in stage.history.batches))
    stage.ingest.close()


class BrokenHistory(KeptHistory):
    """A fault of ours, not of the world's."""

    def submit(self, batch: Batch) -> None:
        raise RuntimeError(f"a fault in the program, met with {len(batch.events)} events")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_of_our_own_ends_the_ingest_loudly() -> None:
    stage = Stage()
    ingest = Ingest(
        state=stage.state,
        commands=stage.dispatcher,
        adapters={},
        bus=stage.broker.client("other"),
        history=BrokenHistory(),
        clock=stage.clock,
    )
    stage.state.note(Severity.INFORMATION, "something", "to", "save")
    ingest.start()
    assert eventually(lambda: not ingest.alive)
    assert "ingest-failed" in stage.event_kinds


class StumblingAdapter:
    """An adapter that does not understand what it gets, and says so in the wrong way."""

    def topic_filters(self) -> Sequence[str]:
        return ("far/#",)

    def decode(self, frame: Frame, received_at: datetime) -> Decoded:
        raise KeyError(frame.topic, received_at)

    def encode(self, endpoint: str, command: Command) -> Outbound:
        raise ValueError(f"{endpoint} cannot be told {command.quantity}")


def test_an_adapter_that_stumbles_costs_one_dead_letter_or_one_command() -> None:
    stage = Stage()
    adapters = {"canonical": StumblingAdapter()}
    bus = stage.broker.client("other")
    dispatcher = Dispatcher(state=stage.state, book=stage.book, adapters=adapters, bus=bus, clock=stage.clock)
    ingest = Ingest(
        state=stage.state, commands=dispatcher, adapters=adapters, bus=bus, history=stage.history, clock=stage.clock
    )
    bus.open()
    stage.far_bus.publish("far/away", b"{}")
    ingest.pump()
    assert stage.state.dead_letter_counts == {Reason.WRONG_SHAPE: 1}
    assert "KeyError" in stage.state.dead_letters[0].detail
    record = dispatcher.request(device="h1-battery", quantity="power_setpoint_w", value=1.0, duration_s=60)
    assert (record.state, record.steps[-1].at) == (CommandState.REFUSED, START)
    assert "no words for it" in record.steps[-1].reason
