"""What weather stations do not measure and houses feel: moist air, and the ground under the floor.

Equations with their sources; all take and give arrays. Refuses nothing: inputs come checked from the weather.
"""

import numpy as np

from simulators.people.weather_file import FloatArray

DEPRESSION_K = 5.0  # air over dew point where a record says nothing of humidity: 70 % of a temperate climate
MOST_HUMID = 0.6  # a cooled home is dried: no more than this, near the 65 % that ASHRAE 62.1 allows at most
_MOISTURE_PA = (
    540.0  # indoor over outdoor vapour pressure at 0 degC and below, none from 20 degC: EN ISO 13788, class 2
)
_MOISTURE_ENDS_DEGC = 20.0
_DEPTH_M = 1.0  # mean way from a floor slab to undisturbed ground
_DIFFUSIVITY_M2_DAY = 0.05  # of moist soil
_YEAR_DAYS = 365.0
_WATER_TO_AIR = 0.622  # molar mass of water over that of dry air


def vapour_pressure_pa(dew_point_degc: FloatArray) -> FloatArray:
    """Magnus formula with the constants of Alduchov and Eskridge (1996, J. Appl. Meteorology 35)."""
    pressure: FloatArray = 610.94 * np.exp(17.625 * dew_point_degc / (dew_point_degc + 243.04))
    return pressure


def wet_bulb_degc(temperature_degc: FloatArray, relative_humidity: FloatArray) -> FloatArray:
    """Stull (2011, J. Appl. Meteorology and Climatology 50): within 1 K at sea level, -20 to 50 degC, 5 to 99 %."""
    percent = 100.0 * np.clip(relative_humidity, 0.05, 0.99)
    found: FloatArray = (
        temperature_degc * np.arctan(0.151977 * np.sqrt(percent + 8.313659))
        + np.arctan(temperature_degc + percent)
        - np.arctan(percent - 1.676331)
        + 0.00391838 * percent**1.5 * np.arctan(0.023101 * percent)
        - 4.686035
    )
    return found


def indoor_wet_bulb_degc(
    outdoor_degc: FloatArray, dew_point_degc: FloatArray, indoor_degc: FloatArray, *, most_humid: float = 1.0
) -> FloatArray:
    """Wet bulb of indoor air that has the outdoor air's moisture and, in the cold, what people add to it."""
    added_pa = _MOISTURE_PA * np.clip(1.0 - outdoor_degc / _MOISTURE_ENDS_DEGC, 0.0, 1.0)
    share = (vapour_pressure_pa(dew_point_degc) + added_pa) / vapour_pressure_pa(indoor_degc)
    return wet_bulb_degc(indoor_degc, np.minimum(share, most_humid))


def humidity_ratio(dew_point_degc: FloatArray, *, pressure_pa: float) -> FloatArray:
    """Water in kg per kg of dry air (ASHRAE Fundamentals, chapter 1)."""
    vapour_pa = vapour_pressure_pa(dew_point_degc)
    found: FloatArray = _WATER_TO_AIR * vapour_pa / (pressure_pa - vapour_pa)
    return found


def ground_degc(day: FloatArray, *, mean_degc: float, amplitude_k: float, coldest_day: float) -> FloatArray:
    """Ground below a floor on a day of the year, by Kusuda and Achenbach (1965, ASHRAE Transactions 71).

    A wave of the year that the ground above damps and delays; `amplitude_k` is that of the air's monthly means.
    """
    reach = _DEPTH_M * np.sqrt(np.pi / (_YEAR_DAYS * _DIFFUSIVITY_M2_DAY))
    lag_days = reach * _YEAR_DAYS / (2.0 * np.pi)
    wave = np.cos(2.0 * np.pi / _YEAR_DAYS * (day - coldest_day - lag_days))
    found: FloatArray = mean_degc - amplitude_k * np.exp(-reach) * wave
    return found
