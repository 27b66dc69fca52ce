"""What an operator does all day: see alarms and acknowledge them, find things by typing, look at one endpoint."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.e2e.conftest import PHONE, WIDE, Visitor
from tests.e2e.console_stage import ConsoleStage
from tests.e2e.test_console_pages import PAGES

pytestmark = pytest.mark.e2e

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def waiting(page: Page) -> str:
    """The number beside Alarms in the list of pages."""
    return page.locator("nav a", has_text="Alarms").locator(".count").inner_text()


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "light"), (PHONE, "dark")], ids=["wide-light", "phone-dark"])
def test_every_page_meets_wcag_aa(visit: Visitor, stage: ConsoleStage, size: tuple[int, int], scheme: str) -> None:
    window = visit(size, scheme)
    stage.state.take_presence("hems-h2", online=False)
    for _ in range(12):
        stage.step(silent=["hems-h2"])
    found = []
    for path in PAGES:
        page = window.open(path)
        page.wait_for_load_state("networkidle")
        answer = Axe().run(page, options={"runOnly": {"type": "tag", "values": WCAG}})
        for violation in answer.response["violations"]:
            places = [node["target"] for node in violation["nodes"]][:3]
            found.append(f"{path}: {violation['id']}: {violation['help']}: {places}")
    for _ in range(15):
        stage.step()
    assert found == []


def test_an_alarm_is_raised_acknowledged_with_a_name_and_over_when_it_has_healed(
    visit: Visitor, stage: ConsoleStage
) -> None:
    page = visit().open("/alarms")
    expect(page.get_by_text("Nothing is wrong.")).to_be_visible()
    stage.state.take_presence("hems-h2", online=False)
    for _ in range(12):
        stage.step(silent=["hems-h2"])
    row = page.get_by_role("table", name="Standing alarms").get_by_role("row", name=re.compile("hems-h2"))
    expect(row.get_by_text("HEMS endpoint is offline")).to_be_visible()
    assert int(waiting(page)) >= 1

    row.get_by_role("button", name="Acknowledge endpoint-offline of hems-h2").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Acknowledge").click()
    expect(dialog.get_by_text("Give your name")).to_be_visible()
    dialog.get_by_label("Your name").fill("control room")
    dialog.get_by_label("Comment, if any").fill("crew is on site")
    dialog.get_by_role("button", name="Acknowledge").click()

    expect(row.get_by_text("control room: crew is on site")).to_be_visible()
    expect(row.get_by_role("button")).to_have_count(0)
    for _ in range(15):
        stage.step()
    over = page.get_by_role("table", name="Alarms that are over")
    expect(over.get_by_role("row", name=re.compile("hems-h2")).first).to_be_visible()
    expect(page.get_by_text("Nothing is wrong.")).to_be_visible()


def test_anything_is_found_from_the_keyboard_alone(visit: Visitor) -> None:
    page = visit().open("/")
    page.keyboard.press("/")
    box = page.get_by_role("combobox", name="Search homes, devices, endpoints and pages")
    expect(box).to_be_focused()

    page.keyboard.type("h4")
    expect(page.get_by_role("option").first).to_have_text(re.compile("Home.*h4"))
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option").nth(1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")

    expect(page.locator("h1")).to_have_text("Home h4")
    expect(page.get_by_role("listbox", name="Found")).to_be_hidden()


def test_a_search_without_an_answer_says_what_can_be_found(visit: Visitor) -> None:
    page = visit().open("/")
    page.get_by_role("combobox", name="Search homes, devices, endpoints and pages").fill("nobody")
    expect(page.get_by_text("Nothing is called “nobody”")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("Nothing is called")).to_be_hidden()


def test_an_endpoint_has_a_page_with_its_devices_commands_and_events(visit: Visitor) -> None:
    page = visit().open("/pathways")
    page.get_by_role("link", name="gw-h1").click()

    expect(page.locator("h1")).to_have_text("Endpoint gw-h1")
    expect(page.locator(".stat", has_text="State").get_by_text("Online", exact=True)).to_be_visible()
    expect(page.get_by_role("region", name="Devices").get_by_text("h1-battery")).to_be_visible()
    expect(page.get_by_text("“Set…” on the page of one of its homes sends one.")).to_be_visible()
    page.get_by_role("region", name="Devices").get_by_role("link", name="h1").first.click()
    expect(page.locator("h1")).to_have_text("Home h1")


def test_an_endpoint_that_does_not_exist_says_where_to_look(visit: Visitor) -> None:
    page = visit().open("/endpoints/nowhere")
    expect(page.get_by_text("There is no endpoint nowhere")).to_be_visible()
