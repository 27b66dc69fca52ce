"""The user's meter readings become the base load: exact in energy, repeated in whole weeks, refused with a reason."""

from pathlib import Path

import numpy as np
import pytest

from simulators.people.demand import DemandSource, ProfileDemand
from simulators.people.generator import HEAT_OF_DEMAND, People
from simulators.people.homes import Household
from simulators.people.meter_data import MeterData, load_meter_data
from simulators.people.readings import MeterDataError, Readings

FILES = Path(__file__).parents[1] / "data" / "people"
MIDNIGHT = np.datetime64("2025-01-05T23:00", "m")  # Monday 6 January, Berlin
HOUR, DAY, WEEK = 60, 1440, 7 * 1440


def test_hourly_energy_becomes_power_held_over_the_hour_in_the_homes_order() -> None:
    meter = load_meter_data(FILES / "meter_valid.csv", homes=["home-b", "home-a"])
    demand = meter.demand_w(MIDNIGHT + np.timedelta64(2, "h"), 2 * HOUR)
    assert demand.shape == (120, 2)
    assert np.allclose(demand[:HOUR], [220.0, 120.0])
    assert np.allclose(demand[HOUR:], [230.0, 130.0])


def test_half_hourly_power_is_taken_as_it_stands() -> None:
    meter = load_meter_data(FILES / "meter_valid_power.csv", homes=["home-a"])
    assert np.allclose(meter.demand_w(MIDNIGHT, 90)[:, 0], np.repeat([100.0, 110.0, 120.0], 30))


@pytest.mark.parametrize("name", ["valid", "valid_without_links", "valid_with_export"])
def test_green_button_gives_delivered_energy_scaled_by_its_power_of_ten(name: str) -> None:
    meter = load_meter_data(FILES / f"green_button_{name}.xml", homes=["home-a"])
    demand = meter.demand_w(MIDNIGHT, DAY)[:, 0]
    assert demand[::HOUR] == pytest.approx(np.arange(1500, 1524) / 10)


def test_a_folder_holds_one_green_button_file_per_home(tmp_path: Path) -> None:
    for home in ("north", "south"):
        (tmp_path / f"{home}.xml").write_bytes((FILES / "green_button_valid.xml").read_bytes())
    assert load_meter_data(tmp_path, homes=["north", "south"]).count == 2
    with pytest.raises(MeterDataError, match=r"east\.xml; allowed: a readable file"):
        load_meter_data(tmp_path, homes=["east"])


@pytest.mark.parametrize(
    ("days", "period_days"),
    [(1, 1), (3, 3), (8, 7), (20, 14), (400, 364)],
)
def test_beyond_what_was_measured_the_series_repeats_in_whole_weeks(days: int, period_days: int) -> None:
    power = np.arange(days * 24, dtype=np.float64)
    start_s = int(MIDNIGHT.astype("datetime64[s]").astype(np.int64))
    meter = MeterData([Readings(start_s=start_s, step_s=3600, power_w=power)])
    period = np.timedelta64(period_days, "D")
    after = meter.demand_w(MIDNIGHT + np.timedelta64(days, "D"), DAY)
    assert np.allclose(after, meter.demand_w(MIDNIGHT + np.timedelta64(days, "D") - period, DAY))
    before = meter.demand_w(MIDNIGHT - np.timedelta64(1, "D"), DAY)
    assert np.allclose(before, meter.demand_w(MIDNIGHT - np.timedelta64(1, "D") + period, DAY))
    far = meter.demand_w(MIDNIGHT + 10 * period, DAY)
    assert far.min() >= 0.0
    assert np.allclose(far, meter.demand_w(MIDNIGHT + 11 * period, DAY))


