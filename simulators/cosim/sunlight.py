"""The sun on the four sides and the roof of each house: through its windows, and on its walls, less their long waves.

Half of the windows are on the side that the pilot file names, the rest on the other three alike; walls are on all four
alike. Sides that look the same way, to the degree, share one calculation. Walls and roof give long waves to the sky, by
day and night, as if their surface had the air's temperature: what they are warmer or cooler than that the house model
passes on by its conductance to outdoors.
"""

import numpy as np

from simulators.layout import FloatArray, IndexArray, KindLayout
from simulators.people.sky import black_body_w_m2
from simulators.people.weather import Weather
from simulators.people.weather_file import TimeArray

_SIDES_DEG = np.array([0.0, 90.0, 180.0, 270.0])  # from the side with most windows on
_WINDOW_SHARE = np.array([0.5, 1 / 6, 1 / 6, 1 / 6])
_GLAZED = 0.7  # of a window, the rest is frame (ISO 13790)
_SLANTING = 0.9  # glass lets less in when the sun does not stand straight before it (ISO 13790)
_ABSORBED = 0.6  # by a wall or roof of medium colour (ISO 13790)
_VERTICAL_DEG = 90.0
_EMISSIVITY = 0.9  # of all building materials but bare metal
# ((1 + cos tilt) / 2)^1.5: part of the dome that a surface sees, less what the air near the horizon is warmer than the
# sky (EnergyPlus' Engineering Reference, external longwave radiation)
_SKY_SEEN_BY_WALL = 0.354
_SKY_SEEN_BY_ROOF = 0.92  # at 27 degrees, one in two


class HouseSun:
    """Sun and sky on all houses with a heat pump, in pilot order."""

    def __init__(self, weather: Weather, houses: KindLayout) -> None:
        self._weather = weather
        sides = np.round(houses.rating("window_azimuth_deg")[:, None] + _SIDES_DEG) % 360.0
        self._azimuth, place = np.unique(sides, return_inverse=True)
        self._side: IndexArray = place.reshape(sides.shape).astype(np.intp)
        self._window_m2 = _GLAZED * _SLANTING * houses.rating("window_solar_gain") * houses.rating("window_area_m2")
        wall_m2, roof_m2 = houses.rating("wall_area_m2"), houses.rating("roof_area_m2")
        self._wall_m2, self._roof_m2 = _ABSORBED * wall_m2, _ABSORBED * roof_m2
        self._sky_m2 = _EMISSIVITY * (_SKY_SEEN_BY_WALL * wall_m2 + _SKY_SEEN_BY_ROOF * roof_m2)

    def through_windows_and_on_walls(self, times: TimeArray) -> tuple[FloatArray, FloatArray]:
        """What comes in, and what walls and roof absorb less their long waves: two arrays (len(times), houses) in W.

        The latter is negative by night and below a cold sky.
        """
        irradiance = self._weather.plane_of_array(times, np.full_like(self._azimuth, _VERTICAL_DEG), self._azimuth)
        on_sides = irradiance[:, self._side]  # (times, houses, sides)
        window_w: FloatArray = (on_sides @ _WINDOW_SHARE) * self._window_m2
        sample = self._weather.sample(times)
        roof_w = sample.ghi_w_m2[:, None] * self._roof_m2
        to_sky_w_m2 = black_body_w_m2(sample.temperature_degc) - sample.infrared_w_m2
        wall_w: FloatArray = on_sides.mean(axis=2) * self._wall_m2 + roof_w - to_sky_w_m2[:, None] * self._sky_m2
        return window_w, wall_w
