"""Gateways: all devices of an endpoint in one canonical message, commands straight to the device."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.endpoints.columns import RowMaker, Spec, row_of_devices
from simulators.endpoints.controls import Controls
from simulators.endpoints.links import Link
from simulators.endpoints.orders import Desk, Order
from simulators.endpoints.port import Columns, Outgoing
from simulators.endpoints.schedule import Schedule, seed_of
from twin.bus import codec, topics
from twin.bus.wire import Birth, BirthDevice, CommandMessage, Response, Status
from twin.model.device import KINDS, DeviceKind
from twin.model.topology import Device, Pilot, Source

NAME: Final = "canonical"
SOFTWARE: Final = "hearthgrid-gateway 1.0"

# Decimals that a good meter or device resolves, by the unit at the end of the quantity's name.
_DIGITS: Final = {"w": 1, "var": 1, "wh": 1, "v": 2, "degc": 2, "k": 2, "soc": 4}
_OTHER_DIGITS: Final = 4


def _spec(quantity: str) -> Spec:
    return Spec(key=quantity, quantity=quantity, digits=_DIGITS.get(quantity.rsplit("_", 1)[-1], _OTHER_DIGITS))


class _KindRows:
    """The numbers of all devices of a kind, and whose are all finite."""

    def __init__(self, rows: NDArray[np.float64]) -> None:
        self.numbers: list[list[float]] = rows.tolist()
        self.complete: list[bool] = np.logical_and.reduce(np.isfinite(rows), axis=1).tolist()


class CanonicalAgent:
    """All simulated gateways of a pilot."""

    def __init__(self, pilot: Pilot, controls: Controls, start_s: float) -> None:
        self._pilot = pilot.name
        self._session = f"{pilot.seed}-{round(start_s)}"
        self._desk = Desk(pilot, controls)
        self._devices: dict[str, tuple[Device, ...]] = {}
        for endpoint in pilot.endpoints:
            own = tuple(device for device in pilot.endpoint_devices[endpoint.id] if device.source is Source.SIMULATED)
            if endpoint.adapter == NAME and own:
                self._devices[endpoint.id] = own
        self._endpoints = list(self._devices)
        self._topics = [topics.endpoint(pilot.name, endpoint, topics.TELEMETRY) for endpoint in self._endpoints]
        self._links = {
            endpoint: Link(pilot.endpoint[endpoint].link, seed_of(pilot.seed, endpoint, "link"))
            for endpoint in self._endpoints
        }
        self._sequence = dict.fromkeys(self._endpoints, 0)
        self._schedule = Schedule(
            [pilot.endpoint[endpoint].interval_s for endpoint in self._endpoints],
            [seed_of(pilot.seed, endpoint, "phase") for endpoint in self._endpoints],
        )
        rows = row_of_devices([(device.id, device.kind) for device in pilot.devices])
        kinds = {device.kind for own in self._devices.values() for device in own}
        self._makers = {kind: RowMaker(kind, [_spec(name) for name in KINDS[kind].reports]) for kind in kinds}
        self._seats = [
            [(device.id, device.kind, KINDS[device.kind].reports, rows[device.id]) for device in own]
            for own in self._devices.values()
        ]
        self.unreadable_commands = 0

    def topic_filters(self) -> Sequence[str]:
        """Commands to any gateway."""
        return (topics.endpoint(self._pilot, "+", topics.COMMAND),)

    def birth(self, now_s: float) -> list[Outgoing]:
        """Birth and online status of every gateway."""
        out: list[Outgoing] = []
        published_at = datetime.fromtimestamp(now_s, UTC)
        for endpoint, devices in self._devices.items():
            birth = Birth(
                endpoint=endpoint,
                session=self._session,
                published_at=published_at,
                software=SOFTWARE,
                devices=tuple(
                    BirthDevice(
                        device=device.id,
                        kind=device.kind.value,
                        reports=KINDS[device.kind].reports,
                        controls=tuple(device.controls),
                        ratings=dict(device.ratings),
                    )
                    for device in devices
                ),
            )
            out.append(self._retained(endpoint, topics.BIRTH, codec.encode(birth), now_s))
            status = Status(endpoint=endpoint, state="online", published_at=published_at)
            out.append(self._retained(endpoint, topics.STATUS, codec.encode(status), now_s))
        return out

    def wills(self) -> Mapping[str, tuple[str, bytes]]:
        """Offline, without a time: nobody can know when a will is needed."""
        return {
            endpoint: (
                topics.endpoint(self._pilot, endpoint, topics.STATUS),
                codec.encode(Status(endpoint=endpoint, state="offline")),
            )
            for endpoint in self._endpoints
        }

    def farewell(self, now_s: float) -> list[Outgoing]:
        """Offline status of every gateway."""
        published_at = datetime.fromtimestamp(now_s, UTC)
        return [
            self._retained(
                endpoint,
                topics.STATUS,
                codec.encode(Status(endpoint=endpoint, state="offline", published_at=published_at)),
                now_s,
            )
            for endpoint in self._endpoints
        ]

    def sample(self, now_s: float, columns: Columns) -> list[Outgoing]:
        """Telemetry of the gateways that are due."""
        due = self._schedule.due(now_s)
        if not due:
            return []
        rows = {kind: _KindRows(maker.rows(columns)) for kind, maker in self._makers.items()}
        measured_at = datetime.fromtimestamp(now_s, UTC)
        return [message for slot in due if (message := self._telemetry(slot, now_s, measured_at, rows)) is not None]

    def receive(self, topic: str, payload: bytes, now_s: float) -> list[Outgoing]:
        """Judge a command and answer it; what cannot be read at all is counted, because nobody can be answered."""
        parts = topics.parse(topic)
        if parts is None or parts.endpoint not in self._devices:
            return []
        try:
            command = codec.decode(CommandMessage, payload)
        except codec.DecodeError:
            self.unreadable_commands += 1
            return []
        link = self._links[parts.endpoint]
        arrived_s = now_s + link.delay_s()
        order = Order(
            id=command.id,
            device=command.device,
            quantity=command.quantity,
            value=command.value,
            expires_s=command.expires_at.timestamp(),
            priority=command.priority,
        )
        verdict = self._desk.take(parts.endpoint, order, arrived_s)
        if verdict is None:
            return []
        answered_s = arrived_s + link.processing_s()
        response = Response(
            id=command.id,
            endpoint=parts.endpoint,
            published_at=datetime.fromtimestamp(round(answered_s, 3), UTC),
            outcome=verdict.outcome,
            reason=verdict.reason,
        )
        topic = topics.endpoint(self._pilot, parts.endpoint, topics.RESPONSE)
        return [Outgoing(link.arrival_s(answered_s), topic, codec.encode(response))]

    def _telemetry(
        self, slot: int, now_s: float, measured_at: datetime, rows: Mapping[DeviceKind, _KindRows]
    ) -> Outgoing | None:
        readings = []
        for device, kind, names, row in self._seats[slot]:
            of_kind = rows[kind]
            values = dict(zip(names, of_kind.numbers[row], strict=True))
            if not of_kind.complete[row]:
                values = {name: value for name, value in values.items() if isfinite(value)}
            if values:
                readings.append(codec.Reading(device, measured_at, values))
        if not readings:
            return None
        endpoint = self._endpoints[slot]
        link = self._links[endpoint]
        published_s = round(now_s + self._schedule.offset_s[slot] + link.processing_s(), 3)
        self._sequence[endpoint] += 1
        payload = codec.encode_telemetry(
            endpoint=endpoint,
            session=self._session,
            sequence=self._sequence[endpoint],
            published_at=datetime.fromtimestamp(published_s, UTC),
            readings=readings,
        )
        return Outgoing(link.arrival_s(published_s), self._topics[slot], payload)

    def _retained(self, endpoint: str, channel: str, payload: bytes, now_s: float) -> Outgoing:
        due_s = self._links[endpoint].arrival_s(now_s)
        return Outgoing(due_s, topics.endpoint(self._pilot, endpoint, channel), payload, 1, True)  # noqa: FBT003
