"""Laws of the state that hold for any order of arrival, any repetition, any sequence of numbers."""

from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tests.builders import small_pilot
from twin.model.device import Pathway
from twin.model.telemetry import Report
from twin.state.device_twin import DeviceTwin, apply
from twin.state.percentiles import Window
from twin.state.sequence import SPAN, Sessions

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
DEVICE = small_pilot().device["h1-battery"]
QUANTITIES = ("power_w", "soc", "power_setpoint_w")


def made(offset_s: int, quantities: frozenset[str]) -> Report:
    at = NOON + timedelta(seconds=offset_s)
    values = {name: float(offset_s) for name in sorted(quantities)}
    return Report(device=DEVICE.id, measured_at=at, published_at=at, received_at=at, values=values)


def twin_after(reports: list[Report]) -> DeviceTwin:
    twin = DeviceTwin(device=DEVICE, pathway=Pathway.GATEWAY, max_age_s=5.0)
    for report in reports:
        twin = apply(twin, report)
    return twin


offsets = st.lists(st.integers(0, 50), min_size=1, max_size=12)
full = offsets.map(lambda times: [made(time, frozenset(QUANTITIES)) for time in times])
partial = st.lists(
    st.builds(made, st.integers(0, 50), st.frozensets(st.sampled_from(QUANTITIES), min_size=1)), min_size=1, max_size=12
)


@given(full, st.randoms(use_true_random=False))
def test_full_reports_lead_to_the_same_twin_in_any_order(reports: list[Report], random: Random) -> None:
    shuffled = list(reports)
    random.shuffle(shuffled)
    assert twin_after(shuffled) == twin_after(reports)


@given(partial, st.data())
def test_redelivery_of_what_was_taken_changes_nothing(reports: list[Report], draw: st.DataObject) -> None:
    again = draw.draw(st.lists(st.sampled_from(reports), max_size=6))
    twin = twin_after(reports)
    after = twin
    for report in again:
        after = apply(after, report)
    assert after is twin


@given(partial)
def test_no_report_makes_the_twin_or_any_of_its_quantities_older(reports: list[Report]) -> None:
    twin = twin_after([])
    for report in reports:
        after = apply(twin, report)
        for name in twin.reported:
            before_at, after_at = twin.measured(name), after.measured(name)
            assert before_at is not None
            assert after_at is not None
            assert after_at >= before_at
        twin = after


@given(partial)
def test_every_reported_value_was_measured_when_the_twin_says(reports: list[Report]) -> None:
    twin = twin_after(reports)
    for name, value in twin.reported.items():
        assert twin.measured(name) == NOON + timedelta(seconds=value)


@given(st.lists(st.integers(0, 2 * SPAN), max_size=80))
def test_no_number_is_fresh_twice_and_a_late_one_within_the_window_is(numbers: list[int]) -> None:
    sessions, seen = Sessions(), set[int]()
    for number in numbers:
        fresh = sessions.fresh("s", number)
        if number in seen:
            assert not fresh
        else:
            assert fresh is (not seen or number > max(seen) - SPAN)
        if fresh:
            sessions.mark("s", number)
            seen.add(number)


@given(st.lists(st.floats(-1e6, 1e6), max_size=40), st.integers(1, 10), st.integers(1, 7))
def test_a_window_holds_the_latest_values_however_they_came(values: list[float], size: int, chunk: int) -> None:
    singly, together = Window(size), Window(size)
    for value in values:
        singly.add(value)
    for start in range(0, len(values), chunk):
        together.extend(values[start : start + chunk])
    latest = values[-size:]
    assert singly.quantiles(0.0, 1.0) == together.quantiles(0.0, 1.0)
    assert singly.quantiles(0.0, 1.0) == ((min(latest), max(latest)) if latest else (0.0, 0.0))
    assert len(singly) == len(latest)
