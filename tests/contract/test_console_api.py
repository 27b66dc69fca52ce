"""The HTTP API answers for the same twin as the pages: every route, what is unknown, what is refused."""

import asyncio
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from httpx import ASGITransport, AsyncClient, Response

from tests.builders import small_pilot
from tests.e2e.console_stage import START, ConsoleStage
from twin.console.api.app import build_api
from twin.console.views import Views
from twin.model.device import Pathway

API = "/api/v1"
BATTERY = "h1-battery"


@contextmanager
def opened(folder: Path) -> Iterator[ConsoleStage]:
    stage = ConsoleStage(folder, small_pilot(homes=3, interval_s={Pathway.OEM: 5}))
    stage.step(10)
    yield stage
    stage.close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[ConsoleStage]:
    """A twin of the test's own, to change."""
    with opened(tmp_path) as stage:
        yield stage


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleStage]:
    """A twin for all who only ask."""
    with opened(tmp_path_factory.mktemp("still")) as stage:
        yield stage


class Client:
    """Asks the application itself, without a server between."""

    def __init__(self, stage: ConsoleStage) -> None:
        self._app = build_api(Views(stage.sources()))

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Response:
        return asyncio.run(self._ask("GET", path, params=params))

    def post(self, path: str, json: object) -> Response:
        return asyncio.run(self._ask("POST", path, body=json))

    async def _ask(
        self, method: str, path: str, *, params: Mapping[str, str | int] | None = None, body: object = None
    ) -> Response:
        async with AsyncClient(transport=ASGITransport(app=self._app), base_url="http://console") as client:
            return await client.request(method, path, params=params, json=body)


@pytest.fixture(scope="module")
def client(still: ConsoleStage) -> Client:
    return Client(still)


def test_the_pilot_says_who_and_what_is_in_it(client: Client) -> None:
    pilot = client.get(f"{API}/pilot").json()
    assert (pilot["name"], pilot["homes"], pilot["devices"], pilot["endpoints"]) == ("small", 3, 18, 3)


def test_a_home_shows_its_devices_and_what_its_meter_sees_beyond_them(client: Client) -> None:
    rows = client.get(f"{API}/homes").json()
    assert [row["id"] for row in rows] == ["h1", "h2", "h3"]
    assert rows[0]["feeder"] == 1, "feeders count from 1, as in the pilot file"
    home = client.get(f"{API}/homes/h1").json()
    powers = {device["kind"]: device["reported"]["power_w"] for device in home["devices"]}
    meter = powers.pop("meter")
    assert home["power_w"] == pytest.approx(meter)
    assert home["unmetered_w"] == pytest.approx(meter - sum(powers.values()))


def test_a_device_has_reported_beside_desired_and_says_what_it_can_be_asked_for(stage: ConsoleStage) -> None:
    client = Client(stage)
    wish = {"device": BATTERY, "quantity": "power_setpoint_w", "value": -1500, "duration_s": 60}
    command = client.post(f"{API}/commands", json=wish).json()
    device = client.get(f"{API}/devices/{BATTERY}").json()
    assert device["desired"]["power_setpoint_w"]["value"] == -1500
    assert device["desired"]["power_setpoint_w"]["command_id"] == command["id"]
    assert device["reported"]["power_setpoint_w"] != -1500, "only the device's own report may change what is reported"
    assert set(device["controls"]) == {"power_setpoint_w"}
    assert device["age_s"] <= device["promised_age_s"]
    assert len(client.get(f"{API}/devices").json()) == 18


def test_a_series_covers_the_day_or_what_was_asked_for(client: Client) -> None:
    day = client.get(f"{API}/devices/{BATTERY}/series").json()
    assert (day["quantity"], day["unit"]) == ("power_w", "W")
    assert len(day["times"]) == len(day["values"]) > 100
    span = {"quantity": "soc", "start": (START - timedelta(hours=2)).isoformat(), "end": START.isoformat()}
    hours = client.get(f"{API}/devices/{BATTERY}/series", params=span).json()
    assert len(hours["times"]) == 12
    assert all(0 <= value <= 1 for value in hours["values"])


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ({"quantity": "volts"}, "allowed: power_w, soc, power_setpoint_w"),
        ({"start": "2026-06-15T10:00:00Z", "end": "2026-06-15T09:00:00Z"}, "must be before end"),
        ({"start": "2026-06-15T10:00:00"}, "timezone"),
        ({"points": "0"}, "greater than or equal to 1"),
    ],
)
def test_a_series_that_cannot_be_is_refused_with_what_is_allowed(
    client: Client, query: dict[str, str], why: str
) -> None:
    answer = client.get(f"{API}/devices/{BATTERY}/series", params=query)
    assert answer.status_code == 422
    assert why in json.dumps(answer.json()["detail"])


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("/homes/h99", "home 'h99'"),
        ("/devices/h99-pv", "device 'h99-pv'"),
        ("/devices/h99-pv/series", "device 'h99-pv'"),
        ("/commands/nobody", "command 'nobody'"),
        ("/grid/7", "this pilot has 1 to 1"),
        ("/grid/0", "this pilot has 1 to 1"),
    ],
)
def test_what_there_is_not_is_said_in_words(client: Client, path: str, what: str) -> None:
    answer = client.get(API + path)
    assert answer.status_code == 404
    assert what in answer.json()["detail"]


