"""What dies is started again, after pauses that grow while it keeps dying."""

import pytest

from twin.cli.words import duration_s, moment, speed, spoken
from twin.clock import WallClock
from twin.launch import Keeper


class Stopwatch(WallClock):
    """A clock whose stopwatch is moved by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic_s(self) -> float:
        return self.now_s


class Process:
    """Something that runs until it is given an exit code."""

    name = "thing"

    def __init__(self) -> None:
        self.code: int | None = None
        self.starts = 0

    def start(self) -> None:
        self.starts += 1
        self.code = None

    def returncode(self) -> int | None:
        return self.code

    def stop(self, within_s: float) -> None:  # noqa: ARG002 - ends at once
        self.code = -15


def test_a_dead_process_is_started_again_after_a_pause() -> None:
    clock, process, said = Stopwatch(), Process(), list[str]()
    keeper = Keeper(process, clock, said.append)
    process.code = -9

    keeper.look(may_finish=False)
    assert process.starts == 0
    assert said == ["thing ended with code -9; starting it again in 0.5 s"]
    clock.now_s = 0.6
    keeper.look(may_finish=False)

    assert process.starts == keeper.restarts == 1


def test_pauses_grow_while_it_keeps_dying_and_shrink_after_a_healthy_minute() -> None:
    clock, process, said = Stopwatch(), Process(), list[str]()
    keeper = Keeper(process, clock, said.append)

    def die_and_wait() -> None:
        process.code = 1
        keeper.look(may_finish=False)
        clock.now_s += 10
        keeper.look(may_finish=False)

    for _ in range(3):
        die_and_wait()
    clock.now_s += 61
    keeper.look(may_finish=False)
    die_and_wait()

    assert [text.split()[-2] for text in said] == ["0.5", "1", "2", "0.5"]


def test_work_that_is_done_is_not_started_again() -> None:
    clock, process = Stopwatch(), Process()
    keeper = Keeper(process, clock, lambda _: None)
    process.code = 0

    keeper.look(may_finish=True)

    assert keeper.finished
    assert process.starts == 0


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("5m", 300), ("1.5h", 5_400), ("1d", 86_400)])
def test_durations_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert duration_s(text) == seconds


def test_moments_and_speeds() -> None:
    assert moment("now") is None
    assert str(moment("2026-06-21T12:00:00")) == "2026-06-21 12:00:00+00:00"
    assert str(moment("2026-06-21T14:00:00+02:00")) == "2026-06-21 12:00:00+00:00"
    assert (speed("max"), speed("10")) == (0.0, 10.0)
    assert [spoken(seconds) for seconds in (42, 180, 9_000)] == ["42 s", "3 min", "2.5 h"]
