"""Water heaters beside OCHRE's."""

import numpy as np

from fmu.validate.comparison import Comparison, Measure, Panel, drive, excess, read, reference, rmse
from simulators.fleet.fmu_fleet import Fleet

STEP_S = 60.0
TAP_DEGC = (105.0 - 32.0) / 1.8  # OCHRE tempers draws to 105 degrees Fahrenheit


@reference("water_heater")
def ochre_twelve_nodes() -> Comparison:
    """Three days of random draws from a tank of two elements."""
    theirs = read("ochre_waterheater.csv")
    start = {"temperature_start_degc": theirs["temperature_mean_degc"][0], "temperature_tap_degc": TAP_DEGC}
    flows = {"power_w": "electricity", "heat_delivered_w": "heat delivered", "loss_w": "heat lost"}
    with Fleet(model="water_heater", n=1, parameters=start) as fleet:
        fleet.inputs["setpoint_degc"][:] = 51.0
        inputs = {name: theirs[name] for name in ("draw_l_min", "temperature_ambient_degc")}
        ours = drive(fleet, inputs, step_s=STEP_S, outputs=[*flows, "temperature_outlet_degc"])
    outlet = "temperature_outlet_degc"
    energies = [
        Measure(name=text, value=excess(ours[name], theirs[name]), limit=2.0, unit="%") for name, text in flows.items()
    ]
    return Comparison(
        tool="OCHRE 0.9.2",
        run="250 L, 12 nodes, two elements of 4.5 kW, setpoint 51 °C, random draws, 3 days of 1-min steps",
        measures=(
            *energies,
            Measure(name="outlet temperature, RMSE", value=rmse(ours[outlet], theirs[outlet]), limit=0.5, unit="K"),
        ),
        panels=(
            Panel(title="Outlet temperature", unit="°C", step_s=STEP_S, ours=ours[outlet], theirs=theirs[outlet]),
            Panel(
                title="Electricity since the start",
                unit="Wh",
                step_s=STEP_S,
                ours=ours["power_w"].cumsum() / 60.0,
                theirs=theirs["power_w"].cumsum() / 60.0,
            ),
        ),
    )


@reference("water_heater")
def ochre_twelve_nodes_28_days() -> Comparison:
    """Four weeks of random draws; OCHRE's flows are means of 15 minutes, its temperatures the ones at their end."""
    minutes = 28 * 1440
    theirs, drawn = read("thermal/ochre_water_heater_12_b.csv"), read("thermal/ochre_water_heater_draws_22.csv")
    draw = np.zeros(minutes)
    draw[drawn["minute"].astype(int)] = drawn["draw_l_min"]
    room_degc = 20.0 + 3.0 * np.sin(np.arange(minutes) / 1440.0 * 2.0 * np.pi)
    parameters = {"volume_l": 190.0, "height_m": 1.22, "ua_w_per_k": 1.9, "nodes": 12.0}
    start = {"temperature_start_degc": 52.0 - 0.556, "temperature_tap_degc": TAP_DEGC}
    flows = {"power_w": "electricity", "heat_delivered_w": "heat delivered", "loss_w": "heat lost"}
    outlet = "temperature_outlet_degc"
    with Fleet(model="water_heater", n=1, parameters=parameters | start) as fleet:
        fleet.inputs["setpoint_degc"][:] = 52.0
        fleet.inputs["temperature_mains_degc"][:] = 7.0
        inputs = {"draw_l_min": draw, "temperature_ambient_degc": room_degc}
        ours = drive(fleet, inputs, step_s=STEP_S, outputs=[*flows, outlet])
    means = {name: ours[name].reshape(-1, 15).mean(axis=1) for name in flows}
    energies = [
        Measure(name=text, value=excess(means[name], theirs[name]), limit=2.0, unit="%") for name, text in flows.items()
    ]
    ends = ours[outlet][14::15]
    return Comparison(
        tool="OCHRE 0.9.2",
        run="190 L, 12 nodes, setpoint 52 °C, mains 7 °C, 28 days of random draws in 1-min steps",
        measures=(
            *energies,
            Measure(name="outlet temperature, RMSE", value=rmse(ends, theirs[outlet]), limit=0.5, unit="K"),
        ),
        panels=(
            Panel(
                title="Outlet temperature, first 5 days",
                unit="°C",
                step_s=900.0,
                ours=ends[:480],
                theirs=theirs[outlet][:480],
            ),
            Panel(
                title="Electricity since the start",
                unit="kWh",
                step_s=900.0,
                ours=means["power_w"].cumsum() / 4e3,
                theirs=theirs["power_w"].cumsum() / 4e3,
            ),
        ),
    )
