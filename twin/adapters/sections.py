"""Foreign documents with one section per kind of device, described by a table.

The table says which key holds which quantity and how its number becomes ours; turned round it writes commands. A far
side counts a home's devices of one kind in the order of the pilot file. A single bad value is refused alone.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from twin.adapters.loose import entries, shown
from twin.adapters.port import RefusedError
from twin.model.device import DeviceKind
from twin.model.event import Reason, Refusal
from twin.model.quantity import refusal
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

    def to_theirs(self, value: float) -> float:
        """Our value in their unit and sign."""
        return round((value - self.offset) / self.factor, _NOISE_DIGITS) + 0.0  # + 0.0 turns -0.0 into 0.0


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
            place = f"{where}: {section.key}/{number}"
            if number > len(known):
                detail = f"{place}: the home has {len(known)} {section.kind} here"
                refusals.append(Refusal(reason=Reason.UNKNOWN_DEVICE, detail=detail))
                break  # all further ones are as unknown
            values = _read(entry, section.fields, place, refusals)
            if values:
                found.append((known[number - 1], values))
    return found


def _read(entry: object, fields: Iterable[Field], where: str, refusals: list[Refusal]) -> dict[str, float]:
    values: dict[str, float] = {}
    if not isinstance(entry, dict):
        detail = f"{where}: an object is expected, not {shown(entry)}"
        refusals.append(Refusal(reason=Reason.WRONG_SHAPE, detail=detail))
        return values
    for field in fields:
        raw = entry.get(field.key)
        if raw is None:
            continue
        number = _number(raw, yes_no=field.yes_no)
        if number is None:
            wanted = "true or false" if field.yes_no else "a number"
            detail = f"{where}: {field.key}: {wanted} is expected, not {shown(raw)}"
            refusals.append(Refusal(reason=Reason.WRONG_SHAPE, detail=detail))
        elif not math.isfinite(number):
            refusals.append(Refusal(reason=Reason.NOT_FINITE, detail=f"{where}: {field.key} is {shown(raw)}"))
        else:
            value = round(field.factor * number + field.offset, _NOISE_DIGITS) + 0.0  # + 0.0 turns -0.0 into 0.0
            problem = refusal(field.quantity, value)
            if problem is None:
                values[field.quantity] = value
            else:
                detail = f"{where}: {field.key} = {shown(raw)}: {problem}"
                refusals.append(Refusal(reason=Reason.OUT_OF_RANGE, detail=detail))
    return values


def _number(raw: object, *, yes_no: bool) -> float | None:
    if isinstance(raw, bool):
        return float(raw) if yes_no else None
    if yes_no or not isinstance(raw, (int, float, str)):
        return None
    try:
        return float(raw)
    except (ValueError, OverflowError):
        return None
