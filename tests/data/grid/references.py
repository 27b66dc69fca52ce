"""Independent solutions of a network to hold the power flow against: OpenDSS, and power-grid-model on all nodes.

Both take the rows of a Network as they are, without reduction, with one load per home and phase and without merging the
homes at one connection point. Voltages come back as (n_nodes, 3) magnitudes in pu, line-to-neutral.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from dss import DSS
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

from simulators.grid.power_flow import LoadPoint
from twin.model.network import Network

Floats = NDArray[np.float64]
Output = dict[ComponentType, NDArray[np.void]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Solution:
    """What a reference tool says of one feeder."""

    voltage_pu: Floats  # (n_nodes, 3)
    head_power_w: Floats  # (3,)
    losses_w: float
    line_current_a: Floats  # (n_lines, 3)


class OpenDss:
    """One feeder in OpenDSS. There is one circuit per process, so a new one replaces the last."""

    def __init__(self, network: Network, loads: Sequence[LoadPoint]) -> None:
        self.network = network
        self.node = {node.id: f"n{row}" for row, node in enumerate(network.nodes)}
        rated = {node.id: node.u_rated_v for node in network.nodes}
        self._run("clear", f"set defaultbasefrequency={network.frequency_hz}")
        self._add_source(rated[network.source.node])
        for row, unit in enumerate(network.transformers):
            reactance = math.sqrt(unit.short_circuit_voltage_pu**2 - (unit.copper_loss_w / unit.s_rated_va) ** 2)
            resistance = 100.0 * unit.copper_loss_w / unit.s_rated_va / 2.0
            iron = 100.0 * unit.no_load_loss_w / unit.s_rated_va
            kvs, kva = f"{unit.u_hv_v / 1e3!r} {unit.u_lv_v / 1e3!r}", f"{unit.s_rated_va / 1e3!r}"
            self._run(
                f"new transformer.t{row} windings=2 phases=3 conns=[delta wye] leadlag={_leadlag(unit.clock)} "
                f"buses=[{self.node[unit.from_node]} {self.node[unit.to_node]}] "
                f"kvs=[{kvs}] kvas=[{kva} {kva}] "
                f"xhl={100.0 * reactance!r} %rs=[{resistance!r} {resistance!r}] "
                f"%noloadloss={iron!r} %imag=0 ppm_antifloat=0"
            )
        for row, line in enumerate(network.lines):
            self._run(
                f"new line.l{row} phases=3 bus1={self.node[line.from_node]} bus2={self.node[line.to_node]} length=1 "
                f"r1={line.r1_ohm!r} x1={line.x1_ohm!r} r0={line.r0_ohm!r} x0={line.x0_ohm!r} c1=0 c0=0"
            )
        self.phases = [len(load.phases) for load in loads]
        for home, load in enumerate(loads):
            node = network.connection_point[load.connection_point].node
            for letter in load.phases:
                self._run(
                    f"new load.h{home}_{letter} phases=1 bus1={self.node[node]}.{'abc'.index(letter) + 1} "
                    f"kv={rated[node] / math.sqrt(3.0) / 1e3!r} kw=0 kvar=0 model=1 vminpu=0.1 vmaxpu=9"
                )
        bases = " ".join(f"{volt / 1e3!r}" for volt in sorted(set(rated.values())))
        self._run(f"set voltagebases=[{bases}]", "calcvoltagebases")
        self._run("set tolerance=1e-11", "set maxiterations=500")

    def _add_source(self, rated_v: float) -> None:
        source = self.network.source
        impedance = rated_v**2 / source.short_circuit_power_va
        x = impedance / math.hypot(1.0, source.rx_ratio)
        r = x * source.rx_ratio
        self._run(
            f"new circuit.reference basekv={rated_v / 1e3!r} pu={source.u_ref_pu!r} phases=3 "
            f"bus1={self.node[source.node]} r1={r!r} x1={x!r} r0={r!r} x0={x!r}"
        )

    @staticmethod
    def _run(*commands: str) -> None:
        for command in commands:
            DSS.Text.Command = command

    def set_loads(self, p_w: Floats, q_var: Floats) -> None:
        """Power per home in load convention; loads were added home by home, phase by phase."""
        loads = DSS.ActiveCircuit.Loads
        more = loads.First
        for count, p, q in zip(self.phases, p_w, q_var, strict=True):
            for _ in range(count):
                loads.kW = p / 1e3 / count
                loads.kvar = q / 1e3 / count
                more = loads.Next
        assert not more

    def solve_voltages(self, p_w: Floats, q_var: Floats) -> Floats:
        """Solve and read the node voltages as OpenDSS orders them."""
        self.set_loads(p_w, q_var)
        circuit = DSS.ActiveCircuit
        circuit.Solution.Solve()
        assert circuit.Solution.Converged
        return np.asarray(circuit.AllBusVmagPu, dtype=np.float64)

    def solve(self, p_w: Floats, q_var: Floats) -> Solution:
        """Solve and read everything back."""
        flat = self.solve_voltages(p_w, q_var)
        circuit = DSS.ActiveCircuit
        voltage = np.full((len(self.network.nodes), 3), np.nan)
        for name, value in zip(circuit.AllNodeNames, flat, strict=True):
            bus, phase = name.split(".")
            voltage[int(bus[1:]), int(phase) - 1] = value
        circuit.SetActiveElement("vsource.source")
        head = -np.array(circuit.ActiveElement.Powers).reshape(-1, 2)[:3, 0] * 1e3
        current = np.empty((len(self.network.lines), 3))
        for row in range(len(self.network.lines)):
            circuit.SetActiveElement(f"line.l{row}")
            current[row] = np.array(circuit.ActiveElement.CurrentsMagAng).reshape(-1, 2)[:3, 0]
        losses = float(circuit.Losses[0])
        return Solution(voltage_pu=voltage, head_power_w=head, losses_w=losses, line_current_a=current)


def _leadlag(clock: int) -> str:
    """OpenDSS knows two delta-star groups: the low-voltage side 30 degrees behind (Dyn1) or ahead (Dyn11)."""
    return {1: "lag", 11: "lead"}[clock]


class FullModel:
    """One feeder in power-grid-model, every node and line as it stands, by Newton-Raphson."""

    def __init__(self, network: Network, loads: Sequence[LoadPoint], copies: int = 1) -> None:
        self.network, self.loads, self.copies = network, loads, copies
        index = {node.id: row for row, node in enumerate(network.nodes)}
        n_nodes, n_lines = len(network.nodes), len(network.lines)
        node = initialize_array(DatasetType.input, ComponentType.node, n_nodes)
        node["id"], node["u_rated"] = np.arange(n_nodes), [row.u_rated_v for row in network.nodes]
        line = initialize_array(DatasetType.input, ComponentType.line, n_lines)
        line["id"] = n_nodes + np.arange(n_lines)
        line["from_node"] = [index[row.from_node] for row in network.lines]
        line["to_node"] = [index[row.to_node] for row in network.lines]
        line["r1"], line["x1"] = [r.r1_ohm for r in network.lines], [r.x1_ohm for r in network.lines]
        line["r0"], line["x0"] = [r.r0_ohm for r in network.lines], [r.x0_ohm for r in network.lines]
        line["c1"] = line["tan1"] = line["c0"] = line["tan0"] = 0.0
        unit = initialize_array(DatasetType.input, ComponentType.transformer, len(network.transformers))
        for row, rated in enumerate(network.transformers):
            unit[row]["id"] = n_nodes + n_lines + row
            unit[row]["from_node"], unit[row]["to_node"] = index[rated.from_node], index[rated.to_node]
            unit[row]["u1"], unit[row]["u2"], unit[row]["sn"] = rated.u_hv_v, rated.u_lv_v, rated.s_rated_va
            unit[row]["uk"], unit[row]["pk"] = rated.short_circuit_voltage_pu, rated.copper_loss_w
            unit[row]["i0"], unit[row]["p0"] = rated.no_load_current_pu, rated.no_load_loss_w
            unit[row]["clock"] = rated.clock
        unit["winding_from"], unit["winding_to"] = WindingType.delta, WindingType.wye_n
        unit["tap_side"], unit["tap_size"] = BranchSide.from_side, 0.0
        unit["tap_pos"] = unit["tap_min"] = unit["tap_max"] = 0
        for branch in (line, unit):
            branch["from_status"] = branch["to_status"] = 1
        source = initialize_array(DatasetType.input, ComponentType.source, 1)
        source["id"], source["node"], source["status"] = 10_000_000, index[network.source.node], 1
        source["u_ref"], source["sk"] = network.source.u_ref_pu, network.source.short_circuit_power_va
        source["rx_ratio"] = network.source.rx_ratio
        load = initialize_array(DatasetType.input, ComponentType.asym_load, len(loads))
        load["id"] = 20_000_000 + np.arange(len(loads))
        load["node"] = [index[network.connection_point[home.connection_point].node] for home in loads]
        load["status"], load["type"] = 1, LoadGenType.const_power
        load["p_specified"] = load["q_specified"] = 0.0
        self.model = PowerGridModel(
            {
                ComponentType.node: node,
                ComponentType.line: line,
                ComponentType.transformer: unit,
                ComponentType.source: source,
                ComponentType.asym_load: load,
            },
            network.frequency_hz,
        )
        self.share = np.array([[(x in home.phases) / len(home.phases) for x in "abc"] for home in loads])
        self.update = initialize_array(DatasetType.update, ComponentType.asym_load, (copies, len(loads)))
        self.update["id"] = load["id"]

    def calculate(self, p_w: Floats, q_var: Floats) -> Output:
        """One batch over all copies with p and q of (copies, n_loads); gives the raw output arrays."""
        return self._calculate(p_w, q_var, CalculationMethod.newton_raphson)

    def calculate_iterative(self, p_w: Floats, q_var: Floats) -> Output:
        """The same by iterative current, the faster method."""
        return self._calculate(p_w, q_var, CalculationMethod.iterative_current)

    def _calculate(self, p_w: Floats, q_var: Floats, method: CalculationMethod) -> Output:
        self.update["p_specified"] = p_w.reshape(self.copies, -1, 1) * self.share
        self.update["q_specified"] = q_var.reshape(self.copies, -1, 1) * self.share
        output: Output = self.model.calculate_power_flow(
            symmetric=False,
            calculation_method=method,
            error_tolerance=1e-9,
            update_data={ComponentType.asym_load: self.update},
            output_component_types=[ComponentType.node, ComponentType.line, ComponentType.source],
        )
        return output

    def solve(self, p_w: Floats, q_var: Floats) -> Solution:
        """Solve a single copy."""
        output = self.calculate(p_w, q_var)
        head = np.asarray(output[ComponentType.source]["p"][0, 0], dtype=np.float64)
        return Solution(
            voltage_pu=np.asarray(output[ComponentType.node]["u_pu"][0], dtype=np.float64),
            head_power_w=head,
            losses_w=float(head.sum() - p_w.sum()),
            line_current_a=np.asarray(output[ComponentType.line]["i_from"][0], dtype=np.float64),
        )
