"""Asks every question of the dashboards of a real InfluxDB that a real run has filled, and says which go unanswered.

A panel passes when it has rows for every fixed choice and for some value of what is looked up: a home without a
vehicle shows no vehicle. What may be empty while nothing goes wrong is listed here, with why, and passes unless strict.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, product

from dashboards.questions import EVERYTHING, Question, Range, Variable, filled, questions, variables
from twin.store.influx.answers import Row
from twin.store.port import StoreError

Ask = Callable[[str], Iterable[Row]]

MAY_BE_EMPTY: Mapping[str, str] = {
    "Dead letters, by reason": "nothing was refused",
    "Latest dead letters": "nothing was refused",
    "Why commands did not come to their end": "every command came to its end",
    "Alarms and warnings": "nothing went wrong",
    "Information": "nothing happened",
}
_TRIED = 120  # choices of home and device, until one has rows
_KEYS = frozenset({"result", "table", "_time", "_start", "_stop"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of one question. `rows` have at least one value; `chosen` are the values it was asked with."""

    question: Question
    rows: int
    chosen: Mapping[str, str]
    error: str = ""
    excuse: str = ""

    @property
    def passed(self) -> bool:
        """Rows came, or there is a reason why none did."""
        return not self.error and (self.rows > 0 or bool(self.excuse))


def check(ask: Ask, *, bucket: str, now: datetime, pilot: str = "", strict: bool = False) -> Iterator[Answer]:
    """Ask everything, as at `now`. With `strict` nothing is excused."""
    offered = variables()
    for question in questions():
        within = Range(start=now - question.span, stop=now, bucket=bucket)
        of_board = offered.get(question.board, ())
        everything = {variable.name: variable.everything for variable in of_board}
        yield _asked(ask, question, within, of_board, everything, pilot=pilot, strict=strict)


def _asked(
    ask: Ask,
    question: Question,
    within: Range,
    offered: Sequence[Variable],
    everything: Mapping[str, str],
    *,
    pilot: str,
    strict: bool,
) -> Answer:
    rows, chosen = 0, dict[str, str]()
    fixed = [variable for variable in offered if variable.options and variable.name in question.uses]
    try:
        for picked in product(*(variable.options for variable in fixed)):
            choice = dict(zip((variable.name for variable in fixed), picked, strict=True))
            rows = 0
            for looked_up in islice(_choices(ask, question, within, offered, everything, pilot), _TRIED):
                chosen = {**looked_up, **choice}
                rows = sum(1 for row in ask(filled(question, within, chosen, everything)) if row.keys() - _KEYS)
                if rows:
                    break
            if not rows:
                break
    except StoreError as error:
        return Answer(question=question, rows=0, chosen=chosen, error=str(error))
    excuse = "" if strict or rows else MAY_BE_EMPTY.get(question.place, "")
    return Answer(question=question, rows=rows, chosen=chosen, excuse=excuse)


def _choices(
    ask: Ask,
    question: Question,
    within: Range,
    offered: Sequence[Variable],
    everything: Mapping[str, str],
    pilot: str,
) -> Iterator[Mapping[str, str]]:
    """Values of the looked-up variables that the question uses, each depending on those before it."""
    needed = [variable for variable in offered if variable.query and variable.name in _with_theirs(question, offered)]

    def deeper(chosen: Mapping[str, str], rest: Sequence[Variable]) -> Iterator[Mapping[str, str]]:
        if not rest:
            yield chosen
            return
        variable = rest[0]
        for value in _values(ask, variable, question, within, chosen, everything, pilot):
            yield from deeper({**chosen, variable.name: value}, rest[1:])

    yield from deeper({}, needed)


def _values(
    ask: Ask,
    variable: Variable,
    question: Question,
    within: Range,
    chosen: Mapping[str, str],
    everything: Mapping[str, str],
    pilot: str,
) -> Sequence[str]:
    if variable.everything:
        return (EVERYTHING,)
    if variable.name == "pilot" and pilot:
        return (pilot,)
    asked = Question(board="", place=variable.name, role="variable", text=variable.query, span=question.span)
    return [str(row["_value"]) for row in ask(filled(asked, within, chosen, everything)) if "_value" in row]


def _with_theirs(question: Question, offered: Sequence[Variable]) -> frozenset[str]:
    """The variables a question uses, and those that their own queries use."""
    used = set(question.uses)
    for variable in reversed(offered):
        if variable.name in used:
            used.update(Question(board="", place="", role="", text=variable.query, span=question.span).uses)
    return frozenset(used)
