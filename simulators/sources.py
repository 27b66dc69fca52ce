"""Where a pilot's weather and household load come from, by the words of the pilot file."""

from pathlib import Path

from simulators.grid.simbench import profiles
from simulators.people.demand import DemandSource, ProfileDemand
from simulators.people.generator import People
from simulators.people.homes import Household
from simulators.people.meter_data import load_meter_data
from simulators.people.weather import Weather
from simulators.people.weather_file import Site
from twin.model.device import DeviceKind
from twin.model.topology import Pilot

_SIMBENCH = "simbench"


def weather_of(pilot: Pilot) -> Weather:
    """The weather source that the pilot names. Raises WeatherError."""
    named = pilot.weather
    site = None
    if named.latitude_deg is not None and named.longitude_deg is not None:
        site = Site(
            latitude=named.latitude_deg,
            longitude=named.longitude_deg,
            elevation_m=named.elevation_m,
            utc_offset_h=round(named.longitude_deg / 15),
        )
    return Weather.load(named.source, base=Path(pilot.base), site=site)


def people_of(pilot: Pilot, weather: Weather) -> People:
    """Who lives in the pilot's homes, and what they use. Raises MeterDataError."""
    with_charger = {device.home for device in pilot.devices if device.kind is DeviceKind.EV_CHARGER}
    households = [
        Household(
            occupants=home.occupants,
            annual_energy_wh=home.annual_energy_wh,
            has_vehicle=home.id in with_charger,
        )
        for home in pilot.homes
    ]
    offset = weather.site.utc_offset_h
    return People(
        homes=households,
        seed=pilot.seed,
        utc_offset_h=offset,
        weather=weather,
        demand=_demand(pilot, offset),
    )


def _demand(pilot: Pilot, utc_offset_h: float) -> DemandSource | None:
    source = pilot.people.source
    if source == "generated":
        return None
    if source == _SIMBENCH:
        _, _, code = pilot.network.name.partition(":")
        found = profiles(code)
        column = {point: index for index, point in enumerate(found.connection_points)}
        chosen = [column[home.connection_point] for home in pilot.homes]
        return ProfileDemand(found.p_w[:, chosen], utc_offset_h=utc_offset_h)
    return load_meter_data(Path(pilot.base) / source, homes=[home.id for home in pilot.homes])
