"""The envelope beside OCHRE's dwellings: fitted on seven days, then open loop through three weeks it has not seen.

Only OCHRE's heat, weather and gains go in; its indoor temperature is never looked at again after the first week.
"""

import numpy as np

from fmu.validate.comparison import Column, Comparison, Measure, Panel, read, reference, rmse
from fmu.validate.equipment import STEP_S, WEEK, electricity, envelope_columns, fitted, live_unseen, ochre_run
from simulators.fleet.calibration import simulate
from simulators.fleet.fmu_fleet import Fleet


@reference("house")
def ochre_winter() -> Comparison:
    """Heating by a heat pump with excited setpoints."""
    return _open_loop("up11_jan", "detached house in Denver, January, random setpoints")


@reference("house")
def ochre_summer() -> Comparison:
    """Cooling of the same house."""
    return _open_loop("up11_jul", "the same house in July, cooled")


@reference("house")
def ochre_other_house_in_winter() -> Comparison:
    """Another building file, another envelope."""
    return _open_loop("beopt_jan", "another detached house, January")


@reference("house")
def ochre_lives_through_winter() -> Comparison:
    """Its own thermostat and heat pump, held at the setpoint as OCHRE's is in steps of five minutes."""
    return _living("up11_jan", "detached house in Denver, January, heat pump that holds random setpoints")


@reference("house")
def ochre_lives_through_summer() -> Comparison:
    """The same, cooling."""
    return _living("up11_aug", "the same house in August, cooled to random setpoints")


@reference("house")
def ochre_lives_through_summer_on_a_slab() -> Comparison:
    """Another building file, on a slab that holds more heat than all the rest; cold is a small difference there."""
    return _living(
        "beopt_aug", "another house, on a slab, August, cooled to random setpoints with a third of a kilowatt"
    )


@reference("house")
def ochre_lives_through_autumn_on_a_slab() -> Comparison:
    """The least cold of all runs, 86 W on average."""
    return _living("beopt_sep", "the house on a slab in September, cooled with 86 W on average")


@reference("house")
def ochre_lives_through_winter_by_thermostat() -> Comparison:
    """A machine that switches, as OCHRE's does in steps of one minute."""
    return _living("up11_jan_thermostat", "the same house in January, heat pump switched by a thermostat")


@reference("house")
def ochre_lives_through_summer_far_oversized() -> Comparison:
    """A machine of 21 kW that is needed for a few minutes a day."""
    return _living("beopt_jul_thermostat", "another house in July, far oversized heat pump switched by a thermostat")


def _living(run: str, text: str) -> Comparison:
    name = f"ochre_house_{run}"
    theirs, life = ochre_run(name), live_unseen(name)
    return Comparison(
        tool="OCHRE 0.9.2",
        run=f"{text}; envelope, ducts, coil and COP fitted on 7 days, shown are the 21 unseen days after them",
        measures=(
            Measure(name="heat or cold delivered", value=life.heat_excess, limit=5.0, unit="%"),
            Measure(name="electricity", value=life.electricity_excess, limit=5.0, unit="%"),
            Measure(name="indoor temperature, RMSE", value=life.rmse_k, limit=0.5, unit="K"),
        ),
        panels=(
            Panel(
                title="Indoor temperature, last 5 days",
                unit="°C",
                step_s=STEP_S,
                ours=life.ours["temperature_indoor_degc"][-480:],
                theirs=theirs["temperature_indoor_degc"][-480:],
            ),
            Panel(
                title="Electricity since the first week",
                unit="kWh",
                step_s=STEP_S,
                ours=life.ours["power_w"].cumsum() / 4e3,
                theirs=electricity(theirs)[WEEK:].cumsum() / 4e3,
            ),
        ),
    )


def _open_loop(run: str, text: str) -> Comparison:
    name = f"ochre_house_{run}"
    measured = envelope_columns(ochre_run(name))
    ours = simulate(fitted(name).parameters, measured, STEP_S)[:, 0][WEEK:]
    theirs = measured["temperature_indoor_degc"][WEEK:]
    return Comparison(
        tool="OCHRE 0.9.2",
        run=f"{text}; fitted on the first 7 days, shown are the 21 days after them, unseen by the fit",
        measures=(
            Measure(name="indoor temperature, RMSE", value=rmse(ours, theirs), limit=0.5, unit="K"),
            Measure(name="indoor temperature, mean error", value=float((ours - theirs).mean()), limit=0.5, unit="K"),
        ),
        panels=(Panel(title="Indoor temperature", unit="°C", step_s=STEP_S, ours=ours, theirs=theirs),),
    )


