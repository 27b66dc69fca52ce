"""The few building blocks that every page is made of: text that changes, panels, figures, bars, pills, plain tables.

They carry classes of static/console.css and send only what changed: setting the same text twice sends nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

from twin.console.words import DASH


class Text(TextElement):
    """Text in any HTML tag; `say` changes it and, when given, the class that colours it."""

    def __init__(self, text: str = "", *, tag: str = "span", classes: str = "") -> None:
        super().__init__(tag=tag, text=text)
        self._tone = ""
        if classes:
            self.classes(classes)

    def say(self, text: str, tone: str | None = None) -> None:
        """Show `text`; `tone` is a class name such as `tone-bad`, or empty for none."""
        if text != self.text:
            self.text = text
        if tone is not None and tone != self._tone:
            self.classes(remove=self._tone, add=tone)
            self._tone = tone


def tag(name: str, classes: str = "", **attributes: str) -> ui.element:
    """An HTML element; use it with `with` to fill it. `aria_label` becomes `aria-label`."""
    element = ui.element(name)
    if classes:
        element.classes(classes)
    for key, value in attributes.items():
        put(element, key.rstrip("_").replace("_", "-"), value)
    return element


def put(element: ui.element, name: str, value: object) -> None:
    """Set an attribute of an element, sending it only when it changed."""
    if element.props.get(name) != value:
        element.props[name] = value
        element.update()


def shape(element: ui.element, **numbers: float | str) -> None:
    """Set custom CSS properties (`at=0.4` becomes `--at: 0.4`): how bars move without being rebuilt."""
    style = ";".join(f"--{k}:{v if isinstance(v, str) else format(v, '.4g')}" for k, v in numbers.items())
    put(element, "style", style)


@contextmanager
def panel(title: str, *, width: str = "w12", note: str = "") -> Iterator[Text]:
    """A titled box on the grid; gives the note beside the title, which may change."""
    with tag("section", f"panel {width}", aria_label=title):
        with tag("header"):
            Text(title, tag="h2")
            beside = Text(note, classes="note")
        yield beside


class Stat:
    """A labelled figure with a line under it."""

    def __init__(self, label: str) -> None:
        with tag("div", "stat"):
            Text(label, tag="div", classes="label")
            self.figure = Text(DASH, tag="div", classes="figure")
            self.under = Text("", tag="div", classes="under")

    def say(self, figure: str, under: str = "", tone: str = "") -> None:
        """Show a figure, what stands under it, and its tone."""
        self.figure.say(figure, tone)
        self.under.say(under)


class Bar:
    """A horizontal share of one; turns amber and red as told."""

    def __init__(self, label: str, colour: str = "") -> None:
        self._label = label
        self._tone = ""
        with tag("div", "bar", role="meter", aria_valuemin="0", aria_valuemax="100") as self._bar:
            self._fill = tag("i")
        put(self._bar, "aria-label", label)
        if colour:
            shape(self._bar, c=f"var(--{colour})")

    def say(self, share: float, tone: str = "") -> None:
        """Fill the bar to `share` of its length."""
        shape(self._fill, at=min(max(share, 0.0), 1.0))
        put(self._bar, "aria-valuenow", f"{100 * share:.0f}")
        if tone != self._tone:
            self._bar.classes(remove=self._tone, add=tone)
            self._tone = tone


class Facts:
    """Names on the left, figures on the right."""

    def __init__(self, names: Sequence[str]) -> None:
        self._values: dict[str, Text] = {}
        with tag("dl", "facts"):
            for name in names:
                Text(name, tag="dt")
                self._values[name] = Text(DASH, tag="dd")

    def say(self, name: str, value: str, tone: str = "") -> None:
        """Show the figure beside `name`."""
        self._values[name].say(value, tone)


class Grid:
    """A plain table whose cells change in place; rows are added as they come and never removed while it is shown.

    `columns` are headings; one that starts with ">" is aligned to the right.
    """

    def __init__(self, columns: Sequence[str], *, label: str) -> None:
        self._ends = [column.startswith(">") for column in columns]
        self._rows: list[list[Text]] = []
        with tag("div", "scroll"), tag("table", "plain", aria_label=label):
            with tag("thead"), tag("tr"):
                for column, end in zip(columns, self._ends, strict=True):
                    Text(column.removeprefix(">"), tag="th", classes="end" if end else "")
            self._body = tag("tbody")

    def say(self, rows: Sequence[Sequence[str | tuple[str, str]]]) -> None:
        """Show these rows; a cell is its text, or its text and its tone."""
        while len(self._rows) < len(rows):
            with self._body, tag("tr"):
                self._rows.append([Text("", tag="td", classes="end" if end else "") for end in self._ends])
        for cells, row in zip(self._rows, rows, strict=False):
            for cell, content in zip(cells, row, strict=True):
                text, tone = content if isinstance(content, tuple) else (content, "")
                cell.say(text, tone)


def button(label: str, pressed: Callable[[], object], *, prime: bool = False) -> Text:
    """A button; `prime` is the one that does what the form is for."""
    made = Text(label, tag="button", classes="button prime" if prime else "button")
    made.props("type=button").on("click", pressed)
    return made


def pill(text: str, tone: str = "") -> Text:
    """A small rounded label."""
    return Text(text, classes=f"pill {tone}")


def dot(colour: str, form: str = "") -> ui.element:
    """A coloured mark; `form` is square or diamond, else round."""
    mark = tag("span", f"dot {form}", aria_hidden="true")
    shape(mark, c=f"var(--{colour})")
    return mark


def empty(what: str, then: str) -> None:
    """What a place says when there is nothing to show: what is missing, and what to do."""
    with tag("p", "empty"):
        Text(what, tag="strong")
        Text(then)


def link(text: str, to: str, classes: str = "") -> Text:
    """A link to another page of the console."""
    anchor = Text(text, tag="a", classes=classes)
    put(anchor, "href", to)
    return anchor


@contextmanager
def page(title: str, subtitle: str = "") -> Iterator[Text]:
    """A page's heading and title; what is created inside stands at the heading's right. Gives the subtitle."""
    ui.page_title(f"{title} · Hearthgrid")
    with tag("div", "heading"):
        Text(title, tag="h1")
        beside = Text(subtitle, classes="sub")
        with tag("div", "tools"):
            yield beside


def not_found(what: str, then: str) -> None:
    """A page that says what there is not, and where to go."""
    with page("Not found"):
        pass
    with tag("section", "panel"):
        empty(what, then)


@contextmanager
def bare_panel(width: str) -> Iterator[None]:
    """A box without a title, for a figure that has its own label."""
    with tag("section", f"panel {width}"):
        yield


def choice(names: Sequence[str], chosen: Callable[[int], object], *, start: int, label: str) -> None:
    """A row of buttons of which one is pressed; `chosen` is called with the number of the one that was."""
    buttons: list[Text] = []

    def press(number: int) -> object:
        for other, button in enumerate(buttons):
            button.classes(add="on" if other == number else "", remove="" if other == number else "on")
            put(button, "aria-pressed", str(other == number).lower())
        return chosen(number)

    with tag("div", "choice", role="group", aria_label=label):
        for number, name in enumerate(names):
            button = Text(name, tag="button", classes="on" if number == start else "")
            put(button, "type", "button")
            put(button, "aria-pressed", str(number == start).lower())
            button.on("click", partial(press, number))
            buttons.append(button)
