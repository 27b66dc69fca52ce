"""What is wrong is judged from the present: it appears when it is so, and is gone when it has healed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.builders import small_pilot
from tests.e2e.console_stage import START, ConsoleStage
from twin.console.conditions import conditions
from twin.model.alarm import Condition
from twin.model.device import DeviceKind, Pathway
from twin.model.event import Severity
from twin.model.health import ModelFault
from twin.state.aggregate import overview, pathway_table


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[ConsoleStage]:
    pilot = small_pilot(homes=3, kinds=(DeviceKind.METER, DeviceKind.PV), interval_s={Pathway.OEM: 1})
    stage = ConsoleStage(tmp_path, pilot, history=False)
    stage.step(10)
    yield stage
    stage.close()


def _wrong(stage: ConsoleStage) -> list[Condition]:
    now = stage.clock.now()
    return list(conditions(stage.state, overview(stage.state, now), pathway_table(stage.state, now), stage.health))


def test_nothing_is_wrong_with_a_pilot_that_reports(stage: ConsoleStage) -> None:
    assert _wrong(stage) == []


def test_a_silent_gateway_makes_its_devices_stale_until_it_speaks_again(stage: ConsoleStage) -> None:
    for _ in range(8):
        stage.step(silent=["gw-h1"])
    wrong = _wrong(stage)
    assert [one.subject for one in wrong] == ["h1-meter", "h1-pv"]
    assert wrong[0].page == "/homes/h1"
    assert wrong[0].text.endswith("promised within 5.0 s")
    stage.step()
    assert _wrong(stage) == []


def test_an_endpoint_that_went_offline_is_named(stage: ConsoleStage) -> None:
    stage.state.take_presence("hems-h2", online=False)
    (one,) = _wrong(stage)
    assert (one.id, one.page) == ("endpoint-offline:hems-h2", "/endpoints/hems-h2")
    assert one.text == "HEMS endpoint is offline"


def test_alarms_come_first(stage: ConsoleStage) -> None:
    stage.state.take_presence("hems-h2", online=False)
    stage.health = replace(
        stage.health,
        bus_connected=False,
        store=replace(stage.health.store, failing_since=START, last_error="disk full"),
    )
    wrong = _wrong(stage)
    assert [one.subject for one in wrong] == ["Bus", "Store", "hems-h2"]
    assert wrong[1].text == "not writing since 2026-06-15 17:40:00 UTC: disk full"


def test_a_feeder_beyond_its_limits_is_an_alarm(stage: ConsoleStage) -> None:
    at = stage.clock.now() + timedelta(seconds=1)
    flow = replace(stage.grid(0, at, nodes=False), transformer_loading=1.2, v_min_pu=0.93, v_max_pu=1.11)
    stage.state.take_grid(flow)
    wrong = _wrong(stage)
    assert [one.subject for one in wrong] == ["Transformer", "Voltage", "Voltage"]
    assert all(one.severity is Severity.ALARM for one in wrong)


def test_a_line_beyond_its_rating_is_a_warning(stage: ConsoleStage) -> None:
    at = stage.clock.now() + timedelta(seconds=1)
    stage.state.take_grid(replace(stage.grid(0, at, nodes=False), line_loading=1.18))
    (one,) = _wrong(stage)
    assert (one.id, one.severity) == ("line-overloaded:Line", Severity.WARNING)
    assert one.text == "the most loaded one carries 118 % of its rating"


def test_devices_whose_makers_model_failed_are_named_until_it_runs_again(stage: ConsoleStage) -> None:
    assert stage.health.world is not None
    fault = ModelFault(devices=("h1-pv",), model="solar.fmu", reason="it crashed", restarts=2, given_up=False)
    world = replace(stage.health.world, model_faults=(fault,))
    stage.health = replace(stage.health, world=world)
    (one,) = _wrong(stage)
    assert (one.kind, one.subject, one.severity) == ("device-model-failed", "h1-pv", Severity.WARNING)
    assert "solar.fmu: it crashed" in one.text

    stage.health = replace(stage.health, world=replace(world, model_faults=(replace(fault, given_up=True),)))
    assert _wrong(stage)[0].severity is Severity.ALARM