# COP at 7 °C outdoors and 35 °C flow, its change per kelvin outdoors and per kelvin of flow, both relative to it.
HPLIB_MACHINES = {1.0: (5.059, 0.03045, -0.01731), 4.0: (4.252, 0.02243, -0.01418)}


@reference("house")
def hplib_air_to_water() -> Comparison:
    """COP of average machines at flow temperatures of floors and radiators."""
    points = read("thermal/hplib_air_water.csv")
    machine = np.array([HPLIB_MACHINES[group] for group in points["group"]])
    parameters: dict[str, Column | float] = {
        "hydronic": 1.0,
        "heat_cop": machine[:, 0],
        "heat_cop_outdoor_slope": machine[:, 1],
        "heat_cop_flow_slope": machine[:, 2],
        "flow_cold_degc": points["flow_degc"],
        "flow_warm_degc": points["flow_degc"],
        "backup_power_w": 0.0,
    }
    cop = _cop_of_a_moment(parameters, points["outdoor_degc"], setpoint_degc=25.0)
    error = 100.0 * (cop / points["cop"] - 1.0)
    inverter = points["group"] == 1.0
    return Comparison(
        tool="hplib 1.9",
        run="generic air-to-water machines, -15 to 20 °C outdoors, 30 to 55 °C flow",
        measures=(_cop_error("inverter machine, ", error[inverter]), _cop_error("on-off machine, ", error[~inverter])),
        panels=(_cop_panel("COP, point by point: flow 30 to 55 °C at each outdoor temperature", cop, points["cop"]),),
    )


@reference("house")
def ochre_air_to_air() -> Comparison:
    """COP of OCHRE's single-speed machine over indoor and outdoor temperature, relative to its rated point."""
    points = read("thermal/ochre_curves_heating.csv")
    parameters: dict[str, Column | float] = {"backup_power_w": 0.0, "temperature_start_degc": points["indoor_degc"]}
    cop = _cop_of_a_moment(parameters, points["outdoor_degc"], setpoint_degc=points["indoor_degc"] + 5.0)
    rated = np.flatnonzero((points["capacity"] == 1.0) & (points["cop"] == 1.0))[0]
    error = 100.0 * (cop / cop[rated] / points["cop"] - 1.0)
    return Comparison(
        tool="OCHRE 0.9.2",
        run="heating curves of the single-speed air-source heat pump, -17 to 18 °C outdoors, 17 to 23 °C indoors",
        measures=(_cop_error("", error),),
        panels=(_cop_panel("Relative COP, point by point: indoors by outdoors", cop / cop[rated], points["cop"]),),
    )


def _cop_of_a_moment(
    parameters: dict[str, Column | float], outdoor_degc: Column, setpoint_degc: Column | float
) -> Column:
    """Heat by electricity in the first second of a machine at full power, one device per outdoor temperature."""
    with Fleet(model="house", n=len(outdoor_degc), parameters=parameters) as fleet:
        fleet.inputs["temperature_outdoor_degc"][:] = outdoor_degc
        fleet.inputs["setpoint_heat_degc"][:] = setpoint_degc
        fleet.inputs["setpoint_cool_degc"][:] = 40.0
        fleet.step(0.0, 1.0)
        return fleet.outputs["heat_w"] / fleet.outputs["power_w"]


def _cop_error(which: str, error: Column) -> Measure:
    """The error of the largest magnitude, with its sign, in percent."""
    largest = float(error[np.abs(error).argmax()])
    return Measure(name=f"{which}largest error of the COP", value=largest, limit=5.0, unit="%")


def _cop_panel(title: str, ours: Column, theirs: Column) -> Panel:
    """The points of a table one after another, an hour apart for the diagram's axis of time."""
    return Panel(title=title, unit="1, a point an hour", step_s=3600.0, ours=ours, theirs=theirs)
