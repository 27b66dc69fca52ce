"""What the wire takes and refuses, and that writing is deterministic."""

import json
import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from twin.bus import codec, wire
from twin.model.event import Reason

NOON = datetime(2026, 6, 21, 12, tzinfo=UTC)


def telemetry() -> dict[str, Any]:
    return {
        "endpoint": "gateway-1",
        "session": "s1",
        "sequence": 7,
        "published_at": "2026-06-21T12:00:00Z",
        "readings": [
            {"device": "battery-1", "measured_at": "2026-06-21T11:59:59.5Z", "values": {"soc": 0.5, "power_w": 1200}}
        ],
    }


def refused(payload: bytes, **limits: int) -> codec.DecodeError:
    with pytest.raises(codec.DecodeError) as caught:
        codec.decode(wire.Telemetry, payload, **limits)
    return caught.value


def refused_with(**changes: object) -> codec.DecodeError:
    return refused(json.dumps(telemetry() | changes).encode())


def refused_values(values: object) -> codec.DecodeError:
    reading = telemetry()["readings"][0] | {"values": values}
    return refused_with(readings=[reading])


def test_a_good_message_is_taken_with_its_times_aware() -> None:
    message = codec.decode(wire.Telemetry, json.dumps(telemetry()).encode())
    assert message.readings[0].measured_at == NOON - timedelta(seconds=0.5)
    assert message.readings[0].values == {"soc": 0.5, "power_w": 1200.0}
    assert message.readings[0].quality == "good"


def test_more_bytes_than_allowed_are_refused_before_they_are_read() -> None:
    error = refused(b" " * 10_000_000)
    assert error.reason is Reason.TOO_LARGE
    assert "10000000 bytes" in error.detail
    assert refused(b"{}" * 10, max_bytes=19).reason is Reason.TOO_LARGE


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff\xfe", b"hello", b"[" * 100_000, b'{"a": 1,}'])
def test_bytes_that_are_not_json_are_refused_as_such(payload: bytes) -> None:
    assert refused(payload).reason is Reason.NOT_JSON


@pytest.mark.parametrize("payload", [b"[]", b"7", b'"telemetry"', b"null", b"{}", b"NaN"])
def test_json_that_is_not_the_message_has_the_wrong_shape(payload: bytes) -> None:
    assert refused(payload).reason is Reason.WRONG_SHAPE


def test_a_key_too_many_is_refused_by_name() -> None:
    error = refused_with(colour="red")
    assert error.reason is Reason.WRONG_SHAPE
    assert error.detail.startswith("colour: Extra inputs are not permitted")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_not_finite_have_a_reason_of_their_own(number: str) -> None:
    payload = json.dumps(telemetry()).replace("1200", number).encode()
    error = refused(payload)
    assert error.reason is Reason.NOT_FINITE
    assert "readings.0.values.power_w" in error.detail


@pytest.mark.parametrize("value", ["1200", True, None, [1.0], {"w": 1.0}])
def test_what_is_not_a_json_number_is_no_value(value: object) -> None:
    assert refused_values({"power_w": value}).reason is Reason.WRONG_SHAPE


@pytest.mark.parametrize("moment", ["2026-06-21T12:00:00", 1782043200, "noon", None])
def test_times_must_be_rfc_3339_with_an_offset(moment: object) -> None:
    error = refused_with(published_at=moment)
    assert error.reason is Reason.WRONG_SHAPE
    assert error.detail.startswith("published_at: ")


def test_values_and_readings_are_bounded_and_not_empty() -> None:
    assert refused_values({}).reason is Reason.WRONG_SHAPE
    assert refused_values({f"quantity_{i}_w": 1.0 for i in range(65)}).reason is Reason.WRONG_SHAPE
    assert refused_with(readings=[]).reason is Reason.WRONG_SHAPE


@pytest.mark.parametrize("sequence", [-1, 2**53 + 1, 1.5, "7"])
def test_a_sequence_is_a_whole_number_that_json_can_carry(sequence: object) -> None:
    assert refused_with(sequence=sequence).reason is Reason.WRONG_SHAPE


@pytest.mark.parametrize("name", ["", "Battery", "a/b", "+", "#", "a" * 64, "é"])
def test_ids_are_lower_case_letters_digits_and_hyphens(name: str) -> None:
    assert refused_with(endpoint=name).reason is Reason.WRONG_SHAPE


def test_a_message_of_ten_thousand_errors_is_explained_in_few_words() -> None:
    error = refused_values({f"q{i}": None for i in range(10_000)})
    assert error.reason is Reason.WRONG_SHAPE
    assert error.detail.startswith("10001 values")
    long_key = refused_values({"q" * 5_000: None})
    assert len(long_key.detail) < 400


def test_equal_messages_give_equal_bytes_whatever_the_order_they_were_built_in() -> None:
    def with_values(values: dict[str, float]) -> bytes:
        reading = wire.DeviceValues(device="battery-1", measured_at=NOON, values=values)
        return codec.encode(
            wire.Telemetry(endpoint="gateway-1", session="s1", sequence=1, published_at=NOON, readings=(reading,))
        )

    assert with_values({"soc": 0.1 + 0.2, "power_w": 5e3}) == with_values({"power_w": 5e3, "soc": 0.1 + 0.2})
    assert b'"values":{"power_w":5000.0,"soc":0.30000000000000004}' in with_values({"soc": 0.1 + 0.2, "power_w": 5e3})
    assert b'"published_at":"2026-06-21T12:00:00Z"' in with_values({"soc": 0.5})


def test_what_is_written_is_read_back_equal() -> None:
    message = wire.ClockMessage(time=NOON, mode="driven", speed=60.0)
    assert codec.decode(wire.ClockMessage, codec.encode(message)) == message
    will = wire.Status(endpoint="gateway-1", state="offline")
    assert codec.decode(wire.Status, codec.encode(will)) == will


def test_the_short_way_to_write_telemetry_gives_the_same_bytes() -> None:
    east = datetime(2026, 6, 21, 14, 0, 0, 250_000, tzinfo=timezone(timedelta(hours=2)))
    readings = [
        codec.Reading("battery-1", NOON, {"soc": 0.5, "power_w": -0.0}),
        codec.Reading("null-1", east, {"power_w": 1e-7}, "estimated"),
    ]
    models = tuple(wire.DeviceValues.model_validate(reading._asdict()) for reading in readings)
    message = wire.Telemetry(endpoint="null", session="null", sequence=1, published_at=NOON, readings=models)
    short = codec.encode_telemetry(
        endpoint="null", session="null", sequence=1, published_at=NOON, readings=iter(readings)
    )
    assert short == codec.encode(message)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_the_short_way_does_not_let_a_number_that_is_not_finite_out(value: float) -> None:
    readings = [codec.Reading("pv-1", NOON, {"power_w": 1.0}), codec.Reading("pv-2", NOON, {"power_w": value})]
    with pytest.raises(ValueError, match="pv-2: power_w is"):
        codec.encode_telemetry(endpoint="e", session="s", sequence=1, published_at=NOON, readings=readings)
