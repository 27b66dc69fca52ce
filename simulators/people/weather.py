"""The weather over the pilot at any second, and the sun on every roof. The only importer of pvlib.

Sources are the measured typical years that pvlib ships, the user's EPW file, or the user's CSV file (`weather_file`).
Between measured rows temperature, dew point, wind and the sky's long-wave radiation are linear. Irradiance is
interpolated as clearness indices - diffuse and beam irradiance over what reaches the top of the atmosphere (Liu and
Jordan 1960, Solar Energy 4(3)) - and multiplied by the sun's true position at the asked instant, so that no light leaks
into the night and dawn comes when it should. The sky's long waves are the record's own, else computed from its sky
cover, else from the cover that the day's clearness tells.
Refuses unknown names, unreadable files and times that a short record does not cover.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Self

import numpy as np
import pvlib

from simulators.people.climate import DEPRESSION_K, ground_degc
from simulators.people.sky import cover_told_by_the_sun, infrared_of
from simulators.people.weather_file import (
    SKY,
    FloatArray,
    Site,
    TimeArray,
    WeatherError,
    WeatherRecord,
    read_csv,
    year_seconds,
)

PVLIB_YEARS: Mapping[str, str] = {
    "greensboro": "723170TYA.CSV",
    "sand-point": "703165TY.csv",
    "miami": "12839.tm2",
}
"""Typical years inside pvlib by their name in a pilot file; US stations, distributed by NREL (TMY2, TMY3)."""

SOLAR_CONSTANT_W_M2 = 1361.0
ALBEDO = 0.2  # grass and streets, the customary default
_POSITIONS_PER_STEP = 12  # sun positions averaged over a measured interval
_MIN_SIN_ELEVATION = 0.05  # a mean of the interval below this (3 degrees) makes ratios to it noise
_YEAR_S = 365 * 86_400.0
_HOURS = 8760
_PVLIB_COLUMNS = ("ghi", "dni", "dhi", "temp_air", "wind_speed", "temp_dew")
_EPW_MISSING_DEGC = 70.0  # the format's range for dew points ends here; 99.9 says that there is none
_REFERENCE_YEAR = np.datetime64("2001-01-01", "s")  # sun positions of a typical year; not a leap year


@dataclass(frozen=True, slots=True, kw_only=True)
class WeatherSample:
    """Weather at the asked instants; every array has their shape.

    GHI and DHI are horizontal, DNI normal; infrared is what the sky gives to a level surface in long waves.
    """

    temperature_degc: FloatArray
    dew_point_degc: FloatArray
    wind_speed_m_s: FloatArray
    ghi_w_m2: FloatArray
    dni_w_m2: FloatArray
    dhi_w_m2: FloatArray
    infrared_w_m2: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sun:
    """Sun positions; extraterrestrial irradiance is on the normal plane."""

    zenith_deg: FloatArray
    azimuth_deg: FloatArray
    sin_elevation: FloatArray  # zero below the horizon
    extraterrestrial_w_m2: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sky:
    times: TimeArray
    sun: _Sun
    sample: WeatherSample


class Weather:
    """Weather of one site, for any second. Build with `load`, or from a `WeatherRecord`."""

    def __init__(self, record: WeatherRecord) -> None:
        """Prepare the record: clearness indices per measured interval, and the year's mains-water constants."""
        self._record = record
        self._beam_index, self._diffuse_index, sky_cover = _clearness(record)
        self._mains = _mains_constants(record)
        self._year = _year_wave(record)
        known = record.dew_point_degc
        self._dew_point = record.temperature_degc - DEPRESSION_K if known is None else known
        self._infrared = infrared_of(record, self._dew_point, sky_cover)
        self._last: _Sky | None = None

    @classmethod
    def load(cls, source: str, *, base: Path | None, site: Site | None = None) -> Self:
        """Open a source: a name in `PVLIB_YEARS`, or an .epw or .csv file (relative to `base`).

        `site` is needed for a CSV file and refused otherwise, because the other formats carry their own.
        Raises WeatherError.
        """
        suffix = Path(source).suffix.lower()
        if suffix == ".csv" and source not in PVLIB_YEARS.values():
            if site is None:
                raise WeatherError(source, allowed="a CSV file needs latitude, longitude, elevation_m and utc_offset_h")
            return cls(read_csv(_path(source, base), site=site))
        if site is not None:
            raise WeatherError(
                source, allowed="latitude and longitude only with a CSV file; this source carries its own"
            )
        if source in PVLIB_YEARS:
            return cls(_read_tmy(source))
        if suffix == ".epw":
            return cls(_read_epw(_path(source, base)))
        raise WeatherError(source, allowed=f"{', '.join(PVLIB_YEARS)}, or a file ending in .epw or .csv")

    @property
    def site(self) -> Site:
        """Where this weather was measured."""
        return self._record.site

    @property
    def pressure_pa(self) -> float:
        """Pressure of the standard atmosphere at the site's elevation."""
        return float(pvlib.atmosphere.alt2pres(self.site.elevation_m))

    def sample(self, times: TimeArray) -> WeatherSample:
        """Weather at UTC instants `times` (datetime64[s], any length)."""
        return self._sky(times).sample

    def plane_of_array(self, times: TimeArray, tilt_deg: FloatArray, azimuth_deg: FloatArray) -> FloatArray:
        """Irradiance in W/m2 on tilted planes: shape (len(times), n).

        `tilt_deg` from horizontal, `azimuth_deg` clockwise from north, both shape (n,). Anisotropic sky by Hay and
        Davies (1980) through pvlib; ground-reflected light with albedo 0.2. The sun is placed once per call, not per
        roof.
        """
        sky = self._sky(times)
        tilt, azimuth = np.asarray(tilt_deg, np.float64)[None, :], np.asarray(azimuth_deg, np.float64)[None, :]
        zenith, sun_azimuth = sky.sun.zenith_deg[:, None], sky.sun.azimuth_deg[:, None]
        dni, dhi, ghi = sky.sample.dni_w_m2[:, None], sky.sample.dhi_w_m2[:, None], sky.sample.ghi_w_m2[:, None]
        incidence = np.maximum(pvlib.irradiance.aoi_projection(tilt, azimuth, zenith, sun_azimuth), 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            diffuse = pvlib.irradiance.haydavies(
                tilt,
                azimuth,
                dhi,
                dni,
                sky.sun.extraterrestrial_w_m2[:, None],
                solar_zenith=zenith,
                solar_azimuth=sun_azimuth,
                projection_ratio=incidence / np.maximum(np.cos(np.radians(zenith)), 0.01745),
            )
        total: FloatArray = dni * incidence + diffuse + pvlib.irradiance.get_ground_diffuse(tilt, ghi, ALBEDO)
        return total

    def mains_water_degc(self, times: TimeArray) -> FloatArray:
        """Cold-water inlet temperature: a sine of the year from the mean and swing of the monthly air temperature.

        Burch and Christensen (2007), "Towards development of an algorithm for mains water temperature", Proc. ASES.
        """
        mean_f, swing_f = self._mains
        day = 1.0 + year_seconds(self._local(times)) / 86_400.0
        ratio = 0.4 + 0.01 * (mean_f - 44.0)
        lag = 35.0 - (mean_f - 44.0)
        hemisphere = 1.0 if self.site.latitude >= 0 else -1.0
        phase = np.radians(0.986 * (day - 15.0 - lag) - 90.0)
        degf = mean_f + 6.0 + ratio * swing_f / 2.0 * hemisphere * np.sin(phase)
        return np.maximum((degf - 32.0) / 1.8, 0.5)  # water in the main is not frozen

    def ground_degc(self, times: TimeArray) -> FloatArray:
        """Temperature of the ground below a floor, from the year's wave of the air."""
        mean_degc, amplitude_k, coldest_day = self._year
        day = year_seconds(self._local(times)) / 86_400.0
        return ground_degc(day, mean_degc=mean_degc, amplitude_k=amplitude_k, coldest_day=coldest_day)

    def _local(self, times: TimeArray) -> TimeArray:
        offset = np.timedelta64(round(self.site.utc_offset_h * 3600), "s")
        local: TimeArray = np.add(times.astype("datetime64[s]"), offset)
        return local

    def _sky(self, times: TimeArray) -> _Sky:
        if self._last is not None and np.array_equal(self._last.times, times):
            return self._last  # sample() and plane_of_array() of one block share one sun
        seconds = self._record_seconds(times)
        sun = _sun(times, self.site)
        middle = self._record.step_s / 2
        dni = self._interpolate(self._beam_index, seconds, middle) * sun.extraterrestrial_w_m2
        dni[sun.sin_elevation <= 0.0] = 0.0
        dhi = self._interpolate(self._diffuse_index, seconds, middle) * sun.extraterrestrial_w_m2 * sun.sin_elevation
        instant = self._record.instant_s
        temperature = self._interpolate(self._record.temperature_degc, seconds, instant)
        sample = WeatherSample(
            temperature_degc=temperature,
            dew_point_degc=np.minimum(temperature, self._interpolate(self._dew_point, seconds, instant)),
            wind_speed_m_s=self._interpolate(self._record.wind_speed_m_s, seconds, instant),
            ghi_w_m2=dni * sun.sin_elevation + dhi,
            dni_w_m2=dni,
            dhi_w_m2=dhi,
            infrared_w_m2=self._interpolate(self._infrared, seconds, instant),
        )
        self._last = _Sky(times=np.array(times), sun=sun, sample=sample)
        return self._last

    def _record_seconds(self, times: TimeArray) -> FloatArray:
        """Seconds from the record's origin, folded onto its year if it is a typical one."""
        local = self._local(times)
        if self._record.origin is None:
            return year_seconds(local)
        seconds: FloatArray = (local - self._record.origin.astype("datetime64[s]")).astype(np.float64)
        outside = (seconds < 0) | (seconds >= self._record.length_s)
        if outside.any():
            last = self._record.origin + np.timedelta64(round(self._record.length_s), "s")
            raise WeatherError(
                self._record.name,
                column="time",
                value=f"{local[int(np.argmax(outside))]} local",
                allowed=f"{self._record.origin} to {last} local standard time, or a file of a whole year",
            )
        return seconds

    def _interpolate(self, values: FloatArray, seconds: FloatArray, offset_s: float) -> FloatArray:
        position = (seconds - offset_s) / self._record.step_s
        before = np.floor(position).astype(np.int64)
        weight = position - before
        if self._record.origin is None:
            before %= values.size  # a typical year ends where it begins
            first, second = values[before], values[(before + 1) % values.size]
        else:
            last = values.size - 1
            first, second = values[np.clip(before, 0, last)], values[np.clip(before + 1, 0, last)]
        result: FloatArray = first * (1 - weight) + second * weight
        return result


def _sun(times: TimeArray, site: Site) -> _Sun:
    """Sun position by the NREL SPA (Reda and Andreas 2004) as pvlib implements it; refraction at standard pressure."""
    unix = np.asarray(times).astype("datetime64[s]").astype(np.float64)
    pressure_hpa = pvlib.atmosphere.alt2pres(site.elevation_m) / 100.0
    rows = pvlib.spa.solar_position(
        unix, site.latitude, site.longitude, site.elevation_m, pressure_hpa, 12.0, 67.0, 0.5667, numthreads=1
    )
    zenith, azimuth = rows[0], rows[4]
    day_angle = 2.0 * np.pi * (unix / 86_400.0 % 365.2425) / 365.2425
    return _Sun(
        zenith_deg=zenith,
        azimuth_deg=azimuth,
        sin_elevation=np.maximum(np.cos(np.radians(zenith)), 0.0),
        extraterrestrial_w_m2=SOLAR_CONSTANT_W_M2 * (1.0 + 0.033 * np.cos(day_angle)),  # Duffie and Beckman, eq. 1.4.1a
    )


@lru_cache(maxsize=len(PVLIB_YEARS))
def _clearness(record: WeatherRecord) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Beam and diffuse clearness index and sky cover per interval; in the night the indices are their neighbours'.

    A year has 100,000 sun positions, half a second of work: it is not done again for a record that is kept.
    """
    count = record.ghi_w_m2.size
    origin = _REFERENCE_YEAR if record.origin is None else record.origin.astype("datetime64[s]")
    inside = (np.arange(_POSITIONS_PER_STEP) + 0.5) / _POSITIONS_PER_STEP
    seconds = ((np.arange(count)[:, None] + inside[None, :]) * record.step_s).round().astype("timedelta64[s]")
    sun = _sun((origin - np.timedelta64(round(record.site.utc_offset_h * 3600), "s") + seconds).ravel(), record.site)
    sin_elevation = sun.sin_elevation.reshape(count, -1).mean(axis=1)
    normal = sun.extraterrestrial_w_m2.reshape(count, -1).mean(axis=1)
    day = sin_elevation > _MIN_SIN_ELEVATION
    if not day.any():
        raise WeatherError(record.name, allowed="at least one interval with the sun up")
    horizontal = np.where(day, sin_elevation, 1.0) * normal
    # The beam from what the pyranometers saw on the horizontal, so that the energy of every interval is kept.
    beam = np.clip((record.ghi_w_m2 - record.dhi_w_m2) / horizontal, 0.0, 1.0)
    diffuse = np.clip(record.dhi_w_m2 / horizontal, 0.0, 1.0)
    index = np.arange(count, dtype=np.float64)
    period = count if record.origin is None else None
    return (
        np.interp(index, index[day], beam[day], period=period),
        np.interp(index, index[day], diffuse[day], period=period),
        cover_told_by_the_sun(record, sin_elevation * normal),
    )


def _mains_constants(record: WeatherRecord) -> tuple[float, float]:
    """Annual mean and swing of the monthly mean air temperature, in degF as the source equation wants them."""
    degf = record.temperature_degc * 1.8 + 32.0
    if record.length_s < _YEAR_S:
        return float(degf.mean()), 0.0  # no year to take a swing from
    months = np.array([month.mean() for month in np.array_split(degf, 12)])
    return float(degf.mean()), float(months.max() - months.min())


def _year_wave(record: WeatherRecord) -> tuple[float, float, float]:
    """Mean and amplitude of the monthly mean air temperature, and the middle of the coldest month as a day."""
    if record.length_s < _YEAR_S:
        return float(record.temperature_degc.mean()), 0.0, 0.0
    months = np.array([month.mean() for month in np.array_split(record.temperature_degc, 12)])
    coldest_day = (float(np.argmin(months)) + 0.5) * _YEAR_S / 86_400.0 / months.size
    return float(record.temperature_degc.mean()), float(months.max() - months.min()) / 2.0, coldest_day


def _path(source: str, base: Path | None) -> Path:
    return Path(source) if base is None else base / source


@cache
def _read_tmy(name: str) -> WeatherRecord:
    """A typical year out of pvlib, read once per process: row k is the hour that ends at k + 1 o'clock."""
    path = Path(pvlib.__file__).parent / "data" / PVLIB_YEARS[name]
    if path.suffix == ".tm2":
        frame, meta = pvlib.iotools.read_tmy2(path)
        tenths = ("DryBulb", "Wspd", "DewPoint")  # TMY2 stores tenths of a degree and of a metre per second
        cover = "OpqCld"
        columns = [frame[column].to_numpy(np.float64) for column in ("GHI", "DNI", "DHI")]
        columns += [frame[column].to_numpy(np.float64) / 10.0 for column in tenths]
    else:
        frame, meta = pvlib.iotools.read_tmy3(path, map_variables=True)
        columns = [frame[column].to_numpy(np.float64) for column in _PVLIB_COLUMNS]
        cover = "OpqCld (tenths)"
    return _typical_year(name, meta, columns, cover_tenths=frame[cover].to_numpy(np.float64))


def _read_epw(path: Path) -> WeatherRecord:
    """An EnergyPlus weather file of 8,760 hours."""
    try:
        frame, meta = pvlib.iotools.read_epw(path)
        columns = [frame[column].to_numpy(np.float64) for column in _PVLIB_COLUMNS]
        cover, infrared = (frame[column].to_numpy(np.float64) for column in ("opaque_sky_cover", "ghi_infrared"))
    except OSError as error:
        raise WeatherError(str(path), allowed=f"a readable EPW file ({error.strerror})") from error
    except (ValueError, KeyError, IndexError) as error:
        raise WeatherError(path.name, allowed=f"an EnergyPlus weather file ({error})") from error
    return _typical_year(path.name, meta, columns, cover_tenths=cover, infrared_w_m2=infrared)


def _typical_year(
    name: str,
    meta: Mapping[str, float],
    columns: Sequence[FloatArray],
    *,
    cover_tenths: FloatArray,
    infrared_w_m2: FloatArray | None = None,
) -> WeatherRecord:
    ghi, dni, dhi, temperature, wind, dew_point = columns
    if ghi.size != _HOURS:
        raise WeatherError(name, value=f"{ghi.size} rows", allowed=f"{_HOURS} hourly rows of one year")
    return WeatherRecord(
        name=name,
        site=Site(
            latitude=float(meta["latitude"]),
            longitude=float(meta["longitude"]),
            elevation_m=float(meta["altitude"]),
            utc_offset_h=float(meta["TZ"]),
        ),
        step_s=3600.0,
        instant_s=3600.0,
        origin=None,
        ghi_w_m2=ghi,
        dni_w_m2=dni,
        dhi_w_m2=dhi,
        temperature_degc=temperature,
        wind_speed_m_s=wind,
        dew_point_degc=np.minimum(np.where(dew_point > _EPW_MISSING_DEGC, temperature - DEPRESSION_K, dew_point), 40.0),
        sky_cover=_known("sky_cover", cover_tenths / 10.0),
        infrared_w_m2=None if infrared_w_m2 is None else _known("infrared_w_m2", infrared_w_m2),
    )


def _known(column: str, values: FloatArray) -> FloatArray:
    """NaN where the formats say by an impossible number that nothing is known."""
    low, high = SKY[column]
    return np.where((values >= low) & (values <= high), values, np.nan)
