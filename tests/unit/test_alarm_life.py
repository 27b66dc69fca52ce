"""Alarms: raised when a condition lasts, cleared when it is gone for good, listed until urgent ones have been seen."""

from datetime import UTC, datetime, timedelta

import pytest

from twin.model.alarm import Alarm, Condition
from twin.model.event import Event, Severity
from twin.state.alarms import ACKNOWLEDGED, CLEARED, RAISED, AlarmBook

START = datetime(2026, 6, 1, 12, tzinfo=UTC)


def condition(
    kind: str = "voltage-low", subject: str = "Voltage", *, severity: Severity = Severity.ALARM, text: str = "0.88 pu"
) -> Condition:
    return Condition(kind=kind, subject=subject, severity=severity, text=text, advice="Lower demand.", page="/feeder")


STALE = condition("device-stale", "h1-pv", severity=Severity.WARNING, text="measured 9 s ago")


class Shift:
    """A control room: a book, its events, and time by hand."""

    def __init__(self) -> None:
        self.now = START
        self.stopwatch_s = 0.0
        self.frozen = False
        self.events: list[Event] = []
        self.book = AlarmBook(self._note)

    def _note(self, severity: Severity, kind: str, subject: str, text: str) -> None:
        self.events.append(Event(at=self.now, severity=severity, kind=kind, subject=subject, text=text))

    def hold(self, *found: Condition, seconds: int) -> None:
        for _ in range(seconds):
            self.now += timedelta(seconds=0 if self.frozen else 1)
            self.stopwatch_s += 1
            self.book.judge(found, now=self.now, stopwatch_s=self.stopwatch_s)

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    @property
    def only(self) -> Alarm:
        (alarm,) = self.book.open()
        return alarm


def test_a_moment_is_no_alarm_but_what_lasts_is_raised_from_when_it_began() -> None:
    shift = Shift()
    shift.hold(condition(), seconds=3)
    shift.hold(seconds=1)
    assert list(shift.book.open()) == []

    shift.hold(condition(), seconds=4)

    assert shift.only.raised_at == START + timedelta(seconds=5)
    assert shift.only.waits
    assert [(event.kind, event.subject, event.severity) for event in shift.events] == [
        (RAISED, "voltage-low:Voltage", Severity.ALARM)
    ]


def test_a_warning_takes_longer_to_be_raised_and_ends_by_itself() -> None:
    shift = Shift()
    shift.hold(STALE, seconds=10)
    assert list(shift.book.open()) == []
    shift.hold(STALE, seconds=1)
    assert shift.only.condition is STALE

    shift.hold(seconds=11)

    assert list(shift.book.open()) == []
    assert shift.book.ended()[0].cleared_at == START + timedelta(seconds=12)
    assert shift.kinds == [RAISED, CLEARED]


def test_a_value_on_the_edge_does_not_chatter() -> None:
    shift = Shift()
    shift.hold(condition(), seconds=5)
    for _ in range(20):
        shift.hold(seconds=4)
        shift.hold(condition(text="0.899 pu"), seconds=2)

    assert shift.kinds == [RAISED]
    assert shift.only.condition.text == "0.899 pu"


def test_an_urgent_alarm_that_cleared_unseen_stays_until_somebody_has_seen_it() -> None:
    shift = Shift()
    shift.hold(condition(), seconds=5)
    shift.hold(seconds=11)
    assert shift.only.cleared_at == START + timedelta(seconds=6)
    assert shift.only.waits

    shift.book.acknowledge("voltage-low:Voltage", by="control room", comment="tap changed", now=shift.now)

    assert list(shift.book.open()) == []
    (ended,) = shift.book.ended()
    assert (ended.acknowledged_by, ended.comment) == ("control room", "tap changed")
    assert shift.kinds == [RAISED, CLEARED, ACKNOWLEDGED]
    assert shift.events[-1].text == "by control room: tap changed"


def test_an_alarm_that_returns_before_it_was_seen_is_the_same_place_with_a_new_time() -> None:
    shift = Shift()
    shift.hold(condition(), seconds=5)
    shift.hold(seconds=11)
    shift.hold(condition(), seconds=4)

    assert shift.only.cleared_at is None
    assert shift.only.raised_at == START + timedelta(seconds=17)
    assert shift.kinds == [RAISED, CLEARED, RAISED]


def test_what_is_acknowledged_stays_listed_while_it_lasts_below_what_still_waits() -> None:
    shift = Shift()
    other = condition("transformer-overloaded", "Transformer", text="104 %")
    shift.hold(condition(), other, STALE, seconds=12)
    shift.book.acknowledge(other.id, by="me", now=shift.now)
    again = shift.book.acknowledge(other.id, by="somebody else", now=shift.now)

    assert again.acknowledged_by == "me"
    assert [alarm.id for alarm in shift.book.open()] == ["voltage-low:Voltage", "device-stale:h1-pv", other.id]
    assert shift.kinds.count(ACKNOWLEDGED) == 1


def test_an_alarm_that_is_not_open_cannot_be_acknowledged() -> None:
    with pytest.raises(KeyError):
        Shift().book.acknowledge("voltage-low:Voltage", by="me", now=START)


def test_an_acknowledgement_survives_a_restart_and_raises_nothing_twice() -> None:
    before = Shift()
    before.hold(condition(), STALE, seconds=12)
    before.book.acknowledge("voltage-low:Voltage", by="me", now=before.now)
    after = Shift()
    after.now = before.now
    after.book.restore(tuple(reversed(before.events)))

    after.hold(condition(), STALE, seconds=12)

    voltage = next(alarm for alarm in after.book.open() if not alarm.waits)
    assert (voltage.acknowledged_by, voltage.raised_at) == ("me", before.events[0].at)
    assert after.events == []
    assert len(after.book.open()) == 2


def test_what_had_cleared_before_a_restart_is_raised_anew() -> None:
    before = Shift()
    before.hold(condition(), seconds=5)
    before.book.acknowledge("voltage-low:Voltage", by="me", now=before.now)
    before.hold(seconds=11)
    after = Shift()
    after.now = before.now
    after.book.restore(tuple(reversed(before.events)))

    after.hold(condition(), seconds=5)

    assert after.only.waits
    assert after.kinds == [RAISED]


def test_what_healed_while_the_twin_was_away_has_cleared_and_is_not_taken_for_seen_later() -> None:
    before = Shift()
    before.hold(condition(), seconds=5)
    before.book.acknowledge("voltage-low:Voltage", by="me", now=before.now)
    after = Shift()
    after.now = before.now
    after.book.restore(tuple(reversed(before.events)))

    after.hold(seconds=62)
    assert after.kinds == [CLEARED]
    after.hold(condition(), seconds=5)

    assert after.only.waits


def test_a_pilot_whose_time_stands_still_raises_alarms_all_the_same() -> None:
    shift = Shift()
    shift.frozen = True
    shift.hold(STALE, seconds=11)
    assert shift.only.raised_at == START
