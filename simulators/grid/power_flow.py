"""Solves the unbalanced three-phase power flow of a pilot's feeders; the only importer of power_grid_model.

All feeders of a pilot are copies of one network, so one reduced network is solved for all of them as a batch in one
call. Loads draw constant power (load convention), everything is per phase "abc" and line-to-neutral. Iterative
current is the method: its matrix is factorised once, and every solution it gives meets Kirchhoff's current law to
rounding, so that head power, loads and losses, each computed on its own, agree. benchmarks/grid.py has the figures.

Refuses loads at unknown places or phases when built, and values that are not finite and feeders that have no
solution when solving.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from power_grid_model import (
    BranchSide,
    CalculationMethod,
    ComponentType,
    DatasetType,
    LoadGenType,
    PowerGridModel,
    WindingType,
    initialize_array,
)
from power_grid_model.errors import PowerGridBatchError, PowerGridError  # type: ignore[attr-defined]

from simulators.grid.reduction import Reduction, reduce_network
from twin.model.network import Network

Floats = NDArray[np.float64]

PHASES = "abc"
TOLERANCE_PU = 1e-12
"""Largest voltage change in the last iteration; relative to its loads, a step's energy balance closes about as well."""
MAX_ITERATIONS = 200
"""Each iteration shrinks the error by about the relative voltage drop: 10 are usual, 200 mean there is no solution."""

_SECTIONS_FROM_ID, _TRANSFORMERS_FROM_ID, _SOURCE_ID, _LOADS_FROM_ID = 1_000_000, 2_000_000, 3_000_000, 4_000_000
_OUTPUT = [ComponentType.node, ComponentType.line, ComponentType.transformer]


