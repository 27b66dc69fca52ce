"""The checker puts Grafana's values into queries as Grafana does, and judges what comes back."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from dashboards.check import MAY_BE_EMPTY, check
from dashboards.questions import EVERYTHING, Question, Range, filled, questions, span_of
from twin.store.influx.answers import Row

STOP = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)
WITHIN = Range(start=STOP - timedelta(hours=1), stop=STOP, bucket="b")


def question(text: str, *, window_s: float = 1) -> Question:
    return Question(
        board="x", place="y", role="panel", text=text, span=timedelta(hours=1), window=timedelta(seconds=window_s)
    )


def test_macros_become_times_a_window_and_the_bucket() -> None:
    asked = question('from(bucket: v.defaultBucket + "_log") |> range(start: v.timeRangeStart, stop: v.timeRangeStop)')

    assert filled(asked, WITHIN, {}, {}) == (
        'from(bucket: "b" + "_log") |> range(start: 2026-06-21T11:00:00Z, stop: 2026-06-21T12:00:00Z)'
    )
    assert filled(question("every: v.windowPeriod", window_s=20), WITHIN, {}, {}) == "every: 20s"
    assert filled(question("every: v.windowPeriod"), WITHIN, {}, {}) == "every: 6s"  # six hundred points


def test_variables_are_put_in_plain_or_as_an_expression_that_matches_them_alone() -> None:
    text = 'r.home == "${home}" and r.device =~ /^${device:regex}$/'

    assert filled(question(text), WITHIN, {"home": "h1", "device": "a.b"}, {}) == (
        'r.home == "h1" and r.device =~ /^a\\.b$/'
    )
    every = filled(question(text), WITHIN, {"home": "h1", "device": EVERYTHING}, {"device": ".*"})
    assert every.endswith("/^.*$/")


def test_a_variable_without_a_value_is_a_fault_of_the_checker() -> None:
    with pytest.raises(KeyError):
        filled(question("${home}"), WITHIN, {}, {})


def test_a_range_that_is_not_relative_is_refused() -> None:
    assert span_of("now-6h") == timedelta(hours=6)
    with pytest.raises(ValueError, match="now-NUMBER"):
        span_of("2026-06-21")


def test_every_role_is_gathered() -> None:
    roles = [question.role for question in questions()]

    assert {role: roles.count(role) > 5 for role in ("panel", "variable", "annotation", "alert")} == {
        "panel": True,
        "variable": True,
        "annotation": True,
        "alert": True,
    }


def test_a_home_without_a_vehicle_does_not_fail_the_vehicle_s_panel() -> None:
    def ask(text: str) -> Iterable[Row]:
        if "schema.tagValues" in text:
            return [{"_value": "h1"}, {"_value": "h2"}]
        if 'r._measurement == "ev_charger"' in text and 'r.home == "h1"' in text:
            return [{"_time": STOP}]  # a window without a value
        return [{"_time": STOP, "_value": 1.0}]

    answers = {answer.question.place: answer for answer in check(ask, bucket="b", now=STOP)}

    assert answers["Electric vehicle (A)"].passed
    assert answers["Electric vehicle (A)"].chosen["home"] == "h2"


def test_what_is_empty_fails_unless_it_may_be_and_nothing_may_when_strict() -> None:
    def ask(text: str) -> Iterable[Row]:
        return [{"_value": "x"}] if "schema.tagValues" in text else []

    usual = [answer for answer in check(ask, bucket="b", now=STOP) if answer.question.role != "variable"]
    strict = [answer for answer in check(ask, bucket="b", now=STOP, strict=True) if answer.question.role != "variable"]

    assert {answer.question.place for answer in usual if answer.passed} == set(MAY_BE_EMPTY)
    assert not any(answer.passed for answer in strict)


def test_the_pilot_can_be_named() -> None:
    asked = []

    def ask(text: str) -> Iterable[Row]:
        asked.append(text)
        return [{"_value": "other"}]

    list(check(ask, bucket="b", now=STOP, pilot="elm"))

    named = [text for text in asked if "r.pilot ==" in text]
    assert named
    assert all('r.pilot == "elm"' in text for text in named)
