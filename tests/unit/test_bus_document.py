"""The written description of the bus is what the code does."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from twin.bus import codec, document, wire

NOON = datetime(2026, 6, 21, 12, tzinfo=UTC)

EXAMPLES: dict[str, wire.Message] = {
    "Telemetry": wire.Telemetry(
        endpoint="gateway-1",
        session="s1",
        sequence=7,
        published_at=NOON,
        readings=(wire.DeviceValues(device="battery-1", measured_at=NOON, values={"power_w": 1200.0, "soc": 0.5}),),
    ),
    "Birth": wire.Birth(
        endpoint="gateway-1",
        session="s1",
        published_at=NOON,
        software="gateway 1.0",
        devices=(
            wire.BirthDevice(
                device="battery-1", kind="battery", reports=("soc",), controls=("power_w",), ratings={"power_w": 5e3}
            ),
        ),
    ),
    "Status": wire.Status(endpoint="gateway-1", state="offline"),
    "CommandMessage": wire.CommandMessage(
        id="c1", device="battery-1", quantity="power_w", value=-2500.0, issued_at=NOON, expires_at=NOON
    ),
    "Response": wire.Response(id="c1", endpoint="gateway-1", published_at=NOON, outcome="acknowledged"),
    "ClockMessage": wire.ClockMessage(time=NOON, mode="driven", speed=0.0, backfill_until=NOON),
    "Pace": wire.Pace(time=NOON),
    "GridMessage": wire.GridMessage(
        feeder=0,
        measured_at=NOON,
        head_power_w=(1.0, 2.0, 3.0),
        head_reactive_power_var=(1.0, 2.0, 3.0),
        losses_w=10.0,
        transformer_loading=0.5,
        line_loading=0.2,
        v_min_pu=0.98,
        v_max_pu=1.02,
        node_voltage_pu=(1.0, 0.0, 0.0),
    ),
    "WorldHealth": wire.WorldHealth(
        published_at=NOON,
        steps=1,
        missed_deadlines=0,
        lag_ms_p50=0.1,
        lag_ms_p99=1.0,
        lag_ms_max=2.0,
        messages=9,
        outbox=0,
        grid_nodes=907,
        energy_balance_error=1e-9,
        v_min_pu=0.98,
        v_max_pu=1.02,
        transformer_loading_max=0.4,
        losses_w=120.0,
    ),
}


def schema_of(message: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((document.FOLDER / f"{message}.schema.json").read_text())
    return content


def test_docs_are_what_the_code_says() -> None:
    assert document.stale() == [], "run python -m twin.bus.document"


def test_a_stale_a_missing_and_an_orphaned_file_are_found(tmp_path: Path) -> None:
    document.write(tmp_path)
    assert document.stale(tmp_path) == []
    (tmp_path / "Pace.schema.json").write_text("{}\n")
    (tmp_path / "Birth.schema.json").unlink()
    (tmp_path / "Gone.schema.json").write_text("{}\n")
    assert document.stale(tmp_path) == ["Birth.schema.json", "Gone.schema.json", "Pace.schema.json"]
    document.write(tmp_path)
    assert document.stale(tmp_path) == []


def test_every_channel_has_an_example_here() -> None:
    assert {channel.message.__name__ for channel in document.CHANNELS} == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_we_send_is_valid_by_its_schema_and_comes_back_equal(name: str) -> None:
    payload = codec.encode(EXAMPLES[name])
    schema = schema_of(name)
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads(payload))
    assert codec.decode(type(EXAMPLES[name]), payload) == EXAMPLES[name]


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_schema_refuses_a_key_too_many_as_the_code_does(name: str) -> None:
    content = json.loads(codec.encode(EXAMPLES[name])) | {"colour": "red"}
    with pytest.raises(ValidationError, match="colour"):
        Draft202012Validator(schema_of(name)).validate(content)
    with pytest.raises(codec.DecodeError, match="colour"):
        codec.decode(type(EXAMPLES[name]), json.dumps(content).encode())


def test_asyncapi_names_every_topic_with_direction_retention_and_qos() -> None:
    api = json.loads((document.FOLDER / "asyncapi.json").read_text())
    assert api["asyncapi"] == "3.0.0"
    addresses = {channel["address"] for channel in api["channels"].values()}
    assert "hg/1/{pilot}/{endpoint}/telemetry" in addresses
    assert len(addresses) == len(document.CHANNELS)
    for channel in api["channels"].values():
        assert {f"{{{name}}}" in channel["address"] for name in channel["parameters"]} == {True}
        assert channel["address"].count("{") == len(channel["parameters"])
    for operation in api["operations"].values():
        assert operation["channel"]["$ref"].removeprefix("#/channels/") in api["channels"]
        assert operation["bindings"]["mqtt"]["qos"] == 1
    assert api["operations"]["send-command"]["action"] == "send"
    assert api["operations"]["receive-birth"]["bindings"]["mqtt"]["retain"] is True
    assert api["operations"]["receive-telemetry"]["bindings"]["mqtt"]["retain"] is False
    for message in api["components"]["messages"].values():
        assert (document.FOLDER / message["payload"]["schema"]["$ref"]).is_file()
