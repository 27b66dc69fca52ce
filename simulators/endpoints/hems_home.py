"""Home energy managers: one document per home and interval, in W, percent and kWh, battery positive on discharge."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from simulators.endpoints.columns import Spec
from simulators.endpoints.controls import Controls
from simulators.endpoints.homes import HomeBook, Part, Rows
from simulators.endpoints.links import Link
from simulators.endpoints.orders import Desk, Order, UnreadableError
from simulators.endpoints.port import Columns, Outgoing
from simulators.endpoints.schedule import Schedule, seed_of
from twin.model.device import DeviceKind
from twin.model.quantity import CIRCUITS, MAIN_CLOSED
from twin.model.topology import Pilot

NAME: Final = "hems_home"
FIRMWARE: Final = "HomeHub 4.2.1"

_RESULTS: Final = {"acknowledged": "ok", "refused": "rejected", "expired": "late", "superseded": "outranked"}
_LEVELS: Final = 4  # hems / pilot / endpoint / set
_HIGHEST_RANK: Final = 9

# Such a device rounds to what its display shows: 1 W, 0.1 V, 0.1 %, 0.1 degC, 1 Wh.
_PARTS: Final = (
    Part(
        kind=DeviceKind.METER,
        key="grid",
        listed=False,
        specs=(
            Spec(key="power", quantity="power_w", digits=0),
            Spec(key="reactive", quantity="reactive_power_var", digits=0),
            Spec(key="voltage", quantity="voltage_v", digits=1),
            Spec(key="imported", quantity="energy_import_wh", factor=0.001, digits=3),
            Spec(key="exported", quantity="energy_export_wh", factor=0.001, digits=3),
        ),
    ),
    Part(
        kind=DeviceKind.PV,
        key="solar",
        specs=(
            Spec(key="power", quantity="power_w", factor=-1.0, digits=0),
            Spec(key="reactive", quantity="reactive_power_var", factor=-1.0, digits=0),
            Spec(key="available", quantity="power_available_w", factor=-1.0, digits=0),
            Spec(key="limit", quantity="active_power_limit", factor=100.0, digits=1),
        ),
    ),
    Part(
        kind=DeviceKind.BATTERY,
        key="battery",
        specs=(
            Spec(key="power", quantity="power_w", factor=-1.0, digits=0),
            Spec(key="soc", quantity="soc", factor=100.0, digits=1),
            Spec(key="setpoint", quantity="power_setpoint_w", factor=-1.0, digits=0),
        ),
    ),
    Part(
        kind=DeviceKind.EV_CHARGER,
        key="wallbox",
        yes_no=frozenset({"connected"}),
        specs=(
            Spec(key="power", quantity="power_w", digits=0),
            Spec(key="soc", quantity="soc", factor=100.0, digits=1),
            Spec(key="connected", quantity="plugged", digits=0),
            Spec(key="limit", quantity="power_limit_w", digits=0),
            Spec(key="discharge", quantity="discharge_request_w", digits=0),
        ),
    ),
    Part(
        kind=DeviceKind.HEAT_PUMP,
        key="heating",
        specs=(
            Spec(key="power", quantity="power_w", digits=0),
            Spec(key="room", quantity="temperature_indoor_degc", digits=1),
            Spec(key="target", quantity="setpoint_heat_degc", digits=1),
            Spec(key="offset", quantity="setpoint_offset_k", digits=1),
        ),
    ),
    Part(
        kind=DeviceKind.WATER_HEATER,
        key="hot_water",
        specs=(
            Spec(key="power", quantity="power_w", digits=0),
            Spec(key="tank", quantity="temperature_tank_degc", digits=1),
            Spec(key="outlet", quantity="temperature_outlet_degc", digits=1),
            Spec(key="target", quantity="setpoint_tank_degc", digits=1),
            Spec(key="boost", quantity="setpoint_tank_offset_k", digits=1),
        ),
    ),
    Part(
        kind=DeviceKind.SMART_PANEL,
        key="panel",
        yes_no=frozenset({"main_on", *(f"circuit_{number}_on" for number in CIRCUITS)}),
        specs=(
            Spec(key="rest", quantity="power_w", digits=0),
            Spec(key="main_on", quantity=MAIN_CLOSED, digits=0),
            *(Spec(key=f"circuit_{number}_on", quantity=f"circuit_{number}_closed", digits=0) for number in CIRCUITS),
            *(Spec(key=f"circuit_{number}", quantity=f"circuit_{number}_power_w", digits=0) for number in CIRCUITS),
            *(
                Spec(key=f"circuit_{number}_counted", quantity=f"circuit_{number}_energy_wh", factor=0.001, digits=3)
                for number in CIRCUITS
            ),
        ),
    ),
)


class HemsHomeAgent:
    """All simulated HEMS of a pilot, on site or in the cloud."""

    def __init__(self, pilot: Pilot, controls: Controls, start_s: float) -> None:
        self._pilot = pilot.name
        self._session = f"{pilot.seed}-{round(start_s)}"
        self._desk = Desk(pilot, controls)
        self._book = HomeBook(pilot, NAME, _PARTS, absent_as_null=False)
        homes = self._book.homes
        self._links = {
            endpoint: Link(pilot.endpoint[endpoint].link, seed_of(pilot.seed, endpoint, "link"))
            for endpoint, _ in homes
        }
        self._count = dict.fromkeys(self._links, 0)
        self._schedule = Schedule(
            [pilot.endpoint[endpoint].interval_s for endpoint, _ in homes],
            [seed_of(pilot.seed, endpoint, home, "phase") for endpoint, home in homes],
        )
        self.unreadable_commands = 0

    def topic_filters(self) -> Sequence[str]:
        """Settings for any HEMS."""
        return (self._topic("+", "set"),)

    def birth(self, now_s: float) -> list[Outgoing]:
        """What it is, and that it is online."""
        about = orjson.dumps({"firmware": FIRMWARE, "boot": self._session})
        return [
            message
            for endpoint in self._links
            for message in (
                self._retained(endpoint, "about", about, now_s),
                self._retained(endpoint, "online", b"online", now_s),
            )
        ]

    def wills(self) -> Mapping[str, tuple[str, bytes]]:
        """Plain offline."""
        return {endpoint: (self._topic(endpoint, "online"), b"offline") for endpoint in self._links}

    def farewell(self, now_s: float) -> list[Outgoing]:
        """Plain offline, from every HEMS itself."""
        return [self._retained(endpoint, "online", b"offline", now_s) for endpoint in self._links]

    def sample(self, now_s: float, columns: Columns) -> list[Outgoing]:
        """Documents of the homes that are due."""
        due = self._schedule.due(now_s)
        if not due:
            return []
        rows = self._book.rows(columns)
        measured_at = _rfc3339(now_s)
        return [self._state(home, now_s, measured_at, rows) for home in due]

    def receive(self, topic: str, payload: bytes, now_s: float) -> list[Outgoing]:
        """Judge a setting and answer it; what names no request is counted, because nobody can be answered."""
        levels = topic.split("/")
        if len(levels) != _LEVELS or levels[2] not in self._links:
            return []
        endpoint = levels[2]
        try:
            order = self._order(endpoint, payload)
        except UnreadableError:
            self.unreadable_commands += 1
            return []
        link = self._links[endpoint]
        arrived_s = now_s + link.delay_s()
        verdict = self._desk.take(endpoint, order, arrived_s)
        if verdict is None:
            return []
        answered_s = arrived_s + link.processing_s()
        ack = {
            "request": order.id,
            "result": _RESULTS[verdict.outcome],
            "message": verdict.reason,
            "time": _rfc3339(answered_s),
        }
        return [Outgoing(link.arrival_s(answered_s), self._topic(endpoint, "ack"), orjson.dumps(ack))]

    def _state(self, slot: int, now_s: float, measured_at: str, rows: Rows) -> Outgoing:
        endpoint, home = self._book.homes[slot]
        link = self._links[endpoint]
        sent_s = now_s + self._schedule.offset_s[slot] + link.processing_s()
        self._count[endpoint] += 1
        state = {
            "home": home,
            "time": measured_at,
            "sent": _rfc3339(sent_s),
            "boot": self._session,
            "count": self._count[endpoint],
            **self._book.document(slot, rows),
        }
        return Outgoing(link.arrival_s(sent_s), self._topic(endpoint, "state"), orjson.dumps(state))

    def _order(self, endpoint: str, payload: bytes) -> Order:
        try:
            content: Any = orjson.loads(payload)
        except orjson.JSONDecodeError as error:
            raise UnreadableError(str(error)) from None
        if not isinstance(content, dict) or not isinstance(content.get("request"), str):
            raise UnreadableError("no request is named")
        request: str = content["request"]
        try:
            return self._understood(endpoint, request, content)
        except (KeyError, TypeError, ValueError) as error:
            return Order(id=request, problem=f"not understood: {error}"[:200])

    def _understood(self, endpoint: str, request: str, content: Mapping[str, Any]) -> Order:
        section, number, setting = content["path"].split("/")
        device = self._book.device(endpoint, content["home"], section, int(number))
        spec = self._book.spec(section, setting)
        rank = content["rank"]
        if device is None or spec is None:
            raise ValueError(f"there is no {content['path']!r:.80} in {content['home']!r:.80}")
        value = self._book.number(section, setting, content["value"])
        if isinstance(rank, bool) or not isinstance(rank, int) or not 0 <= rank <= _HIGHEST_RANK:
            raise ValueError(f"rank {rank!r:.80} is not 0..{_HIGHEST_RANK}")
        until = datetime.fromisoformat(content["until"])
        if until.tzinfo is None:
            raise ValueError(f"until {content['until']!r:.80} says no offset from UTC")
        return Order(
            id=request,
            device=device,
            quantity=spec.quantity,
            value=spec.to_ours(value),
            expires_s=until.timestamp(),
            priority=rank,
        )

    def _topic(self, endpoint: str, channel: str) -> str:
        return f"hems/{self._pilot}/{endpoint}/{channel}"

    def _retained(self, endpoint: str, channel: str, payload: bytes, now_s: float) -> Outgoing:
        due_s = self._links[endpoint].arrival_s(now_s)
        return Outgoing(due_s, self._topic(endpoint, channel), payload, 1, True)  # noqa: FBT003


def _rfc3339(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).isoformat(timespec="milliseconds")
