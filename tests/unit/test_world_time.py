"""How the world walks through time: back-fill in minutes, live in seconds, and back to minutes after a long sleep."""

from datetime import UTC, datetime

import pytest

from simulators.endpoints.port import Outgoing
from simulators.lag import LagMeter
from simulators.outbox import Outbox
from simulators.timeline import Timeline

EPOCH = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)


def walk(timeline: Timeline, t: int, steps: int) -> list[int]:
    times = [t]
    for _ in range(steps):
        times.append(timeline.after(times[-1]))
    return times


def test_driven_time_goes_in_minutes_to_where_live_begins_and_in_seconds_from_there() -> None:
    timeline = Timeline(epoch=EPOCH, live_at_s=150, step_s=1, first_s=60)

    times = walk(timeline, 0, 6)

    assert times == [0, 60, 120, 150, 151, 152, 153]
    assert [timeline.length_s(t) for t in times[1:]] == [60, 60, 30, 1, 1, 1]
    assert timeline.live


def test_all_simulators_get_the_same_next_step() -> None:
    timeline = Timeline(epoch=EPOCH, live_at_s=600, step_s=1, first_s=60)

    assert {timeline.after(0) for _ in range(3)} == {60}
    assert timeline.length_s(0) == 60


class Wall:
    """The wall's time in seconds after the epoch, moved by hand."""

    def __init__(self, now_s: float) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


def test_history_ends_where_the_wall_is_by_then() -> None:
    wall = Wall(180.0)
    timeline = Timeline(epoch=EPOCH, live_at_s=180, step_s=1, first_s=60, wall_s=wall)

    assert walk(timeline, 0, 2) == [0, 60, 120]
    wall.now_s = 181.5  # filling in took a while
    assert timeline.after(120) == 180
    assert timeline.after(180) == 181
    assert not timeline.live
    assert timeline.after(181) == 182
    assert timeline.live


def test_a_machine_that_slept_catches_up_in_minutes() -> None:
    wall = Wall(0.0)
    timeline = Timeline(epoch=EPOCH, live_at_s=0, step_s=1, first_s=1, wall_s=wall)
    assert timeline.after(0) == 1
    wall.now_s = 200.0  # three minutes of sleep

    times = walk(timeline, 1, 63)

    assert times[59] == 60  # by seconds to the full minute
    assert times[60:63] == [120, 180, 181]


def test_memory_of_steps_is_bounded() -> None:
    timeline = Timeline(epoch=EPOCH, live_at_s=0, step_s=1, first_s=1)
    walk(timeline, 0, 1_000)

    with pytest.raises(KeyError):
        timeline.length_s(5)


def test_lag_counts_a_step_as_missed_only_when_it_took_longer_than_it_may() -> None:
    meter = LagMeter()
    for lag_s in (0.01, 0.02, 0.99, 1.2):
        meter.note(lag_s, 1.0)

    assert (meter.steps, meter.missed) == (4, 1)
    assert meter.max_ms == pytest.approx(1200)
    assert meter.percentile_ms(50) == pytest.approx(505)


def test_messages_leave_by_due_time_and_equal_times_in_the_order_they_came() -> None:
    outbox = Outbox()
    outbox.add([Outgoing(5.0, "late", b""), Outgoing(1.0, "first", b""), Outgoing(1.0, "second", b"")])

    assert outbox.next_due_s() == 1.0
    assert [message.topic for message in outbox.due(4.9)] == ["first", "second"]
    assert len(outbox) == 1
    assert [message.topic for message in outbox.due(5.0)] == ["late"]
    assert outbox.next_due_s() is None
