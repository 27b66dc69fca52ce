"""A replay in the browser: it says what it is, plays, stands, leaps, and takes no commands."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests import review_stage
from tests.e2e.conftest import Visitor, eventually
from tests.review_stage import at
from twin.replay.show import ReplayApp, Show
from twin.replay.source import History
from twin.store.embedded import EmbeddedStore

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplayApp]:
    pilot = review_stage.pilot()
    store = EmbeddedStore(tmp_path_factory.mktemp("replay") / "history.duckdb", pilot)
    review_stage.write(store)
    history = History(pilot=pilot, store=store, start=at(0), end=at(600), pilot_file=None)
    show = Show(start=at(30), end=at(590), speed=10.0, at=at(100), host="127.0.0.1", port=0)
    app = ReplayApp(history, show)
    app.start()
    yield app
    app.close()
    store.close()


def test_a_replay_says_what_it_is_and_is_steered_with_the_keyboard(visit: Visitor, console: ReplayApp) -> None:
    page = visit().open("/")
    strip = page.get_by_role("region", name="Replay")
    banner = "Replay of small at Mon 15 Jun 2026 12:01:40 UTC, \N{MULTIPLICATION SIGN}10"
    expect(strip.get_by_text(banner)).to_be_visible()
    expect(strip.get_by_text("standing still; no command can be sent.")).to_be_visible()
    expect(page.get_by_role("button", name="Look back")).to_be_hidden()

    strip.get_by_role("slider").press("End")
    expect(strip.get_by_text(re.compile("12:09:50 UTC"))).to_be_visible()
    expect(page.get_by_text("Past", exact=True)).to_be_visible()
    strip.get_by_role("slider").press("Home")
    expect(strip.get_by_text(re.compile("12:00:30 UTC"))).to_be_visible()

    strip.get_by_label("Speed", exact=True).select_option("60")
    strip.get_by_role("button", name="Play").press("Enter")
    expect(strip.get_by_role("button", name="Pause")).to_be_visible()
    eventually(lambda: console.player.now > at(60), page=page)
    strip.get_by_role("button", name="Pause").press("Enter")
    eventually(lambda: not console.player.playing, page=page)
    expect(strip.get_by_text("standing still")).to_be_visible()


def test_late_values_come_late(visit: Visitor, console: ReplayApp) -> None:
    page = visit().open("/homes/h3")
    meter = page.locator(".stat", has_text="Meter").first.locator(".figure")
    console.player.seek(at(review_stage.CACHE_S - 1))
    eventually(lambda: console.player.now == at(review_stage.CACHE_S - 1), page=page)
    expect(page.get_by_text("has not reported yet").first).to_be_visible()
    console.player.seek(at(review_stage.CACHE_S + 60))
    expect(meter).to_have_text("60 W")


def test_a_replay_takes_no_command(visit: Visitor, console: ReplayApp) -> None:
    console.player.seek(at(200))
    page = visit().open("/homes/h1")
    page.get_by_role("button", name=re.compile("Set .* of h1-battery")).first.click()
    page.get_by_role("button", name="Review").click()
    page.get_by_role("button", name="Send command").click()
    expect(page.get_by_text("this is a replay; commands can only be sent to a live twin")).to_be_visible()
