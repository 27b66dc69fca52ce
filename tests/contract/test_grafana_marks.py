"""Alarms marked in Grafana: once, over restarts and outages, and to their end.

Runs on a stand-in, and on a real Grafana where HEARTHGRID_TEST_GRAFANA_URL and _TOKEN say where one is.
"""

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from grafana_api.grafana_api import GrafanaException

from tests.grafana_stage import STAND_IN_TOKEN, StandIn, stand_in
from twin.console.grafana import TOKEN, TOKEN_FILE, Failure, Marker, connect, identity
from twin.model.event import Event, Severity
from twin.state.alarms import CLEARED, RAISED

START = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10)
REAL_URL, REAL_TOKEN = (
    os.environ.get("HEARTHGRID_TEST_GRAFANA_URL"),
    os.environ.get("HEARTHGRID_TEST_GRAFANA_TOKEN", ""),
)


class Place:
    """A Grafana, reached as the twin does, with what it says is marked."""

    def __init__(self, url: str, token: str) -> None:
        self.client = connect(url, {TOKEN: token})
        self.pilot = f"marks {datetime.now(UTC).timestamp()}"

    def marked(self) -> list[dict[str, Any]]:
        tags = ["hearthgrid", f"pilot:{self.pilot}".replace(" ", "%20")]
        found: list[dict[str, Any]] = self.client.annotations.get_annotation(tags=tags, limit=100)
        return sorted(found, key=lambda one: int(one["time"]))

    def marker(self, events: Sequence[Event]) -> Marker:
        """A marker of a twin that has just started, with history as it is told: oldest first."""
        return Marker(self.client, self.pilot, lambda: tuple(reversed(events)))


@pytest.fixture(
    params=[
        "stand-in",
        pytest.param(
            "real", marks=pytest.mark.skipif(REAL_URL is None, reason="HEARTHGRID_TEST_GRAFANA_URL is not set")
        ),
    ]
)
def grafana(request: pytest.FixtureRequest) -> Iterator[Place]:
    if request.param == "real":
        yield Place(str(REAL_URL), REAL_TOKEN)
        return
    with stand_in() as there:
        yield Place(there.url, STAND_IN_TOKEN)


@pytest.fixture
def away() -> Iterator[StandIn]:
    with stand_in() as there:
        yield there


def event(
    second: float,
    *,
    severity: Severity = Severity.ALARM,
    kind: str = RAISED,
    subject: str = "store",
    text: str = "stuck",
) -> Event:
    return Event(at=START + timedelta(seconds=second), severity=severity, kind=kind, subject=subject, text=text)


def test_an_alarm_and_a_warning_are_marked_at_their_time_with_tags_to_filter_by(grafana: Place) -> None:
    history = [
        event(0),
        event(5, severity=Severity.WARNING, kind="endpoint-offline", subject="gw-h1", text="gw-h1 is gone"),
        event(6, severity=Severity.INFORMATION, kind="endpoint-online", subject="gw-h2", text="gw-h2 is back"),
    ]

    assert grafana.marker(history).mark() == 2

    first, second = grafana.marked()
    assert first["time"] == int(START.timestamp() * 1e3)
    assert (first["text"], second["text"]) == ("stuck", "gw-h1 is gone")
    assert {"hearthgrid", f"pilot:{grafana.pilot}", "severity:alarm", "subject:store"} <= set(first["tags"])
    assert {"severity:warning", "kind:endpoint-offline", f"id:{identity(history[1])}"} <= set(second["tags"])


def test_nothing_is_marked_twice_within_a_run_nor_after_a_restart(grafana: Place) -> None:
    history = [event(0), event(1, subject="voltage")]
    marker = grafana.marker(history)

    assert [marker.mark(), marker.mark()] == [2, 0]
    assert grafana.marker([*history, event(2, subject="bus")]).mark() == 1

    assert len(grafana.marked()) == 3


def test_an_alarm_that_clears_reaches_from_when_it_was_raised_until_then(grafana: Place) -> None:
    raised, cleared = event(0), event(90, severity=Severity.INFORMATION, kind=CLEARED, text="no longer so")
    grafana.marker([raised]).mark()

    assert grafana.marker([raised, cleared]).mark() == 1  # after a restart, too
    assert grafana.marker([raised, cleared]).mark() == 0

    (mark,) = grafana.marked()
    assert mark["timeEnd"] - mark["time"] == 90_000
    assert mark["text"] == "stuck"


def test_an_alarm_raised_again_is_another_mark(grafana: Place) -> None:
    history = [
        event(0),
        event(30, severity=Severity.INFORMATION, kind=CLEARED),
        event(60),
        event(80, severity=Severity.INFORMATION, kind=CLEARED),
    ]

    grafana.marker(history).mark()

    assert [one["timeEnd"] - one["time"] for one in grafana.marked()] == [30_000, 20_000]


def test_a_burst_is_marked_round_by_round(grafana: Place) -> None:
    marker = grafana.marker([event(number, subject=f"s{number}") for number in range(70)])

    assert [marker.mark(), marker.mark(), marker.mark()] == [50, 20, 0]


def test_the_version_is_known(grafana: Place) -> None:
    assert grafana.marker([]).version()


def test_what_happens_while_grafana_is_out_of_order_is_marked_when_it_is_back(away: StandIn) -> None:
    place = Place(away.url, STAND_IN_TOKEN)
    history = [event(0)]
    marker = Marker(place.client, place.pilot, lambda: tuple(reversed(history)))
    marker.mark()

    away.fault = 503
    history.append(event(10, subject="bus", text="no broker"))
    with pytest.raises(GrafanaException):
        marker.mark()
    away.fault = 0

    assert marker.mark() == 1
    assert [one["text"] for one in place.marked()] == ["stuck", "no broker"]
    assert place.marked()[1]["time"] == int((START + timedelta(seconds=10)).timestamp() * 1e3)


def test_a_grafana_that_is_not_there_or_refuses_the_token_is_a_failure_the_marker_knows(away: StandIn) -> None:
    history = [event(0)]
    for client in (connect("http://127.0.0.1:9", {TOKEN: "x"}), connect(away.url, {TOKEN: "wrong"})):
        with pytest.raises(Failure):
            Marker(client, "p", lambda: history).mark()


def test_closing_does_not_wait_for_grafana(away: StandIn) -> None:
    marker = Marker(connect(away.url, {TOKEN: STAND_IN_TOKEN}), "p", lambda: ())

    marker.start()
    marker.close()

    assert not away.annotations


def test_the_token_comes_from_the_environment_or_a_file_of_it_and_never_from_the_address(
    away: StandIn, tmp_path: Path
) -> None:
    secret = tmp_path / "token"
    secret.write_text(f"{STAND_IN_TOKEN}\n", encoding="utf-8")
    by_file = Marker(connect(away.url, {TOKEN_FILE: str(secret)}), "p", lambda: [event(0)])

    assert by_file.mark() == 1
    with pytest.raises(ValueError, match=TOKEN):
        connect(away.url, {})
    with pytest.raises(ValueError, match="cannot be read"):
        connect(away.url, {TOKEN_FILE: str(tmp_path / "none")})
    for wrong in ("localhost:3000", "ftp://host", "http://user:secret@host", "http://host?token=x"):
        with pytest.raises(ValueError, match="http://HOST:PORT") as caught:
            connect(wrong, {TOKEN: "x"})
        assert "secret" not in str(caught.value)
