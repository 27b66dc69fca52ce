"""Who and what is in the pilot: homes, their devices, and the endpoints that speak for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from twin.model.device import KINDS, DeviceKind, Pathway
from twin.model.network import Network


class Source(StrEnum):
    """Whether a device is simulated or live; both speak the same wire."""

    SIMULATED = "simulated"
    LIVE = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorVariable:
    """What of a vendor's model is one of our quantities: `ours = factor * (variable in our unit) + offset`.

    `unit` is the unit that the variable has, where the vendor's file does not say or says it wrong. With `value`
    instead of `variable` the quantity is that constant.
    """

    variable: str | None = None
    unit: str | None = None
    factor: float = 1.0
    offset: float = 0.0
    value: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorModel:
    """A maker's own model of a device: its FMU file, our quantities in its words, and start values in its words."""

    fmu: str
    map: Mapping[str, VendorVariable]
    start: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Anything with its own telemetry in a home. `ratings` holds every rating of its kind, defaults filled.

    A simulated device with a `model` behaves as its maker's FMU says, all others as our library's.
    `circuit` is the number of the circuit of the home's smart panel that feeds it, None in a home without one.
    """

    id: str
    kind: DeviceKind
    home: str
    endpoint: str
    ratings: Mapping[str, float]
    source: Source = Source.SIMULATED
    model: VendorModel | None = None
    circuit: int | None = None

    @property
    def controls(self) -> Mapping[str, str]:
        """What it can be asked for, and what shows that: its kind's controls whose `needs` its ratings meet."""
        kind = KINDS[self.kind]
        return {
            name: shown
            for name, shown in kind.controls.items()
            if name not in kind.needs or self.ratings.get(kind.needs[name], 0.0) > 0
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """One customer premises behind one meter, at a connection point of one of the pilot's feeders.

    `feeder` counts from 0; `phases` are those of the connection point that the home uses.
    """

    id: str
    feeder: int
    connection_point: str
    phases: str
    occupants: int
    annual_energy_wh: float | None  # base load only; None: the usual for its occupants
    devices: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """The far side that speaks for devices: an OEM cloud, a gateway or a HEMS.

    `adapter` names the folder in twin/adapters that decodes it; `link` the profile of its way to the broker.
    A value measured longer than `max_age_s` ago is stale: what the pathway promises.
    """

    id: str
    pathway: Pathway
    variant: str
    adapter: str
    link: str
    interval_s: int
    max_age_s: float
    homes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """Where the weather comes from: a shipped typical year by name, or an EPW or CSV file."""

    source: str
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    elevation_m: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Where household load comes from: the seeded generator, or a file of the user's meter readings."""

    source: str = "generated"


@dataclass(frozen=True, kw_only=True)
class Pilot:
    """The whole pilot, checked: every reference resolves, every id is unique, order is that of the file.

    `feeders` is how many identical feeders of `network` there are; `base` the folder of the pilot file.
    """

    name: str
    title: str
    seed: int
    base: str
    network: Network
    feeders: int
    weather: Weather
    people: People
    homes: tuple[Home, ...]
    devices: tuple[Device, ...]
    endpoints: tuple[Endpoint, ...]

    @cached_property
    def home(self) -> Mapping[str, Home]:
        """Homes by id."""
        return {home.id: home for home in self.homes}

    @cached_property
    def device(self) -> Mapping[str, Device]:
        """Devices by id."""
        return {device.id: device for device in self.devices}

    @cached_property
    def endpoint(self) -> Mapping[str, Endpoint]:
        """Endpoints by id."""
        return {endpoint.id: endpoint for endpoint in self.endpoints}

    @cached_property
    def endpoint_devices(self) -> Mapping[str, tuple[Device, ...]]:
        """Devices each endpoint speaks for, by endpoint id, in pilot order."""
        found: dict[str, list[Device]] = {endpoint.id: [] for endpoint in self.endpoints}
        for device in self.devices:
            found[device.endpoint].append(device)
        return {endpoint: tuple(devices) for endpoint, devices in found.items()}

    @cached_property
    def meter_of(self) -> Mapping[str, str]:
        """The meter's device id, by home id."""
        return {device.home: device.id for device in self.devices if device.kind is DeviceKind.METER}

    def pathway(self, device: str) -> Pathway:
        """The pathway over which `device` is reached."""
        return self.endpoint[self.device[device].endpoint].pathway
