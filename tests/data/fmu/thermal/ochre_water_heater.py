"""28 random days of OCHRE's water heaters: `python ochre_water_heater.py RUN...` writes RUN.csv beside this file.

Needs an environment of its own: Python 3.11, ochre-nrel 0.9.2, pyarrow below 26. A file has one row per 15 minutes:
the mean power, the delivered heat and loss over them and the temperatures at their end. The draws of a seed, minute
by minute, are in ochre_water_heater_draws_SEED.csv.
"""
# mypy: ignore-errors
# ruff: noqa: DTZ001, FBT001 - OCHRE takes local times without a zone; one flat row per run reads best

import datetime as dt
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from ochre import ElectricResistanceWaterHeater, HeatPumpWaterHeater

HERE = Path(__file__).resolve().parent
MINUTES = 28 * 1440
START = dt.datetime(2018, 1, 1)

# run: heat pump, seed, nodes, volume [L], height [m], UA [W/K], setpoint [degC], mains [degC], draws relative to usual
RUNS = {
    "ochre_water_heater_12_a": (False, 21, 12, 250, 1.22, 2.17, 51, 10, 1.0),
    "ochre_water_heater_12_b": (False, 22, 12, 190, 1.22, 1.9, 52, 7, 1.0),
    "ochre_water_heater_12_c": (False, 23, 12, 300, 1.5, 2.5, 55, 15, 1.6),
    "ochre_water_heater_10": (False, 27, 10, 250, 1.22, 2.17, 51, 10, 1.0),
    "ochre_water_heater_6": (False, 24, 6, 250, 1.22, 2.17, 51, 10, 1.0),
    "ochre_water_heater_3": (False, 24, 3, 250, 1.22, 2.17, 51, 10, 1.0),
    "ochre_water_heater_2": (False, 28, 2, 190, 1.22, 1.9, 52, 7, 1.0),
    "ochre_water_heater_1": (False, 29, 1, 250, 1.22, 2.17, 51, 10, 1.0),
    "ochre_heat_pump_water_heater_a": (True, 25, 12, 190, 1.22, 1.9, 51, 10, 1.0),
    "ochre_heat_pump_water_heater_b": (True, 26, 12, 300, 1.5, 2.2, 52, 12, 1.5),
    "ochre_heat_pump_water_heater_2": (True, 30, 2, 250, 1.3, 2.0, 53, 15, 1.4),
}


def draws(seed: int, usual: float) -> np.ndarray:
    """Litres per minute: short draws, most of them in the morning and in the evening."""
    rng = np.random.default_rng(seed)
    hour = np.arange(MINUTES) // 60 % 24
    evening = np.where((hour >= 17) & (hour < 22), 0.025, 0.006)
    chance = np.where((hour >= 6) & (hour < 9), 0.03, evening) * usual
    draw = np.zeros(MINUTES)
    for k in np.flatnonzero(rng.random(MINUTES) < chance):
        draw[k : k + int(rng.integers(1, 6))] = rng.uniform(2, 9)
    return draw.round(3)


def simulate(
    pumps: bool,
    seed: int,
    nodes: int,
    volume_l: float,
    height_m: float,
    ua: float,
    setpoint_degc: float,
    mains_degc: float,
    usual: float,
) -> pd.DataFrame:
    """Write the draws, return the trimmed results."""
    draw = draws(seed, usual)
    minutes = np.flatnonzero(draw)
    table = pd.DataFrame({"minute": minutes, "draw_l_min": draw[minutes]})
    table.to_csv(HERE / f"ochre_water_heater_draws_{seed}.csv", index=False)
    room = 20 + 3 * np.sin(np.arange(MINUTES) / 1440 * 2 * np.pi)
    schedule = {"Water Heating (L/min)": draw, "Zone Temperature (C)": room, "Mains Temperature (C)": mains_degc}
    parameters = {
        "Setpoint Temperature (C)": setpoint_degc,
        "Tank Volume (L)": volume_l,
        "Tank Height (m)": height_m,
        "UA (W/K)": ua,
        "Capacity (W)": 4500.0,
        "water_nodes": nodes,
    }
    if pumps:
        schedule["Zone Wet Bulb Temperature (C)"] = room - 5
        parameters |= {"HPWH COP (-)": 3.0, "HPWH Wall Interaction Factor (-)": 0}
    times = pd.date_range(START, periods=MINUTES, freq="1min")
    kind = HeatPumpWaterHeater if pumps else ElectricResistanceWaterHeater
    results = kind(
        **parameters,
        schedule=pd.DataFrame(schedule, index=times),
        start_time=START,
        time_res=dt.timedelta(minutes=1),
        duration=dt.timedelta(minutes=MINUTES),
        verbosity=9,
        save_results=False,
    ).simulate()

    def mean(name: str) -> np.ndarray:
        return results[name].to_numpy(float).reshape(-1, 15).mean(axis=1)

    return pd.DataFrame(
        {
            "power_w": (1e3 * mean("Water Heating Electric Power (kW)")).round(1),
            "heat_delivered_w": mean("Hot Water Delivered (W)").round(1),
            "loss_w": mean("Hot Water Heat Loss (W)").round(2),
            "temperature_outlet_degc": results["Hot Water Outlet Temperature (C)"].to_numpy()[14::15].round(2),
            "temperature_mean_degc": results["Hot Water Average Temperature (C)"].to_numpy()[14::15].round(2),
        }
    )


if __name__ == "__main__":
    for run in sys.argv[1:] or RUNS:
        simulate(*RUNS[run]).to_csv(HERE / f"{run}.csv", index=False)
