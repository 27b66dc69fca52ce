"""The sun on the four sides and the roof of each house: through its windows, and on its walls.

Half of the windows are on the side that the pilot file names, the rest on the other three alike; walls are on all four
alike. Sides that look the same way, to the degree, share one calculation.
"""

import numpy as np

from simulators.layout import FloatArray, IndexArray, KindLayout
from simulators.people.weather import Weather
from simulators.people.weather_file import TimeArray

_SIDES_DEG = np.array([0.0, 90.0, 180.0, 270.0])  # from the side with most windows on
_WINDOW_SHARE = np.array([0.5, 1 / 6, 1 / 6, 1 / 6])
_GLAZED = 0.7  # of a window, the rest is frame (ISO 13790)
_SLANTING = 0.9  # glass lets less in when the sun does not stand straight before it (ISO 13790)
_ABSORBED = 0.6  # by a wall or roof of medium colour (ISO 13790)
_VERTICAL_DEG = 90.0


class HouseSun:
    """Sun on all houses with a heat pump, in pilot order."""

    def __init__(self, weather: Weather, houses: KindLayout) -> None:
        self._weather = weather
        sides = np.round(houses.rating("window_azimuth_deg")[:, None] + _SIDES_DEG) % 360.0
        self._azimuth, place = np.unique(sides, return_inverse=True)
        self._side: IndexArray = place.reshape(sides.shape).astype(np.intp)
        self._window_m2 = _GLAZED * _SLANTING * houses.rating("window_solar_gain") * houses.rating("window_area_m2")
        self._wall_m2 = _ABSORBED * houses.rating("wall_area_m2")
        self._roof_m2 = _ABSORBED * houses.rating("roof_area_m2")

    def through_windows_and_on_walls(self, times: TimeArray) -> tuple[FloatArray, FloatArray]:
        """Sun in W that comes in, and that walls and roof absorb: two arrays of shape (len(times), houses)."""
        irradiance = self._weather.plane_of_array(times, np.full_like(self._azimuth, _VERTICAL_DEG), self._azimuth)
        on_sides = irradiance[:, self._side]  # (times, houses, sides)
        window_w: FloatArray = (on_sides @ _WINDOW_SHARE) * self._window_m2
        roof_w = self._weather.sample(times).ghi_w_m2[:, None] * self._roof_m2
        wall_w: FloatArray = on_sides.mean(axis=2) * self._wall_m2 + roof_w
        return window_w, wall_w
