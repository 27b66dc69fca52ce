"""Foreign documents with one section per kind of device, described by a table.

The table says which key holds which quantity and how its number becomes ours; turned round it writes commands. A far
side counts a home's devices of one kind in the order of the pilot file. A single bad value is refused alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from twin.adapters.loose import entries, shown
from twin.adapters.port import RefusedError
from twin.model.device import DeviceKind
from twin.model.event import Reason, Refusal
from twin.model.quantity import QUANTITIES, refusal
from twin.model.topology import Pilot

_NOISE_DIGITS: Final = 6  # what a change of unit leaves in the last binary digits is no measurement


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One number of a foreign section: `ours = factor * theirs + offset`, in the unit that `quantity` names."""

    key: str
    quantity: str
    factor: float = 1.0
    offset: float = 0.0
    yes_no: bool = False  # theirs is true or false

    def to_ours(self, number: float) -> float:
        """Their number in our unit and sign."""
        if self.offset == 0.0 and abs(self.factor) == 1.0:
            return self.factor * number + 0.0  # + 0.0 turns -0.0 into 0.0
        return round(self.factor * number + self.offset, _NOISE_DIGITS) + 0.0

    def to_theirs(self, value: float) -> float | bool:
        """Our value in their unit and sign; true or false where theirs is."""
        if self.yes_no:
            return value >= 0.5  # noqa: PLR2004 - halfway between the two
        return round((value - self.offset) / self.factor, _NOISE_DIGITS) + 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Where the devices of one kind stand in a home's document: a list of objects, or one object."""

    kind: DeviceKind
    key: str
    fields: tuple[Field, ...]
    listed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a far side finds a device; `number` counts from 1 among the home's devices of the section's kind."""

    home: str
    section: Section
    number: int

    def field(self, quantity: str) -> Field:
        """The field that holds `quantity`. Raises ValueError when this section has none."""
        for field in self.section.fields:
            if field.quantity == quantity:
                return field
        raise ValueError(f"a {self.section.kind} has no {quantity!r} here")


Kinds = Mapping[DeviceKind, Sequence[str]]
Devices = Mapping[str, Mapping[str, Kinds]]


def devices_of(pilot: Pilot, adapter: str) -> Devices:
    """Device ids by endpoint, home and kind, in pilot order, of those endpoints of `pilot` that name `adapter`."""
    found: dict[str, dict[str, dict[DeviceKind, list[str]]]] = {}
    for endpoint in pilot.endpoints:
        if endpoint.adapter == adapter:
            homes = found.setdefault(endpoint.id, {})
            for device in pilot.endpoint_devices[endpoint.id]:
                homes.setdefault(device.home, {}).setdefault(device.kind, []).append(device.id)
    return found


def place_of(devices: Devices, sections: Iterable[Section], endpoint: str, device: str) -> Place:
    """Where `endpoint` finds `device`. Raises ValueError when it does not speak for it."""
    for home, kinds in devices.get(endpoint, {}).items():
        for section in sections:
            known = kinds.get(section.kind, ())
            if device in known:
                return Place(home=home, section=section, number=known.index(device) + 1)
    raise ValueError(f"endpoint {endpoint!r} does not speak for a device {device!r}")


def read_home(
    home: Mapping[str, Any], kinds: Kinds, sections: Iterable[Section], where: str, refusals: list[Refusal]
) -> list[tuple[str, dict[str, float]]]:
    """Device ids and their values of one home's document; what cannot be taken goes to `refusals`."""
    found: list[tuple[str, dict[str, float]]] = []
    for section in sections:
        known = kinds.get(section.kind, ())
        try:
            listed = entries(home, section.key) if section.listed else (home.get(section.key),)
        except RefusedError as error:
            refusals.append(Refusal(reason=error.refusal.reason, detail=f"{where}: {error.refusal.detail}"))
            continue
        for number, entry in enumerate(listed, start=1):
            if entry is None:
                continue
            if number > len(known):
                detail = f"{where}: {section.key}/{number}: the home has {len(known)} {section.kind} here"
                refusals.append(Refusal(reason=Reason.UNKNOWN_DEVICE, detail=detail))
                break  # all further ones are as unknown
            if isinstance(entry, dict):
                values, problems = _read(entry, section.fields)
            else:
                values, problems = {}, [(Reason.WRONG_SHAPE, f"an object is expected, not {shown(entry)}")]
            if values:
                found.append((known[number - 1], values))
            for reason, problem in problems:
                detail = f"{where}: {section.key}/{number}: {problem}"
                refusals.append(Refusal(reason=reason, detail=detail))
    return found


def _read(entry: Mapping[str, Any], fields: Iterable[Field]) -> tuple[dict[str, float], list[tuple[Reason, str]]]:
    values: dict[str, float] = {}
    problems: list[tuple[Reason, str]] = []
    for field in fields:
        raw = entry.get(field.key)
        if raw is None:
            continue
        if type(raw) is float and not field.yes_no:  # nearly always, and in range: the short way
            value = field.to_ours(raw)
            known = QUANTITIES[field.quantity]
            if known.minimum <= value <= known.maximum:
                values[field.quantity] = value
                continue
        number = _number(raw, yes_no=field.yes_no)
        if number is None:
            wanted = "true or false" if field.yes_no else "a number"
            problems.append((Reason.WRONG_SHAPE, f"{field.key}: {wanted} is expected, not {shown(raw)}"))
        elif not isfinite(number):
            problems.append((Reason.NOT_FINITE, f"{field.key} is {shown(raw)}"))
        else:
            value = field.to_ours(number)
            problem = refusal(field.quantity, value)
            if problem is None:
                values[field.quantity] = value
            else:
                problems.append((Reason.OUT_OF_RANGE, f"{field.key} = {shown(raw)}: {problem}"))
    return values, problems


def _number(raw: object, *, yes_no: bool) -> float | None:
    if isinstance(raw, bool):
        return float(raw) if yes_no else None
    if yes_no or not isinstance(raw, (int, float, str)):
        return None
    try:
        return float(raw)
    except (ValueError, OverflowError):
        return None
