"""Runs of OCHRE's dwellings with excited setpoints: `python ochre_house.py RUN...` writes RUN.csv beside this file.

Needs an environment of its own: Python 3.11, ochre-nrel 0.9.2, pyarrow below 26.
"""
# mypy: ignore-errors
# ruff: noqa: DTZ001 - OCHRE takes local times without a zone; one flat row per run reads best

import datetime as dt
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from ochre import Dwelling
from ochre.utils import default_input_path

HERE = Path(__file__).resolve().parent
INPUTS = Path(default_input_path)
WEATHER = INPUTS / "Weather" / "USA_CO_Denver.Intl.AP.725650_TMY3.epw"
DAYS = 28
HEATING_MONTHS = (1, 2)

# run: house, month, seed, range of the setpoint, hours for which a setpoint holds, minutes per step. OCHRE's equipment
# gives the heat that holds the setpoint in steps of 5 minutes, and switches by a thermostat in steps of 1 minute.
RUNS = {
    "ochre_house_up11_jan": ("bldg0112631-up11", 1, 3, (17, 23), 4, 5),
    "ochre_house_up11_feb": ("bldg0112631-up11", 2, 5, (18, 22), 6, 5),
    "ochre_house_up11_jun": ("bldg0112631-up11", 6, 21, (20, 27), 4, 5),
    "ochre_house_up11_jul": ("bldg0112631-up11", 7, 3, (20, 27), 4, 5),
    "ochre_house_up11_aug": ("bldg0112631-up11", 8, 7, (21, 27), 6, 5),
    "ochre_house_up11_sep": ("bldg0112631-up11", 9, 32, (20, 27), 6, 5),
    "ochre_house_up00_jan": ("bldg0112631-up00", 1, 6, (17, 23), 4, 5),
    "ochre_house_beopt_jan": ("BEopt_example", 1, 4, (17, 23), 4, 5),
    "ochre_house_beopt_jun": ("BEopt_example", 6, 31, (20, 27), 4, 5),
    "ochre_house_beopt_jul": ("BEopt_example", 7, 4, (20, 27), 4, 5),
    "ochre_house_beopt_aug": ("BEopt_example", 8, 24, (20, 27), 5, 5),
    "ochre_house_beopt_sep": ("BEopt_example", 9, 33, (21, 27), 6, 5),
    "ochre_house_up11_jan_thermostat": ("bldg0112631-up11", 1, 8, (17, 23), 4, 1),
    "ochre_house_up11_jul_thermostat": ("bldg0112631-up11", 7, 9, (20, 27), 4, 1),
    "ochre_house_beopt_jan_thermostat": ("BEopt_example", 1, 10, (17, 23), 4, 1),
    "ochre_house_beopt_jul_thermostat": ("BEopt_example", 7, 11, (20, 27), 4, 1),
}


def simulate(house: str, month: int, seed: int, band: tuple[int, int], hold_h: int, minutes: int) -> pd.DataFrame:
    """All results of 28 days; besides, step by step, what they lack: setpoint, temperature at the end, weather."""
    np.random.seed(seed)  # noqa: NPY002 - OCHRE draws the first temperature from it
    schedule = {"BEopt_example": "BEopt_example_schedule"}.get(house, "bldg0112631_schedule")
    dwelling = Dwelling(
        name=house,
        start_time=dt.datetime(2018, month, 1),
        time_res=dt.timedelta(minutes=minutes),
        duration=dt.timedelta(days=DAYS),
        initialization_time=dt.timedelta(days=1),
        hpxml_file=str(INPUTS / "Input Files" / f"{house}.xml"),
        hpxml_schedule_file=str(INPUTS / "Input Files" / f"{schedule}.csv"),
        weather_file=str(WEATHER),
        verbosity=9,
        save_results=False,
        metrics_verbosity=0,
    )
    rng = np.random.default_rng(seed)
    heats = month in HEATING_MONTHS
    setpoints, ends = [], []
    for k in range(len(dwelling.sim_times)):
        if k % (60 // minutes * hold_h) == 0:
            setpoint = float(rng.uniform(*band))
        setpoints.append(setpoint)
        heating = {"Setpoint": setpoint if heats else 10.0}
        cooling = {"Setpoint": 30.0 if heats else setpoint}
        dwelling.update(control_signal={"HVAC Heating": heating, "HVAC Cooling": cooling})
        ends.append(dwelling.envelope.indoor_zone.temperature)  # the results have the one at the start of a step
    weather = dwelling.envelope.schedule
    results, _, _ = dwelling.finalize()
    weather = weather.loc[results.index]
    return results.assign(
        setpoint=setpoints,
        end=ends,
        wind=weather["Wind Speed (m/s)"],
        humidity=weather["Ambient Humidity Ratio (-)"],
        wall=outer_walls_w(dwelling, results, weather),
    )


def outer_walls_w(dwelling: Dwelling, results: pd.DataFrame, weather: pd.DataFrame) -> pd.Series:
    """Sun absorbed outside by what encloses the rooms, less the long waves to the sky of surfaces as warm as the air.

    Roofs are not in it: below them is an attic, which is not heated.
    """
    outer = [wall for wall in dwelling.envelope.ext_boundaries if wall.int_zone_label == "LIV"]
    to_sky = sum(wall.ext_surface.e_factor * wall.ext_surface.sky_view_factor for wall in outer)  # W/K4
    sky_k, air_k = weather["Sky Temperature (C)"] + 273.15, weather["Ambient Dry Bulb (C)"] + 273.15
    return sum(results[f"{wall.name} Ext. Solar Gain (W)"] for wall in outer) + to_sky * (sky_k**4 - air_k**4)


def trim(results: pd.DataFrame, minutes: int) -> pd.DataFrame:
    """15-min steps: means of what flows, the indoor temperature at the end."""

    per_row = 15 // minutes

    def column(name: str) -> np.ndarray:
        return results[name].to_numpy(float) if name in results else np.zeros(len(results))

    def mean(values: np.ndarray) -> np.ndarray:
        return np.nan_to_num(values).reshape(-1, per_row).mean(axis=1)

    heat = np.nan_to_num(column("HVAC Heating Delivered (W)")) - np.nan_to_num(column("HVAC Cooling Delivered (W)"))
    return pd.DataFrame(
        {
            "temperature_indoor_degc": column("end")[per_row - 1 :: per_row].round(2),
            "temperature_outdoor_degc": mean(column("Temperature - Outdoor (C)")).round(1),
            "heat_w": mean(heat).round(),
            "heat_gain_internal_w": mean(column("Internal Heat Gain - Indoor (W)")).round(),  # people and appliances
            "solar_window_w": mean(column("Window Transmitted Solar Gain (W)")).round(),
            "solar_wall_w": mean(column("wall")).round(-1),
            "wind_speed_m_s": mean(column("wind")).round(1),
            "temperature_ground_degc": mean(column("Temperature - Ground (C)")).round(1),
            "humidity_ratio_outdoor": mean(column("humidity")).round(5),
            "temperature_wet_bulb_indoor_degc": mean(column("Wet Bulb - Indoor (C)")).round(1),
            "setpoint_degc": mean(column("setpoint")).round(2),
            "power_heat_w": mean(1e3 * column("HVAC Heating Electric Power (kW)")).round(),
            "power_cool_w": mean(1e3 * column("HVAC Cooling Electric Power (kW)")).round(),
        }
    )


if __name__ == "__main__":
    for run in sys.argv[1:] or RUNS:
        trim(simulate(*RUNS[run]), RUNS[run][-1]).to_csv(HERE / f"{run}.csv", index=False, float_format="%g")
