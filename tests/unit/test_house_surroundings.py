"""What reaches a house and its water heater from outside: sun on each side, wind, ground, moist air."""

from pathlib import Path

import numpy as np
import pytest

from simulators.cosim.sunlight import HouseSun
from simulators.layout import KindLayout
from simulators.people.climate import ground_degc, indoor_wet_bulb_degc, vapour_pressure_pa, wet_bulb_degc
from simulators.people.weather import Weather
from simulators.people.weather_file import Site
from tests.builders import device
from twin.model.device import DeviceKind, with_defaults

NOON = np.array(["2026-06-21T17:20"], dtype="datetime64[s]")  # the sun is due south of Greensboro
FILES = Path(__file__).parents[1] / "data" / "people"


@pytest.fixture(scope="module")
def weather() -> Weather:
    return Weather.load("greensboro", base=None)


def houses(*ratings: dict[str, float]) -> KindLayout:
    made = tuple(
        device("h1", DeviceKind.HEAT_PUMP, "gw", suffix=f"-{number}", ratings=one) for number, one in enumerate(ratings)
    )
    return KindLayout(devices=made, home=np.zeros(len(made), dtype=np.intp))


def test_windows_default_to_a_share_of_the_floor() -> None:
    ratings = with_defaults(DeviceKind.HEAT_PUMP, {"heat_power_w": 8_000.0, "floor_area_m2": 120.0})
    assert ratings["window_area_m2"] == pytest.approx(18.0)
    stated = with_defaults(
        DeviceKind.HEAT_PUMP, {"heat_power_w": 8_000.0, "floor_area_m2": 120.0, "window_area_m2": 3.0}
    )
    assert stated["window_area_m2"] == 3.0


def test_the_sun_comes_through_the_glass_that_faces_it(weather: Weather) -> None:
    noons = np.datetime64("2026-01-01T17:20", "s") + np.arange(31) * np.timedelta64(1, "D")
    sun = HouseSun(
        weather,
        houses({"window_azimuth_deg": 180.0}, {"window_azimuth_deg": 0.0}, {"window_area_m2": 0.0}),
    )

    window_w, wall_w = sun.through_windows_and_on_walls(noons)

    south_w, north_w, blind_w = window_w.sum(axis=0)
    assert south_w > 1.3 * north_w > 0.0
    assert blind_w == 0.0
    assert wall_w[0, 0] == pytest.approx(wall_w[0, 1])  # walls are on all four sides alike


def test_the_window_gain_is_area_times_glass_times_irradiance(weather: Weather) -> None:
    sun = HouseSun(weather, houses({"window_area_m2": 20.0, "window_solar_gain": 0.5, "window_azimuth_deg": 90.0}))
    sides = np.array([90.0, 180.0, 270.0, 0.0])
    irradiance = weather.plane_of_array(NOON, np.full(4, 90.0), sides)[0]

    window_w, _ = sun.through_windows_and_on_walls(NOON)

    mean = irradiance[0] / 2 + irradiance[1:].sum() / 6
    assert window_w[0, 0] == pytest.approx(0.7 * 0.9 * 0.5 * 20.0 * mean, rel=1e-12)


def test_by_night_walls_and_roof_give_long_waves_to_the_sky(weather: Weather) -> None:
    """Walls of 120 m2 count 0.354 of their area, a roof of 60 m2 0.92, both at an emissivity of 0.9."""
    midnights = np.datetime64("2026-01-01T05:20", "s") + np.arange(365) * np.timedelta64(1, "D")
    sun = HouseSun(weather, houses({}, {"wall_area_m2": 0.0, "roof_area_m2": 0.0}))
    window_w, wall_w = sun.through_windows_and_on_walls(midnights)
    sample = weather.sample(midnights)

    to_sky_w_m2 = 5.670374e-8 * (sample.temperature_degc + 273.15) ** 4 - sample.infrared_w_m2
    assert np.all(window_w == 0.0)
    assert wall_w[:, 0] == pytest.approx(-0.9 * (0.354 * 120.0 + 0.92 * 60.0) * to_sky_w_m2, rel=1e-9)
    assert np.all(wall_w[:, 1] == 0.0)
    assert 70.0 < to_sky_w_m2.max() < 130.0  # under clear winter skies
    assert wall_w[:, 0].max() < 0.0