@pytest.mark.parametrize("step_s", [10, 40, 60, 90, 900])
def test_energy_is_exact_whatever_the_interval(step_s: int) -> None:
    power = np.random.default_rng(5).uniform(0, 5000, 2 * 86_400 // step_s)
    start_s = int(MIDNIGHT.astype("datetime64[s]").astype(np.int64))
    meter = MeterData([Readings(start_s=start_s, step_s=step_s, power_w=power)])
    assert meter.demand_w(MIDNIGHT, 2 * DAY).sum() * 60 == pytest.approx(power.sum() * step_s, rel=1e-12)


def test_homes_with_different_meters_are_served_together() -> None:
    start_s = int(MIDNIGHT.astype("datetime64[s]").astype(np.int64))
    meter = MeterData(
        [
            Readings(start_s=start_s, step_s=900, power_w=np.full(96, 100.0)),
            Readings(start_s=start_s + 3600, step_s=3600, power_w=np.full(24, 200.0)),
            Readings(start_s=start_s, step_s=900, power_w=np.full(96, 300.0)),
        ]
    )
    assert np.allclose(meter.demand_w(MIDNIGHT, WEEK), [100.0, 200.0, 300.0])


def test_readings_replace_the_generated_load_and_warm_the_rooms() -> None:
    meter: DemandSource = load_meter_data(FILES / "meter_valid.csv", homes=["home-a", "home-b"])
    people = People(homes=[Household(), Household()], seed=1, utc_offset_h=1.0, demand=meter)
    block = people.minutes(MIDNIGHT, DAY)
    assert np.array_equal(block.demand_w, meter.demand_w(MIDNIGHT, DAY))
    assert (block.heat_gain_w >= HEAT_OF_DEMAND * block.demand_w).all()
    assert block.draw_l_min.sum() > 0
    with pytest.raises(ValueError, match="demand source has 2 homes; allowed: 3"):
        People(homes=[Household()] * 3, seed=1, utc_offset_h=1.0, demand=meter)


def test_a_yearly_profile_follows_local_date_and_time_every_year() -> None:
    rows = np.arange(35_040, dtype=np.float64)[:, None]
    profile: DemandSource = ProfileDemand(rows, utc_offset_h=1.0)
    assert profile.count == 1
    for year in (2023, 2025):
        assert profile.demand_w(np.datetime64(f"{year - 1}-12-31T23:00", "m"), 16)[:, 0].tolist() == [0.0] * 15 + [1.0]
        assert profile.demand_w(np.datetime64(f"{year}-02-28T23:00", "m"), 1)[0, 0] == 59 * 96
    leap = np.concatenate([rows[: 59 * 96], np.full((96, 1), -1.0), rows[59 * 96 :]])
    assert np.array_equal(
        ProfileDemand(leap, utc_offset_h=1.0).demand_w(MIDNIGHT, DAY), profile.demand_w(MIDNIGHT, DAY)
    )
    with pytest.raises(ValueError, match=r"profiles of shape \(10, 1\)"):
        ProfileDemand(rows[:10], utc_offset_h=0.0)
    with pytest.raises(ValueError, match="not finite"):
        ProfileDemand(np.where(rows == 7, np.nan, rows), utc_offset_h=0.0)


REFUSED = {
    "meter_bad_columns.csv": "row 1: 'time,meter,kwh'; allowed: columns time,home,energy_wh or time,home,power_w",
    "meter_bad_time.csv": "row 4 time: 'yesterday'; allowed: RFC 3339",
    "meter_bad_time_without_offset.csv": "row 4 time: '2025-01-06T01:00:00'; allowed: RFC 3339 with an offset",
    "meter_bad_number.csv": "row 4 energy_wh: 'lots'; allowed: a number",
    "meter_bad_nan.csv": "row 4: 'nan W'; allowed: 0 to 100000 W",
    "meter_bad_negative.csv": "row 4: '-5 W'; allowed: 0 to 100000 W mean power; consumption",
    "meter_bad_too_large.csv": "row 4: '900000 W'; allowed: 0 to 100000 W",
    "meter_bad_gap.csv": "row 7: '3600 s from 2025-01-06T02:00:00Z'; allowed: 3600 s from 2025-01-06T01:00:00Z",
    "meter_bad_duplicate.csv": "row 5: '3600 s from 2025-01-06T00:00:00Z'; allowed: 3600 s from",
    "meter_bad_order.csv": "row 4 time: '-3600 s later'; allowed: rising times",
    "meter_bad_short.csv": "row 2: '14400 s'; allowed: at least one day",
    "meter_bad_one_row.csv": "row 2: 'home-a'; allowed: at least two rows per home",
    "meter_bad_half_minute.csv": "row 2: 1736118030; allowed: a start on a whole minute",
    "meter_bad_empty.csv": "home: 'home-a'; allowed: readings for it; the file has none",
    "meter_bad_encoding.csv": "allowed: UTF-8 comma-separated text",
    "green_button_bad_doctype.xml": "DOCTYPE: 'feed'; allowed: a feed without a document type declaration",
    "green_button_bad_xml.xml": "line 130; allowed: well-formed XML",
    "green_button_bad_unit.xml": "allowed: an IntervalBlock whose ReadingType is delivered energy",
    "green_button_bad_export_only.xml": "allowed: an IntervalBlock whose ReadingType is delivered energy",
    "green_button_bad_multiplier.xml": "entry 3 ReadingType powerOfTenMultiplier: 40; allowed: -12 to 12",
    "green_button_bad_value.xml": "entry 4 IntervalReading 4 value: 'many'; allowed: a whole number",
    "green_button_bad_missing_value.xml": "entry 4 IntervalReading 4; allowed: an element value",
    "green_button_bad_duration.xml": "entry 4 IntervalReading 1 timePeriod/duration: 0; allowed: at least 1 s",
    "green_button_bad_gap.xml": "entry 4 IntervalReading 4: '3600 s from 2025-01-06T02:30:00Z'",
    "green_button_bad_short.xml": "entry 4 IntervalReading 1: '18000 s'; allowed: at least one day",
    "green_button_bad_link.xml": "entry 7 IntervalBlock",
}


def test_every_bad_file_has_its_rule() -> None:
    found = {path.name for path in FILES.iterdir() if "_bad_" in path.name and not path.name.startswith("weather")}
    assert found == set(REFUSED)


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_file_is_refused_with_file_place_value_and_what_is_allowed(name: str) -> None:
    with pytest.raises(MeterDataError) as refusal:
        load_meter_data(FILES / name, homes=["home-a"])
    assert str(refusal.value).startswith(name)
    assert REFUSED[name] in str(refusal.value)


def test_a_home_without_readings_and_a_file_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MeterDataError, match=r"home: 'home-z'; allowed: .* the file has home-a, home-b"):
        load_meter_data(FILES / "meter_valid.csv", homes=["home-a", "home-z"])
    with pytest.raises(MeterDataError, match=r"home: 'other'; allowed: .* the file has home-a"):
        load_meter_data(FILES / "green_button_valid.xml", homes=["home-a", "other"])
    with pytest.raises(MeterDataError, match=r"allowed: a \.csv file, a Green Button \.xml file, or a folder"):
        load_meter_data(FILES / "meter.parquet", homes=["home-a"])
    with pytest.raises(MeterDataError, match="readable file"):
        load_meter_data(tmp_path / "absent.csv", homes=["home-a"])
