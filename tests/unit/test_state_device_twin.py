"""A device's twin: reported and desired side by side, freshness by the time of measurement."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.builders import small_pilot
from twin.model.device import Pathway
from twin.model.telemetry import Report
from twin.state.device_twin import Desired, DeviceTwin, apply, desire, freshness

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def battery() -> DeviceTwin:
    return DeviceTwin(device=small_pilot().device["h1-battery"], pathway=Pathway.GATEWAY, max_age_s=5.0)


def report(offset_s: float, *, arrived_s: float | None = None, **values: float) -> Report:
    measured_at = NOON + timedelta(seconds=offset_s)
    received_at = measured_at if arrived_s is None else NOON + timedelta(seconds=arrived_s)
    return Report(
        device="h1-battery", measured_at=measured_at, published_at=measured_at, received_at=received_at, values=values
    )


def test_a_newer_report_replaces_what_was_reported_and_an_older_or_equal_one_changes_nothing() -> None:
    twin = apply(battery(), report(10, power_w=100.0))
    assert twin.reported == {"power_w": 100.0}
    assert apply(twin, report(10, power_w=999.0)) is twin
    assert apply(twin, report(9, arrived_s=60, power_w=999.0)) is twin
    assert apply(twin, report(11, power_w=200.0)).reported == {"power_w": 200.0}


def test_a_partial_report_leaves_the_other_quantities_with_their_own_time() -> None:
    twin = apply(apply(battery(), report(0, power_w=100.0, soc=0.5)), report(60, power_w=300.0))
    twin = apply(twin, report(90, power_w=350.0))
    assert twin.reported == {"power_w": 350.0, "soc": 0.5}
    assert twin.measured("soc") == NOON
    assert twin.measured("power_w") == NOON + timedelta(seconds=90)
    assert twin.measured("voltage_v") is None
    assert apply(twin, report(120, power_w=1.0, soc=0.6)).older == {}


def test_a_wish_never_touches_what_was_reported_nor_a_report_the_wish() -> None:
    wish = Desired(value=2000.0, command_id="c1", until=NOON + timedelta(minutes=5), priority=5)
    wished = desire(apply(battery(), report(0, power_setpoint_w=0.0)), "power_setpoint_w", wish)
    assert wished.reported == {"power_setpoint_w": 0.0}
    later = apply(wished, report(1, power_setpoint_w=500.0))
    assert later.desired == {"power_setpoint_w": wish}
    assert desire(later, "power_setpoint_w", None).desired == {}
    assert desire(later, "power_setpoint_w", None).reported == {"power_setpoint_w": 500.0}


def test_a_value_that_has_just_arrived_from_a_cache_is_as_old_as_its_measurement() -> None:
    twin = apply(battery(), report(0, arrived_s=240, power_w=1.0))
    seen = freshness(twin, NOON + timedelta(seconds=240))
    assert (seen.age_s, seen.stale, seen.never) == (240.0, True, False)
    assert not freshness(twin, NOON + timedelta(seconds=240), max_age_s=300.0).stale


@pytest.mark.parametrize(("age_s", "stale"), [(5.0, False), (5.001, True)])
def test_a_value_is_stale_beyond_what_the_pathway_promises(age_s: float, *, stale: bool) -> None:
    twin = apply(battery(), report(0, power_w=1.0))
    assert freshness(twin, NOON + timedelta(seconds=age_s)).stale is stale


def test_a_device_that_never_reported_is_not_called_stale() -> None:
    seen = freshness(battery(), NOON)
    assert seen.never
    assert not seen.stale
