"""The HTTP API lists alarms, takes an acknowledgement once, and finds things by words."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders import small_pilot
from tests.contract.test_console_api import API, Client
from tests.e2e.console_stage import ConsoleStage
from twin.model.device import Pathway


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[ConsoleStage]:
    stage = ConsoleStage(tmp_path, small_pilot(homes=3, interval_s={Pathway.OEM: 5}), history=False)
    stage.step(10)
    yield stage
    stage.close()


@pytest.fixture
def client(stage: ConsoleStage) -> Client:
    return Client(stage)


def offline(stage: ConsoleStage) -> None:
    stage.state.take_presence("hems-h2", online=False)
    for _ in range(12):
        stage.step(silent=["hems-h2"])


def test_alarms_are_listed_with_what_to_do_and_taken_as_seen_once(stage: ConsoleStage, client: Client) -> None:
    assert client.get(f"{API}/alarms").json() == {"open": [], "ended": []}
    offline(stage)
    listed = {alarm["id"]: alarm for alarm in client.get(f"{API}/alarms").json()["open"]}
    alarm = listed["endpoint-offline:hems-h2"]
    assert (alarm["severity"], alarm["waits"], alarm["page"]) == ("warning", True, "/endpoints/hems-h2")
    assert alarm["advice"].startswith("Look at the endpoint's page")

    first = client.post(f"{API}/alarms/{alarm['id']}/acknowledge", {"by": " night shift ", "comment": "on it"})
    again = client.post(f"{API}/alarms/{alarm['id']}/acknowledge", {"by": "somebody else"})

    assert first.status_code == again.status_code == 200
    assert again.json()["acknowledged_by"] == "night shift"
    assert again.json()["comment"] == "on it"


@pytest.mark.parametrize("body", [{}, {"by": "  "}, {"by": "x" * 81}, {"by": "me", "mood": "good"}])
def test_an_acknowledgement_needs_a_name_and_no_more_than_is_known(
    stage: ConsoleStage, client: Client, body: dict[str, str]
) -> None:
    offline(stage)
    assert client.post(f"{API}/alarms/endpoint-offline:hems-h2/acknowledge", body).status_code == 422


def test_an_alarm_that_is_not_open_is_not_found(client: Client) -> None:
    answer = client.post(f"{API}/alarms/voltage-low:Voltage/acknowledge", {"by": "me"})
    assert answer.status_code == 404
    assert "see /api/v1/alarms" in answer.json()["detail"]


def test_search_finds_by_words_and_refuses_too_many(client: Client) -> None:
    found = client.get(f"{API}/search", {"q": "h2 battery"}).json()
    assert found == [{"what": "Device", "name": "h2-battery", "beside": "Battery", "page": "/homes/h2"}]
    assert client.get(f"{API}/search", {"q": ""}).json() == []
    assert client.get(f"{API}/search", {"q": "x" * 101}).status_code == 422
