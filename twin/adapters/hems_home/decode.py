"""A HEMS's documents into our words.

Refuses a document without home, times or count; a section for a device that the home lacks, and single bad values,
are refused beside the good ones.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from twin.adapters.hems_home.encode import encode_command
from twin.adapters.hems_home.sections import NAME, SECTIONS
from twin.adapters.loose import document, remark, rfc3339, text, whole, word
from twin.adapters.port import Answer, Decoded, Outbound, Presence, Readings, RefusedError
from twin.adapters.sections import devices_of, read_home
from twin.bus.port import Frame
from twin.model.command import Command
from twin.model.event import Reason, Refusal
from twin.model.telemetry import Report
from twin.model.topology import Pilot

_OUTCOMES: Final = {"ok": "acknowledged", "rejected": "refused", "late": "expired", "outranked": "superseded"}
_LEVELS: Final = 4  # hems / pilot / endpoint / channel


class HemsHomeAdapter:
    """All endpoints of a pilot that are such a HEMS, on site or in the cloud."""

    def __init__(self, pilot: Pilot) -> None:
        self._pilot = pilot.name
        self._devices = devices_of(pilot, NAME)

    def topic_filters(self) -> Sequence[str]:
        """About before online: a retained introduction must not make a HEMS look online that has gone since."""
        return tuple(f"hems/{self._pilot}/+/{channel}" for channel in ("about", "online", "state", "ack"))

    def decode(self, frame: Frame, received_at: datetime) -> Decoded:
        """Understand one message. Raises RefusedError."""
        levels = frame.topic.split("/")
        if len(levels) != _LEVELS or levels[:2] != ["hems", self._pilot]:
            raise RefusedError(Reason.WRONG_TOPIC, f"{frame.topic!r:.120} is no HEMS's topic in this pilot")
        endpoint, channel = levels[2:]
        if endpoint not in self._devices:
            raise RefusedError(Reason.UNKNOWN_ENDPOINT, f"no endpoint {endpoint!r:.80} speaks {NAME}")
        if channel == "state":
            return self._readings(endpoint, document(frame.payload), received_at)
        if channel == "ack":
            return _answer(endpoint, document(frame.payload))
        if channel == "online":
            return Presence(endpoint=endpoint, online=_online(frame.payload))
        if channel == "about":
            about = document(frame.payload)
            return Presence(
                endpoint=endpoint, online=True, session=text(about, "boot"), software=text(about, "firmware")
            )
        raise RefusedError(Reason.WRONG_TOPIC, f"nothing is read from channel {channel!r:.80}")

    def encode(self, endpoint: str, command: Command) -> Outbound:
        """Put a command into the HEMS's words. Raises ValueError for a device it does not speak for."""
        return encode_command(self._pilot, self._devices, endpoint, command)

    def _readings(self, endpoint: str, state: dict[str, Any], received_at: datetime) -> Readings:
        home = text(state, "home")
        kinds = self._devices[endpoint].get(home)
        if kinds is None:
            raise RefusedError(Reason.UNKNOWN_DEVICE, f"{endpoint} speaks for no home {home!r:.80}")
        measured_at, published_at = rfc3339(state, "time"), rfc3339(state, "sent")
        session, sequence = text(state, "boot"), whole(state, "count")
        refusals: list[Refusal] = []
        return Readings(
            endpoint=endpoint,
            session=session,
            sequence=sequence,
            published_at=published_at,
            reports=tuple(
                Report(
                    device=device,
                    measured_at=measured_at,
                    published_at=published_at,
                    received_at=received_at,
                    values=values,
                )
                for device, values in read_home(state, kinds, SECTIONS, home, refusals)
            ),
            refusals=tuple(refusals),
        )


def _answer(endpoint: str, ack: dict[str, Any]) -> Answer:
    return Answer(
        endpoint=endpoint,
        command=text(ack, "request"),
        outcome=word(ack, "result", _OUTCOMES),
        reason=remark(ack, "message"),
        published_at=rfc3339(ack, "time"),
    )


def _online(payload: bytes) -> bool:
    if payload not in {b"online", b"offline"}:
        raise RefusedError(Reason.WRONG_SHAPE, f"plain online or offline is expected, not {payload[:80]!r}")
    return payload == b"online"
