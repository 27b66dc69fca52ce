"""From entries that are well-formed each for itself to a pilot in which everything fits together.

Refuses: two things on one id, references to nothing, a phase that the connection point lacks, a device that no
endpoint speaks for, an adapter or link that does not exist, ratings that contradict each other, a vendor's FMU
that does not have what its map says, circuits that a smart panel cannot have (twin.pilot.circuits).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from twin.model.device import DeviceKind
from twin.model.network import Network
from twin.model.topology import Device, Endpoint, Home
from twin.pilot.circuits import circuits_of_home
from twin.pilot.problem import Place
from twin.pilot.schema import DEVICE_MODELS, DeviceEntry, EndpointEntry, HomeEntry
from twin.pilot.source import Source
from twin.pilot.vendor import vendor_problems

_RESERVED_ENDPOINTS = frozenset({"grid", "clock", "pace", "world", "shadow"})  # words with a meaning in our topics


class Resolver:
    """Collects homes, devices and endpoints; notes every problem at its place in the source."""

    def __init__(
        self,
        source: Source,
        *,
        network: Network,
        copies: int,
        endpoints: Sequence[EndpointEntry],
        adapters: frozenset[str],
        links: frozenset[str],
        base: Path,
    ) -> None:
        self._source = source
        self._base = base
        self._network = network
        self._copies = copies
        self._devices: dict[str, Device] = {}
        self._homes: dict[str, Home] = {}
        self._served: dict[str, list[str]] = {}  # endpoint id, as it will be on the bus -> homes
        self._entries = self._endpoint_entries(endpoints, adapters, links)

    def add_home(self, entry: HomeEntry, place: Place) -> None:
        """Take one home with its devices."""
        if entry.id in self._homes:
            self._source.problem((*place, "id"), f"home {entry.id!r} stands twice; ids are unique")
            return
        phases = self._phases(entry, place)
        self._homes[entry.id] = Home(
            id=entry.id,
            feeder=entry.feeder - 1,
            connection_point=entry.connection_point,
            phases=phases,
            occupants=entry.occupants,
            annual_energy_wh=entry.annual_energy_wh,
            devices=tuple(self._home_devices(entry, place)),
        )

    def result(self) -> tuple[tuple[Home, ...], tuple[Device, ...], tuple[Endpoint, ...]]:
        """Homes, devices and endpoints in the order of the file; call after `Source.refuse_if_any`."""
        endpoints = []
        for entry in self._entries.values():
            for name, homes in self._served.items():
                if name == entry.id or (entry.each and name == f"{entry.id}-{homes[0]}"):
                    endpoints.append(_endpoint(entry, name, tuple(dict.fromkeys(homes))))
        return tuple(self._homes.values()), tuple(self._devices.values()), tuple(endpoints)

    def _endpoint_entries(
        self, endpoints: Sequence[EndpointEntry], adapters: frozenset[str], links: frozenset[str]
    ) -> Mapping[str, EndpointEntry]:
        entries: dict[str, EndpointEntry] = {}
        for index, entry in enumerate(endpoints):
            place: Place = ("endpoints", index)
            if entry.id in entries or entry.id in _RESERVED_ENDPOINTS:
                text = (
                    "stands twice; ids are unique" if entry.id in entries else "is a word of our topics; choose another"
                )
                self._source.problem((*place, "id"), f"endpoint {entry.id!r} {text}")
            if entry.adapter not in adapters:
                self._unknown((*place, "adapter"), "adapter", entry.adapter, adapters)
            if entry.link not in links:
                self._unknown((*place, "link"), "link profile", entry.link, links)
            entries[entry.id] = entry
        return entries

    def _unknown(self, place: Place, what: str, value: object, known: Sequence[str] | frozenset[str]) -> None:
        names = sorted(known)
        shown = ", ".join(names[:12]) + (f", ... ({len(names)} in all)" if len(names) > 12 else "")  # noqa: PLR2004
        self._source.problem(place, f"unknown {what} {value!r}; known: {shown}")

    def _phases(self, entry: HomeEntry, place: Place) -> str:
        if entry.feeder > self._copies:
            self._source.problem((*place, "feeder"), f"feeder {entry.feeder} is outside 1..{self._copies}")
        point = self._network.connection_point.get(entry.connection_point)
        if point is None:
            self._unknown(
                (*place, "connection_point"),
                "connection point",
                entry.connection_point,
                list(self._network.connection_point),
            )
            return entry.phase or ""
        phases = entry.phase or point.phases
        if not set(phases) <= set(point.phases):
            self._source.problem(
                (*place, "phase"), f"phase {phases!r} is not at {point.id!r}, which has {point.phases!r}"
            )
        return phases

    def _home_devices(self, entry: HomeEntry, place: Place) -> list[str]:
        given = [
            (index, self._device_entry(raw, (*place, "devices", index))) for index, raw in enumerate(entry.devices)
        ]
        meters = [index for index, device in given if device is not None and device.kind is DeviceKind.METER]
        if len(meters) > 1:
            self._source.problem((*place, "devices", meters[1]), f"home {entry.id!r} has two meters; one is allowed")
        found = [(device, (*place, "devices", index)) for index, device in given if device is not None]
        if not meters:
            found.insert(0, (DEVICE_MODELS[DeviceKind.METER](kind=DeviceKind.METER), place))
        circuits = circuits_of_home(self._source, entry.id, found)
        return [
            self._add_device(entry, device, at, circuit) for (device, at), circuit in zip(found, circuits, strict=True)
        ]

    def _device_entry(self, raw: Mapping[str, Any], place: Place) -> DeviceEntry | None:
        kinds = [kind.value for kind in DeviceKind]
        if raw.get("kind") not in kinds:
            text = f"unknown kind {raw.get('kind')!r}; known: {', '.join(kinds)}"
            self._source.problem((*place, "kind") if "kind" in raw else place, text)
            return None
        try:
            device = DEVICE_MODELS[DeviceKind(raw["kind"])].model_validate(raw)
        except ValidationError as error:
            note_validation_errors(self._source, error, place)
            return None
        ratings = device.ratings()
        if device.kind is DeviceKind.BATTERY and not ratings["soc_min"] <= ratings["soc_start"] <= ratings["soc_max"]:
            allowed = f"{ratings['soc_min']:g} (soc_min) to {ratings['soc_max']:g} (soc_max)"
            self._source.problem((*place, "soc_start"), f"soc_start {ratings['soc_start']:g} is outside {allowed}")
        self._check_vehicle_to_home(device, place)
        if device.model is not None:
            for inner, text in vendor_problems(device.kind, device.model.model(self._base)):
                self._source.problem((*place, "model", *inner), text)
        return device

    def _check_vehicle_to_home(self, device: DeviceEntry, place: Place) -> None:
        """A reserve without vehicle-to-home, and vehicle-to-home that a vendor's model is never told of."""
        if device.kind is not DeviceKind.EV_CHARGER:
            return
        can = device.ratings()["discharge_power_w"] > 0
        if "soc_home_min" in device.model_fields_set and not can:
            text = "a reserve of vehicle-to-home, which needs a discharge_power_w above 0"
            self._source.problem((*place, "soc_home_min"), text)
        if can and device.model is not None and "discharge_request_w" not in device.model.map:
            text = "discharge_request_w not mapped; a charger with a discharge_power_w needs it"
            self._source.problem((*place, "model", "map"), text)

    def _add_device(self, home: HomeEntry, device: DeviceEntry, place: Place, circuit: int | None) -> str:
        device_id = device.id or f"{home.id}-{device.kind.value.replace('_', '-')}"
        if device_id in self._devices:
            self._source.problem(place, f"two devices on one id {device_id!r}; give one of them an `id` of its own")
            return device_id
        named = device.endpoint or home.endpoint
        if named is None:
            self._source.problem(
                place,
                f"no endpoint speaks for {device_id!r}; give the device or its home an `endpoint`: "
                f"{', '.join(sorted(self._entries))}",
            )
            return device_id
        entry = self._entries.get(named)
        if entry is None:
            at: Place = (*place, "endpoint") if device.endpoint else (*place[:2], "endpoint")
            if not any(problem.line == self._source.line(at) for problem in self._source.problems):
                self._unknown(at, "endpoint", named, list(self._entries))
            return device_id
        endpoint = f"{entry.id}-{home.id}" if entry.each else entry.id
        self._served.setdefault(endpoint, []).append(home.id)
        self._devices[device_id] = Device(
            id=device_id,
            kind=device.kind,
            home=home.id,
            endpoint=endpoint,
            ratings=device.ratings(),
            source=device.source,
            model=None if device.model is None else device.model.model(self._base),
            circuit=circuit,
        )
        return device_id


def _endpoint(entry: EndpointEntry, name: str, homes: tuple[str, ...]) -> Endpoint:
    return Endpoint(
        id=name,
        pathway=entry.pathway,
        variant=entry.variant,
        adapter=entry.adapter,
        link=entry.link,
        interval_s=entry.interval_s,
        max_age_s=entry.max_age_s,
        homes=homes,
    )


def note_validation_errors(source: Source, error: ValidationError, place: Place) -> None:
    """Put pydantic's findings where they stand in the file, with the offending value."""
    for found in error.errors(include_url=False):
        at = (*place, *(part for part in found["loc"] if isinstance(part, str | int)))
        if found["type"] == "extra_forbidden":
            source.problem(at, "unknown key; not allowed here")
        elif found["type"] == "missing":
            source.problem(at, "missing; it has to be given")
        else:
            source.problem(at, f"{found['input']!r}: {found['msg']}")
