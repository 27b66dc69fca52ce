"""What no adapter takes: each bad message and each bad value is refused for its own reason, beside the good ones."""

import json

import pytest

from tests.adapter_cases import built, decoded
from twin.adapters.port import Readings, RefusedError
from twin.bus.codec import MAX_BYTES
from twin.model.event import Reason

STATE = {
    "home": "h2",
    "time": "2026-06-01T12:00:00Z",
    "sent": "2026-06-01T12:00:00.5Z",
    "boot": "b7f3",
    "count": 1,
    "grid": {"power": 100.0},
}
SITE = {"siteId": "h3", "lastCommunication": 1780315111, "meter": {"netExportKw": 1.0}}
TELEMETRY = {
    "endpoint": "gw-h1",
    "session": "s",
    "sequence": 1,
    "published_at": "2026-06-01T12:00:00Z",
    "readings": [{"device": "h1-meter", "measured_at": "2026-06-01T12:00:00Z", "values": {"power_w": 1.0}}],
}

GATEWAY, HEMS, OEM = "hg/1/small/gw-h1", "hems/small/hems-h2", "oem/acme/small/acme"


def state(**changes: object) -> bytes:
    return json.dumps(STATE | changes).encode()


def poll(*sites: object, **changes: object) -> bytes:
    return json.dumps({"generatedAtMs": 1780315200500, "sites": sites} | changes).encode()


def telemetry(**changes: object) -> bytes:
    return json.dumps(TELEMETRY | changes).encode()


WHOLE = [
    ("canonical", f"{GATEWAY}/telemetry", b"not json", Reason.NOT_JSON),
    ("canonical", f"{GATEWAY}/telemetry", b"x" * (MAX_BYTES + 1), Reason.TOO_LARGE),
    ("canonical", f"{GATEWAY}/telemetry", telemetry(sequence="one"), Reason.WRONG_SHAPE),
    ("canonical", f"{GATEWAY}/telemetry", telemetry(extra=1), Reason.WRONG_SHAPE),
    ("canonical", f"{GATEWAY}/telemetry", telemetry().replace(b"1.0}", b"NaN}"), Reason.NOT_FINITE),
    ("canonical", f"{GATEWAY}/telemetry", telemetry(endpoint="gw-h4"), Reason.WRONG_TOPIC),
    ("canonical", f"{GATEWAY}/status", b'{"endpoint":"hems-h2","state":"online"}', Reason.WRONG_TOPIC),
    ("canonical", f"{GATEWAY}/telemetry/deep", telemetry(), Reason.WRONG_TOPIC),
    ("canonical", f"{GATEWAY}/gossip", telemetry(), Reason.WRONG_TOPIC),
    ("canonical", "hg/1/other/gw-h1/telemetry", telemetry(), Reason.WRONG_TOPIC),
    ("canonical", "hg/1/small/gw-h9/telemetry", telemetry(endpoint="gw-h9"), Reason.UNKNOWN_ENDPOINT),
    ("canonical", "hg/1/small/hems-h2/telemetry", telemetry(endpoint="hems-h2"), Reason.UNKNOWN_ENDPOINT),
    ("hems_home", f"{HEMS}/state", b"", Reason.NOT_JSON),
    ("hems_home", f"{HEMS}/state", b'{"home": NaN}', Reason.NOT_JSON),
    ("hems_home", f"{HEMS}/state", b"[" * 100_000, Reason.NOT_JSON),
    ("hems_home", f"{HEMS}/state", b"{" + b" " * MAX_BYTES + b"}", Reason.TOO_LARGE),
    ("hems_home", f"{HEMS}/state", state(grid={"power": 100.0, "voltage": 10**400}), Reason.NOT_JSON),
    ("hems_home", f"{HEMS}/state", b"[1, 2]", Reason.WRONG_SHAPE),
    ("hems_home", f"{HEMS}/state", state(home=7), Reason.WRONG_SHAPE),
    ("hems_home", f"{HEMS}/state", state(home="h1"), Reason.UNKNOWN_DEVICE),
    ("hems_home", f"{HEMS}/state", state(time="2026-06-01T12:00:00"), Reason.WRONG_SHAPE),
    ("hems_home", f"{HEMS}/state", state(time="noon"), Reason.WRONG_SHAPE),
    ("hems_home", f"{HEMS}/state", state(sent="0001-01-01T00:00:00+23:59"), Reason.WRONG_SHAPE),
    ("hems_home", f"{HEMS}/state", state(sent=1780315200), Reason.WRONG_SHAPE),
    ("hems_home", f"{HEMS}/state", state(count=-1), Reason.WRONG_SHAPE),
    ("hems_home", f"{HEMS}/state", state(count=True), Reason.WRONG_SHAPE),
    ("hems_home", f"{HEMS}/online", b"perhaps", Reason.WRONG_SHAPE),
    ("hems_home", f"{HEMS}/ack", b'{"request":"c","result":"fine","time":"2026-06-01T12:00:00Z"}', Reason.WRONG_SHAPE),
    ("hems_home", f"{HEMS}/gossip", state(), Reason.WRONG_TOPIC),
    ("hems_home", "hems/small/state", state(), Reason.WRONG_TOPIC),
    ("hems_home", "hems/small/gw-h1/state", state(), Reason.UNKNOWN_ENDPOINT),
    ("oem_acme", f"{OEM}/sites", b"<html>502 Bad Gateway</html>", Reason.NOT_JSON),
    ("oem_acme", f"{OEM}/sites", b'"unauthorized"', Reason.WRONG_SHAPE),
    ("oem_acme", f"{OEM}/sites", poll(generatedAtMs="now"), Reason.WRONG_SHAPE),
    ("oem_acme", f"{OEM}/sites", poll(generatedAtMs=10**18), Reason.WRONG_SHAPE),
    ("oem_acme", f"{OEM}/sites", poll(sites={"h3": SITE}), Reason.WRONG_SHAPE),
    ("oem_acme", f"{OEM}/service", b'{"status":"MAYBE"}', Reason.WRONG_SHAPE),
    ("oem_acme", f"{OEM}/receipts", b'{"requestId":"c","status":"DONE","atMs":1}', Reason.WRONG_SHAPE),
    ("oem_acme", f"{OEM}/gossip", poll(), Reason.WRONG_TOPIC),
    ("oem_acme", "oem/acme/small/other/sites", poll(SITE), Reason.UNKNOWN_ENDPOINT),
    ("oem_acme", "oem/other/small/acme/sites", poll(SITE), Reason.WRONG_TOPIC),
]


