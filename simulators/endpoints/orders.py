"""How any far side judges a command: is it for a device of mine, possible, in time, not outranked, not a repetition?

Each wire puts the verdict into its own words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, Protocol

from simulators.endpoints.controls import Holder
from twin.model.quantity import refusal
from twin.model.topology import Device, Pilot, Source

Outcome = Literal["acknowledged", "refused", "expired", "superseded"]

_REMEMBERED: Final = 10_000  # answers, so that a duplicate gets the first one again

# Controls whose range follows from a rating of the device: (rating, lowest share of it).
_RATED: Final[Mapping[str, tuple[str, float]]] = MappingProxyType(
    {
        "power_setpoint_w": ("power_w", -1.0),
        "power_limit_w": ("power_w", 0.0),
        "discharge_request_w": ("discharge_power_w", 0.0),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A command as a far side understood it, in canonical units; `problem` says what it did not understand."""

    id: str
    device: str = ""
    quantity: str = ""
    value: float = 0.0
    expires_s: float = 0.0
    priority: int = 5
    problem: str = ""


class UnreadableError(Exception):
    """So little of a command can be read that there is nobody to answer."""


class Verdict(NamedTuple):
    """What a far side answers."""

    outcome: Outcome
    reason: str = ""


class Switchboard(Protocol):
    """Where accepted orders go: straight to the devices (Controls), or into a cloud's queue."""

    def set(
        self, device: str, quantity: str, value: float, expires_s: float, priority: int, command_id: str
    ) -> str | None:
        """Tell the device."""
        ...

    def holder(self, device: str, quantity: str, now_s: float) -> Holder | None:
        """Which command holds it already."""
        ...


class Desk:
    """Judges the orders of all endpoints of one wire and passes on the good ones."""

    def __init__(self, pilot: Pilot, switchboard: Switchboard) -> None:
        self._pilot = pilot
        self._switchboard = switchboard
        self._answers: dict[tuple[str, str], Verdict] = {}

    def take(self, endpoint: str, order: Order, now_s: float) -> Verdict | None:
        """The answer of `endpoint`; None when the device is live: then the live far side answers."""
        device = self._pilot.device.get(order.device)
        if device is not None and device.endpoint == endpoint and device.source is Source.LIVE:
            return None
        key = (endpoint, order.id)
        if key not in self._answers:
            verdict = self._judge(endpoint, order, device, now_s)
            while len(self._answers) >= _REMEMBERED:
                del self._answers[next(iter(self._answers))]
            self._answers[key] = verdict
        return self._answers[key]

    def _judge(self, endpoint: str, order: Order, device: Device | None, now_s: float) -> Verdict:
        if order.problem:
            return Verdict("refused", order.problem)
        if device is None or device.endpoint != endpoint:
            return Verdict("refused", f"{endpoint} speaks for no device {order.device!r:.80}")
        problem = _impossible(device, order)
        if problem:
            return Verdict("refused", problem)
        if order.expires_s <= now_s:
            return Verdict("expired", f"ended {now_s - order.expires_s:.1f} s before it came")
        holder = self._switchboard.holder(order.device, order.quantity, now_s)
        if holder is not None and holder.priority > order.priority:
            return Verdict(
                "superseded", f"{holder.command_id} holds it with priority {holder.priority} over {order.priority}"
            )
        self._switchboard.set(order.device, order.quantity, order.value, order.expires_s, order.priority, order.id)
        return Verdict("acknowledged", "" if holder is None else f"in place of {holder.command_id}")


def _impossible(device: Device, order: Order) -> str:
    if order.quantity not in device.controls:
        allowed = ", ".join(device.controls) or "nothing"
        return f"{order.quantity!r:.80} is no control of a {device.kind}; {allowed} is"
    problem = refusal(order.quantity, order.value)
    if problem is not None:
        return problem
    if order.quantity in _RATED:
        rating, lowest = _RATED[order.quantity]
        limit = device.ratings[rating]
        if not lowest * limit <= order.value <= limit:
            return f"{order.quantity} = {order.value:g} is outside {lowest * limit:g}..{limit:g} of {device.id}"
    return ""
