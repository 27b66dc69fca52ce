"""Writes down the bus for other people's tools: JSON Schema of every message, and one AsyncAPI 3.0 document.

`python -m twin.bus.document` writes docs/bus/; with `--check` it writes nothing and fails when the files are stale.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from twin.bus import topics, wire

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs" / "bus"

_ASYNCAPI: Final = "asyncapi.json"
_PARAMETERS: Final = {
    "pilot": "Id of the pilot: lower-case letters, digits and hyphens.",
    "endpoint": "Id of the far side that speaks for devices.",
    "feeder": "Number of the feeder, from 0.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One topic and what runs on it. `sender` and `receiver` are said from outside; the twin is one of them."""

    name: str
    address: str
    message: type[wire.Message]
    sender: str
    receiver: str
    retained: bool = False
    qos: int = 1


def _endpoint(channel: str, message: type[wire.Message], *, retained: bool = False) -> Channel:
    to_endpoint = channel == topics.COMMAND
    return Channel(
        name=channel,
        address=topics.endpoint("{pilot}", "{endpoint}", channel),
        message=message,
        sender="twin" if to_endpoint else "endpoint",
        receiver="endpoint" if to_endpoint else "twin",
        retained=retained,
    )


CHANNELS: Final = (
    _endpoint(topics.TELEMETRY, wire.Telemetry),
    _endpoint(topics.BIRTH, wire.Birth, retained=True),
    _endpoint(topics.STATUS, wire.Status, retained=True),
    _endpoint(topics.COMMAND, wire.CommandMessage),
    _endpoint(topics.RESPONSE, wire.Response),
    Channel(
        name="clock",
        address=topics.clock("{pilot}"),
        message=wire.ClockMessage,
        sender="world",
        receiver="twin",
        retained=True,
    ),
    Channel(name="pace", address=topics.pace("{pilot}"), message=wire.Pace, sender="twin", receiver="world"),
    Channel(
        name="grid",
        address=topics.grid("{pilot}", "{feeder}"),
        message=wire.GridMessage,
        sender="world",
        receiver="twin",
    ),
    Channel(
        name="world-status",
        address=topics.world_status("{pilot}"),
        message=wire.Status,
        sender="world",
        receiver="twin",
        retained=True,
    ),
    Channel(name="world", address=topics.world("{pilot}"), message=wire.WorldHealth, sender="world", receiver="twin"),
)


def files() -> dict[str, str]:
    """What docs/bus/ should hold, by file name."""
    found = {_schema_file(channel.message): _text(_schema(channel.message)) for channel in CHANNELS}
    found[_ASYNCAPI] = _text(_asyncapi())
    return found


def stale(folder: Path = FOLDER) -> list[str]:
    """Names of files that are missing, differ from what the code says, or describe what is no more."""
    wanted = files()
    present = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    return sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))


def write(folder: Path = FOLDER) -> None:
    """Make `folder` hold exactly what `files` says."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = files()
    for path in folder.glob("*.json"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8")


def _schema_file(message: type[wire.Message]) -> str:
    return f"{message.__name__}.schema.json"


def _schema(message: type[wire.Message]) -> dict[str, Any]:
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **message.model_json_schema()}


def _asyncapi() -> dict[str, Any]:
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Hearthgrid bus",
            "version": topics.PREFIX.rpartition("/")[2],
            "description": (
                "JSON over MQTT 3.1.1. Positive power flows from the grid into the thing; units stand in the names; "
                "times are UTC, RFC 3339. Vendors' own topics lie under oem/{vendor}/ and are not described here."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {channel.name: _channel(channel) for channel in CHANNELS},
        "operations": {_operation_name(channel): _operation(channel) for channel in CHANNELS},
        "components": {"messages": {channel.message.__name__: _message(channel.message) for channel in CHANNELS}},
    }


def _channel(channel: Channel) -> dict[str, Any]:
    name = channel.message.__name__
    parameters = {key: {"description": text} for key, text in _PARAMETERS.items() if f"{{{key}}}" in channel.address}
    return {
        "address": channel.address,
        "description": f"{channel.sender} to {channel.receiver}{', retained' if channel.retained else ''}.",
        "parameters": parameters,
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
    }


def _operation_name(channel: Channel) -> str:
    return f"{_action(channel)}-{channel.name}"


def _action(channel: Channel) -> str:
    """As the twin sees it."""
    return "send" if channel.sender == "twin" else "receive"


def _operation(channel: Channel) -> dict[str, Any]:
    return {
        "action": _action(channel),
        "channel": {"$ref": f"#/channels/{channel.name}"},
        "bindings": {"mqtt": {"qos": channel.qos, "retain": channel.retained, "bindingVersion": "0.2.0"}},
    }


def _message(message: type[wire.Message]) -> dict[str, Any]:
    return {
        "name": message.__name__,
        "summary": (message.__doc__ or "").partition("\n")[0],
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": _schema_file(message)},
        },
    }


def _text(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Write the files, or with `--check` say which are stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when files are stale")
    if not parser.parse_args().check:
        write()
        return 0
    old = stale()
    if old:
        sys.stderr.write(f"stale in {FOLDER.name}/: {', '.join(old)}; run python -m twin.bus.document\n")
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main())
