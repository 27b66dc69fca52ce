"""A browser and a console over a twin whose time the test holds in its hands."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, Request, sync_playwright

from tests.builders import small_pilot
from tests.e2e.console_stage import ConsoleStage
from twin.clock import WallClock
from twin.console.server import ConsoleServer
from twin.model.device import Pathway

WIDE = (1440, 900)
PHONE = (390, 844)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@dataclass
class Visit:
    """One browser window on the console, and everything it should not have said or asked for."""

    page: Page
    url: str
    troubles: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        self.page.goto(self.url + path)
        self.page.wait_for_selector("h1")
        return self.page

    @property
    def overflows(self) -> bool:
        return bool(self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


Visitor = Callable[..., Visit]


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """One per module: its event loop must not run on under the tests of other folders."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no chromium on PATH; install it to drive the console")
    browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleStage]:
    folder: Path = tmp_path_factory.mktemp("console")
    stage = ConsoleStage(folder, small_pilot(homes=6, interval_s={Pathway.OEM: 5}))
    stage.step(10)
    yield stage
    stage.close()


@pytest.fixture(scope="module")
def console(stage: ConsoleStage) -> Iterator[ConsoleServer]:
    server = ConsoleServer(stage.sources())
    server.start()
    yield server
    server.stop()


@pytest.fixture
def visit(browser: Browser, console: ConsoleServer) -> Iterator[Visitor]:
    """Opens windows; afterwards none may have met an error or asked another host for anything."""
    visits: list[Visit] = []

    def make(size: tuple[int, int] = WIDE, scheme: str = "light") -> Visit:
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)  # type: ignore[arg-type]
        page = context.new_page()
        made = Visit(page, console.url)

        def requested(request: Request) -> None:
            if not request.url.startswith((console.url, console.url.replace("http", "ws"), "data:", "blob:")):
                made.troubles.append(f"asked for {request.url}")

        page.on("request", requested)
        page.on("pageerror", lambda error: made.troubles.append(f"error {error}"))
        page.on(
            "console",
            lambda said: made.troubles.append(f"said {said.text}") if said.type in {"error", "warning"} else None,
        )
        visits.append(made)
        return made

    yield make
    for made in visits:
        made.page.context.close()
    assert [trouble for made in visits for trouble in made.troubles] == []


def eventually(what: Callable[[], bool], *, within_s: float = 8.0, page: Page) -> None:
    """Wait until `what` holds, letting the page work meanwhile; fail when it does not in time."""
    clock = WallClock()
    end = clock.monotonic_s() + within_s
    while not what():
        assert clock.monotonic_s() < end, f"did not come true within {within_s} s"
        page.wait_for_timeout(50)
