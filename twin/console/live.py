"""What all open pages share: each view is computed at most once a second, however many pages show it.

A view is computed again when what it is made of has changed, or after a few seconds because ages grow by themselves.
All of it runs on the console's event loop; questions to history run on threads, the same question once at a time.
"""

import asyncio
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from twin.clock import Clock

T = TypeVar("T")

TICK_S = 1.0
"""How often an open page looks for something new."""

_SOONEST_S = 0.9
_LATEST_S = 5.0
_ANSWERS_KEPT = 64


class Shared(Generic[T]):
    """One view for all pages. The same object is given as long as nothing changed, so that a page can skip it."""

    def __init__(self, compute: Callable[[], T], *, version: Callable[[], Hashable], clock: Clock) -> None:
        self._compute = compute
        self._version = version
        self._clock = clock
        self._seen: Hashable = None
        self._at_s = float("-inf")
        self._value: T | None = None

    def get(self) -> T:
        """The view, at most a second old when what it is made of has changed, else at most a few seconds."""
        now_s = self._clock.monotonic_s()
        since_s = now_s - self._at_s
        value = self._value
        if value is not None and (since_s < _SOONEST_S or (since_s < _LATEST_S and self._version() == self._seen)):
            return value
        self._seen, self._at_s = self._version(), now_s
        self._value = value = self._compute()
        return value

    def forget(self) -> None:
        """Compute it anew at the next `get`: what it is made of has just been changed."""
        self._at_s = float("-inf")


class HistoryError(Exception):
    """History did not answer; the text is the store's own."""


class Answers(Generic[T]):
    """Answers of history by question, asked on a thread, shared by all who ask the same within `keep_s`."""

    def __init__(self, clock: Clock, *, keep_s: float) -> None:
        self._clock = clock
        self._keep_s = keep_s
        self._asked: dict[Hashable, tuple[float, asyncio.Task[T]]] = {}

    async def get(self, question: Hashable, ask: Callable[[], T]) -> T:
        """The answer to `question`, from `ask`. Raises HistoryError; then the next one who asks tries again."""
        now_s = self._clock.monotonic_s()
        known = self._asked.get(question)
        if known is None or now_s - known[0] > self._keep_s or (known[1].done() and known[1].exception() is not None):
            while len(self._asked) >= _ANSWERS_KEPT:
                self._asked.pop(next(iter(self._asked)))
            known = (now_s, asyncio.create_task(asyncio.to_thread(_asked, ask)))
            self._asked[question] = known
        return await asyncio.shield(known[1])


def _asked(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except Exception as error:
        raise HistoryError(str(error)) from error
