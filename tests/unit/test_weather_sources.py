"""Weather comes from named typical years, EPW or CSV files; whatever is wrong with one is named."""

from pathlib import Path

import numpy as np
import pytest

from simulators.people.sky import sky_infrared_w_m2
from simulators.people.weather import PVLIB_YEARS, Weather
from simulators.people.weather_file import Site, WeatherError

FILES = Path(__file__).parents[1] / "data" / "people"
SITE = Site(latitude=51.0, longitude=10.0, elevation_m=200.0, utc_offset_h=1.0)


@pytest.mark.parametrize(
    ("name", "latitude", "offset_h", "mean_degc", "sun_kwh_m2"),
    [
        ("greensboro", 36.1, -5.0, 14.4, 1566),  # sums over the rows of the file itself
        ("sand-point", 55.3, -9.0, 4.4, 829),
        ("miami", 25.8, -5.0, 24.3, 1793),
    ],
)
def test_a_shipped_year_is_the_measured_one(
    name: str, latitude: float, offset_h: float, mean_degc: float, sun_kwh_m2: float
) -> None:
    weather = Weather.load(name, base=None)
    assert weather.site.latitude == pytest.approx(latitude, abs=0.1)
    assert weather.site.utc_offset_h == offset_h
    hours = np.datetime64("2025-01-01", "s") + np.arange(365 * 24 * 4) * np.timedelta64(900, "s")
    year = weather.sample(hours)
    assert year.temperature_degc.mean() == pytest.approx(mean_degc, abs=0.05)
    assert year.ghi_w_m2.mean() * 8.76 == pytest.approx(sun_kwh_m2, rel=0.01)


