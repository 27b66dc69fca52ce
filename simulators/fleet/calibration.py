"""Measured days of a house -> envelope parameters of its `house` model.

The envelope is identified as in Bacher and Madsen (2011), by the difference between measured and simulated indoor
temperature over the whole span (open loop), with typical values as a weak prior: what a week cannot tell stays typical
(maximum a posteriori). The simulation is the FMU itself; one fleet carries the present parameters and one device per
parameter that is a little off, so that one pass gives the residual and its derivatives.

Air, mass and slab are always there; ground whose temperature is not measured has the model's start value. Radiation on
the outer walls (`solar_wall_w`), where it is measured, gives them a node of their own. A week does not tell how warm
walls and slab were before it: they start near the steady state at its means.
Refused: measurements of different lengths, not finite, or too few to identify anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.fleet.fmu_fleet import Fleet

Column = NDArray[np.float64]

INDOOR = "temperature_indoor_degc"
OUTDOOR = "temperature_outdoor_degc"
HEAT = "heat_w"
WALL_SUN = "solar_wall_w"
GROUND = "temperature_ground_degc"
REQUIRED = (INDOOR, HEAT, OUTDOOR)
OPTIONAL = (
    "heat_gain_internal_w",
    "irradiance_global_w_m2",
    "solar_window_w",
    "solar_wall_w",
    "wind_speed_m_s",
    "temperature_ground_degc",
    "humidity_ratio_outdoor",
    "setpoint_heat_degc",
    "setpoint_cool_degc",
)

_SHORTEST_S = 2 * 86_400.0
_PRIOR_WEIGHT_K = 0.012  # RMSE that a parameter one deviation away from its typical value has to be worth
_DIFFERENCE = 1e-4  # change of an unknown for its derivative
_FARTHEST = 4.0  # deviations from typical: what lies beyond is no house, and may be outside the model's ranges
_ROUNDS = 60
_CONVERGED_K = 1e-6
_GIVE_UP_DAMPING = 1e8
_NO_CONDUCTANCE_K_PER_W = 1e6
_UNKNOWN_GROUND_DEGC = 10.0  # start value of the model's input

# Typical detached house and deviation of the logarithm.
_AIR_AND_MASS: Mapping[str, tuple[float, float]] = {
    "capacity_air_j_per_k": (4e6, 0.5),
    "capacity_mass_j_per_k": (1e7, 0.5),
    "resistance_air_mass_k_per_w": (1 / 500, 0.5),
    "resistance_air_outdoor_k_per_w": (1 / 20, 0.7),
}
_MASS_IS_THE_WALL = {"capacity_mass_j_per_k": (2e7, 0.5), "resistance_mass_outdoor_k_per_w": (1 / 70, 0.5)}
# Needs a measurement: its column, typical value, deviation. A slab may be all of the floor or hardly be there.
_PATHS: Mapping[str, tuple[str, float, float]] = {
    "infiltration_stack_w_per_k": ("temperature_outdoor_degc", 20.0, 0.7),
    "infiltration_wind_w_per_k": ("wind_speed_m_s", 10.0, 0.7),
    "airing_stack_w_per_k": ("setpoint_cool_degc", 30.0, 0.7),
    "airing_wind_w_per_k": ("setpoint_cool_degc", 30.0, 0.7),
    "aperture_air_m2": ("irradiance_global_w_m2", 2.0, 0.7),
    "aperture_mass_m2": ("irradiance_global_w_m2", 2.0, 0.7),
    "solar_window_air": ("solar_window_w", 0.2, 0.3),
    "solar_window_mass": ("solar_window_w", 0.65, 0.3),
    "capacity_wall_j_per_k": (WALL_SUN, 1e7, 0.5),
    "wall_mass_w_per_k": (WALL_SUN, 60.0, 0.7),
    "wall_outdoor_w_per_k": (WALL_SUN, 80.0, 0.7),
    "solar_wall": (WALL_SUN, 0.04, 0.5),
    "capacity_slab_j_per_k": (OUTDOOR, 4e7, 0.5),
    "slab_air_w_per_k": (OUTDOOR, 60.0, 1.3),
    "slab_ground_w_per_k": (OUTDOOR, 60.0, 1.0),
    "slab_outdoor_w_per_k": (OUTDOOR, 10.0, 1.0),
}
# Start above the air (mass) or above the steady state (wall, slab): column, typical value and deviation in kelvin.
_STARTS: Mapping[str, tuple[str, float, float]] = {
    "mass_start_offset_k": (OUTDOOR, -0.5, 1.0),
    "wall_start_offset_k": (WALL_SUN, 0.0, 1.0),
    "slab_start_offset_k": (OUTDOOR, 0.0, 0.5),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseFit:
    """Parameters for `Fleet(model="house", ...)`, and how far the temperature was off over the fitted span [K]."""

    parameters: dict[str, float]
    rmse_k: float


def fit_house(measured: Mapping[str, Column], step_s: float) -> HouseFit:
    """Fit the envelope on columns of equal steps of `step_s`; ValueError if they cannot be used.

    `heat_w` is the heat given to the air, mean over each step (negative cools); `temperature_indoor_degc` the air at
    the end of each step; the others are inputs of the house model, mean over each step. Give both setpoints if windows
    are opened in summer: they tell when. Give at least a week in which the temperature moves: with a constant indoor
    temperature nothing can be told about the capacities.
    """
    _require_usable(measured, step_s)
    names, typical, deviation = _unknowns(measured)
    x = typical.copy()
    weight = _PRIOR_WEIGHT_K * np.sqrt(len(measured[INDOOR]))
    damping = 1e-2
    cost, gradient, hessian = _normal_equations(names, x, typical, deviation, weight, measured, step_s)
    for _ in range(_ROUNDS):
        step = np.linalg.solve(hessian + damping * np.diag(np.diag(hessian)), -gradient)
        attempt = np.clip(
            x + np.clip(step, -1.0, 1.0), typical - _FARTHEST * deviation, typical + _FARTHEST * deviation
        )
        result = _normal_equations(names, attempt, typical, deviation, weight, measured, step_s)
        if result[0] < cost:
            gain_k = (np.sqrt(cost) - np.sqrt(result[0])) / np.sqrt(len(measured[INDOOR]))
            x, (cost, gradient, hessian) = attempt, result
            damping = max(damping / 5.0, 1e-9)
            if gain_k < _CONVERGED_K:
                break
        else:
            damping *= 5.0
            if damping > _GIVE_UP_DAMPING:
                break
    parameters = _parameters(names, x[:, None], measured)
    error = simulate(parameters, measured, step_s)[:, 0] - measured[INDOOR]
    chosen = {name: float(np.ravel(value)[0]) for name, value in parameters.items()}
    return HouseFit(parameters=chosen, rmse_k=float(np.sqrt(np.mean(error**2))))


def simulate(parameters: Mapping[str, Column | float], measured: Mapping[str, Column], step_s: float) -> Column:
    """Indoor temperature after each step with the measured heat, open loop; shape (steps, devices).

    It starts from the measured temperature at the end of the first step.
    """
    n = max(np.size(value) for value in parameters.values())
    seen = np.empty((len(measured[INDOOR]), n))
    seen[0] = measured[INDOOR][0]
    heat = measured[HEAT] + measured.get("heat_gain_internal_w", np.zeros_like(measured[HEAT]))
    driven = [name for name in (*OPTIONAL, OUTDOOR) if name in measured]
    with Fleet(model="house", n=n, parameters=parameters) as fleet:
        fleet.inputs["enabled"][:] = 0.0
        columns = [(fleet.inputs[name], measured[name]) for name in driven if name != "heat_gain_internal_w"]
        columns.append((fleet.inputs["heat_gain_internal_w"], heat))
        for k in range(1, len(seen)):
            for view, column in columns:
                view[:] = column[k]
            fleet.step(k * step_s, step_s)
            seen[k] = fleet.outputs[INDOOR]
    return seen


def _require_usable(measured: Mapping[str, Column], step_s: float) -> None:
    missing = [name for name in REQUIRED if name not in measured]
    unknown = sorted(measured.keys() - set(REQUIRED) - set(OPTIONAL))
    if missing or unknown:
        allowed = ", ".join((*REQUIRED, *OPTIONAL))
        raise ValueError(f"measurements: missing {missing}, unknown {unknown}, allowed: {allowed}")
    steps = len(measured[INDOOR])
    if not step_s > 0.0 or steps * step_s < _SHORTEST_S:
        raise ValueError(f"measurements: {steps} steps of {step_s} s, at least two days are needed")
    for name, column in measured.items():
        if column.shape != (steps,) or not np.isfinite(column).all():
            raise ValueError(f"{name}: must be {steps} finite values, has shape {column.shape}")


def _unknowns(measured: Mapping[str, Column]) -> tuple[list[str], Column, Column]:
    """Names, typical values and deviations of what is fitted: logarithms, and starts in kelvin."""
    chosen = dict(_AIR_AND_MASS) | ({} if WALL_SUN in measured else _MASS_IS_THE_WALL)
    chosen |= {name: (value, spread) for name, (column, value, spread) in _PATHS.items() if column in measured}
    starts = {name: (value, spread) for name, (column, value, spread) in _STARTS.items() if column in measured}
    typical = [*np.log([value for value, _ in chosen.values()]), *(value for value, _ in starts.values())]
    deviation = [spread for _, spread in (*chosen.values(), *starts.values())]
    return [*chosen, *starts], np.array(typical), np.array(deviation)


def _parameters(names: list[str], x: Column, measured: Mapping[str, Column]) -> dict[str, Column | float]:
    """Parameters of the model for unknowns of shape (unknowns, devices)."""
    found = {name: row if name in _STARTS else np.exp(row) for name, row in zip(names, x, strict=True)}
    values: dict[str, Column | float] = {"aperture_air_m2": 0.0, "aperture_mass_m2": 0.0, **found}
    start_degc = float(measured[INDOOR][0])
    values["temperature_start_degc"] = start_degc
    usual = {name: column.mean() for name, column in measured.items()}
    if WALL_SUN in measured:
        values["resistance_mass_outdoor_k_per_w"] = _NO_CONDUCTANCE_K_PER_W
        inner, outer = found["wall_mass_w_per_k"], found["wall_outdoor_w_per_k"]
        heat_w = inner * usual[INDOOR] + outer * usual[OUTDOOR] + found["solar_wall"] * usual[WALL_SUN]
        values["wall_start_offset_k"] = heat_w / (inner + outer) - start_degc + found["wall_start_offset_k"]
    inner, outer, below = (found[f"slab_{to}_w_per_k"] for to in ("air", "outdoor", "ground"))
    heat_w = inner * usual[INDOOR] + outer * usual[OUTDOOR] + below * usual.get(GROUND, _UNKNOWN_GROUND_DEGC)
    values["slab_start_offset_k"] = heat_w / (inner + outer + below) - start_degc + found["slab_start_offset_k"]
    return values


def _normal_equations(
    names: list[str],
    x: Column,
    typical: Column,
    deviation: Column,
    weight: float,
    measured: Mapping[str, Column],
    step_s: float,
) -> tuple[float, Column, Column]:
    """Cost, gradient and Gauss-Newton Hessian at x."""
    shifted = x[:, None] + np.hstack([np.zeros((len(x), 1)), _DIFFERENCE * np.eye(len(x))])
    seen = simulate(_parameters(names, shifted, measured), measured, step_s)
    error = seen[:, 0] - measured[INDOOR]
    slope = (seen[:, 1:] - seen[:, :1]) / _DIFFERENCE
    prior = weight * (x - typical) / deviation
    prior_slope = np.diag(weight / deviation)
    cost = float(error @ error + prior @ prior)
    return cost, slope.T @ error + prior_slope @ prior, slope.T @ slope + prior_slope @ prior_slope
