"""Alarms: conditions that last, kept until they have cleared and, when urgent, until somebody has seen them.

A condition must hold for a while before it becomes an alarm and be gone for a while before the alarm clears, so that
one late message raises nothing and a value on the edge does not chatter. An urgent alarm that cleared unseen stays
listed until it is acknowledged; a warning just ends. Every step is an event, and so survives a restart in history.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from twin.model.alarm import Alarm, Condition
from twin.model.event import Event, Severity

RAISED, CLEARED, ACKNOWLEDGED = "alarm-raised", "alarm-cleared", "alarm-acknowledged"

RAISE_AFTER_S: Mapping[Severity, float] = MappingProxyType(
    {Severity.ALARM: 3.0, Severity.WARNING: 10.0, Severity.INFORMATION: 10.0}
)
CLEAR_AFTER_S = 10.0
RESTORED_FOR_S = 60.0
"""How long after a start a standing alarm of before may take to be seen again; then it has cleared meanwhile."""

_ENDED_KEPT = 200
_URGENCY = (Severity.ALARM, Severity.WARNING, Severity.INFORMATION)

Note = Callable[[Severity, str, str, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """An acknowledgement found in history: it holds for an alarm that is raised again under the same id."""

    raised_at: datetime
    acknowledged_at: datetime | None = None
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moment:
    """The pilot's time, and a stopwatch that goes on whatever the pilot's time does."""

    now: datetime
    stopwatch_s: float


class AlarmBook:
    """All alarms of the pilot. One thread judges; any thread reads and acknowledges."""

    def __init__(self, note: Note) -> None:
        """`note` takes each step as an event: severity, kind, alarm id, text."""
        self._note = note
        self._lock = threading.Lock()
        self._pending: dict[str, _Moment] = {}  # conditions that hold, but not for long enough
        self._missing: dict[str, _Moment] = {}  # open alarms whose condition is not there at the moment
        self._open: dict[str, Alarm] = {}
        self._ended: deque[Alarm] = deque(maxlen=_ENDED_KEPT)
        self._restored: dict[str, _Seen] = {}
        self._restored_until_s: float | None = None

    def restore(self, events: Sequence[Event]) -> None:
        """Take up, from events newest first, which alarms were standing and which of them had been acknowledged."""
        for event in reversed(events):
            if event.kind == RAISED:
                self._restored[event.subject] = _Seen(raised_at=event.at)
            elif event.kind == CLEARED:
                self._restored.pop(event.subject, None)
            elif event.kind == ACKNOWLEDGED and event.subject in self._restored:
                known = self._restored[event.subject]
                by = event.text.removeprefix("by ")
                self._restored[event.subject] = replace(known, acknowledged_at=event.at, by=by)

    def judge(self, found: Sequence[Condition], *, now: datetime, stopwatch_s: float) -> None:
        """Compare what is wrong now with the alarms that are open; call about once a second.

        How long a thing has lasted is told by `stopwatch_s`: the pilot's time stands still when its world has died.
        """
        moment = _Moment(now=now, stopwatch_s=stopwatch_s)
        with self._lock:
            here = {condition.id: condition for condition in found}
            self._forget_restored(moment)
            for name in self._pending.keys() - here.keys():
                del self._pending[name]
            for name, condition in here.items():
                self._holds(name, condition, moment)
            for name in list(self._open.keys() - here.keys()):
                self._lacks(name, moment)

    def acknowledge(self, alarm: str, *, by: str, comment: str = "", now: datetime) -> Alarm:
        """Note that `by` has seen it. KeyError when no such alarm is open; a second time changes nothing."""
        with self._lock:
            known = self._open[alarm]
            if not known.waits:
                return known
            seen = replace(known, acknowledged_at=now, acknowledged_by=by, comment=comment)
            if seen.cleared_at is None:
                self._open[alarm] = seen
            else:
                self._end(seen)
            text = f"by {by}: {comment}" if comment else f"by {by}"
            self._note(Severity.INFORMATION, ACKNOWLEDGED, alarm, text)
            return seen

    def open(self) -> Sequence[Alarm]:
        """What stands or has not been seen: those that wait first, then by urgency, newest first."""
        with self._lock:
            alarms = sorted(self._open.values(), key=lambda one: one.raised_at, reverse=True)
        return sorted(alarms, key=lambda one: (not one.waits, _URGENCY.index(one.condition.severity)))

    def ended(self) -> Sequence[Alarm]:
        """The latest that are over, newest first."""
        with self._lock:
            return tuple(reversed(self._ended))

    # Inside; the lock is held.

    def _holds(self, name: str, condition: Condition, moment: _Moment) -> None:
        self._missing.pop(name, None)
        alarm = self._open.get(name)
        if alarm is not None and alarm.cleared_at is None:
            if alarm.condition != condition:
                self._open[name] = replace(alarm, condition=condition)
            return
        since = self._pending.setdefault(name, moment)
        if moment.stopwatch_s - since.stopwatch_s < RAISE_AFTER_S[condition.severity]:
            return
        del self._pending[name]
        known = self._restored.pop(name, None)
        if known is None:
            self._open[name] = Alarm(condition=condition, raised_at=since.now)
            self._note(condition.severity, RAISED, name, f"{condition.subject}: {condition.text}")
        else:
            self._open[name] = Alarm(
                condition=condition,
                raised_at=known.raised_at,
                acknowledged_at=known.acknowledged_at,
                acknowledged_by=known.by,
            )

    def _forget_restored(self, moment: _Moment) -> None:
        """What stood before the restart and is not wrong any more has cleared while nobody looked."""
        if self._restored_until_s is None:
            self._restored_until_s = moment.stopwatch_s + RESTORED_FOR_S
        if self._restored and moment.stopwatch_s >= self._restored_until_s:
            for name in self._restored:
                self._note(Severity.INFORMATION, CLEARED, name, "no longer so after the restart")
            self._restored.clear()

    def _lacks(self, name: str, moment: _Moment) -> None:
        alarm = self._open[name]
        if alarm.cleared_at is not None:
            return
        since = self._missing.setdefault(name, moment)
        if moment.stopwatch_s - since.stopwatch_s < CLEAR_AFTER_S:
            return
        del self._missing[name]
        cleared = replace(alarm, cleared_at=since.now)
        if cleared.waits and cleared.condition.severity is Severity.ALARM:
            self._open[name] = cleared
        else:
            self._end(cleared)
        self._note(Severity.INFORMATION, CLEARED, name, f"{alarm.condition.subject}: no longer so")

    def _end(self, alarm: Alarm) -> None:
        self._open.pop(alarm.id, None)
        self._ended.append(alarm)
