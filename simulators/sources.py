"""Where a pilot's weather and household load come from, by the words of the pilot file."""


from simulators.people.demand import DemandSource
from simulators.people.weather import Weather
from twin.model.topology import Pilot


def weather_of(pilot: Pilot) -> Weather:
    """The weather source that the pilot names. Raises WeatherError."""
    raise NotImplementedError


def people_of(pilot: Pilot, weather: Weather) -> DemandSource:
    """Who lives in the pilot's homes, and what they use. Raises MeterDataError."""
    raise NotImplementedError
