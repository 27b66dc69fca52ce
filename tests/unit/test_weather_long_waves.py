"""The sky's long waves and the water in the air: measured where a record has them, else computed from what it has."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pvlib
import pytest

from simulators.people.climate import humidity_ratio
from simulators.people.sky import black_body_w_m2, cover_told_by_the_sun, sky_cover_of, sky_infrared_w_m2
from simulators.people.weather import Weather
from simulators.people.weather_file import FloatArray, Site, WeatherError, WeatherRecord

FILES = Path(__file__).parents[1] / "data" / "people"
SITE = Site(latitude=36.1, longitude=-79.95, elevation_m=0.0, utc_offset_h=0.0)
SEA_LEVEL_PA = 101_325.0
TMY3 = Path(pvlib.__file__).parent / "data" / "723170TYA.CSV"
HOUR = np.timedelta64(3_600, "s")
CLEAR_DAY = np.clip(np.sin((np.arange(24) - 6.0) * np.pi / 12.0), 0.0, None)


def sky_of(air_degc: float, dew_point_degc: float, cover: float) -> float:
    return float(sky_infrared_w_m2(np.array([air_degc]), np.array([dew_point_degc]), np.array([cover]))[0])


def record(
    ghi_w_m2: FloatArray, *, sky_cover: float | None = None, infrared_w_m2: float | None = None
) -> WeatherRecord:
    """A June day of 20 degC and dew point 10 degC whose light is all diffuse; NaN stands for an unknown row."""

    def all_day(value: float | None) -> FloatArray | None:
        return None if value is None else np.full(24, value)

    return WeatherRecord(
        name="made",
        site=SITE,
        step_s=3_600.0,
        instant_s=1_800.0,
        origin=np.datetime64("2025-06-21T05:00", "s"),
        ghi_w_m2=ghi_w_m2,
        dni_w_m2=np.zeros(24),
        dhi_w_m2=ghi_w_m2,
        temperature_degc=np.full(24, 20.0),
        wind_speed_m_s=np.zeros(24),
        dew_point_degc=np.full(24, 10.0),
        sky_cover=all_day(sky_cover),
        infrared_w_m2=all_day(infrared_w_m2),
    )


def infrared(made: WeatherRecord) -> float:
    return float(Weather(made).sample(np.array(["2025-06-21T17:30"], dtype="datetime64[s]")).infrared_w_m2[0])


@pytest.mark.parametrize(
    ("air_degc", "dew_point_degc", "tenths", "infrared_w_m2"),
    [
        (-13.0, -14.6, 5, 205.0),
        (3.3, -8.9, 4, 265.0),
        (0.6, -9.4, 0, 242.0),
        (-2.2, -2.8, 10, 275.0),
        (30.0, 11.7, 0, 392.0),
        (29.4, 7.2, 0, 383.0),
    ],
)
def test_the_sky_is_that_of_energyplus_weather_files(
    air_degc: float, dew_point_degc: float, tenths: int, infrared_w_m2: float
) -> None:
    """Rows of NREL's Denver TMY3 (725650), converted to EPW by EnergyPlus: whole W/m2, so 1 W/m2 of tolerance."""
    assert sky_of(air_degc, dew_point_degc, tenths / 10) == pytest.approx(infrared_w_m2, abs=1.0)


def test_a_dry_clear_sky_is_colder_than_a_humid_or_clouded_one() -> None:
    """Worked by hand at 20 degC: an emissivity of 0.815 at a dew point of 10 degC."""
    assert sky_of(20.0, 10.0, 0.0) == pytest.approx(0.815 * 418.7, rel=1e-3)
    assert sky_of(20.0, -10.0, 0.0) < sky_of(20.0, 10.0, 0.0) < sky_of(20.0, 10.0, 1.0)
    assert sky_of(20.0, 20.0, 1.0) <= float(black_body_w_m2(np.array([20.0]))[0])


def test_a_black_body_at_20_degrees() -> None:
    assert black_body_w_m2(np.array([20.0]))[0] == pytest.approx(418.7, abs=0.1)  # sigma times 293.15^4 K


def test_the_suns_light_tells_of_clouds_as_in_fao_56() -> None:
    """A quarter of the light comes through below full cover, three quarters below none."""
    assert sky_cover_of(np.array([0.1, 0.25, 0.5, 0.75, 0.9])).tolist() == [1.0, 1.0, 0.5, 0.0, 0.0]