@pytest.mark.parametrize(("name", "topic", "payload", "reason"), WHOLE)
def test_a_bad_message_is_refused_for_its_own_reason(name: str, topic: str, payload: bytes, reason: Reason) -> None:
    with pytest.raises(RefusedError) as caught:
        decoded(built(name), topic, payload)
    assert caught.value.refusal.reason is reason
    assert len(caught.value.refusal.detail) < 500, "a hostile message must not make a long detail"


SINGLE = [
    ("hems_home", f"{HEMS}/state", state(grid={"power": 100.0, "voltage": True}), Reason.WRONG_SHAPE),
    ("hems_home", f"{HEMS}/state", state(grid={"power": 100.0, "voltage": "high"}), Reason.WRONG_SHAPE),
    ("hems_home", f"{HEMS}/state", state(grid={"power": 100.0, "voltage": "nan"}), Reason.NOT_FINITE),
    ("hems_home", f"{HEMS}/state", state(grid={"power": 100.0, "voltage": [230]}), Reason.WRONG_SHAPE),
    ("hems_home", f"{HEMS}/state", state(grid={"power": 100.0, "imported": -1.0}), Reason.OUT_OF_RANGE),
    ("hems_home", f"{HEMS}/state", state(battery="full"), Reason.WRONG_SHAPE),
    ("hems_home", f"{HEMS}/state", state(battery=["full"]), Reason.WRONG_SHAPE),
    ("hems_home", f"{HEMS}/state", state(wallbox=[{"connected": 1}]), Reason.WRONG_SHAPE),
    ("hems_home", f"{HEMS}/state", state(solar=[None, {"power": 1.0}]), Reason.UNKNOWN_DEVICE),
    ("oem_acme", f"{OEM}/sites", poll(SITE, SITE | {"siteId": "h77"}), Reason.UNKNOWN_DEVICE),
    ("oem_acme", f"{OEM}/sites", poll(SITE, SITE | {"siteId": None}), Reason.WRONG_SHAPE),
    ("oem_acme", f"{OEM}/sites", poll(SITE, SITE | {"lastCommunication": 1.5}), Reason.WRONG_SHAPE),
    ("oem_acme", f"{OEM}/sites", poll(SITE, "h3"), Reason.WRONG_SHAPE),
    ("oem_acme", f"{OEM}/sites", poll(SITE | {"pv": [{"curtailmentPct": 101}]}), Reason.OUT_OF_RANGE),
]


@pytest.mark.parametrize(("name", "topic", "payload", "reason"), SINGLE)
def test_a_bad_value_is_refused_alone_and_the_good_ones_are_kept(
    name: str, topic: str, payload: bytes, reason: Reason
) -> None:
    made = decoded(built(name), topic, payload)
    assert isinstance(made, Readings)
    assert [refusal.reason for refusal in made.refusals] == [reason]
    assert abs(made.reports[0].values["power_w"]) in {100.0, 1000.0}


def test_a_hostile_poll_costs_no_more_than_a_bounded_number_of_refusals() -> None:
    made = decoded(built("oem_acme"), f"{OEM}/sites", poll(SITE, *range(50_000)))
    assert isinstance(made, Readings)
    assert len(made.reports) == 1
    assert len(made.refusals) == 101
    assert made.refusals[-1].reason is Reason.OVERFLOW


def test_hostile_telemetry_costs_no_more_than_a_bounded_number_of_refusals() -> None:
    bad = {"device": "h1-meter", "measured_at": "2026-06-01T12:00:00Z", "values": {"fan_speed": 1.0}}
    made = decoded(built("canonical"), f"{GATEWAY}/telemetry", telemetry(readings=[bad] * 5_000))
    assert isinstance(made, Readings)
    assert len(made.refusals) == 101
    assert made.refusals[-1].reason is Reason.OVERFLOW