class GridError(RuntimeError):
    """Loads that the grid cannot take: a wrong place, a value that is not finite, or no power flow solution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPoint:
    """Where one home draws power: feeder index from 0, connection point, and those of its phases that the home uses."""

    feeder: int
    connection_point: str
    phases: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GridState:
    """The solved feeders. Power is positive from the grid into the homes; pu is of rated line-to-neutral voltage.

    Losses are those of lines and transformers, from the power entering and leaving each; head power is what leaves
    the node of the medium-voltage source. Line loading is the highest phase current over the rating; transformer
    loading the apparent powers of the three phases added up, on the side where they are larger, over the rating. Lowest
    and highest voltage are over the node phases where any home of the pilot connects, in every feeder alike.
    """

    home_voltage_v: Floats  # (n_homes,), line-to-neutral, mean of the home's phases
    home_voltage_pu: Floats  # (n_homes,)
    head_power_w: Floats  # (copies, 3)
    head_reactive_var: Floats  # (copies, 3)
    losses_w: Floats  # (copies,)
    transformer_loading: Floats  # (copies, n_transformers)
    line_loading_max: Floats  # (copies,)
    v_min_pu: Floats  # (copies,)
    v_max_pu: Floats  # (copies,)
    reduction: Reduction = field(repr=False)
    kept_voltage_pu: Floats = field(repr=False)  # (copies, n_kept, 3)
    kept_angle_rad: Floats = field(repr=False)  # (copies, n_kept, 3)
    section_current_a: Floats = field(repr=False)  # (copies, n_sections, 3)

    def node_voltage_pu(self, copy: int) -> Floats:
        """Line-to-neutral voltage of every node of the original network in feeder `copy`, (n_nodes, 3)."""
        kept = self.kept_voltage_pu[copy] * np.exp(1j * self.kept_angle_rad[copy])
        return np.abs(self.reduction.node_voltage(kept))

    def line_loading(self, copy: int) -> Floats:
        """Highest phase current over rating of every line of the original network in feeder `copy`, (n_lines,)."""
        current = self.reduction.line_current(self.section_current_a[copy])
        return np.asarray(current.max(axis=1) / self.reduction.line_i_max_a, dtype=np.float64)


class PowerFlow:
    """`copies` feeders of one network with homes at fixed places, solved again and again for new loads."""

    def __init__(self, *, network: Network, copies: int, loads: Sequence[LoadPoint], threads: int = 1) -> None:
        """Reduce the network to where `loads` are and prepare the model; homes are in the order of `loads`.

        With several copies, `threads` of them are solved side by side. Raises GridError for a load that has no place.
        """
        self._network, self._copies, self._loads = network, copies, tuple(loads)
        self._threading = -1 if threads == 1 else threads
        _check_places(network, copies, self._loads)
        loaded = {network.connection_point[load.connection_point].node for load in self._loads}
        self.reduction = reduce_network(network, loaded)
        self._index_homes()
        self._model = PowerGridModel(_model_input(network, self.reduction, self._loaded_kept), network.frequency_hz)
        self._update = initialize_array(
            DatasetType.update, ComponentType.asym_load, (copies, self._loaded_kept.size), empty=False
        )
        self._update["id"] = _LOADS_FROM_ID + np.arange(self._loaded_kept.size)
        self._no_lines = initialize_array(DatasetType.asym_output, ComponentType.line, (copies, 0))
        kept_ids = [network.nodes[node].id for node in self.reduction.kept]
        source = kept_ids.index(network.source.node)
        self._head_transformers = np.array(
            [unit.from_node == network.source.node for unit in network.transformers], dtype=np.bool_
        )
        self._head_from = np.flatnonzero(self.reduction.section_from == source)
        self._head_to = np.flatnonzero(self.reduction.section_to == source)

    def _index_homes(self) -> None:
        """Lay out (home, phase) pairs: where each adds its power and reads its voltage in the flattened arrays."""
        nodes, points = self._network.nodes, self._network.connection_point
        position = {nodes[node].id: kept for kept, node in enumerate(self.reduction.kept)}
        home_kept = np.array([position[points[load.connection_point].node] for load in self._loads])
        self._loaded_kept = np.unique(home_kept)
        slot = np.searchsorted(self._loaded_kept, home_kept)
        feeder = np.array([load.feeder for load in self._loads])
        pairs = [(home, PHASES.index(letter)) for home, load in enumerate(self._loads) for letter in load.phases]
        self._pair_home, phase = np.array(pairs).T
        self._pair_weight = 1.0 / np.array([len(load.phases) for load in self._loads])[self._pair_home]
        load_of_pair = feeder[self._pair_home] * self._loaded_kept.size + slot[self._pair_home]
        self._pair_load = load_of_pair * len(PHASES) + phase
        node_of_pair = feeder[self._pair_home] * self.reduction.kept.size + home_kept[self._pair_home]
        self._pair_voltage = node_of_pair * len(PHASES) + phase
        self._connected = np.unique(home_kept[self._pair_home] * len(PHASES) + phase)
        rated = np.array([nodes[node].u_rated_v for node in self.reduction.kept])
        self._home_base_v = rated[home_kept] / math.sqrt(3.0)

    def solve(self, p_w: Floats, q_var: Floats) -> GridState:
        """Solve for the homes' power, each (n_homes,), positive from the grid into the home.

        Raises GridError naming the home or the feeder when a value is not finite or no solution exists.
        """
        self._set_loads("p_specified", p_w)
        self._set_loads("q_specified", q_var)
        output = self._calculate(p_w, q_var)
        node, line, unit = (output.get(kind, self._no_lines).reshape(self._copies, -1) for kind in _OUTPUT)
        voltage = node["u_pu"]
        flat = voltage.reshape(-1)
        shares = flat[self._pair_voltage] * self._pair_weight
        home_pu = np.bincount(self._pair_home, weights=shares, minlength=len(self._loads)).astype(np.float64)
        connected = voltage.reshape(self._copies, -1)[:, self._connected]
        lost = (line["p_from"] + line["p_to"]).sum(axis=(1, 2)) + (unit["p_from"] + unit["p_to"]).sum(axis=(1, 2))
        return GridState(
            home_voltage_v=home_pu * self._home_base_v,
            home_voltage_pu=home_pu,
            head_power_w=self._head(line, unit, "p"),
            head_reactive_var=self._head(line, unit, "q"),
            losses_w=lost,
            transformer_loading=unit["loading"],
            line_loading_max=line["loading"].max(axis=1, initial=0.0),
            v_min_pu=connected.min(axis=1),
            v_max_pu=connected.max(axis=1),
            reduction=self.reduction,
            kept_voltage_pu=voltage,
            kept_angle_rad=node["u_angle"],
            section_current_a=line["i_from"],
        )

    def _set_loads(self, attribute: str, value: Floats) -> None:
        if value.shape != (len(self._loads),):
            raise GridError(f"{attribute} has shape {value.shape}, must be ({len(self._loads)},): one value per home")
        if not np.isfinite(value).all():  # the model would take NaN for "unchanged"
            home = int(np.flatnonzero(~np.isfinite(value))[0])
            raise GridError(f"{attribute} of home {home} at {self._loads[home]} is {value[home]}, must be finite")
        per_phase = np.bincount(
            self._pair_load,
            weights=value[self._pair_home] * self._pair_weight,
            minlength=self._update.size * len(PHASES),
        )
        self._update[attribute] = per_phase.reshape(*self._update.shape, len(PHASES))

    def _calculate(self, p_w: Floats, q_var: Floats) -> Any:  # noqa: ANN401 structured arrays by component
        options: dict[str, Any] = {
            "symmetric": False,
            "calculation_method": CalculationMethod.iterative_current,
            "error_tolerance": TOLERANCE_PU,
            "max_iterations": MAX_ITERATIONS,
            "output_component_types": _OUTPUT,
        }
        try:
            if self._copies == 1:  # saves what a batch of one costs
                self._model.update(update_data={ComponentType.asym_load: self._update[0]})
                return self._model.calculate_power_flow(**options)
            return self._model.calculate_power_flow(
                **options, update_data={ComponentType.asym_load: self._update}, threading=self._threading
            )
        except PowerGridBatchError as error:
            self._refuse([int(feeder) for feeder in error.failed_scenarios], p_w, q_var, error)
        except PowerGridError as error:
            self._refuse([0], p_w, q_var, error)

    def _refuse(self, feeders: list[int], p_w: Floats, q_var: Floats, error: PowerGridError) -> NoReturn:
        feeder = feeders[0]
        homes = np.flatnonzero([load.feeder == feeder for load in self._loads])
        largest = int(homes[np.argmax(np.hypot(p_w[homes], q_var[homes]))]) if homes.size else 0
        others = f" (and {len(feeders) - 1} more)" if len(feeders) > 1 else ""
        raise GridError(
            f"feeder {feeder}{others}: no power flow solution for {p_w[homes].sum():.6g} W and "
            f"{q_var[homes].sum():.6g} var in all; the largest load is home {largest} at {self._loads[largest]} "
            f"with {p_w[largest]:.6g} W and {q_var[largest]:.6g} var"
        ) from error

    def _head(self, line: NDArray[np.void], unit: NDArray[np.void], quantity: str) -> Floats:
        """Power leaving the source's node into transformers and medium-voltage sections, (copies, 3)."""
        head = unit[f"{quantity}_from"][:, self._head_transformers].sum(axis=1)
        if self._head_from.size or self._head_to.size:
            head += line[f"{quantity}_from"][:, self._head_from].sum(axis=1)
            head += line[f"{quantity}_to"][:, self._head_to].sum(axis=1)
        return np.asarray(head, dtype=np.float64)


