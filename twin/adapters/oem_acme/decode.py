"""ACME's polls and receipts into our words.

One bad site never costs the others of its account: sites without id or time, unknown sites, and single bad values are
refused beside the good ones. `measured_at` is the site's last communication with the cloud, not the poll's time.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from twin.adapters.loose import REFUSALS_PER_MESSAGE, document, entries, epoch, remark, shown, text, word
from twin.adapters.oem_acme.encode import encode_command
from twin.adapters.oem_acme.sections import NAME, SECTIONS, VENDOR
from twin.adapters.port import Answer, Decoded, Outbound, Presence, Readings, RefusedError
from twin.adapters.sections import devices_of, read_home
from twin.bus import topics
from twin.bus.port import Frame
from twin.model.command import Command
from twin.model.event import Reason, Refusal
from twin.model.telemetry import Report
from twin.model.topology import Pilot

_OUTCOMES: Final = {"QUEUED": "acknowledged", "REJECTED": "refused", "TIMED_OUT": "expired", "PREEMPTED": "superseded"}
_SERVICE: Final = {"UP": "online", "DOWN": "offline"}
_LEVELS: Final = 5  # oem / acme / pilot / endpoint / channel
_MS_PER_S: Final = 1000


class OemAcmeAdapter:
    """All accounts of a pilot at this vendor, one per endpoint."""

    def __init__(self, pilot: Pilot) -> None:
        self._pilot = pilot.name
        self._devices = devices_of(pilot, NAME)

    def topic_filters(self) -> Sequence[str]:
        """Service status, polls and receipts of every account."""
        return tuple(topics.oem(VENDOR, f"{self._pilot}/+/{channel}") for channel in ("service", "sites", "receipts"))

    def decode(self, frame: Frame, received_at: datetime) -> Decoded:
        """Understand one message. Raises RefusedError."""
        levels = frame.topic.split("/")
        if len(levels) != _LEVELS or levels[:3] != ["oem", VENDOR, self._pilot]:
            raise RefusedError(Reason.WRONG_TOPIC, f"{frame.topic!r:.120} is no topic of {VENDOR} in this pilot")
        endpoint, channel = levels[3:]
        if endpoint not in self._devices:
            raise RefusedError(Reason.UNKNOWN_ENDPOINT, f"no endpoint {endpoint!r:.80} speaks {NAME}")
        if channel == "sites":
            return self._readings(endpoint, document(frame.payload), received_at)
        if channel == "receipts":
            return _answer(endpoint, document(frame.payload))
        if channel == "service":
            return _presence(endpoint, document(frame.payload))
        raise RefusedError(Reason.WRONG_TOPIC, f"nothing is read from channel {channel!r:.80}")

    def encode(self, endpoint: str, command: Command) -> Outbound:
        """Put a command into the vendor's words. Raises ValueError for a device the account does not hold."""
        return encode_command(self._pilot, self._devices, endpoint, command)

    def _readings(self, endpoint: str, poll: dict[str, Any], received_at: datetime) -> Readings:
        published_at = epoch(poll, "generatedAtMs", per_second=_MS_PER_S)
        refusals: list[Refusal] = []
        reports: list[Report] = []
        for position, site in enumerate(entries(poll, "sites")):
            if len(refusals) >= REFUSALS_PER_MESSAGE:
                refusals.append(Refusal(reason=Reason.OVERFLOW, detail=f"sites[{position}] and all after are not read"))
                break
            try:
                reports += self._site(endpoint, site, published_at, received_at, refusals)
            except RefusedError as error:
                detail = f"sites[{position}]: {error.refusal.detail}"
                refusals.append(Refusal(reason=error.refusal.reason, detail=detail))
        return Readings(
            endpoint=endpoint,
            session=None,
            sequence=None,
            published_at=published_at,
            reports=tuple(reports),
            refusals=tuple(refusals),
        )

    def _site(
        self, endpoint: str, site: object, published_at: datetime, received_at: datetime, refusals: list[Refusal]
    ) -> list[Report]:
        if not isinstance(site, dict):
            raise RefusedError(Reason.WRONG_SHAPE, f"an object is expected, not {shown(site)}")
        home = text(site, "siteId")
        kinds = self._devices[endpoint].get(home)
        if kinds is None:
            raise RefusedError(Reason.UNKNOWN_DEVICE, f"account {endpoint} has no site {home!r:.80}")
        measured_at = epoch(site, "lastCommunication")
        return [
            Report(
                device=device,
                measured_at=measured_at,
                published_at=published_at,
                received_at=received_at,
                values=values,
            )
            for device, values in read_home(site, kinds, SECTIONS, home, refusals)
        ]


def _answer(endpoint: str, receipt: dict[str, Any]) -> Answer:
    return Answer(
        endpoint=endpoint,
        command=text(receipt, "requestId"),
        outcome=word(receipt, "status", _OUTCOMES),
        reason=remark(receipt, "detail"),
        published_at=epoch(receipt, "atMs", per_second=_MS_PER_S),
    )


def _presence(endpoint: str, service: dict[str, Any]) -> Presence:
    online = word(service, "status", _SERVICE) == "online"
    return Presence(endpoint=endpoint, online=online, software=remark(service, "release") or None)
