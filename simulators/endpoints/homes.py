"""One home's document for wires that report home by home: a section per kind of device, in the wire's own words."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, isnan
from typing import Any

from simulators.endpoints.columns import RowMaker, Spec, row_of_devices
from simulators.endpoints.port import Columns
from twin.model.device import DeviceKind
from twin.model.topology import Device, Pilot, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """How a wire writes the devices of one kind: under `key`, as a list of objects or one object.

    Keys in `yes_no` are written as true or false, keys in `quoted` as text.
    """

    kind: DeviceKind
    key: str
    specs: tuple[Spec, ...]
    listed: bool = True
    yes_no: frozenset[str] = frozenset()
    quoted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seat:
    """Where the devices of one part of one home stand in the rows; None for a live device."""

    part: int
    rows: tuple[int | None, ...]


Rows = Sequence[list[list[float]]]


class HomeBook:
    """Writes the documents of the homes of one wire's endpoints. `absent_as_null`: kinds a home lacks stand as null.

    `homes` lists (endpoint, home) of every home with a simulated device, in pilot order.
    """

    def __init__(self, pilot: Pilot, adapter: str, parts: Sequence[Part], *, absent_as_null: bool) -> None:
        self._parts = tuple(parts)
        there = {device.kind for device in pilot.devices}
        self._makers = [RowMaker(part.kind, part.specs) if part.kind in there else None for part in parts]
        self._keys = [tuple(spec.key for spec in part.specs) for part in parts]
        self._digits = [{spec.key: spec.digits for spec in part.specs} for part in parts]
        self._absent_as_null = absent_as_null
        self._devices: dict[tuple[str, str], list[Device]] = {}
        for endpoint in pilot.endpoints:
            if endpoint.adapter == adapter:
                for device in pilot.endpoint_devices[endpoint.id]:
                    self._devices.setdefault((endpoint.id, device.home), []).append(device)
        self._devices = {place: own for place, own in self._devices.items() if _any_simulated(own)}
        self.homes = list(self._devices)
        rows = row_of_devices([(device.id, device.kind) for device in pilot.devices])
        self._seats = [self._seats_of(own, rows) for own in self._devices.values()]

    def rows(self, columns: Columns) -> Rows:
        """The numbers of this moment, for `document`."""
        return [[] if maker is None else maker.rows(columns).tolist() for maker in self._makers]

    def document(self, home: int, rows: Rows) -> dict[str, Any]:
        """The sections of the home at this position of `homes`."""
        content: dict[str, Any] = {}
        for seat in self._seats[home]:
            part = self._parts[seat.part]
            listed = [None if row is None else self._entry(seat.part, rows[seat.part][row]) for row in seat.rows]
            content[part.key] = (listed or None) if part.listed else next(iter(listed), None)
        return content

    def device(self, endpoint: str, home: str, key: str, number: int) -> str | None:
        """The id of the device at `key`/`number` (from 1), or None."""
        kinds = [part.kind for part in self._parts if part.key == key]
        own = [device.id for device in self._devices.get((endpoint, home), ()) if device.kind in kinds]
        return own[number - 1] if 1 <= number <= len(own) else None

    def spec(self, key: str, setting: str) -> Spec | None:
        """How the number `setting` is written under `key`, or None."""
        return next(
            (spec for part in self._parts if part.key == key for spec in part.specs if spec.key == setting), None
        )

    def number(self, key: str, setting: str, value: object) -> float:
        """The finite number that `value` is for `setting` under `key`: 0 or 1 where the wire says true or false.

        Raises ValueError.
        """
        if any(part.key == key and setting in part.yes_no for part in self._parts):
            if not isinstance(value, bool):
                raise ValueError(f"value {value!r:.80} is neither true nor false")
        elif isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise ValueError(f"value {value!r:.80} is no number")
        return float(value)

    def _seats_of(self, own: Sequence[Device], rows: dict[str, int]) -> list[_Seat]:
        seats = []
        for number, part in enumerate(self._parts):
            devices = [device for device in own if device.kind is part.kind]
            if devices or self._absent_as_null:
                seat = tuple(rows[device.id] if device.source is Source.SIMULATED else None for device in devices)
                seats.append(_Seat(part=number, rows=seat))
        return seats

    def _entry(self, number: int, row: list[float]) -> dict[str, Any]:
        entry: dict[str, Any] = dict(zip(self._keys[number], row, strict=True))
        part = self._parts[number]
        for key in part.yes_no:
            entry[key] = None if isnan(entry[key]) else entry[key] > 0
        for key in part.quoted:
            entry[key] = None if isnan(entry[key]) else f"{entry[key]:.{self._digits[number][key]}f}"
        return entry


def _any_simulated(devices: Sequence[Device]) -> bool:
    return any(device.source is Source.SIMULATED for device in devices)
