"""Events and dead letters in bounded memory: the latest of each, exact counts, and what history has yet to get."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from twin.model.event import DeadLetter, Event, Reason

KEPT = 1_000
UNSAVED = 4_096  # events waiting for history while it cannot write; beyond, the oldest give way
_LETTERS_AT_ONCE = 64  # a flood of bad messages is counted in full, but history gets a sample of it


class Notes:
    """What happened and what was refused. Not safe by itself: the state's lock guards it."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=KEPT)
        self._letters: deque[DeadLetter] = deque(maxlen=KEPT)
        self._counts: Counter[Reason] = Counter()
        self._new_events: deque[Event] = deque(maxlen=UNSAVED)
        self._new_letters: list[DeadLetter] = []

    def event(self, event: Event) -> None:
        """Keep an event."""
        self._events.append(event)
        self._new_events.append(event)

    def dead_letter(self, letter: DeadLetter) -> None:
        """Count a dead letter and keep it."""
        self._counts[letter.reason] += 1
        self._letters.append(letter)
        if len(self._new_letters) < _LETTERS_AT_ONCE:
            self._new_letters.append(letter)

    def events(self) -> Sequence[Event]:
        """The latest events, newest first."""
        return tuple(reversed(self._events.copy()))

    def dead_letters(self) -> Sequence[DeadLetter]:
        """The latest dead letters, newest first."""
        return tuple(reversed(self._letters.copy()))

    def counts(self) -> Mapping[Reason, int]:
        """How many dead letters there were since the start, by reason."""
        return MappingProxyType(dict(self._counts))

    def unsaved(self) -> tuple[Sequence[Event], Sequence[DeadLetter]]:
        """What history has not been given yet; the next call starts anew."""
        events, letters = tuple(self._new_events), self._new_letters
        self._new_events.clear()
        self._new_letters = []
        return events, letters