def test_measured_long_waves_win_over_clouds_and_clouds_over_the_sun() -> None:
    dull = 0.1 * 900.0 * CLEAR_DAY

    assert infrared(record(dull, sky_cover=0.0, infrared_w_m2=333.0)) == pytest.approx(333.0)
    assert infrared(record(dull, sky_cover=0.0, infrared_w_m2=np.nan)) == pytest.approx(sky_of(20.0, 10.0, 0.0))
    assert infrared(record(dull, sky_cover=np.nan)) == pytest.approx(sky_of(20.0, 10.0, 1.0))
    assert infrared(record(dull)) == infrared(record(dull, sky_cover=np.nan))


def test_the_sky_that_the_sun_tells_is_nearly_the_observed_one() -> None:
    """Greensboro's TMY3 with and without what its observers wrote of clouds: mean within 3 W/m2, days 8 W/m2 RMS."""
    hours = np.datetime64("2025-01-01T05:00", "s") + np.arange(8_760) * HOUR
    frame, _ = pvlib.iotools.read_tmy3(TMY3, map_variables=True)
    told = WeatherRecord(
        name="without observers",
        site=Site(latitude=36.1, longitude=-79.95, elevation_m=273.0, utc_offset_h=-5.0),
        step_s=3_600.0,
        instant_s=3_600.0,
        origin=None,
        ghi_w_m2=frame["ghi"].to_numpy(np.float64),
        dni_w_m2=frame["dni"].to_numpy(np.float64),
        dhi_w_m2=frame["dhi"].to_numpy(np.float64),
        temperature_degc=frame["temp_air"].to_numpy(np.float64),
        wind_speed_m_s=frame["wind_speed"].to_numpy(np.float64),
        dew_point_degc=frame["temp_dew"].to_numpy(np.float64),
    )

    observed = Weather.load("greensboro", base=None).sample(hours).infrared_w_m2
    apart = Weather(told).sample(hours).infrared_w_m2 - observed

    assert np.abs(apart).max() > 1.0

    assert abs(apart.mean()) < 3.0
    assert np.sqrt((apart.reshape(365, 24).mean(axis=1) ** 2).mean()) < 8.0


def test_where_there_is_no_sun_half_the_sky_is_taken_as_clouded() -> None:
    cover = cover_told_by_the_sun(record(np.zeros(24)), np.zeros(24))

    assert cover.tolist() == [0.5] * 24


@pytest.mark.parametrize(("dew_point_degc", "grams"), [(0.0, 3.79), (10.0, 7.66), (20.0, 14.70), (30.0, 27.33)])
def test_saturated_air_holds_the_water_of_ashraes_table(dew_point_degc: float, grams: float) -> None:
    """ASHRAE Fundamentals 2009, chapter 1, table 2, at sea level; without the enhancement factor of 0.4 %."""
    found = humidity_ratio(np.array([dew_point_degc]), pressure_pa=SEA_LEVEL_PA)
    assert 1e3 * found[0] == pytest.approx(grams, rel=0.008)


def test_the_air_is_thinner_on_a_mountain() -> None:
    weather = Weather(replace(record(900.0 * CLEAR_DAY), site=replace(SITE, elevation_m=1_609.0)))

    assert weather.pressure_pa == pytest.approx(83_400.0, rel=0.005)  # Denver, ICAO standard atmosphere


def test_a_csv_file_may_bring_clouds_and_long_waves(tmp_path: Path) -> None:
    site = Site(latitude=51.0, longitude=10.0, elevation_m=200.0, utc_offset_h=1.0)
    lines = (FILES / "weather_valid.csv").read_text().splitlines()
    path = tmp_path / "sky.csv"
    path.write_text("\n".join([lines[0] + ",sky_cover,infrared_w_m2", *(f"{line},0.4,321" for line in lines[1:])]))
    at = np.array(["2025-06-02T00:30"], dtype="datetime64[s]")

    assert Weather.load(str(path), base=None, site=site).sample(at).infrared_w_m2[0] == pytest.approx(321.0)

    path.write_text("\n".join([lines[0] + ",sky_cover", *(f"{line},4" for line in lines[1:])]))
    with pytest.raises(WeatherError, match="column sky_cover: '4'; allowed: a number from 0 to 1"):
        Weather.load(str(path), base=None, site=site)
