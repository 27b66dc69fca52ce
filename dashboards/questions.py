"""Every query that Grafana will ever send, gathered from what is built: of panels, variables, annotations, alert rules.

Puts values in the place of Grafana's variables and macros the way Grafana does, so that a query can be asked as it is.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from dashboards import alerts, provision

Board = Mapping[str, Any]

_MACRO = re.compile(r"\bv\.(timeRangeStart|timeRangeStop|windowPeriod|defaultBucket)\b")
_VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}")
_POINTS = 600
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
EVERYTHING = "$__all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One query: where it stands, its text, how far it looks back, and the least window it asks for."""

    board: str
    place: str  # panel's, variable's, annotation's or rule's title
    role: str  # panel, variable, annotation or alert
    text: str
    span: timedelta
    window: timedelta = timedelta(seconds=1)
    points: int = _POINTS

    @property
    def uses(self) -> Sequence[str]:
        """Names of the variables in it."""
        return tuple(dict.fromkeys(name for name, _ in _VARIABLE.findall(self.text)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One variable of a dashboard: `query` gives its values, or `options` has them."""

    name: str
    options: Sequence[str] = ()
    query: str = ""
    everything: str = ""  # what stands for all of its values, when all may be chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The time range of a dashboard, and the bucket that its data source names."""

    start: datetime
    stop: datetime
    bucket: str


def questions() -> Iterator[Question]:
    """All of them, dashboard by dashboard, the alert rules last."""
    for board in map(provision.plain, provision.boards()):
        if isinstance(board, dict):
            yield from _of_board(board)
    for alert in alerts.every():
        yield Question(
            board="alert rules",
            place=alert.title,
            role="alert",
            text=alert.query,
            span=timedelta(seconds=alert.looked_back_s),
        )


def variables() -> Mapping[str, Sequence[Variable]]:
    """The variables of every dashboard, by its title, in the order in which they depend on each other."""
    boards = [board for board in map(provision.plain, provision.boards()) if isinstance(board, dict)]
    return {board["title"]: tuple(map(_variable, board["templating"]["list"])) for board in boards}


def filled(question: Question, within: Range, values: Mapping[str, str], everything: Mapping[str, str]) -> str:
    """The query as Grafana would send it. KeyError for a variable without a value."""
    window = max(question.window, (within.stop - within.start) / question.points, timedelta(seconds=1))
    macros = {
        "timeRangeStart": _time(within.start),
        "timeRangeStop": _time(within.stop),
        "windowPeriod": f"{int(window.total_seconds())}s",
        "defaultBucket": f'"{within.bucket}"',
    }

    def chosen(match: re.Match[str]) -> str:
        name, form = match.groups()
        value = values[name]
        if value == EVERYTHING:
            return everything[name]
        return re.escape(value) if form == "regex" else value

    return _MACRO.sub(lambda match: macros[match[1]], _VARIABLE.sub(chosen, question.text))


def span_of(relative: str) -> timedelta:
    """`now-6h` as a duration. ValueError for anything else."""
    found = re.fullmatch(r"now-(\d+)([smhd])", relative)
    if found is None:
        raise ValueError(f"a dashboard begins at {relative!r}; it begins at now-NUMBER and s, m, h or d")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def _of_board(board: Board) -> Iterator[Question]:
    span = span_of(board["time"]["from"])
    title = board["title"]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            yield Question(board=title, place=variable["label"], role="variable", text=variable["query"], span=span)
    for annotation in board["annotations"]["list"]:
        if "query" in annotation["target"]:
            text = annotation["target"]["query"]
            yield Question(board=title, place=annotation["name"], role="annotation", text=text, span=span)
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            several = len(panel["targets"]) > 1
            yield Question(
                board=title,
                place=f"{panel['title']} ({target['refId']})" if several else panel["title"],
                role="panel",
                text=target["query"],
                span=span,
                window=span_of(f"now-{panel['interval']}") if panel.get("interval") else timedelta(seconds=1),
                points=panel.get("maxDataPoints", _POINTS),
            )


def _variable(one: Board) -> Variable:
    everything = one.get("allValue", "") if one.get("includeAll") else ""
    if one["type"] == "query":
        return Variable(name=one["name"], query=one["query"], everything=everything)
    if everything:
        return Variable(name=one["name"], options=(EVERYTHING,), everything=everything)
    return Variable(name=one["name"], options=tuple(option["value"] for option in one["options"]))


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
