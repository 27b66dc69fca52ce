"""Looking back in a live console, and steering a replay: with the keyboard, and never mistaken for now."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.e2e.conftest import PHONE, Visitor, eventually
from tests.e2e.console_stage import START, ConsoleStage

pytestmark = pytest.mark.e2e

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def head(page: Page) -> str:
    return page.locator(".stat", has_text="Feeder head").locator(".figure").inner_text()


def test_a_past_moment_is_chosen_with_the_keyboard_and_never_mistaken_for_now(visit: Visitor) -> None:
    page = visit().open("/")
    live = head(page)
    page.get_by_role("button", name="Look back").press("Enter")
    strip = page.get_by_role("region", name="Past moment")
    expect(strip.get_by_text("Live.")).to_be_visible()
    slider = strip.get_by_role("slider")
    slider.focus()
    slider.press("PageDown")

    expect(strip.get_by_text(re.compile(r"Past: Mon 15 Jun 2026 .* UTC, as it was known then\."))).to_be_visible()
    expect(page.locator(".top").get_by_text("Past", exact=True)).to_be_visible()
    eventually(lambda: head(page) != live, page=page)
    assert re.fullmatch(r"Mon 15 Jun 2026|2026-06-15 .* UTC", slider.get_attribute("aria-valuetext") or "")

    page.get_by_role("link", name="Homes", exact=True).click()
    expect(page.locator("h1")).to_have_text("Homes")
    expect(strip.get_by_text(re.compile("Past: "))).to_be_visible()
    page.get_by_role("button", name="Back to live").press("Enter")
    expect(strip.get_by_text("Live.")).to_be_visible()
    expect(page.locator(".top").get_by_text("Live", exact=True)).to_be_visible()


def test_a_moment_can_be_typed_and_shows_what_was_known_then(visit: Visitor, stage: ConsoleStage) -> None:
    page = visit().open("/homes/h1")
    page.get_by_role("button", name="Look back").click()
    entry = page.get_by_label("Date and time, UTC")
    entry.fill("2026-06-15T12:05:00")
    entry.press("Enter")
    expect(page.get_by_text("Past: Mon 15 Jun 2026 12:05:00 UTC")).to_be_visible()
    meter = stage.pilot.device["h1-meter"]
    known = stage.values(meter, START.replace(hour=12, minute=0))["power_w"]
    shown = page.locator(".stat", has_text="Meter").first.locator(".figure")
    expect(shown).to_have_text(f"{known / 1e3:.2f} kW".replace("-", "\N{MINUS SIGN}"))


def test_a_moment_that_history_does_not_have_is_refused_with_what_it_has(visit: Visitor) -> None:
    page = visit().open("/")
    page.get_by_role("button", name="Look back").click()
    entry = page.get_by_label("Date and time, UTC")
    entry.fill("2020-01-01T00:00:00")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text(re.compile(r"history is of 2026-06-14 .* not of 2020-01-01 00:00:00"))).to_be_visible()
    expect(page.locator(".top").get_by_text("Live", exact=True)).to_be_visible()


def test_no_command_can_be_sent_into_the_past(visit: Visitor) -> None:
    page = visit().open("/homes/h1")
    page.get_by_role("button", name="Look back").click()
    page.get_by_role("button", name="\N{MINUS SIGN}10 min").click()
    expect(page.get_by_text(re.compile("Past: "))).to_be_visible()
    page.get_by_role("button", name=re.compile("Set .* of h1-battery")).first.click()
    page.get_by_role("button", name="Review").click()
    page.get_by_role("button", name="Send command").click()
    expect(page.get_by_text("this is a past moment; go back to live to send a command")).to_be_visible()


def test_other_windows_stay_live(visit: Visitor) -> None:
    first, second = visit().open("/"), visit().open("/")
    first.get_by_role("button", name="Look back").click()
    first.get_by_role("button", name="\N{MINUS SIGN}1 min").click()
    expect(first.locator(".top").get_by_text("Past", exact=True)).to_be_visible()
    expect(second.locator(".top").get_by_text("Live", exact=True)).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_strip_and_the_comparison_meet_wcag_aa(visit: Visitor, scheme: str) -> None:
    window = visit(PHONE, scheme)
    page = window.open("/compare")
    page.get_by_role("button", name="Look back").click()
    page.get_by_role("button", name="\N{MINUS SIGN}10 min").click()
    expect(page.get_by_text(re.compile("Past: "))).to_be_visible()
    page.wait_for_load_state("networkidle")
    answer = Axe().run(page, options={"runOnly": {"type": "tag", "values": WCAG}})
    assert [one["id"] for one in answer.response["violations"]] == []
    assert not window.overflows


def test_two_periods_are_compared_in_figures(visit: Visitor) -> None:
    page = visit().open("/compare")
    table = page.get_by_role("table", name="Figures of both periods")
    expect(table.get_by_role("row", name=re.compile("Energy"))).to_contain_text("kWh")
    page.get_by_label("Feeder, or a device").fill("h1-battery")
    page.get_by_label("Feeder, or a device").press("Tab")
    page.get_by_label("Quantity").select_option("soc")
    page.get_by_role("button", name="Compare").click()
    expect(table.get_by_role("row", name=re.compile("Mean"))).not_to_contain_text("kW")
    expect(page.get_by_text("B from 15 Jun 2026")).to_be_visible()
