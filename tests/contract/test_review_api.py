"""Comparing periods and exporting incidents over HTTP: the answers, and what is refused."""

import asyncio
import io
import zipfile
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from httpx import ASGITransport, AsyncClient, Response

from tests import review_stage
from tests.review_stage import at
from twin.console.api.app import build_api
from twin.console.views import Views
from twin.replay.show import ReplayApp, Show
from twin.replay.source import History
from twin.store.embedded import EmbeddedStore
from twin.store.incident_reader import read

API = "/api/v1"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    store = EmbeddedStore(tmp_path_factory.mktemp("review-api") / "history.duckdb", review_stage.pilot())
    review_stage.write(store)
    yield store
    store.close()


class Client:
    """Asks a replay's application itself, without a server between."""

    def __init__(self, store: EmbeddedStore) -> None:
        history = History(pilot=review_stage.pilot(), store=store, start=at(0), end=at(600), pilot_file=None)
        show = Show(start=at(0), end=at(600), speed=1.0, at=at(590), host="127.0.0.1", port=0)
        self._app = build_api(Views(ReplayApp(history, show).sources))

    def get(self, path: str, **params: str | float) -> Response:
        return asyncio.run(self._ask(path, params))

    async def _ask(self, path: str, params: Mapping[str, str | float]) -> Response:
        async with AsyncClient(transport=ASGITransport(app=self._app), base_url="http://console") as client:
            return await client.get(API + path, params=params)


@pytest.fixture(scope="module")
def client(store: EmbeddedStore) -> Client:
    return Client(store)


def said(moment: datetime) -> str:
    return moment.isoformat()


def test_two_periods_stand_side_by_side(client: Client) -> None:
    answer = client.get("/compare", start_a=said(at(0)), start_b=said(at(300)), duration_s=100)
    found = answer.json()

    assert answer.status_code == 200
    assert found["a"]["elapsed_s"] == found["b"]["elapsed_s"] == [float(second) for second in range(0, 100, 10)]
    assert found["a"]["figures"]["mean"] == pytest.approx(45.0)
    assert found["difference"]["mean"] == pytest.approx(300.0)
    assert found["difference"]["energy_wh"] == pytest.approx(300.0 * 90 / 3_600)


def test_a_device_can_be_compared_by_what_it_reports(client: Client) -> None:
    asked: dict[str, str | float] = {"start_a": said(at(0)), "start_b": said(at(300)), "duration_s": 60}
    found = client.get("/compare", device="h1-battery", quantity="soc", **asked).json()

    assert found["difference"]["mean"] == 0.0
    assert found["difference"]["energy_wh"] is None


@pytest.mark.parametrize(
    ("change", "status", "why"),
    [
        ({"quantity": "flux"}, 422, "allowed: head_power_w"),
        ({"device": "h1-battery", "quantity": "voltage_v"}, 422, "h1-battery has no 'voltage_v'; allowed: power_w"),
        ({"device": "h9-battery"}, 404, "no device 'h9-battery'"),
        ({"duration_s": 0}, 422, "greater than 0"),
        ({"start_a": "2026-06-15T12:00:00"}, 422, "timezone"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    client: Client, change: dict[str, str | float], status: int, why: str
) -> None:
    asked: dict[str, str | float] = {"start_a": said(at(0)), "start_b": said(at(300)), "duration_s": 60}
    answer = client.get("/compare", **(asked | change))

    assert answer.status_code == status
    assert why in str(answer.json()["detail"])


def test_an_incident_comes_as_one_file(client: Client, store: EmbeddedStore, tmp_path: Path) -> None:
    answer = client.get("/incident", start=said(at(320)), end=said(at(500)))
    (tmp_path / "out.zip").write_bytes(answer.content)
    incident = read(tmp_path / "out.zip", tmp_path / "elsewhere")
    other = EmbeddedStore(incident.database, incident.pilot)

    assert 'filename="small-20260615T120520Z.zip"' in answer.headers["content-disposition"]
    assert other.known_at(at(400)) == store.known_at(at(400))
    other.close()
    with zipfile.ZipFile(io.BytesIO(answer.content)) as content:
        assert "manifest.json" in content.namelist()


def test_an_incident_without_length_is_refused(client: Client) -> None:
    answer = client.get("/incident", start=said(at(5)), end=said(at(5) - timedelta(seconds=1)))

    assert answer.status_code == 422
    assert "must be before" in answer.json()["detail"]
