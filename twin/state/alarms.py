"""Alarms: conditions that last, kept until they have cleared and, when urgent, until somebody has seen them.

A condition must hold for a while before it becomes an alarm and be gone for a while before the alarm clears, so that
one late message raises nothing and a value on the edge does not chatter. An urgent alarm that cleared unseen stays
listed until it is acknowledged; a warning just ends. Every step is an event, and so survives a restart in history.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
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


class AlarmBook:
    """All alarms of the pilot. One thread judges; any thread reads and acknowledges."""

    def __init__(self, note: Note) -> None:
        """`note` takes each step as an event: severity, kind, alarm id, text."""
        self._note = note
        self._lock = threading.Lock()
        self._pending: dict[str, datetime] = {}  # conditions that hold, but not for long enough
        self._missing: dict[str, datetime] = {}  # open alarms whose condition is not there at the moment
        self._open: dict[str, Alarm] = {}
        self._ended: deque[Alarm] = deque(maxlen=_ENDED_KEPT)
        self._restored: dict[str, _Seen] = {}
        self._restored_until: datetime | None = None

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

    def judge(self, found: Sequence[Condition], now: datetime) -> None:
        """Compare what is wrong now with the alarms that are open; call about once a second."""
        with self._lock:
            here = {condition.id: condition for condition in found}
            self._forget_restored(now)
            for name in self._pending.keys() - here.keys():
                del self._pending[name]
            for name, condition in here.items():
                self._holds(name, condition, now)
            for name in list(self._open.keys() - here.keys()):
                self._lacks(name, now)

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

    def _holds(self, name: str, condition: Condition, now: datetime) -> None:
        self._missing.pop(name, None)
        alarm = self._open.get(name)
        if alarm is not None and alarm.cleared_at is None:
            if alarm.condition != condition:
                self._open[name] = replace(alarm, condition=condition)
            return
        since = self._pending.setdefault(name, now)
        if (now - since).total_seconds() < RAISE_AFTER_S[condition.severity]:
            return
        del self._pending[name]
        known = self._restored.pop(name, None)
        if known is None:
            self._open[name] = Alarm(condition=condition, raised_at=since)
            self._note(condition.severity, RAISED, name, f"{condition.subject}: {condition.text}")
        else:
            self._open[name] = Alarm(
                condition=condition,
                raised_at=known.raised_at,
                acknowledged_at=known.acknowledged_at,
                acknowledged_by=known.by,
            )

    def _forget_restored(self, now: datetime) -> None:
        """What stood before the restart and is not wrong any more has cleared while nobody looked."""
        self._restored_until = self._restored_until or now + timedelta(seconds=RESTORED_FOR_S)
        if self._restored and now >= self._restored_until:
            for name in self._restored:
                self._note(Severity.INFORMATION, CLEARED, name, "no longer so after the restart")
            self._restored.clear()

    def _lacks(self, name: str, now: datetime) -> None:
        alarm = self._open[name]
        if alarm.cleared_at is not None:
            return
        since = self._missing.setdefault(name, now)
        if (now - since).total_seconds() < CLEAR_AFTER_S:
            return
        del self._missing[name]
        cleared = replace(alarm, cleared_at=since)
        if cleared.waits and cleared.condition.severity is Severity.ALARM:
            self._open[name] = cleared
        else:
            self._end(cleared)
        self._note(Severity.INFORMATION, CLEARED, name, f"{alarm.condition.subject}: no longer so")

    def _end(self, alarm: Alarm) -> None:
        self._open.pop(alarm.id, None)
        self._ended.append(alarm)
