"""Messages on their way through simulated links: each leaves for the bus when its delay is over, in that order."""

import heapq
from collections.abc import Iterable, Iterator
from itertools import count

from simulators.endpoints.port import Outgoing


class Outbox:
    """A queue by due time; equal times leave in the order in which they came."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Outgoing]] = []
        self._order = count()

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, messages: Iterable[Outgoing]) -> None:
        """Put messages on their way."""
        for message in messages:
            heapq.heappush(self._heap, (message.due_s, next(self._order), message))

    def next_due_s(self) -> float | None:
        """When the next message leaves, Unix seconds of pilot time; None when nothing is on its way."""
        return self._heap[0][0] if self._heap else None

    def due(self, now_s: float) -> Iterator[Outgoing]:
        """Take out everything due by `now_s`, earliest first."""
        while self._heap and self._heap[0][0] <= now_s:
            yield heapq.heappop(self._heap)[2]
