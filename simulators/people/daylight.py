"""How much people want electric light, from the sun that comes through the windows."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_BRIGHT_W_M2 = 90.0  # outdoors; light is wanted fully below a tenth of it. CREST switches around 60 W/m2
_INNER_ROOMS = 0.15  # share of lighting that no daylight replaces
_CLOUD = 0.55  # mean share of the clear-sky irradiance in central Europe
LATITUDE, LONGITUDE_OFF_MERIDIAN = 51.2, -4.5
"""The mean German household: degrees north, and degrees west of the meridian of its standard time."""


def wish_for_light(ghi_w_m2: FloatArray) -> FloatArray:
    """Share of the night-time wish for light, 0.15 to 1, falling with the logarithm of global irradiance."""
    decades = np.log10(np.maximum(ghi_w_m2, 1e-3) / _BRIGHT_W_M2)
    return np.clip(_INNER_ROOMS - (1.0 - _INNER_ROOMS) * decades, _INNER_ROOMS, 1.0)


def usual_ghi_w_m2(day_of_year: int, hours: FloatArray) -> FloatArray:
    """Global irradiance of a usual sky where the reference profile was measured, at hours of standard time.

    Declination by Cooper (1969), clear sky by Haurwitz (1945), equation of time left out.
    """
    declination = np.radians(23.45 * np.sin(2.0 * np.pi * (284 + day_of_year) / 365.0))
    latitude = np.radians(LATITUDE)
    hour_angle = np.radians(15.0 * (hours - 12.0) + LONGITUDE_OFF_MERIDIAN)
    sine = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(hour_angle)
    up = np.maximum(sine, 1e-3)
    return np.where(sine > 0, _CLOUD * 1098.0 * up * np.exp(-0.057 / up), 0.0)
