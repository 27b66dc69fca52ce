"""Every topic, once. `{pilot}` and `{endpoint}` are ids: lower-case letters, digits and hyphens."""

from typing import NamedTuple

PREFIX = "hg/1"

TELEMETRY = "telemetry"  # endpoint -> twin
BIRTH = "birth"  # endpoint -> twin, retained: devices, capabilities, ratings, software
STATUS = "status"  # endpoint -> twin, retained: online, or offline by last will
COMMAND = "command"  # twin -> endpoint
RESPONSE = "response"  # endpoint -> twin


class EndpointTopic(NamedTuple):
    """The parts of `hg/1/{pilot}/{endpoint}/{channel}`."""

    pilot: str
    endpoint: str
    channel: str


def endpoint(pilot: str, endpoint_id: str, channel: str) -> str:
    """The topic of one endpoint's channel; `+` for any endpoint gives a filter."""
    return f"{PREFIX}/{pilot}/{endpoint_id}/{channel}"


def clock(pilot: str) -> str:
    """Bridge -> all, retained: how time runs and how far it is."""
    return f"{PREFIX}/{pilot}/clock"


def pace(pilot: str) -> str:
    """Twin -> bridge: how far the twin has come in driven time, so that a fast world waits for it."""
    return f"{PREFIX}/{pilot}/pace"


def grid(pilot: str, feeder: int | str) -> str:
    """Grid simulator -> twin: one feeder's power flow. `+` for any feeder gives a filter."""
    return f"{PREFIX}/{pilot}/grid/{feeder}"


def world(pilot: str) -> str:
    """World -> twin: the simulation's own health (steps, lag, missed deadlines)."""
    return f"{PREFIX}/{pilot}/world"


def world_status(pilot: str) -> str:
    """World -> twin, retained: online, or offline by last will; with it go all endpoints that it simulates."""
    return f"{PREFIX}/{pilot}/world-status"


def oem(vendor: str, channel: str) -> str:
    """A vendor's own topic; what is below `vendor` is the vendor's affair. `#` as channel gives a filter."""
    return f"oem/{vendor}/{channel}"


def parse(topic: str) -> EndpointTopic | None:
    """The parts of an endpoint's topic, or None when `topic` is not one."""
    parts = topic.split("/")
    if len(parts) != 5 or "/".join(parts[:2]) != PREFIX:  # noqa: PLR2004 - hg / 1 / pilot / endpoint / channel
        return None
    return EndpointTopic(*parts[2:])