def test_a_command_can_be_followed_until_the_meter_agrees(stage: ConsoleStage) -> None:
    client = Client(stage)
    wish = {"device": BATTERY, "quantity": "power_setpoint_w", "value": -1500, "duration_s": 300, "priority": 7}
    answer = client.post(f"{API}/commands", json=wish)
    assert answer.status_code == 201
    command = answer.json()
    assert (command["state"], command["origin"], command["priority"]) == ("sent", "api", 7)
    stage.answer(command["id"], BATTERY)
    for _ in range(5):
        stage.step()
    life = client.get(f"{API}/commands/{command['id']}").json()
    assert [step["state"] for step in life["steps"]] == ["requested", "sent", "acknowledged", "applied", "verified"]
    assert not life["open"]
    assert [one["id"] for one in client.get(f"{API}/commands").json()] == [command["id"]]
    gateway = next(row for row in client.get(f"{API}/pathways").json() if row["pathway"] == "gateway")
    assert gateway["commands"] == {"verified": 1}


@pytest.mark.parametrize(
    ("change", "status", "why"),
    [
        ({"device": "h99-battery"}, 404, "no device 'h99-battery'"),
        ({"quantity": "soc"}, 422, "allowed: power_setpoint_w"),
        ({"value": 99_000}, 422, "allowed: -5000 to 5000 W"),
        ({"value": "NaN"}, 422, "finite"),
        ({"duration_s": 0}, 422, "greater than 0"),
        ({"duration_s": 1e9}, 422, "86400"),
        ({"priority": 42}, 422, "allowed: 0 to 9"),
        ({"hurry": True}, 422, "Extra inputs are not permitted"),
    ],
)
def test_a_command_that_cannot_be_is_refused_with_what_is_allowed(
    client: Client, change: dict[str, object], status: int, why: str
) -> None:
    wish = {"device": BATTERY, "quantity": "power_setpoint_w", "value": 100, "duration_s": 60, "priority": 5}
    answer = client.post(f"{API}/commands", json={**wish, **change})
    assert answer.status_code == status
    assert why in json.dumps(answer.json()["detail"])
    assert client.get(f"{API}/commands").json() == []


def test_endpoints_and_pathways_are_measured(client: Client) -> None:
    endpoints = {row["id"]: row for row in client.get(f"{API}/endpoints").json()}
    assert set(endpoints) == {"gw-h1", "hems-h2", "acme"}
    assert endpoints["gw-h1"]["online"] is True
    assert 0 < endpoints["gw-h1"]["latency_ms"]["p50"] < endpoints["acme"]["latency_ms"]["p50"]
    pathways = {row["pathway"]: row for row in client.get(f"{API}/pathways").json()}
    assert pathways["oem"]["age_p50_s"] > 90 > pathways["gateway"]["age_max_s"]


def test_a_feeder_has_the_voltage_of_every_node(client: Client) -> None:
    (short,) = client.get(f"{API}/grid").json()
    feeder = client.get(f"{API}/grid/1").json()
    assert short["feeder"] == feeder["feeder"] == 1
    assert set(feeder["node_voltage_pu"]) == {"mv", "lv", "n1", "n2"}
    assert all(len(phases) == 3 for phases in feeder["node_voltage_pu"].values())


def test_a_feeder_without_a_power_flow_yet_says_so(tmp_path: Path) -> None:
    stage = ConsoleStage(tmp_path, history=False)
    client = Client(stage)
    answer = client.get(f"{API}/grid/1")
    assert client.get(f"{API}/overview").json()["head_power_w"] is None
    stage.close()
    assert answer.status_code == 404
    assert "no power flow yet" in answer.json()["detail"]


def test_the_overview_names_what_is_wrong(stage: ConsoleStage) -> None:
    assert Client(stage).get(f"{API}/overview").json()["wrong_now"] == []
    for _ in range(30):
        stage.step(silent=["gw-h1"])
    overview = Client(stage).get(f"{API}/overview").json()
    assert overview["fresh_share"] < 1
    assert [one["subject"] for one in overview["wrong_now"]] == ["Gateway"]


def test_events_dead_letters_health_and_summary_are_open_to_programs(stage: ConsoleStage) -> None:
    client = Client(stage)
    stage.spoil()
    events = client.get(f"{API}/events", params={"limit": 5}).json()
    assert len(events) == 5
    letters = client.get(f"{API}/dead-letters").json()
    assert letters["counts"] == {"not-json": 1, "out-of-range": 1}
    assert "502 Bad Gateway" in letters["recent"][1]["excerpt"]
    assert client.get(f"{API}/health").json()["ingest"]["queue_limit"] == 10_000
    assert client.get(f"{API}/summary").json() == {"homes": 3, "devices": 18}


def test_history_leaves_as_one_archive_with_its_rows_counted(client: Client) -> None:
    answer = client.get(f"{API}/export", params={"format": "csv"})
    rows = json.loads(answer.headers["hearthgrid-rows"])
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert set(archive.namelist()) == set(rows)
        grid = archive.read("grid.csv").decode().splitlines()
    assert len(grid) - 1 == rows["grid.csv"] == 144
    assert client.get(f"{API}/export", params={"format": "xml"}).status_code == 422
    assert client.get(f"{API}/export", params={"start": "2026-06-15T10:00:00"}).status_code == 422, (
        "a time without zone"
    )


def test_the_description_names_every_route(client: Client) -> None:
    paths = client.get(f"{API}/openapi.json").json()["paths"]
    wanted = (
        "pilot homes homes/{home} devices devices/{device} devices/{device}/series endpoints pathways grid "
        "grid/{feeder} events dead-letters health overview summary commands commands/{command} export "
        "alarms alarms/{alarm}/acknowledge search compare incident"
    )
    assert set(paths) == {f"{API}/{path}" for path in wanted.split()}
    assert set(paths[f"{API}/commands"]) == {"get", "post"}