def _check_places(network: Network, copies: int, loads: Sequence[LoadPoint]) -> None:
    if copies < 1 or not loads:
        raise GridError(f"{copies} feeders with {len(loads)} loads, must be at least 1 of each")
    for home, load in enumerate(loads):
        if not 0 <= load.feeder < copies:
            raise GridError(f"home {home} at {load}: feeder must be 0 to {copies - 1}")
        point = network.connection_point.get(load.connection_point)
        if point is None:
            raise GridError(f"home {home} at {load}: network {network.name!r} has no such connection point")
        if not load.phases or len(set(load.phases)) != len(load.phases) or not set(load.phases) <= set(point.phases):
            raise GridError(f"home {home} at {load}: phases must be some of {point.phases!r}, each once")


def _model_input(network: Network, reduction: Reduction, loaded_kept: NDArray[np.int64]) -> dict[ComponentType, Any]:
    """The reduced network as power_grid_model's input arrays; a node's id is its position among the kept nodes."""
    kept = {network.nodes[node].id: position for position, node in enumerate(reduction.kept)}

    def table(component: ComponentType, ids_from: int, size: int) -> Any:  # noqa: ANN401 structured array
        rows = initialize_array(DatasetType.input, component, size)
        rows["id"] = ids_from + np.arange(size)
        return rows

    node = table(ComponentType.node, 0, reduction.kept.size)
    node["u_rated"] = [network.nodes[index].u_rated_v for index in reduction.kept]

    line = table(ComponentType.line, _SECTIONS_FROM_ID, reduction.section_from.size)
    line["from_node"], line["to_node"] = reduction.section_from, reduction.section_to
    line["r1"], line["x1"] = reduction.z1_ohm.real, reduction.z1_ohm.imag
    line["r0"], line["x0"] = reduction.z0_ohm.real, reduction.z0_ohm.imag
    line["c1"] = line["tan1"] = line["c0"] = line["tan0"] = 0.0
    line["i_n"] = reduction.i_max_a

    units = network.transformers
    unit = table(ComponentType.transformer, _TRANSFORMERS_FROM_ID, len(units))
    unit["from_node"] = [kept[t.from_node] for t in units]
    unit["to_node"] = [kept[t.to_node] for t in units]
    unit["u1"], unit["u2"] = [t.u_hv_v for t in units], [t.u_lv_v for t in units]
    unit["sn"] = [t.s_rated_va for t in units]
    unit["uk"], unit["pk"] = [t.short_circuit_voltage_pu for t in units], [t.copper_loss_w for t in units]
    unit["i0"], unit["p0"] = [t.no_load_current_pu for t in units], [t.no_load_loss_w for t in units]
    unit["winding_from"], unit["winding_to"] = WindingType.delta, WindingType.wye_n
    unit["clock"] = [t.clock for t in units]
    unit["tap_side"] = BranchSide.from_side
    unit["tap_pos"] = unit["tap_min"] = unit["tap_max"] = unit["tap_nom"] = 0
    unit["tap_size"] = 0.0
    for branch in (line, unit):
        branch["from_status"] = branch["to_status"] = 1

    source = table(ComponentType.source, _SOURCE_ID, 1)
    source["node"], source["status"] = kept[network.source.node], 1
    source["u_ref"], source["sk"] = network.source.u_ref_pu, network.source.short_circuit_power_va
    source["rx_ratio"], source["z01_ratio"] = network.source.rx_ratio, 1.0  # delta windings pass no zero sequence

    load = table(ComponentType.asym_load, _LOADS_FROM_ID, loaded_kept.size)
    load["node"], load["status"], load["type"] = loaded_kept, 1, LoadGenType.const_power
    load["p_specified"] = load["q_specified"] = 0.0
    return {
        ComponentType.node: node,
        ComponentType.line: line,
        ComponentType.transformer: unit,
        ComponentType.source: source,
        ComponentType.asym_load: load,
    }