def test_by_day_the_sun_on_the_walls_is_more_than_they_give_to_the_sky(weather: Weather) -> None:
    noons = np.datetime64("2026-06-01T17:20", "s") + np.arange(30) * np.timedelta64(1, "D")
    _, wall_w = HouseSun(weather, houses({})).through_windows_and_on_walls(noons)

    assert wall_w.max() > 20_000.0


def test_the_ground_follows_the_air_damped_and_later(weather: Weather) -> None:
    days = np.datetime64("2026-01-01T12:00", "s") + np.arange(365) * np.timedelta64(1, "D")
    ground, air = weather.ground_degc(days), weather.sample(days).temperature_degc

    assert ground.mean() == pytest.approx(air.mean(), abs=4.0)  # noon is warmer than the day
    assert 8.0 < ground.max() - ground.min() < 20.0
    assert 15 < int(np.argmin(ground)) < 75


def test_the_ground_wave_is_that_of_kusuda_and_achenbach() -> None:
    """Worked out by hand at 1 m and 0.05 m2 a day: damped to 0.6604, 24.1 days late."""
    found = ground_degc(np.array([15.0 + 24.1]), mean_degc=10.0, amplitude_k=10.0, coldest_day=15.0)
    assert found[0] == pytest.approx(10.0 - 6.604, abs=0.01)


@pytest.mark.parametrize(
    ("air_degc", "humidity", "wet_bulb"),
    [(20.0, 0.5, 13.7), (26.7, 0.51, 19.4), (10.0, 0.8, 8.2), (35.0, 0.4, 24.0)],  # ASHRAE psychrometric chart
)
def test_the_wet_bulb_is_that_of_the_chart(air_degc: float, humidity: float, wet_bulb: float) -> None:
    assert wet_bulb_degc(np.array([air_degc]), np.array([humidity]))[0] == pytest.approx(wet_bulb, abs=0.6)


def test_saturated_vapour_has_the_pressure_of_the_steam_tables() -> None:
    assert vapour_pressure_pa(np.array([0.0, 20.0]))[:] == pytest.approx([611.0, 2_339.0], rel=0.003)


def test_indoor_air_has_the_moisture_of_the_outdoor_air_and_what_people_add() -> None:
    damp, dry = indoor_wet_bulb_degc(np.array([30.0, 30.0]), np.array([24.0, 5.0]), np.array([26.0, 26.0]))
    dried = indoor_wet_bulb_degc(np.array([30.0]), np.array([24.0]), np.array([26.0]), most_humid=0.6)[0]

    assert dry < dried < damp < 26.0
    winter = indoor_wet_bulb_degc(np.array([0.0]), np.array([-3.0]), np.array([20.0]))[0]
    assert winter > wet_bulb_degc(np.array([20.0]), vapour_pressure_pa(np.array([-3.0])) / 2_339.0)[0]


def test_a_shipped_year_brings_its_dew_point(weather: Weather) -> None:
    hours = np.datetime64("2025-01-01", "s") + np.arange(365 * 24) * np.timedelta64(3_600, "s")
    sample = weather.sample(hours)

    assert sample.dew_point_degc.mean() == pytest.approx(8.18, abs=0.1)  # over the rows of the file itself
    assert (sample.dew_point_degc <= sample.temperature_degc).all()


def test_a_csv_file_may_bring_it_too(tmp_path: Path) -> None:
    site = Site(latitude=51.0, longitude=10.0, elevation_m=200.0, utc_offset_h=1.0)
    lines = (FILES / "weather_valid.csv").read_text().splitlines()
    path = tmp_path / "moist.csv"
    path.write_text("\n".join([lines[0] + ",dew_point_degc", *(f"{line},-1.5" for line in lines[1:])]) + "\n")
    at = np.array(["2025-06-02T00:30"], dtype="datetime64[s]")

    moist, dry = Weather.load(str(path), base=None, site=site), Weather.load("weather_valid.csv", base=FILES, site=site)

    assert moist.sample(at).dew_point_degc[0] == pytest.approx(-1.5)
    assert dry.sample(at).dew_point_degc[0] == pytest.approx(dry.sample(at).temperature_degc[0] - 5.0)
