"""However many pages are open, a view is computed at most once a second and history is asked once."""

import asyncio
import threading
from datetime import UTC, datetime

import pytest

from twin.clock import DrivenClock
from twin.console.live import Answers, HistoryError, Shared


class Stopwatch(DrivenClock):
    """A clock whose stopwatch is in the test's hands."""

    def __init__(self) -> None:
        super().__init__(datetime(2026, 6, 1, tzinfo=UTC))
        self.now_s = 100.0

    def monotonic_s(self) -> float:
        return self.now_s


def _shared(clock: Stopwatch, version: list[int]) -> tuple[Shared[int], list[int]]:
    computed: list[int] = []

    def compute() -> int:
        computed.append(version[0])
        return len(computed)

    return Shared(compute, version=lambda: version[0], clock=clock), computed


def test_many_pages_within_a_second_share_one_view() -> None:
    clock, version = Stopwatch(), [1]
    shared, computed = _shared(clock, version)
    for _ in range(5):
        version[0] += 1
        clock.now_s += 0.1
        shared.get()
    assert len(computed) == 1
    clock.now_s += 1.0
    assert shared.get() == 2


def test_nothing_new_is_not_computed_again_but_ages_grow_on() -> None:
    clock = Stopwatch()
    shared, computed = _shared(clock, [1])
    first = shared.get()
    clock.now_s += 3.0
    assert shared.get() == first
    clock.now_s += 3.0
    shared.get()
    assert len(computed) == 2


def test_the_same_question_is_asked_of_history_once_and_off_the_event_loop() -> None:
    clock = Stopwatch()
    threads: list[str] = []

    def ask() -> int:
        threads.append(threading.current_thread().name)
        return 7

    async def three() -> list[int]:
        answers = Answers[int](clock, keep_s=10.0)
        found = await asyncio.gather(*(answers.get("day", ask) for _ in range(3)))
        clock.now_s += 11.0
        return [*found, await answers.get("day", ask)]

    assert asyncio.run(three()) == [7, 7, 7, 7]
    assert len(threads) == 2
    assert threading.current_thread().name not in threads


def test_an_answer_that_failed_is_asked_for_again() -> None:
    tries = iter((ValueError("store is busy"), 7))

    def ask() -> int:
        one = next(tries)
        if isinstance(one, Exception):
            raise one
        return one

    async def twice() -> int:
        answers = Answers[int](Stopwatch(), keep_s=10.0)
        with pytest.raises(HistoryError, match="busy"):
            await answers.get("day", ask)
        return await answers.get("day", ask)

    assert asyncio.run(twice()) == 7
