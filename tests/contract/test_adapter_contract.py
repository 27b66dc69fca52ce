"""What every adapter folder must offer; a new folder is tested by existing."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

import twin.adapters
from tests.adapter_cases import RECEIVED_AT, built, cases, decoded
from tests.builders import small_pilot
from twin.adapters.port import Adapter, Answer, Presence, Readings, RefusedError
from twin.adapters.registry import ADAPTERS, load
from twin.model.command import Command
from twin.model.device import KINDS, DeviceKind, Pathway
from twin.model.quantity import QUANTITIES

KEYS = {"far_side", "pathway", "transport", "topics", "devices", "units", "signs", "times", "capabilities"}

pytestmark = pytest.mark.parametrize("name", ADAPTERS)


def manifest(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((Path(twin.adapters.__path__[0]) / name / "manifest.yaml").read_text())
    return found


def test_the_manifest_says_what_the_far_side_is_and_what_is_done(name: str) -> None:
    content = manifest(name)
    assert set(content) == KEYS
    assert content["pathway"] in {pathway.value for pathway in Pathway}
    assert set(content["devices"]) <= {kind.value for kind in DeviceKind}
    assert set(content["capabilities"].values()) <= {"done", "todo", "exempt"}


def test_every_topic_it_reads_from_is_one_it_subscribes_to(name: str) -> None:
    adapter = built(name)
    filters = [topic_filter.split("/") for topic_filter in adapter.topic_filters()]
    for case in cases(name):
        levels = case.topic.split("/")
        assert any(
            len(levels) == len(parts) and all(part in {"+", level} for part, level in zip(parts, levels, strict=True))
            for parts in filters
        ), case.topic


def test_recorded_messages_cover_readings_presence_and_answers(name: str) -> None:
    adapter = built(name)
    kinds = {type(decoded(adapter, case.topic, case.payload)) for case in cases(name)}
    assert kinds == {Readings, Presence, Answer}


def test_recorded_readings_hold_only_known_quantities_of_known_devices(name: str) -> None:
    pilot = small_pilot(batteries=2)
    adapter = load(name)(pilot)
    for case in cases(name):
        made = decoded(adapter, case.topic, case.payload)
        if isinstance(made, Readings):
            for report in made.reports:
                assert set(report.values) <= set(KINDS[pilot.device[report.device].kind].reports)
                assert set(report.values) <= set(QUANTITIES)


def test_every_control_of_every_kind_can_be_encoded(name: str) -> None:
    pilot = small_pilot(batteries=2, kinds=tuple(DeviceKind))
    adapter = load(name)(pilot)
    spoken_for = [
        (endpoint.id, device)
        for endpoint in pilot.endpoints
        if endpoint.adapter == name
        for device in pilot.endpoint_devices[endpoint.id]
    ]
    sent = [
        adapter.encode(endpoint, command(device.id, quantity))
        for endpoint, device in spoken_for
        for quantity in KINDS[device.kind].controls
    ]
    asked_of = sum(len(KINDS[device.kind].controls) for _, device in spoken_for)
    assert len({outbound.payload for outbound in sent}) == len(sent) == asked_of > len(DeviceKind)


def test_rubbish_on_any_of_its_topics_is_refused_and_never_an_accident(name: str) -> None:
    adapter = built(name)
    for case in cases(name):
        for rubbish in (
            b"",
            b"\xff\xfe",
            b"null",
            b"[]",
            b"{}",
            b'{"a":' * 2000,
            case.payload[: len(case.payload) // 2],
        ):
            assert refuses(adapter, case.topic, rubbish), (case.topic, rubbish[:40])


def refuses(adapter: Adapter, topic: str, payload: bytes) -> bool:
    try:
        decoded(adapter, topic, payload)
    except RefusedError:
        return True
    return False


def command(device: str, quantity: str) -> Command:
    return Command(
        id=f"c-{device}",
        device=device,
        quantity=quantity,
        value=max(QUANTITIES[quantity].minimum, 0.5),
        requested_at=RECEIVED_AT,
        expires_at=RECEIVED_AT + timedelta(minutes=5),
        priority=5,
        origin="operator",
    )
