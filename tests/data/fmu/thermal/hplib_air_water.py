"""COP of hplib's generic air-to-water heat pumps: `python hplib_air_water.py` writes the CSV beside this file.

Needs an environment of its own with hplib 1.9. Group 1 is the average inverter machine, group 4 the average on-off one;
hplib has no air-to-air machines. It warms the water by 5 K; `flow_degc` is the temperature after that.
"""
# mypy: ignore-errors

import csv
from pathlib import Path

from hplib import hplib

HERE = Path(__file__).resolve().parent
GROUPS = (1, 4)
OUTDOOR_DEGC = (-15, -10, -7, -2, 2, 7, 12, 15, 20)
FLOW_DEGC = (30, 35, 40, 45, 50, 55)
RISE_K = 5

if __name__ == "__main__":
    with (HERE / "hplib_air_water.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["group", "outdoor_degc", "flow_degc", "cop"])
        for group in GROUPS:
            machine = hplib.get_parameters("Generic", group_id=group, t_in=-7, t_out=52, p_th=8000)
            for outdoor_degc in OUTDOOR_DEGC:
                for flow_degc in FLOW_DEGC:
                    result = hplib.simulate(outdoor_degc, flow_degc - RISE_K, machine, outdoor_degc)
                    rows.writerow([group, outdoor_degc, flow_degc, round(float(result["COP"].iloc[0]), 4)])
