"""Batteries beside OCHRE's."""

import numpy as np

from fmu.validate.comparison import Comparison, Measure, Panel, drive, excess, read, reference, rmse
from simulators.fleet.fmu_fleet import Fleet

STEP_S = 900.0


@reference("battery")
def ochre_advanced_efficiency() -> Comparison:
    """Ten days of random setpoints; OCHRE's state of charge is the one before each step."""
    theirs = read("ochre_battery.csv")
    with Fleet(model="battery", n=1, parameters={"soc_min": 0.15, "soc_max": 0.95, "soc_start": 0.5}) as fleet:
        setpoint = {"power_setpoint_w": theirs["setpoint_kw"] * 1e3}
        ours = drive(fleet, setpoint, step_s=STEP_S, outputs=["power_w", "soc"])
    power_w, soc = theirs["power_kw"] * 1e3, theirs["soc"][1:]
    charged, discharged = (np.clip(sign * ours["power_w"], 0.0, None) for sign in (1.0, -1.0))
    return Comparison(
        tool="OCHRE 0.9.2",
        run="10 kWh and 5 kW, advanced efficiency model, 10 days of 15-min steps, a random setpoint each hour",
        measures=(
            Measure(name="energy charged", value=excess(charged, np.clip(power_w, 0.0, None)), limit=0.5, unit="%"),
            Measure(
                name="energy discharged", value=excess(discharged, np.clip(-power_w, 0.0, None)), limit=0.5, unit="%"
            ),
            Measure(name="state of charge, RMSE", value=100.0 * rmse(ours["soc"][:-1], soc), limit=0.5, unit="points"),
        ),
        panels=(
            Panel(title="State of charge", unit="1", step_s=STEP_S, ours=ours["soc"][:-1], theirs=soc),
            Panel(title="AC power", unit="W", step_s=STEP_S, ours=ours["power_w"], theirs=power_w),
        ),
    )


@reference("battery")
def ochre_constant_efficiency_minutes() -> Comparison:
    """A fast small battery with OCHRE's plain efficiency model, minute by minute."""
    theirs = read("electric/ochre_battery_constant_minutes.csv")
    parameters = {
        "energy_capacity_wh": 5e3,
        "power_max_w": 5e3,
        "soc_min": 0.15,
        "soc_max": 0.95,
        "soc_start": 0.5,
        "resistance_pu": 0.0,
        "inverter_efficiency": 0.97 * 0.98,
    }
    with Fleet(model="battery", n=1, parameters=parameters) as fleet:
        setpoint = {"power_setpoint_w": theirs["setpoint_kw"] * 1e3}
        ours = drive(fleet, setpoint, step_s=60.0, outputs=["power_w", "soc"])
    power_w, soc = theirs["power_kw"] * 1e3, theirs["soc"][1:]
    charged, discharged = (np.clip(sign * ours["power_w"], 0.0, None) for sign in (1.0, -1.0))
    return Comparison(
        tool="OCHRE 0.9.2",
        run="5 kWh and 5 kW, constant efficiency, 1-min steps",
        measures=(
            Measure(name="energy charged", value=excess(charged, np.clip(power_w, 0.0, None)), limit=0.5, unit="%"),
            Measure(
                name="energy discharged", value=excess(discharged, np.clip(-power_w, 0.0, None)), limit=0.5, unit="%"
            ),
            Measure(name="state of charge, RMSE", value=100.0 * rmse(ours["soc"][:-1], soc), limit=0.5, unit="points"),
        ),
        panels=(Panel(title="State of charge", unit="1", step_s=60.0, ours=ours["soc"][:-1], theirs=soc),),
    )
