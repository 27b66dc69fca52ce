"""Canonical messages into our words.

Refuses a message that names another endpoint than its topic does; a single reading with an unknown quantity or a
value out of range is refused beside the good ones.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from twin.adapters.canonical.encode import encode_command
from twin.adapters.loose import REFUSALS_PER_MESSAGE
from twin.adapters.port import Answer, Decoded, Outbound, Presence, Readings, RefusedError
from twin.bus import codec, topics
from twin.bus.port import Frame
from twin.bus.wire import Birth, DeviceValues, Message, Response, Status, Telemetry
from twin.model.command import Command
from twin.model.event import Reason, Refusal
from twin.model.quantity import QUANTITIES, refusal
from twin.model.telemetry import Quality, Report
from twin.model.topology import Pilot

NAME = "canonical"

_QUALITIES = {quality.value: quality for quality in Quality}

_M = TypeVar("_M", bound=Message)


class CanonicalAdapter:
    """All endpoints of a pilot that speak the canonical messages."""

    def __init__(self, pilot: Pilot) -> None:
        self._pilot = pilot.name
        self._endpoints = frozenset(endpoint.id for endpoint in pilot.endpoints if endpoint.adapter == NAME)

    def topic_filters(self) -> Sequence[str]:
        """Births before status: a retained birth must not make an endpoint look online that has gone since."""
        channels = (topics.BIRTH, topics.STATUS, topics.TELEMETRY, topics.RESPONSE)
        return tuple(topics.endpoint(self._pilot, "+", channel) for channel in channels)

    def decode(self, frame: Frame, received_at: datetime) -> Decoded:
        """Understand one message. Raises RefusedError."""
        topic = topics.parse(frame.topic)
        if topic is None or topic.pilot != self._pilot:
            raise RefusedError(Reason.WRONG_TOPIC, f"{frame.topic!r:.120} is no endpoint's topic in this pilot")
        if topic.endpoint not in self._endpoints:
            raise RefusedError(Reason.UNKNOWN_ENDPOINT, f"no endpoint {topic.endpoint!r:.80} speaks {NAME}")
        if topic.channel == topics.TELEMETRY:
            return _readings(_message(Telemetry, frame, topic.endpoint), received_at)
        if topic.channel == topics.RESPONSE:
            response = _message(Response, frame, topic.endpoint)
            return Answer(
                endpoint=response.endpoint,
                command=response.id,
                outcome=response.outcome,
                reason=response.reason,
                published_at=response.published_at,
            )
        if topic.channel == topics.BIRTH:
            birth = _message(Birth, frame, topic.endpoint)
            return Presence(endpoint=birth.endpoint, online=True, session=birth.session, software=birth.software)
        if topic.channel == topics.STATUS:
            status = _message(Status, frame, topic.endpoint)
            return Presence(endpoint=status.endpoint, online=status.state == "online")
        raise RefusedError(Reason.WRONG_TOPIC, f"nothing is read from channel {topic.channel!r:.80}")

    def encode(self, endpoint: str, command: Command) -> Outbound:
        """Put a command into a canonical message."""
        return encode_command(self._pilot, endpoint, command)


def _message(model: type[_M], frame: Frame, endpoint: str) -> _M:
    try:
        message = codec.decode(model, frame.payload)
    except codec.DecodeError as error:
        raise RefusedError(error.reason, error.detail) from None
    named = getattr(message, "endpoint", None)
    if named != endpoint:
        raise RefusedError(Reason.WRONG_TOPIC, f"message of endpoint {named!r} on the topic of {endpoint!r}")
    return message


def _readings(message: Telemetry, received_at: datetime) -> Readings:
    refusals: list[Refusal] = []
    reports: list[Report] = []
    published_at = message.published_at.astimezone(UTC)
    for position, reading in enumerate(message.readings):
        if len(refusals) >= REFUSALS_PER_MESSAGE:
            refusals.append(Refusal(reason=Reason.OVERFLOW, detail=f"readings[{position}] and all after are not read"))
            break
        values = _good(reading, refusals)
        if values:
            reports.append(
                Report(
                    device=reading.device,
                    measured_at=reading.measured_at.astimezone(UTC),  # pydantic's own offset compares ten times slower
                    published_at=published_at,
                    received_at=received_at,
                    values=values,
                    quality=_QUALITIES[reading.quality],
                )
            )
    return Readings(
        endpoint=message.endpoint,
        session=message.session,
        sequence=message.sequence,
        published_at=published_at,
        reports=tuple(reports),
        refusals=tuple(refusals),
    )


def _good(reading: DeviceValues, refusals: list[Refusal]) -> Mapping[str, float]:
    problems = {name: problem for name, value in reading.values.items() if (problem := refusal(name, value))}
    if not problems:
        return reading.values
    for name, problem in problems.items():
        reason = Reason.OUT_OF_RANGE if name in QUANTITIES else Reason.UNKNOWN_QUANTITY
        refusals.append(Refusal(reason=reason, detail=f"{reading.device}: {problem:.300}"))
    return {name: value for name, value in reading.values.items() if name not in problems}
