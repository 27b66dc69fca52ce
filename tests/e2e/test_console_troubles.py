"""When something behind the console fails, the page says what, and goes on with the rest."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.builders import small_pilot
from tests.e2e.conftest import Visitor
from tests.e2e.console_stage import START, ConsoleStage
from twin.console.server import ConsoleServer

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleStage]:
    stage = ConsoleStage(tmp_path_factory.mktemp("console"), small_pilot(homes=2), history=False)
    yield stage
    stage.close()


@pytest.fixture(scope="module")
def console(stage: ConsoleStage) -> Iterator[ConsoleServer]:
    server = ConsoleServer(stage.sources())
    server.start()
    yield server
    server.stop()


def test_before_the_first_message_every_page_says_what_it_waits_for(visit: Visitor) -> None:
    window = visit()
    page = window.open("/")
    expect(page.get_by_text("no power flow yet").first).to_be_visible()
    expect(page.get_by_text("Nothing has happened yet.")).to_be_visible()
    expect(window.open("/feeder").get_by_text("no power flow has been reported")).to_be_visible()
    expect(window.open("/homes/h1").get_by_text("has not reported yet").first).to_be_visible()
    expect(window.open("/commands").get_by_text("No command yet.")).to_be_visible()
    expect(window.open("/homes").get_by_text("Waiting").first).to_be_visible()


def test_back_fill_shows_how_far_it_is_and_then_goes(visit: Visitor, stage: ConsoleStage) -> None:
    page = visit().open("/")
    stage.health = replace(stage.health, backfill_until=stage.clock.now() + timedelta(hours=6))
    expect(page.get_by_text("Filling history at full speed")).to_be_visible()
    expect(page.get_by_role("meter", name="Filling history")).to_have_attribute("aria-valuenow", "75")
    stage.health = replace(stage.health, backfill_until=None)
    expect(page.get_by_text("Filling history at full speed")).to_be_hidden()


def test_a_lost_bus_and_a_store_that_does_not_write_are_alarms(visit: Visitor, stage: ConsoleStage) -> None:
    page = visit().open("/")
    well = stage.health
    store = replace(well.store, failing_since=START, last_error="No space left on device")
    stage.health = replace(well, bus_connected=False, store=store)
    expect(page.get_by_text("no broker answers; the twin keeps trying")).to_be_visible()
    expect(page.locator(".top").get_by_text("No bus")).to_be_visible()
    page.get_by_role("link", name="Store").click()
    expect(page.locator("h1")).to_have_text("Twin health")
    expect(page.get_by_text("No space left on device").first).to_be_visible()
    stage.health = well
    expect(page.get_by_text("Connected")).to_be_visible()


def test_without_history_the_page_says_so_and_stays_live(visit: Visitor, stage: ConsoleStage) -> None:
    stage.store.close()
    page = visit().open("/")
    expect(page.get_by_text("History cannot be read")).to_be_visible()
    stage.step(10)
    expect(page.get_by_text("12 of 12 devices report")).to_be_visible()
