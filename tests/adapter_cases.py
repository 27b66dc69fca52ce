"""Recorded messages under tests/data/adapters/, and the adapters that read them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from tests.builders import small_pilot
from twin.adapters.port import Adapter, Decoded
from twin.adapters.registry import ADAPTERS, load
from twin.bus.port import Frame

FOLDER = Path(__file__).parent / "data" / "adapters"
RECEIVED_AT = datetime(2026, 6, 1, 12, 0, 2, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One recorded message and what it must become."""

    adapter: str
    topic: str
    payload: bytes
    expect: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.adapter}:{self.topic.rsplit('/', 1)[-1]}"


def cases(adapter: str) -> list[Case]:
    """All recorded messages of one adapter."""
    listed = yaml.safe_load((FOLDER / adapter / "cases.yaml").read_text())
    return [
        Case(
            adapter=adapter,
            topic=entry["topic"],
            payload=entry["text"].encode() if "text" in entry else (FOLDER / adapter / entry["payload"]).read_bytes(),
            expect=entry["expect"],
        )
        for entry in listed
    ]


def all_cases() -> list[Case]:
    """All recorded messages of all adapters."""
    return [case for adapter in ADAPTERS for case in cases(adapter)]


def built(name: str) -> Adapter:
    """The adapter `name` for the pilot of the recorded messages."""
    return load(name)(small_pilot(batteries=2))


def decoded(adapter: Adapter, topic: str, payload: bytes) -> Decoded:
    """What `adapter` makes of a message that came at RECEIVED_AT."""
    return adapter.decode(Frame(topic=topic, payload=payload, retained=False, arrived_s=0.0), RECEIVED_AT)
