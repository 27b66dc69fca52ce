"""The envelope beside OCHRE's dwellings: fitted on seven days, then open loop through three weeks it has not seen.

Only OCHRE's heat, weather and gains go in; its indoor temperature is never looked at again after the first week.
"""

from fmu.validate.comparison import Comparison, Measure, Panel, read, reference, rmse
from simulators.fleet.calibration import OPTIONAL, REQUIRED, fit_house, simulate

STEP_S = 900.0
WEEK = 7 * 96


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


def _open_loop(run: str, text: str) -> Comparison:
    read_run = read(f"thermal/ochre_house_{run}.csv")
    measured = {name: read_run[name] for name in (*REQUIRED, *OPTIONAL) if name in read_run}
    fit = fit_house({name: values[:WEEK] for name, values in measured.items()}, STEP_S)
    ours = simulate(fit.parameters, measured, STEP_S)[:, 0][WEEK:]
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
