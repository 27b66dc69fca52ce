"""The ACME vendor's cloud: a cache per site that is minutes old, all sites of an account in pages of one poll.

A site communicates with the cloud every one to two minutes; only then the cloud learns its values, and only then the
site's devices learn their commands. The receipt, meanwhile, says QUEUED at once.
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, Final

import numpy as np
import orjson

from simulators.endpoints.cloud_queue import CloudQueue
from simulators.endpoints.columns import Spec
from simulators.endpoints.controls import Controls
from simulators.endpoints.homes import HomeBook, Part, Rows
from simulators.endpoints.links import Link
from simulators.endpoints.orders import Desk, Order, UnreadableError
from simulators.endpoints.port import Columns, Outgoing
from simulators.endpoints.schedule import Schedule, seed_of
from twin.bus import topics
from twin.model.device import DeviceKind
from twin.model.quantity import CIRCUITS, MAIN_CLOSED
from twin.model.topology import Pilot

NAME: Final = "oem_acme"
VENDOR: Final = "acme"
RELEASE: Final = "2026.11"

# Powerwall values are cached for minutes, however often one asks (Powerwall-Dashboard, GitHub issue 779).
SHORTEST_CACHE_S: Final = 60.0
LONGEST_CACHE_S: Final = 120.0
SITES_PER_PAGE: Final = 100

_STATUS: Final = {"acknowledged": "QUEUED", "refused": "REJECTED", "expired": "TIMED_OUT", "superseded": "PREEMPTED"}
_LEVELS: Final = 5  # oem / acme / pilot / account / commands
_HIGHEST_PRIORITY: Final = 9
_DEGF_PER_K: Final = 1.8
_ZERO_DEGC_IN_DEGF: Final = 32.0


def _kw(key: str, quantity: str = "power_w", *, sign: int = 1) -> Spec:
    return Spec(key=key, quantity=quantity, factor=sign * 0.001, digits=3)


def _degf(key: str, quantity: str) -> Spec:
    return Spec(key=key, quantity=quantity, factor=_DEGF_PER_K, offset=_ZERO_DEGC_IN_DEGF, digits=1)


_PARTS: Final = (
    Part(
        kind=DeviceKind.METER,
        key="meter",
        listed=False,
        quoted=frozenset({"lifetimeImportKwh", "lifetimeExportKwh"}),
        specs=(
            _kw("netExportKw", sign=-1),
            _kw("netExportKvar", "reactive_power_var", sign=-1),
            Spec(key="voltage", quantity="voltage_v", digits=1),
            _kw("lifetimeImportKwh", "energy_import_wh"),
            _kw("lifetimeExportKwh", "energy_export_wh"),
        ),
    ),
    Part(
        kind=DeviceKind.PV,
        key="pv",
        specs=(
            _kw("productionKw", sign=-1),
            _kw("productionKvar", "reactive_power_var", sign=-1),
            _kw("potentialKw", "power_available_w", sign=-1),
            Spec(key="curtailmentPct", quantity="active_power_limit", factor=-100.0, offset=100.0, digits=1),
        ),
    ),
    Part(
        kind=DeviceKind.BATTERY,
        key="storage",
        specs=(
            _kw("dischargeKw", sign=-1),
            Spec(key="chargeLevelPct", quantity="soc", factor=100.0, digits=1),
            _kw("dispatchKw", "power_setpoint_w", sign=-1),
        ),
    ),
    Part(
        kind=DeviceKind.EV_CHARGER,
        key="evse",
        yes_no=frozenset({"pluggedIn"}),
        specs=(
            _kw("chargeKw"),
            Spec(key="vehicleLevelPct", quantity="soc", factor=100.0, digits=1),
            Spec(key="pluggedIn", quantity="plugged", digits=0),
            _kw("maxChargeKw", "power_limit_w"),
            _kw("vehicleToHomeKw", "discharge_request_w"),
        ),
    ),
    Part(
        kind=DeviceKind.HEAT_PUMP,
        key="hvac",
        specs=(
            _kw("demandKw"),
            _degf("indoorTempF", "temperature_indoor_degc"),
            _degf("heatSetpointF", "setpoint_heat_degc"),
            Spec(key="gridOffsetF", quantity="setpoint_offset_k", factor=_DEGF_PER_K, digits=1),
        ),
    ),
    Part(
        kind=DeviceKind.WATER_HEATER,
        key="dhw",
        specs=(
            _kw("demandKw"),
            _degf("tankTempF", "temperature_tank_degc"),
            _degf("outletTempF", "temperature_outlet_degc"),
            _degf("targetTempF", "setpoint_tank_degc"),
            Spec(key="gridOffsetF", quantity="setpoint_tank_offset_k", factor=_DEGF_PER_K, digits=1),
        ),
    ),
    Part(
        kind=DeviceKind.SMART_PANEL,
        key="loadCenter",
        yes_no=frozenset({"mainClosed", *(f"breaker{number}Closed" for number in CIRCUITS)}),
        quoted=frozenset(f"breaker{number}LifetimeKwh" for number in CIRCUITS),
        specs=(
            _kw("unassignedKw"),
            Spec(key="mainClosed", quantity=MAIN_CLOSED, digits=0),
            *(Spec(key=f"breaker{number}Closed", quantity=f"circuit_{number}_closed", digits=0) for number in CIRCUITS),
            *(_kw(f"breaker{number}Kw", f"circuit_{number}_power_w") for number in CIRCUITS),
            *(_kw(f"breaker{number}LifetimeKwh", f"circuit_{number}_energy_wh") for number in CIRCUITS),
        ),
    ),
)


class OemAcmeAgent:
    """All accounts of a pilot at this vendor, one per endpoint."""

    def __init__(self, pilot: Pilot, controls: Controls, start_s: float) -> None:  # noqa: ARG002 - no session here
        self._pilot = pilot.name
        self._queue = CloudQueue(pilot, controls)
        self._desk = Desk(pilot, self._queue)
        self._book = HomeBook(pilot, NAME, _PARTS, absent_as_null=True)
        sites = self._book.homes
        self._cache: list[orjson.Fragment] = [orjson.Fragment(b"null")] * len(sites)
        self._links = {
            account: Link(pilot.endpoint[account].link, seed_of(pilot.seed, account, "link")) for account, _ in sites
        }
        periods = [
            float(
                np.random.default_rng(seed_of(pilot.seed, *site, "period")).uniform(SHORTEST_CACHE_S, LONGEST_CACHE_S)
            )
            for site in sites
        ]
        self._refresh = Schedule(np.round(periods).tolist(), [seed_of(pilot.seed, *site, "cache") for site in sites])
        self._pages = [
            (account, page, own[start : start + SITES_PER_PAGE])
            for account in self._links
            for own in ([index for index, site in enumerate(sites) if site[0] == account],)
            for page, start in enumerate(range(0, len(own), SITES_PER_PAGE), start=1)
        ]
        self._page_count = {account: page for account, page, _ in self._pages}  # the last one's number stays
        self._schedule = Schedule(
            [pilot.endpoint[account].interval_s for account, _, _ in self._pages],
            [seed_of(pilot.seed, account, f"page-{page}") for account, page, _ in self._pages],
        )
        self.unreadable_commands = 0

    def topic_filters(self) -> Sequence[str]:
        """Commands to any account."""
        return (self._topic("+", "commands"),)

    def birth(self, now_s: float) -> list[Outgoing]:
        """The service is up."""
        payload = orjson.dumps({"status": "UP", "release": RELEASE})
        return [self._retained(account, payload, now_s) for account in self._links]

    def wills(self) -> Mapping[str, tuple[str, bytes]]:
        """The service is down."""
        payload = orjson.dumps({"status": "DOWN"})
        return {account: (self._topic(account, "service"), payload) for account in self._links}

    def farewell(self, now_s: float) -> list[Outgoing]:
        """The service goes down in good order."""
        payload = orjson.dumps({"status": "DOWN", "release": RELEASE})
        return [self._retained(account, payload, now_s) for account in self._links]

    def sample(self, now_s: float, columns: Columns) -> list[Outgoing]:
        """Sites that communicate renew their cache and fetch their orders; accounts that are due send their pages."""
        communicating = self._refresh.due(now_s)
        if communicating:
            rows = self._book.rows(columns)
            for site in communicating:
                self._cache[site] = self._snapshot(site, now_s, rows)
                self._queue.release(self._book.homes[site][1], now_s)
        return [self._poll(slot, now_s) for slot in self._schedule.due(now_s)]

    def receive(self, topic: str, payload: bytes, now_s: float) -> list[Outgoing]:
        """Judge a command and give a receipt; what names no request is counted, because nobody can be answered."""
        levels = topic.split("/")
        if len(levels) != _LEVELS or levels[3] not in self._links:
            return []
        account = levels[3]
        try:
            order = self._order(account, payload)
        except UnreadableError:
            self.unreadable_commands += 1
            return []
        link = self._links[account]
        arrived_s = now_s + link.delay_s()
        verdict = self._desk.take(account, order, arrived_s)
        if verdict is None:
            return []
        answered_s = arrived_s + link.processing_s()
        receipt = {
            "requestId": order.id,
            "status": _STATUS[verdict.outcome],
            "detail": verdict.reason,
            "atMs": round(answered_s * 1000),
        }
        return [Outgoing(link.arrival_s(answered_s), self._topic(account, "receipts"), orjson.dumps(receipt))]

    def _snapshot(self, site: int, now_s: float, rows: Rows) -> orjson.Fragment:
        content = {
            "siteId": self._book.homes[site][1],
            "lastCommunication": int(now_s),
            **self._book.document(site, rows),
        }
        return orjson.Fragment(orjson.dumps(content))

    def _poll(self, slot: int, now_s: float) -> Outgoing:
        account, page, sites = self._pages[slot]
        link = self._links[account]
        generated_s = now_s + self._schedule.offset_s[slot] + link.processing_s()
        poll = {
            "account": account,
            "page": page,
            "pages": self._page_count[account],
            "generatedAtMs": round(generated_s * 1000),
            "sites": [self._cache[site] for site in sites],
        }
        return Outgoing(link.arrival_s(generated_s), self._topic(account, "sites"), orjson.dumps(poll))

    def _order(self, account: str, payload: bytes) -> Order:
        try:
            content: Any = orjson.loads(payload)
        except orjson.JSONDecodeError as error:
            raise UnreadableError(str(error)) from None
        if not isinstance(content, dict) or not isinstance(content.get("requestId"), str):
            raise UnreadableError("no request is named")
        request: str = content["requestId"]
        try:
            return self._understood(account, request, content)
        except (KeyError, TypeError, ValueError) as error:
            return Order(id=request, problem=f"not understood: {error}"[:200])

    def _understood(self, account: str, request: str, content: Mapping[str, Any]) -> Order:
        equipment, unit, setting = content["equipment"], content["unit"], content["setting"]
        device = self._book.device(account, content["siteId"], equipment, int(unit))
        spec = self._book.spec(equipment, setting)
        if device is None or spec is None:
            raise ValueError(f"site {content['siteId']!r:.80} has no {setting!r:.80} of {equipment!r:.80} {unit!r:.80}")
        started_ms, minutes = (_number(content, key) for key in ("requestedAtMs", "durationMin"))
        value = self._book.number(equipment, setting, content["value"])
        priority = content["priority"]
        if isinstance(priority, bool) or not isinstance(priority, int) or not 0 <= priority <= _HIGHEST_PRIORITY:
            raise ValueError(f"priority {priority!r:.80} is not 0..{_HIGHEST_PRIORITY}")
        return Order(
            id=request,
            device=device,
            quantity=spec.quantity,
            value=spec.to_ours(value),
            expires_s=started_ms / 1000 + minutes * 60,
            priority=priority,
        )

    def _topic(self, account: str, channel: str) -> str:
        return topics.oem(VENDOR, f"{self._pilot}/{account}/{channel}")

    def _retained(self, account: str, payload: bytes, now_s: float) -> Outgoing:
        due_s = self._links[account].arrival_s(now_s)
        return Outgoing(due_s, self._topic(account, "service"), payload, 1, True)  # noqa: FBT003


def _number(content: Mapping[str, Any], key: str) -> float:
    value = content[key]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        raise ValueError(f"{key} {value!r:.80} is no number")
    return float(value)
