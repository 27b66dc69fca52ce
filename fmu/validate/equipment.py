"""What a house's equipment does with its ducts, coil and ice: found in a week of measured heat and electricity.

Capacities stand on the nameplate. The rated COP, the share that the ducts deliver, the sensible share of the cold and
the time for defrost do not: they are fitted on the house's own heat and electricity while the FMU lives through the
week with its thermostat, by Gauss-Newton with typical values as a weak prior (maximum a posteriori). One fleet carries
the present values and one device per value that is a little off. Refuses a run without heat or cold in its first week.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from fmu.validate.comparison import Column, excess, read, rmse
from simulators.fleet.calibration import OPTIONAL, REQUIRED, HouseFit, fit_house
from simulators.fleet.fmu_fleet import Fleet

STEP_S = 900.0
STEPS_PER_HOUR = 4
WEEK = 7 * 96  # steps that fits see
HEAT_FROM_DEGC = 10.0  # setpoints of the other season in OCHRE's runs
COOL_FROM_DEGC = 30.0
OUTPUTS = ("temperature_indoor_degc", "heat_w", "power_w")

_PRIOR_WEIGHT = 0.1  # an hour's error of a machine that switches is mostly a matter of when its cycles fall
_DIFFERENCE = 0.02  # of a deviation
_ROUNDS = 8
_ENERGY_ROUNDS = 3
_FURTHEST = 2.0  # deviations per round
_CUT_OUT_DEGC = -17.8  # OCHRE's heat pumps rest below

# What stands on the nameplates of OCHRE's houses.
_UP11 = {"heat_capacity_w": 9185.0, "cool_capacity_w": 9185.0, "backup_power_w": 11_700.0}
_BEOPT = {"heat_capacity_w": 20_900.0, "cool_capacity_w": 20_900.0, "backup_power_w": 11_015.0}
_CRANKCASE = {"crankcase_w": 50.0}  # counted with the cooling, in summer only
# In steps of 5 minutes OCHRE's equipment gives exactly what holds the setpoint; in steps of 1 minute it switches, in
# a deadband of 1 K that reaches 0.8 K to the mild side of the setpoint.
_MODULATING = {
    "modulation_min": 0.0,
    "deadband_k": 0.1,
    "backup_below_k": 0.0,
    "minimum_on_s": 0.0,
    "minimum_off_s": 0.0,
    "part_load_loss_heat": 0.2,
    "part_load_loss_cool": 0.07,
}
_SWITCHING = {
    "deadband_k": 1.0,
    "backup_below_k": 0.8,
    "backup_lockout_degc": 4.44,
    "minimum_on_s": 0.0,
    "minimum_off_s": 0.0,
}
_MILDER_K = 0.3
_LEAST_STEPS = 7 * STEPS_PER_HOUR  # with heat or cold: an hour a day
_PART_LOAD = 0.5  # of the strongest heat seen: the machine does not run at its limit


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unknown:
    """One value to find: typical value, deviation (of the logarithm for a COP) and allowed range."""

    name: str
    typical: float
    deviation: float
    low: float
    high: float


_DUCTS = _Unknown(name="distribution_efficiency", typical=0.85, deviation=0.05, low=0.5, high=1.0)
_HEATING = (
    _Unknown(name="heat_cop", typical=3.0, deviation=0.3, low=1.0, high=10.0),
    _DUCTS,
    _Unknown(name="defrost_time_share", typical=0.04, deviation=0.03, low=0.0, high=0.3),
)
# Rated sensible share of single-speed machines (Cutler et al. 2013). A coil is dry, its sensible share 1, at some 12 K
# of wet-bulb depression: (1 - 0.73) / (12 K - 7.3 K) = 0.057 per K.
_COOLING = (
    _Unknown(name="cool_cop", typical=3.5, deviation=0.3, low=1.0, high=10.0),
    _DUCTS,
    _Unknown(name="sensible_heat_ratio", typical=0.73, deviation=0.05, low=0.3, high=1.0),
    _Unknown(name="sensible_heat_ratio_slope", typical=0.057, deviation=0.015, low=0.0, high=0.2),
)


def heats(run: Mapping[str, Column]) -> bool:
    """Whether the run is one of the heating season."""
    return bool(run["power_heat_w"].sum() > run["power_cool_w"].sum())


def electricity(run: Mapping[str, Column]) -> Column:
    """Electricity of the season's equipment [W]."""
    return run["power_heat_w"] if heats(run) else run["power_cool_w"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A house that heats or cools itself beside OCHRE's: percent and kelvin over the weeks that no fit has seen."""

    heat_excess: float
    electricity_excess: float
    rmse_k: float
    ours: dict[str, Column]


@cache
def ochre_run(name: str) -> dict[str, Column]:
    """OCHRE's run `name`, a file of tests/data/fmu/thermal."""
    return read(f"thermal/{name}.csv")


@cache
def fitted(name: str) -> HouseFit:
    """The envelope as the first week of OCHRE's run `name` shows it; found once per process."""
    seen = {column: values[:WEEK] for column, values in envelope_columns(ochre_run(name)).items()}
    return fit_house(seen, STEP_S)


@cache
def live_unseen(name: str) -> Life:
    """Envelope and equipment fitted on the first week of OCHRE's run `name`, then the rest lived; once per process."""
    run = ochre_run(name)
    if np.count_nonzero(run["heat_w"][:WEEK]) < _LEAST_STEPS:
        raise ValueError(f"{name}: hardly any heat or cold in the first week, nothing tells about the equipment")
    thermostat = name.endswith("thermostat")
    plate = (_BEOPT if "beopt" in name else _UP11) | ({} if heats(run) else _CRANKCASE)
    known = fitted(name).parameters | plate | (_SWITCHING if thermostat else _MODULATING)
    milder_k = _MILDER_K if thermostat else _held_beside_k(run)
    found = fit_equipment(run, known, steps=WEEK, milder_k=milder_k)
    lived = live(run, known | found, steps=len(run["heat_w"]), milder_k=milder_k)
    ours = {output: column[WEEK:, 0] for output, column in lived.items()}
    return Life(
        heat_excess=excess(np.abs(ours["heat_w"]), np.abs(run["heat_w"][WEEK:])),
        electricity_excess=excess(ours["power_w"], electricity(run)[WEEK:]),
        rmse_k=rmse(ours["temperature_indoor_degc"], run["temperature_indoor_degc"][WEEK:]),
        ours=ours,
    )


def _held_beside_k(run: Mapping[str, Column]) -> float:
    """How far on the mild side of the setpoint the air was held in the first week [K], each step by its heat.

    OCHRE's thermostat does not reckon with what else warms the rooms in a step: it holds them a little too warm.
    """
    heat_w, setpoint_degc = np.abs(run["heat_w"][:WEEK]), run["setpoint_degc"][:WEEK]
    unchanged = np.diff(setpoint_degc, prepend=np.nan) == 0.0
    held = unchanged & (heat_w > 0.0) & (heat_w < _PART_LOAD * heat_w.max())
    if not held.any():
        return 0.0
    warmer_k = np.average(run["temperature_indoor_degc"][:WEEK][held] - setpoint_degc[held], weights=heat_w[held])
    return float(-warmer_k if heats(run) else warmer_k)


def envelope_columns(run: Mapping[str, Column]) -> dict[str, Column]:
    """What the envelope is fitted on. The setpoints tell in the cooling season when windows are open."""
    columns = {name: run[name] for name in (*REQUIRED, *OPTIONAL) if name in run}
    if not heats(run):
        columns["setpoint_heat_degc"] = np.full_like(run["setpoint_degc"], HEAT_FROM_DEGC)
        columns["setpoint_cool_degc"] = run["setpoint_degc"]
    return columns


def live(
    run: Mapping[str, Column], parameters: Mapping[str, Column | float], *, steps: int, milder_k: float = 0.0
) -> dict[str, Column]:
    """The house with its own thermostat and equipment through the first steps of a run; shape (steps, devices).

    `milder_k` moves the setpoints outwards, for thermostats whose deadband does not lie around the setpoint.
    """
    n = max(np.size(value) for value in parameters.values())
    driven = [
        name for name in (*OPTIONAL, "temperature_outdoor_degc", "temperature_wet_bulb_indoor_degc") if name in run
    ]
    seen = {name: np.empty((steps, n)) for name in OUTPUTS}
    winter = heats(run)
    with Fleet(model="house", n=n, parameters={"temperature_cutout_degc": _CUT_OUT_DEGC} | dict(parameters)) as fleet:
        for k in range(steps):
            for name in driven:
                fleet.inputs[name][:] = run[name][k]
            setpoint_degc = run["setpoint_degc"][k]
            fleet.inputs["setpoint_heat_degc"][:] = setpoint_degc - milder_k if winter else HEAT_FROM_DEGC
            fleet.inputs["setpoint_cool_degc"][:] = COOL_FROM_DEGC if winter else setpoint_degc + milder_k
            fleet.step(k * STEP_S, STEP_S)
            for name, column in seen.items():
                column[k] = fleet.outputs[name]
    return seen


def fit_equipment(
    run: Mapping[str, Column], known: Mapping[str, float], *, steps: int, milder_k: float = 0.0
) -> dict[str, float]:
    """The unknown values from the first steps of a run; `known` are envelope, nameplate and control.

    Looked at are means over an hour of heat and electricity. In the end the COP is set so that the electricity per heat
    of these steps is met.
    """
    unknowns = _HEATING if heats(run) else _COOLING
    typical = np.array([np.log(u.typical) if u.name.endswith("cop") else u.typical for u in unknowns])
    deviation = np.array([u.deviation for u in unknowns])
    measured = {"power_w": _hourly(electricity(run), steps), "heat_w": _hourly(run["heat_w"], steps)}

    def values(x: Column) -> dict[str, Column | float]:
        return {
            u.name: np.clip(np.exp(row) if u.name.endswith("cop") else row, u.low, u.high)
            for u, row in zip(unknowns, x, strict=True)
        }

    def normal_equations(x: Column) -> tuple[float, Column, Column]:
        devices = x[:, None] + np.hstack([np.zeros((len(x), 1)), np.diag(_DIFFERENCE * deviation)])
        seen = live(run, dict(known) | values(devices), steps=steps, milder_k=milder_k)
        error = np.vstack([(_hourly(seen[name], steps) - m) / m.std() for name, m in measured.items()])
        error /= np.sqrt(len(error))
        slope = (error[:, 1:] - error[:, :1]) / (_DIFFERENCE * deviation)
        prior, prior_slope = _PRIOR_WEIGHT * (x - typical) / deviation, np.diag(_PRIOR_WEIGHT / deviation)
        cost = float(error[:, 0] @ error[:, 0] + prior @ prior)
        gradient = slope.T @ error[:, 0] + prior_slope @ prior
        return cost, gradient, slope.T @ slope + prior_slope @ prior_slope

    x, damping = typical, 1e-2
    cost, gradient, hessian = normal_equations(x)
    for _ in range(_ROUNDS):
        step = np.linalg.solve(hessian + damping * np.diag(np.diag(hessian)), -gradient)
        attempt = x + np.clip(step, -_FURTHEST * deviation, _FURTHEST * deviation)
        result = normal_equations(attempt)
        damping *= 0.2 if result[0] < cost else 5.0
        if result[0] < cost:
            x, (cost, gradient, hessian) = attempt, result
    found = {name: float(np.ravel(value)[0]) for name, value in values(x[:, None]).items()}
    cop = unknowns[0].name
    specific = electricity(run)[:steps].sum() / np.abs(run["heat_w"][:steps]).sum()
    for _ in range(_ENERGY_ROUNDS):
        seen = live(run, dict(known) | found, steps=steps, milder_k=milder_k)
        found[cop] *= float(seen["power_w"].sum() / np.abs(seen["heat_w"]).sum() / specific)
    return found


def _hourly(column: Column, steps: int) -> Column:
    """Means over hours, shape (hours, devices)."""
    hours: Column = column[:steps].reshape(steps // STEPS_PER_HOUR, STEPS_PER_HOUR, -1).mean(axis=1)
    return hours
