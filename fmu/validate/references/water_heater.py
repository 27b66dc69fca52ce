"""Water heaters beside OCHRE's."""

import numpy as np

from fmu.validate.comparison import Comparison, Measure, Panel, drive, excess, read, reference, rmse
from simulators.fleet.fmu_fleet import Fleet

STEP_S = 60.0
MINUTES = 28 * 1440
TAP_DEGC = (105.0 - 32.0) / 1.8  # OCHRE tempers draws to 105 degrees Fahrenheit
BELOW_SETPOINT_K = 1.0 / 1.8  # where OCHRE's tanks start
OUTLET = "temperature_outlet_degc"
FLOWS = {"power_w": "electricity", "heat_delivered_w": "heat delivered", "loss_w": "heat lost"}


@reference("water_heater")
def ochre_twelve_nodes() -> Comparison:
    """Three days of random draws from a tank of two elements."""
    theirs = read("ochre_waterheater.csv")
    start = {"temperature_start_degc": theirs["temperature_mean_degc"][0], "temperature_tap_degc": TAP_DEGC}
    with Fleet(model="water_heater", n=1, parameters=start) as fleet:
        fleet.inputs["setpoint_degc"][:] = 51.0
        inputs = {name: theirs[name] for name in ("draw_l_min", "temperature_ambient_degc")}
        ours = drive(fleet, inputs, step_s=STEP_S, outputs=[*FLOWS, OUTLET])
    energies = [
        Measure(name=text, value=excess(ours[name], theirs[name]), limit=2.0, unit="%") for name, text in FLOWS.items()
    ]
    return Comparison(
        tool="OCHRE 0.9.2",
        run="250 L, 12 nodes, two elements of 4.5 kW, setpoint 51 °C, random draws, 3 days of 1-min steps",
        measures=(
            *energies,
            Measure(name="outlet temperature, RMSE", value=rmse(ours[OUTLET], theirs[OUTLET]), limit=0.5, unit="K"),
        ),
        panels=(
            Panel(title="Outlet temperature", unit="°C", step_s=STEP_S, ours=ours[OUTLET], theirs=theirs[OUTLET]),
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
    """A small tank through four weeks."""
    tank = {"volume_l": 190.0, "height_m": 1.22, "ua_w_per_k": 1.9, "nodes": 12.0}
    return _four_weeks("water_heater_12_b", 22, tank, 52.0, 7.0, "190 L, 12 nodes, setpoint 52 °C, mains 7 °C")


@reference("water_heater")
def ochre_six_nodes_28_days() -> Comparison:
    """Fewer nodes than the default, beside OCHRE with as many."""
    tank = {"volume_l": 250.0, "height_m": 1.22, "ua_w_per_k": 2.17, "nodes": 6.0}
    return _four_weeks("water_heater_6", 24, tank, 51.0, 10.0, "250 L, 6 nodes, setpoint 51 °C")


@reference("water_heater")
def ochre_two_nodes_28_days() -> Comparison:
    """An upper third and the rest."""
    tank = {"volume_l": 190.0, "height_m": 1.22, "ua_w_per_k": 1.9, "nodes": 2.0}
    return _four_weeks("water_heater_2", 28, tank, 52.0, 7.0, "190 L, 2 nodes, setpoint 52 °C, mains 7 °C")


@reference("water_heater")
def ochre_one_node_28_days() -> Comparison:
    """Fully mixed."""
    tank = {"volume_l": 250.0, "height_m": 1.22, "ua_w_per_k": 2.17, "nodes": 1.0}
    return _four_weeks("water_heater_1", 29, tank, 51.0, 10.0, "250 L, 1 node, setpoint 51 °C")


@reference("water_heater")
def ochre_heat_pump_28_days() -> Comparison:
    """A heat pump with elements that only help."""
    tank = {"volume_l": 190.0, "height_m": 1.22, "ua_w_per_k": 1.9, "nodes": 12.0, "heat_pump": 1.0, "deadband_k": 8.17}
    text = "heat pump of 1.5 kW heat, COP 3, 190 L, 12 nodes, setpoint 51 °C"
    return _four_weeks("heat_pump_water_heater_a", 25, tank, 51.0, 10.0, text)


def _four_weeks(
    run: str, seed: int, parameters: dict[str, float], setpoint_degc: float, mains_degc: float, text: str
) -> Comparison:
    """Random draws of a seed; OCHRE's flows are means of 15 minutes, its temperatures the ones at their end."""
    theirs, drawn = read(f"thermal/ochre_{run}.csv"), read(f"thermal/ochre_water_heater_draws_{seed}.csv")
    draw = np.zeros(MINUTES)
    draw[drawn["minute"].astype(int)] = drawn["draw_l_min"]
    room_degc = 20.0 + 3.0 * np.sin(np.arange(MINUTES) / 1440.0 * 2.0 * np.pi)
    start = {"temperature_start_degc": setpoint_degc - BELOW_SETPOINT_K, "temperature_tap_degc": TAP_DEGC}
    with Fleet(model="water_heater", n=1, parameters=parameters | start) as fleet:
        fleet.inputs["setpoint_degc"][:] = setpoint_degc
        fleet.inputs["temperature_mains_degc"][:] = mains_degc
        inputs = {"draw_l_min": draw, "temperature_ambient_degc": room_degc}
        inputs["temperature_wet_bulb_degc"] = room_degc - 5.0
        ours = drive(fleet, inputs, step_s=STEP_S, outputs=[*FLOWS, OUTLET])
    means = {name: ours[name].reshape(-1, 15).mean(axis=1) for name in FLOWS}
    energies = [
        Measure(name=text, value=excess(means[name], theirs[name]), limit=2.0, unit="%") for name, text in FLOWS.items()
    ]
    ends = ours[OUTLET][14::15]
    return Comparison(
        tool="OCHRE 0.9.2",
        run=f"{text}, 28 days of random draws in 1-min steps",
        measures=(
            *energies,
            Measure(name="outlet temperature, RMSE", value=rmse(ends, theirs[OUTLET]), limit=0.5, unit="K"),
        ),
        panels=(
            Panel(
                title="Outlet temperature, last 5 days",
                unit="°C",
                step_s=900.0,
                ours=ends[-480:],
                theirs=theirs[OUTLET][-480:],
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
