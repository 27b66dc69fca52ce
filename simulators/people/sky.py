"""Long waves that the sky sends to the ground, and the clouds that decide them where nobody has measured either.

A record's own long waves come first, then a formula with the sky cover that was observed, last the same formula with
the cover that the sun of the day tells. Refuses nothing: records come checked.
"""

import numpy as np

from simulators.people.weather_file import FloatArray, WeatherRecord

STEFAN_BOLTZMANN_W_M2_K4 = 5.670374e-8
_ZERO_DEGC_K = 273.15
_DEW_POINT_REFERENCE_K = 273.0
_TENTHS = 10.0
_OVERCAST_CLEARNESS = 0.25
_CLEAR_CLEARNESS = 0.75
_DAY_S = 86_400.0
_POLAR_NIGHT_W_M2 = 3.0  # a day's mean above the atmosphere, below which the sun tells nothing of clouds
_POLAR_NIGHT_COVER = 0.5


def black_body_w_m2(temperature_degc: FloatArray) -> FloatArray:
    """Long-wave radiation of a black surface."""
    found: FloatArray = STEFAN_BOLTZMANN_W_M2_K4 * (temperature_degc + _ZERO_DEGC_K) ** 4
    return found


def sky_infrared_w_m2(temperature_degc: FloatArray, dew_point_degc: FloatArray, sky_cover: FloatArray) -> FloatArray:
    """Long-wave radiation of the sky on a level surface; `sky_cover` is the share behind opaque clouds, 0 to 1.

    Emissivity of a clear sky by Clark and Allen (1978, Proc. 2nd National Passive Solar Conference), of a clouded one
    by Walton (1983, NBSIR 83-2655), as in EnergyPlus' Engineering Reference.
    """
    tenths = _TENTHS * sky_cover
    clear = 0.787 + 0.764 * np.log((dew_point_degc + _ZERO_DEGC_K) / _DEW_POINT_REFERENCE_K)
    clouds = 1.0 + 0.0224 * tenths - 0.0035 * tenths**2 + 0.00028 * tenths**3
    found: FloatArray = clear * clouds * black_body_w_m2(temperature_degc)
    return found


def sky_cover_of(clearness: FloatArray) -> FloatArray:
    """Share of the sky that is clouded, from a day's clearness index: the share of the day without sunshine.

    Angstrom's relation with the constants of Allen et al. (1998, FAO Irrigation and Drainage Paper 56, eq. 35). Against
    the observed cover of the shipped years the mean long waves are right within 3 W/m2, those of a day within 8 (RMS).
    """
    sunless = (_CLEAR_CLEARNESS - clearness) / (_CLEAR_CLEARNESS - _OVERCAST_CLEARNESS)
    return np.clip(sunless, 0.0, 1.0)


def cover_told_by_the_sun(record: WeatherRecord, above_the_air_w_m2: FloatArray) -> FloatArray:
    """Sky cover at every row by the clearness of the 24 hours around it: a low sun alone tells nothing of clouds.

    `above_the_air_w_m2` is what would reach a level surface at every row without an atmosphere.
    """
    per_day = max(round(_DAY_S / record.step_s), 1)
    sides = (per_day // 2, per_day - 1 - per_day // 2)

    def over_a_day(values: FloatArray) -> FloatArray:
        around = np.pad(values, sides, mode="wrap") if record.origin is None else np.pad(values, sides)
        total = np.cumsum(np.concatenate([[0.0], around]))
        found: FloatArray = total[per_day:] - total[:-per_day]
        return found

    reached, sent = over_a_day(record.ghi_w_m2), over_a_day(above_the_air_w_m2)
    lit = sent > _POLAR_NIGHT_W_M2 * per_day
    return np.where(lit, sky_cover_of(reached / np.where(lit, sent, 1.0)), _POLAR_NIGHT_COVER)


def infrared_of(record: WeatherRecord, dew_point_degc: FloatArray, told_by_the_sun: FloatArray) -> FloatArray:
    """Long-wave radiation of the sky on a level surface at every row."""
    nothing = np.full_like(told_by_the_sun, np.nan)
    observed = nothing if record.sky_cover is None else record.sky_cover
    measured = nothing if record.infrared_w_m2 is None else record.infrared_w_m2
    cover = np.where(np.isnan(observed), told_by_the_sun, observed)
    dew_point = np.minimum(dew_point_degc, record.temperature_degc)
    return np.where(np.isnan(measured), sky_infrared_w_m2(record.temperature_degc, dew_point, cover), measured)
