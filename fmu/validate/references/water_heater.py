"""Water heaters beside OCHRE's."""

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