def test_an_epw_file_is_read_hour_by_hour(tmp_path: Path) -> None:
    """Written here by the format's definition: eight header lines, then 35 columns; hour 1 ends at 01:00."""
    header = ["LOCATION,Testville,-,-,made,0,40.0,-105.0,-7.0,1600.0", *["COMMENTS 1,x"] * 7]
    rows = []
    for hour in range(8760):
        day = np.datetime64("2021-01-01") + np.timedelta64(hour // 24, "D")
        year, month, date = str(day).split("-")
        sun = 500 if 10 <= hour % 24 < 15 else 0
        fields = [year, str(int(month)), str(int(date)), str(hour % 24 + 1), "0", "?", f"{hour % 24 - 5}", "0", "50"]
        fields += [
            "83000",
            "0",
            "0",
            "300" if hour < 6000 else "9999",
            str(sun),
            "0",
            str(sun // 5),
            *["0"] * 5,
            f"{hour % 7}",
            *["0"] * 13,
        ]
        rows.append(",".join(fields))
    (tmp_path / "made.epw").write_text("\n".join([*header, *rows]) + "\n")
    weather = Weather.load("made.epw", base=tmp_path)
    assert weather.site == Site(latitude=40.0, longitude=-105.0, elevation_m=1600.0, utc_offset_h=-7.0)
    local_noon = np.array(["2025-07-01T19:00"], dtype="datetime64[s]")
    assert weather.sample(local_noon).temperature_degc[0] == pytest.approx(6.0)  # the row of the hour that ends at noon
    assert weather.sample(local_noon).infrared_w_m2[0] == pytest.approx(300.0)
    autumn = weather.sample(np.array(["2025-11-01T19:00"], dtype="datetime64[s]"))  # 9999 says that nobody measured
    clear = sky_infrared_w_m2(autumn.temperature_degc, autumn.dew_point_degc, np.zeros(1))
    assert autumn.infrared_w_m2.tolist() == pytest.approx(clear.tolist())


def test_a_csv_file_serves_its_own_days_and_no_others() -> None:
    weather = Weather.load("weather_valid.csv", base=FILES, site=SITE)
    half_past_one = np.array(["2025-06-02T00:30"], dtype="datetime64[s]")
    rows = np.loadtxt(FILES / "weather_valid.csv", delimiter=",", skiprows=1, usecols=(4, 5))
    assert weather.sample(half_past_one).temperature_degc[0] == pytest.approx(rows[1, 0])
    assert weather.sample(half_past_one).wind_speed_m_s[0] == pytest.approx(rows[1, 1])
    with pytest.raises(
        WeatherError, match=r"weather_valid\.csv, column time: '2025-06-05T.* local'; allowed: 2025-06-02"
    ):
        weather.sample(np.array(["2025-06-05T00:00"], dtype="datetime64[s]"))


def test_a_csv_file_of_a_year_serves_every_year(tmp_path: Path) -> None:
    start = np.datetime64("2024-07-01T00:00", "h")
    lines = ["time,ghi_w_m2,dni_w_m2,dhi_w_m2,temperature_degc,wind_speed_m_s"]
    for hour in range(366 * 24):
        local = start + np.timedelta64(hour, "h")
        sun = 300 if 9 <= hour % 24 < 15 else 0
        lines.append(f"{local}:00+01:00,{sun},0,{sun},{local.astype('datetime64[M]').astype(int) % 12},2")
    (tmp_path / "year.csv").write_text("\n".join(lines) + "\n")
    weather = Weather.load(str(tmp_path / "year.csv"), base=None, site=SITE)
    for year in (2019, 2024, 2031):
        middle = np.array([f"{year}-{month:02}-15T12:00" for month in range(1, 13)], dtype="datetime64[s]")
        assert np.allclose(weather.sample(middle).temperature_degc, np.arange(12))


REFUSED = {
    "weather_bad_columns.csv": "row 1: 'time,ghi,dni,dhi,temp,wind'; allowed: columns time,ghi_w_m2",
    "weather_bad_time.csv": "row 6, column time: '2025-06-02T04:00:00'; allowed: RFC 3339 with an offset",
    "weather_bad_number.csv": "row 6, column temperature_degc: 'cold'; allowed: a number from -90 to 60",
    "weather_bad_nan.csv": "row 6, column temperature_degc: 'nan'; allowed: a number from -90 to 60",
    "weather_bad_range.csv": "row 6, column wind_speed_m_s: '-2'; allowed: a number from 0 to 100",
    "weather_bad_gap.csv": "row 8, column time: '7200 s after the row above'; allowed: one equal step",
    "weather_bad_one_row.csv": "allowed: at least two rows",
    "weather_bad_night.csv": "allowed: at least one interval with the sun up",
    "weather_bad_epw.epw": "allowed: an EnergyPlus weather file",
}


def test_every_bad_file_has_its_rule() -> None:
    assert {path.name for path in FILES.glob("weather_bad_*")} == set(REFUSED)


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_file_is_refused_with_row_column_value_and_what_is_allowed(name: str) -> None:
    with pytest.raises(WeatherError) as refusal:
        Weather.load(name, base=FILES, site=SITE if name.endswith(".csv") else None)
    assert str(refusal.value).startswith(name)
    assert REFUSED[name] in str(refusal.value)


def test_what_is_no_source_is_refused_with_what_would_be() -> None:
    with pytest.raises(WeatherError, match="atlantis; allowed: greensboro, sand-point, miami, or a file ending in"):
        Weather.load("atlantis", base=None)
    with pytest.raises(WeatherError, match="a CSV file needs latitude"):
        Weather.load("weather_valid.csv", base=FILES)
    with pytest.raises(WeatherError, match="carries its own"):
        Weather.load(next(iter(PVLIB_YEARS)), base=None, site=SITE)
    with pytest.raises(WeatherError, match="readable file"):
        Weather.load("absent.csv", base=FILES, site=SITE)
    with pytest.raises(WeatherError, match="readable EPW file"):
        Weather.load("absent.epw", base=FILES)
    with pytest.raises(ValueError, match=r"site latitude: 99\.0; allowed: -90 to 90"):
        Site(latitude=99.0, longitude=0.0, elevation_m=0.0, utc_offset_h=0.0)
