"""Reference runs of OCHRE 0.9.2 (residential device models, BSD-3-Clause) for battery and EV charger.

    python ochre_runs.py    # in an environment with ochre-nrel==0.9.2 and pyarrow<26

Writes ochre_<run>.csv beside this file.

Batteries follow random AC setpoints; vehicles come and go as OCHRE's charging events say. All runs are seeded.
"""

# mypy: ignore-errors
import csv
import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
from ochre import Battery, ElectricVehicle

BEGIN = {"start_time": dt.datetime(2018, 7, 2), "verbosity": 9, "save_results": False}  # noqa: DTZ001 - a simulation's
SOC_START = 0.5


def write(name: str, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """One CSV file beside this one."""
    with (Path(__file__).parent / f"ochre_{name}.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def battery(name: str, seed: int, steps: int, minutes: int, **options: object) -> None:
    """Random setpoints of random duration, a little beyond the rating; soc is the value before the step."""
    rng = np.random.default_rng(seed)
    limit_kw = 1.1 * options["capacity"]
    levels = np.repeat(rng.uniform(-limit_kw, limit_kw, steps), rng.integers(1, 480 // minutes // 2, steps))[:steps]
    setpoint_kw = np.round(levels, 4)
    device = Battery(
        enable_degradation=False,
        soc_init=SOC_START,
        time_res=dt.timedelta(minutes=minutes),
        duration=dt.timedelta(minutes=minutes * steps),
        **options,
        **BEGIN,
    )
    device.schedule = pd.DataFrame({"Battery Electric Power (kW)": setpoint_kw}, index=device.sim_times)
    device.reset_time()
    done = device.simulate()
    power_kw, soc = done["Battery Electric Power (kW)"], done["Battery SOC (-)"]
    rows = [(f"{a:g}", f"{b:.5g}", f"{c:.5f}") for a, b, c in zip(setpoint_kw, power_kw, soc, strict=True)]
    write(f"battery_{name}", ("setpoint_kw", "power_kw", "soc"), rows)


def vehicle(name: str, seed: int, days: int, minutes: int, **options: object) -> None:
    """Charging events of a year's pool; soc is the value before the step, plugged whether the vehicle is parked."""
    np.random.seed(seed)  # noqa: NPY002 - what OCHRE draws from
    device = ElectricVehicle(
        time_res=dt.timedelta(minutes=minutes),
        duration=dt.timedelta(days=days),
        event_day_ratio=1.0,
        **options,
        **BEGIN,
    )
    done = device.simulate()
    columns = done["EV Parked"].astype(int), done["EV Electric Power (kW)"], done["EV SOC (-)"]
    rows = [(str(a), f"{b:.5g}", f"{c:.5f}") for a, b, c in zip(*columns, strict=True)]
    write(f"ev_{name}", ("plugged", "power_kw", "soc"), rows)
    print(f"ev_{name}: {device.capacity:.4f} kWh, {device.max_power} kW")  # noqa: T201


def main() -> None:
    """All runs."""
    battery("small", 3, 960, 15, capacity=3, capacity_kwh=6, efficiency_type="advanced")
    battery("large_minutes", 4, 1440, 1, capacity=10, capacity_kwh=27, efficiency_type="advanced")
    battery("fast", 5, 960, 15, capacity=10, capacity_kwh=10, efficiency_type="advanced")
    battery("constant", 6, 960, 15, capacity=5, capacity_kwh=13.5, efficiency_type="constant")
    battery("constant_minutes", 7, 1440, 1, capacity=5, capacity_kwh=5, efficiency_type="constant")
    vehicle("phev20_level1", 11, 14, 15, vehicle_type="PHEV", charging_level="Level 1", range=20)
    vehicle("phev50_level2", 12, 14, 15, vehicle_type="PHEV", charging_level="Level 2", range=50)
    vehicle("bev100_level1", 13, 14, 15, vehicle_type="BEV", charging_level="Level 1", range=100)
    vehicle("bev100_level2", 14, 14, 15, vehicle_type="BEV", charging_level="Level 2", range=100)
    vehicle("bev250_level2", 15, 14, 15, vehicle_type="BEV", charging_level="Level 2", range=250)
    vehicle("bev250_minutes", 16, 4, 5, vehicle_type="BEV", charging_level="Level 2", range=250)


if __name__ == "__main__":
    main()
