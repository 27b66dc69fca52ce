"""The shape of a pilot file, as pydantic models: unknown keys and values out of range are refused.

What refers to what is checked in twin.pilot.resolve. The ratings of each kind of device come from
twin.model.device.KINDS, so a new kind needs no change here.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model, field_validator

from twin.model.device import KINDS, DeviceKind, Pathway, with_defaults
from twin.model.quantity import CIRCUITS
from twin.model.topology import Source, VendorModel, VendorVariable

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")]
Share = Annotated[float, Field(ge=0, le=1)]
Phases = Literal["a", "b", "c", "abc"]
Occupants = Annotated[int, Field(ge=1, le=8)]


class Entry(BaseModel):
    """Base of everything in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class FeederEntry(Entry):
    """Which network, and how many identical feeders of it."""

    network: Annotated[str, Field(min_length=1)]
    copies: Annotated[int, Field(ge=1, le=1000)] = 1


class WeatherEntry(Entry):
    """A shipped typical year by name, or an EPW or CSV file; a CSV needs its site's coordinates."""

    source: Annotated[str, Field(min_length=1)]
    latitude_deg: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude_deg: Annotated[float, Field(ge=-180, le=180)] | None = None
    elevation_m: Annotated[float, Field(ge=-500, le=9000)] = 0.0


class PeopleEntry(Entry):
    """`generated`, or a file of meter readings (CSV or Green Button XML), or `simbench`."""

    source: Annotated[str, Field(min_length=1)] = "generated"


class EndpointEntry(Entry):
    """A far side. With `each: home` there is one per home that names it, called {id}-{home}."""

    id: Id
    pathway: Pathway
    variant: Id
    adapter: str
    link: str
    interval_s: Annotated[int, Field(ge=1, le=3600)]
    max_age_s: Annotated[float, Field(ge=1, le=86_400)]
    each: Literal["home"] | None = None


Finite = Annotated[float, Field(allow_inf_nan=False)]


class VendorVariableEntry(Entry):
    """A variable of a vendor's FMU, or a constant. Short forms: its name alone, a number alone."""

    variable: Annotated[str, Field(min_length=1)] | None = None
    unit: Annotated[str, Field(min_length=1)] | None = None
    factor: Finite = 1.0
    offset: Finite = 0.0
    value: Finite | None = None


class VendorModelEntry(Entry):
    """A vendor's FMU in place of our model; `start` sets its own parameters by their own names."""

    fmu: Annotated[str, Field(min_length=1)]
    map: Annotated[dict[str, VendorVariableEntry], Field(min_length=1)]
    start: dict[str, Finite] = Field(default_factory=dict)

    @field_validator("map", mode="before")
    @classmethod
    def _short_forms(cls, entries: object) -> object:
        if not isinstance(entries, dict):
            return entries
        return {name: _spelled_out(entry) for name, entry in entries.items()}

    def model(self, base: Path) -> VendorModel:
        """The same as the pilot holds it; a relative path starts at `base`."""
        links = {name: VendorVariable(**entry.model_dump()) for name, entry in self.map.items()}
        return VendorModel(fmu=str(base / self.fmu), map=links, start=self.start)


def _spelled_out(entry: object) -> object:
    if isinstance(entry, str):
        return {"variable": entry}
    if isinstance(entry, int | float) and not isinstance(entry, bool):
        return {"value": entry}
    return entry


class DeviceEntry(Entry):
    """What every device has; the models of the kinds add their ratings.

    `circuit` is that of the home's smart panel; without it a device takes the lowest free one.
    """

    kind: DeviceKind
    id: Id | None = None
    endpoint: Id | None = None
    source: Source = Source.SIMULATED
    model: VendorModelEntry | None = None
    circuit: Annotated[int, Field(ge=CIRCUITS[0], le=CIRCUITS[-1])] | None = None

    def ratings(self) -> dict[str, float]:
        """The device's ratings by name, defaults filled in."""
        stated = {name: getattr(self, name) for name in KINDS[self.kind].ratings}
        return with_defaults(self.kind, {name: value for name, value in stated.items() if value is not None})


def _device_model(kind: DeviceKind) -> type[DeviceEntry]:
    fields: dict[str, Any] = {"kind": (Literal[kind], ...)}
    for name, rating in KINDS[kind].ratings.items():
        allowed = Annotated[float, Field(ge=rating.minimum, le=rating.maximum, description=rating.meaning)]
        if rating.per is None:
            fields[name] = (allowed, ... if rating.default is None else rating.default)
        else:
            fields[name] = (allowed | None, None)
    model: type[DeviceEntry] = create_model(f"{kind.name.title()}Entry", __base__=DeviceEntry, **fields)
    return model


DEVICE_MODELS = {kind: _device_model(kind) for kind in DeviceKind}


class HomeEntry(Entry):
    """One premises. Its devices stand as plain mappings here; twin.pilot.resolve reads them by kind.

    A meter need not be written: every home has one, spoken for by the home's endpoint.
    """

    id: Id
    connection_point: str
    feeder: Annotated[int, Field(ge=1)] = 1
    phase: Phases | None = None
    endpoint: Id | None = None
    occupants: Occupants = 2
    annual_energy_wh: Annotated[float, Field(ge=300_000, le=50_000_000)] | None = None
    devices: list[dict[str, Any]] = Field(default_factory=list)


class OwnershipEntry(Entry):
    """Share of generated homes that have a device of each kind; batteries only stand where PV does.

    Smart panels are rare: there is none unless it is asked for.
    """

    pv: Share = 0.45
    battery: Share = 0.6
    ev_charger: Share = 0.4
    heat_pump: Share = 0.4
    water_heater: Share = 0.5
    smart_panel: Share = 0.0


class GenerateEntry(Entry):
    """Homes drawn from a seed, spread evenly over all connection points of all feeders."""

    homes: Annotated[int, Field(ge=1, le=100_000)]
    seed: Annotated[int, Field(ge=0)]
    endpoints: Annotated[dict[Id, Annotated[float, Field(gt=0)]], Field(min_length=1)]  # weight of each endpoint
    ownership: OwnershipEntry = OwnershipEntry()


class PilotEntry(Entry):
    """The whole file: homes by hand, or `generate`, or both."""

    pilot: Id
    title: str = ""
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)]
    feeder: FeederEntry
    weather: WeatherEntry
    people: PeopleEntry = PeopleEntry()
    endpoints: Annotated[list[EndpointEntry], Field(min_length=1)]
    homes: list[HomeEntry] = Field(default_factory=list)
    generate: GenerateEntry | None = None
