"""The pilot at a glance, the pathways side by side, one home."""

import pytest

from tests.builders import small_pilot
from tests.ingest_stage import START, Stage, seconds
from twin.model.device import DeviceKind, Pathway
from twin.model.telemetry import GridReport
from twin.model.topology import Pilot
from twin.state.aggregate import home_view, overview, pathway_table


def mixed() -> Pilot:
    return small_pilot(homes=3, pathways=(Pathway.GATEWAY, Pathway.GATEWAY, Pathway.OEM))


def grid(feeder: int, head_w: float, loading: float, low: float, high: float) -> GridReport:
    return GridReport(
        feeder=feeder,
        measured_at=START,
        received_at=START,
        head_power_w=(head_w, head_w, head_w),
        head_reactive_power_var=(0.0, 0.0, 0.0),
        losses_w=10.0,
        transformer_loading=loading,
        line_loading=0.1,
        v_min_pu=low,
        v_max_pu=high,
    )


def test_the_overview_sums_what_is_known_and_says_what_is_not() -> None:
    stage = Stage(mixed())
    before = overview(stage.state, START)
    assert (before.head_power_w, before.transformer_loading, before.fresh_share) == (None, None, 0.0)
    stage.telemetry({"h1-meter": {"power_w": 700.0}, "h1-pv": {"power_w": -300.0}})
    stage.telemetry({"h2-meter": {"power_w": 50.0}}, endpoint="gw-h2")
    stage.state.take_grid(grid(0, 100.0, 0.4, 0.97, 1.0))
    stage.state.take_grid(grid(1, 50.0, 0.6, 0.98, 1.03))
    seen = overview(stage.state, START)
    assert seen.power_by_kind_w[DeviceKind.METER] == 750.0
    assert seen.power_by_kind_w[DeviceKind.PV] == -300.0
    assert (seen.devices, seen.devices_reporting) == (18, 3)
    assert seen.fresh_share == pytest.approx(3 / 18)
    assert seen.homes_by_pathway == {Pathway.OEM: 1, Pathway.GATEWAY: 2, Pathway.HEMS: 0}
    assert (seen.head_power_w, seen.losses_w, seen.transformer_loading) == (450.0, 20.0, 0.6)
    assert (seen.v_min_pu, seen.v_max_pu) == (0.97, 1.03)
    assert overview(stage.state, START + seconds(6)).fresh_share == 0.0


def test_pathways_are_compared_by_what_was_measured() -> None:
    stage = Stage(mixed())
    stage.status("online")
    stage.pass_time(10)
    now = stage.clock.now()
    stage.telemetry({"h1-meter": {"power_w": 1.0}, "h1-pv": {"power_w": 0.0}}, published_at=now - seconds(0.25))
    stage.pass_time(13)
    oem, gateway = pathway_table(stage.state, stage.clock.now())
    assert (oem.pathway, oem.homes, oem.devices_reporting, oem.messages) == (Pathway.OEM, 1, 0, 0)
    assert (gateway.homes, gateway.devices, gateway.endpoints, gateway.endpoints_online) == (2, 12, 2, 1)
    assert gateway.latency_ms.p50 == pytest.approx(250.0)
    assert (gateway.age_p50_s, gateway.age_max_s) == (3.0, 3.0)
    assert gateway.within_promise_share == pytest.approx(2 / 12)


def test_a_home_shows_its_devices_and_what_no_device_accounts_for() -> None:
    stage = Stage(mixed())
    stage.telemetry({"h1-meter": {"power_w": 900.0}, "h1-battery": {"power_w": 500.0}, "h1-pv": {"power_w": -100.0}})
    seen = home_view(stage.state, "h1", stage.clock.now())
    assert (seen.power_w, seen.unmetered_w) == (900.0, 500.0)
    assert [view.twin.id for view in seen.devices] == list(stage.pilot.home["h1"].devices)
    assert sum(view.freshness.never for view in seen.devices) == 3
    assert [endpoint.id for endpoint in seen.endpoints] == ["gw-h1"]
    assert home_view(stage.state, "h3", stage.clock.now()).unmetered_w is None
    with pytest.raises(KeyError):
        home_view(stage.state, "h9", stage.clock.now())
