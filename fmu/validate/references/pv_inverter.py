"""The PV array beside pvlib, its inverter beside OpenDER."""

import numpy as np

from fmu.validate.comparison import Column, Comparison, Measure, Panel, drive, read, reference, rmse
from simulators.fleet.fmu_fleet import Fleet

RATING_VA = 5000.0
SETTLED = [59, 119, 179, 239, 299, 359]  # last second of each voltage step


@reference("pv_inverter")
def opender_volt_var_and_volt_watt() -> Comparison:
    """Voltage steps and a sine, then a frequency ramp; OpenDER counts feed-in positive."""
    theirs = read("opender.csv")
    parameters = {"dc_power_w": 2.0 * RATING_VA, "ac_power_va": RATING_VA, "volt_var_on": 1.0, "volt_watt_on": 1.0}
    with Fleet(model="pv_inverter", n=1, parameters=parameters) as fleet:
        fleet.inputs["irradiance_poa_w_m2"][:] = 1000.0  # more sun than rating: the limit plays the array
        inputs = {
            "voltage_pu": theirs["voltage_pu"],
            "frequency_hz": theirs["frequency_hz"],
            "active_power_limit": theirs["power_dc_w"] / RATING_VA,
        }
        ours = drive(fleet, inputs, step_s=1.0, outputs=["power_w", "reactive_power_var"])
    measures = []
    for name, text in (("power_w", "active power"), ("reactive_power_var", "reactive power")):
        mine, expected = -ours[name], theirs[name]
        settled = float(np.max(np.abs(mine - expected)[SETTLED]))
        measures += [
            Measure(name=f"{text}, settled", value=100.0 * settled / RATING_VA, limit=0.1, unit="% of rating"),
            Measure(
                name=f"{text}, RMSE", value=100.0 * rmse(mine, expected) / RATING_VA, limit=1.0, unit="% of rating"
            ),
        ]
    return Comparison(
        tool="OpenDER 2.2.0",
        run="5 kVA, volt-var and volt-watt with category B settings, voltage steps and sine, frequency ramp, 1-s steps",
        measures=tuple(measures),
        panels=(
            Panel(title="Feed-in", unit="W", step_s=1.0, ours=-ours["power_w"], theirs=theirs["power_w"]),
            Panel(
                title="Reactive power injected",
                unit="var",
                step_s=1.0,
                ours=-ours["reactive_power_var"],
                theirs=theirs["reactive_power_var"],
            ),
        ),
    )


@reference("pv_inverter")
def pvlib_pvwatts_and_faiman() -> Comparison:
    """Every 15th day of a typical year, hour by hour: the same equations, so rounding only."""
    theirs = read("pvlib_pvwatts.csv")
    with Fleet(model="pv_inverter", n=1) as fleet:
        inputs = {name: theirs[name] for name in ("irradiance_poa_w_m2", "temperature_ambient_degc", "wind_speed_m_s")}
        ours = drive(fleet, inputs, step_s=3600.0, outputs=["power_w", "power_dc_available_w"])
    return Comparison(
        tool="pvlib 0.16.1",
        run="5 kW array and 4 kW inverter in Sand Point (Alaska), 30° south, every 15th day of the typical year",
        measures=(
            _relative("AC power", -ours["power_w"], theirs["power_ac_w"]),
            _relative("DC power", ours["power_dc_available_w"], theirs["power_dc_w"]),
        ),
        panels=(Panel(title="Feed-in", unit="W", step_s=3600.0, ours=-ours["power_w"], theirs=theirs["power_ac_w"]),),
    )


@reference("pv_inverter")
def opender_trip_and_enter_service() -> Comparison:
    """A voltage dip trips the inverter; it enters service again."""
    return _inverter("trip_dip", {"volt_var_on": 1.0, "volt_watt_on": 1.0}, "a voltage dip that trips, and the return")


@reference("pv_inverter")
def opender_watt_var() -> Comparison:
    """Reactive power by active power."""
    return _inverter("watt_var", {"watt_var_on": 1.0}, "watt-var over the whole range of active power")


@reference("pv_inverter")
def opender_frequency_droop_under_clouds() -> Comparison:
    """The droop counts from the power before the disturbance, while clouds pass."""
    return _inverter("droop_clouds", {}, "frequency excursions while clouds pass")


def _inverter(run: str, chosen: dict[str, float], text: str) -> Comparison:
    theirs = read(f"electric/opender_{run}.csv")
    parameters = {"dc_power_w": 2.0 * RATING_VA, "ac_power_va": RATING_VA, "active_power_max_pu": 1.0}
    parameters |= {"gamma": 0.0, "losses": 0.0} | chosen
    inputs = {
        "irradiance_poa_w_m2": _sun_for(theirs["power_dc_w"]),
        "voltage_pu": theirs["voltage_pu"],
        "frequency_hz": theirs["frequency_hz"],
    }
    with Fleet(model="pv_inverter", n=1, parameters=parameters) as fleet:
        ours = drive(fleet, inputs, step_s=1.0, outputs=["power_w", "reactive_power_var"])
    named = (("power_w", "Feed-in", "W"), ("reactive_power_var", "Reactive power injected", "var"))
    return Comparison(
        tool="OpenDER 2.2.0",
        run=f"5 kVA, {text}, 1-s steps; OpenDER counts feed-in positive",
        measures=tuple(
            Measure(
                name=f"{title.lower()}, RMSE",
                value=100.0 * rmse(-ours[name], theirs[name]) / RATING_VA,
                limit=1.0,
                unit="% of rating",
            )
            for name, title, _ in named
        ),
        panels=tuple(
            Panel(title=title, unit=unit, step_s=1.0, ours=-ours[name], theirs=theirs[name])
            for name, title, unit in named
        ),
    )


def _sun_for(power_w: Column) -> Column:
    """Irradiance at which an array of twice the rating and an inverter of 96 % yield this AC power (PVWatts)."""
    share = np.minimum(power_w, RATING_VA) / (RATING_VA / 0.9637)
    constant = -0.0059 - share
    load = 2.0 * constant / (-0.9858 - np.sqrt(0.9858**2 + 4.0 * 0.0162 * constant))
    return np.where(power_w > 0.0, load / 0.96 / 2.0 * 1000.0, 0.0)


def _relative(name: str, ours: Column, theirs: Column) -> Measure:
    """The largest difference over the largest value."""
    value = float(np.max(np.abs(ours - theirs)) / np.max(np.abs(theirs)))
    return Measure(name=f"{name}, largest difference", value=value, limit=1e-9, unit="of the peak")
