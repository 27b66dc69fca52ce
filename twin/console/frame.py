"""The frame around every page: navigation, title, clock, theme; and which address shows which page.

Moving between pages keeps the frame and its connection; each page is built afresh and takes its timer with it.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from nicegui import PageArguments, ui

from twin.console.directory import PAGES
from twin.console.kit import Text, link, not_found, pill, put, tag
from twin.console.live import TICK_S
from twin.console.look import Look, Moments
from twin.console.pages import (
    alarms,
    commands,
    compare,
    dead_letters,
    endpoint,
    events,
    feeder,
    health,
    home,
    homes,
    overview,
    pathways,
    review,
)
from twin.console.past import PAST, UNSAMPLED
from twin.console.views import Views
from twin.console.words import count

STATIC = Path(__file__).parent / "static"


class Console:
    """The pages over one pilot; `page` is what NiceGUI calls for each browser that comes."""

    def __init__(self, views: Views) -> None:
        self._moments = Moments(views)

    def page(self) -> None:
        """Build the frame, and in it the page that the address names."""
        ui.add_head_html(
            '<link rel="stylesheet" href="/static/console.css"><script src="/static/console.js"></script>'
            '<script src="/static/search.js"></script><link rel="stylesheet" href="/static/review.css">'
        )
        with tag("div", "frame"):
            look = Look(self._moments)
            rail, top = _Rail(look), _Top(look)
            with tag("div", "main"):
                strip = review.strip(look)
                routes = self._routes(look.views)
                pages = ui.sub_pages(routes, show_404=False)
            if strip is not None:
                top.past.on("click", strip.toggle)

        def update() -> None:
            rail.update()
            top.update()

        def turn() -> None:
            routes.update(self._routes(look.views))
            pages.refresh()
            update()

        look.on_change(turn)
        ui.timer(TICK_S, update)

    @staticmethod
    def _start(views: Views, arguments: PageArguments) -> None:
        """The overview; also where an address ends that names no page, so that it can say so."""
        rest = arguments.remaining_path.strip("/")
        if rest:
            not_found(f"There is no page /{rest}", "Choose one from the list of pages.")
        else:
            overview.page(views)

    def _routes(self, views: Views) -> dict[str, Callable[..., object]]:
        return {
            "/": partial(self._start, views),
            "/feeder": partial(feeder.page, views),
            "/feeder/{feeder}": partial(feeder.page, views),
            "/homes": partial(homes.page, views),
            "/homes/{home}": partial(home.page, views),
            "/alarms": partial(alarms.page, views),
            "/pathways": partial(pathways.page, views),
            "/endpoints/{endpoint}": partial(endpoint.page, views),
            "/commands": partial(commands.page, views),
            "/compare": partial(compare.page, views),
            "/events": partial(events.page, views),
            "/dead-letters": partial(dead_letters.page, views),
            "/health": partial(health.page, views),
        }


class _Rail:
    """The list of pages, with the number of things that wait for a look."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._items: dict[str, ui.element] = {}
        self._counts: dict[str, Text] = {}
        with tag("nav", "rail", aria_label="Pages"):
            with tag("a", "brand", href="/"):
                tag("img", src="/static/mark.svg", alt="")
                Text("Hearthgrid")
            for path, name in PAGES:
                with tag("a", "item", href=path) as item:
                    Text(name)
                    self._counts[path] = Text("", classes="count")
                self._items[path] = item
            put(link("HTTP API", "/api/v1/openapi.json", "foot"), "target", "_blank")
        router = ui.context.client.sub_pages_router
        self._here(router.current_path)
        router.on_path_changed(self._here)
        self.update()

    def _here(self, address: str) -> None:
        first = "/" + address.split("?", maxsplit=1)[0].strip("/").split("/")[0]
        for path, item in self._items.items():
            if path == first:
                item.classes(add="here")
            else:
                item.classes(remove="here")
            put(item, "aria-current", "page" if path == first else "false")

    def update(self) -> None:
        """Show the counts as they are now."""
        views = self._look.views
        waiting = sum(alarm.waits for alarm in views.alarms.get())
        letters = sum(views.sources.state.dead_letter_counts.values())
        self._counts["/alarms"].say(count(waiting) if waiting else "")
        self._counts["/dead-letters"].say(count(letters) if letters else "")


class _Top:
    """The pilot's name, whether the twin hears the bus, the pilot's time and the theme."""

    def __init__(self, look: Look) -> None:
        self._look = look
        sources = look.views.sources
        with tag("div", "top"):
            Text(sources.pilot.title, classes="title")
            _search()
            tag("span", "grow")
            self._bus = pill("")
            self._clock = Text("", classes="clock")
            shown = "button lookback" if sources.player is None else "hidden"
            self.past = Text("Look back", tag="button", classes=shown)
            self.past.props("type=button")
            theme = Text("Auto", tag="button", classes="button wide-only")
            theme.props('id=theme type=button aria-label="Colour scheme: automatic, light or dark"')
            theme.on("click", js_handler="() => hg.nextTheme()")
        self.update()

    def update(self) -> None:
        """Show the time and the bus as they are now."""
        views = self._look.views
        self._clock.say(f"{views.sources.clock.now():%Y-%m-%d  %H:%M:%S} UTC")
        now = views.health.get()
        if now.mode in {PAST, UNSAMPLED}:
            self._bus.say("Past", "warn")
        elif not now.bus_connected:
            self._bus.say("No bus", "bad")
        elif views.filling:
            self._bus.say("Filling history", "wait")
        else:
            self._bus.say(*(("Live", "good") if now.mode == "live" else ("Simulated time", "wait")))


def _search() -> None:
    """A box to type in; what fits is listed below it by static/search.js, which asks the API."""
    with tag("div", "search", role="search"):
        tag(
            "input",
            id="search",
            type="search",
            placeholder="Search  /",
            autocomplete="off",
            role="combobox",
            aria_label="Search homes, devices, endpoints and pages",
            aria_controls="found",
            aria_expanded="false",
            aria_autocomplete="list",
        )
        tag("div", "found hidden", id="found", role="listbox", aria_label="Found")
