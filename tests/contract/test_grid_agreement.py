"""The power flow agrees with OpenDSS and with unreduced power-grid-model at every node of the European LV feeder.

The bar of the project is 1e-6 pu; 1e-8 is held here, 1e-10 was seen. OpenDSS iterates to 1e-11, power-grid-model's
Newton-Raphson to 1e-9 (rounding on 907 nodes allows no more); neither sees our reduction.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from simulators.grid.power_flow import LoadPoint, PowerFlow
from tests.data.grid.references import FullModel, OpenDss, Solution
from twin.feeder import load_network
from twin.model.network import ConnectionPoint, Network

TOLERANCE_PU = 1e-8

Case = tuple[Network, list[LoadPoint], NDArray[np.float64], NDArray[np.float64]]


@cache
def feeder(phases: str | None = None) -> Network:
    """The shipped feeder, with the same `phases` brought to every connection point if given."""
    network = load_network("european-lv")
    if phases is None:
        return network
    points = tuple(ConnectionPoint(id=p.id, node=p.node, phases=phases) for p in network.connection_points)
    return Network(**{**vars(network), "name": f"european-lv-{phases}", "connection_points": points})


def everyone(network: Network) -> list[LoadPoint]:
    return [LoadPoint(feeder=0, connection_point=p.id, phases=p.phases) for p in network.connection_points]


def uneven() -> Case:
    """A winter evening: from 0.1 to 9 kW a home, all different."""
    rng = np.random.default_rng(1)
    network = feeder()
    return network, everyone(network), rng.uniform(100.0, 9000.0, 55), rng.uniform(-200.0, 1500.0, 55)


def export() -> Case:
    """A summer noon: most roofs feed back, inverters absorb reactive power."""
    rng = np.random.default_rng(2)
    network = feeder()
    return network, everyone(network), rng.uniform(-5000.0, 800.0, 55), rng.uniform(0.0, 1500.0, 55)


def three_phase() -> Case:
    """Every second home on three phases, the others on the one they had."""
    rng = np.random.default_rng(3)
    network = feeder("abc")
    loads = [
        LoadPoint(feeder=0, connection_point=point.id, phases="abc" if row % 2 else point.phases)
        for row, point in enumerate(feeder().connection_points)
    ]
    return network, loads, rng.uniform(-2000.0, 12000.0, 55), rng.uniform(-500.0, 500.0, 55)


def shared() -> Case:
    """A hundred homes at only nine connection points, on one, two or three phases."""
    rng = np.random.default_rng(4)
    network = feeder("abc")
    points = [f"LOAD{number}" for number in (1, 7, 15, 23, 31, 38, 44, 50, 55)]
    phases = ["a", "b", "c", "ab", "bc", "ac", "abc"]
    loads = [
        LoadPoint(feeder=0, connection_point=points[home % 9], phases=phases[home % len(phases)]) for home in range(100)
    ]
    return network, loads, rng.uniform(-1000.0, 3000.0, 100), rng.uniform(-100.0, 400.0, 100)


def one_end() -> Case:
    """One home alone at the far end, so nearly the whole feeder is dead branches and one long chain."""
    network = feeder()
    return network, [everyone(network)[-1]], np.array([7000.0]), np.array([1000.0])


CASES = [uneven, export, three_phase, shared, one_end]


@pytest.mark.parametrize("tool", [OpenDss, FullModel])
@pytest.mark.parametrize("case", CASES)
def test_every_node_has_the_voltage_that_other_tools_find(
    case: Callable[[], Case], tool: type[OpenDss] | type[FullModel]
) -> None:
    network, loads, p_w, q_var = case()
    reference: Solution = tool(network, loads).solve(p_w, q_var)
    state = PowerFlow(network=network, copies=1, loads=loads).solve(p_w, q_var)

    voltage = state.node_voltage_pu(0)
    assert voltage.shape == (907, 3)
    assert np.abs(voltage - reference.voltage_pu).max() < TOLERANCE_PU
    assert state.head_power_w[0] == pytest.approx(reference.head_power_w, abs=1e-8 * np.abs(p_w).sum())
    assert state.losses_w[0] == pytest.approx(reference.losses_w, rel=1e-7, abs=1e-4)


@pytest.mark.parametrize("tool", [OpenDss, FullModel])
@pytest.mark.parametrize("case", CASES)
def test_every_line_carries_the_current_that_other_tools_find(
    case: Callable[[], Case], tool: type[OpenDss] | type[FullModel]
) -> None:
    network, loads, p_w, q_var = case()
    reference: Solution = tool(network, loads).solve(p_w, q_var)
    state = PowerFlow(network=network, copies=1, loads=loads).solve(p_w, q_var)

    rating = np.array([line.i_max_a for line in network.lines])
    expected = reference.line_current_a.max(axis=1) / rating
    assert state.line_loading(0) == pytest.approx(expected, abs=1e-8)
    assert state.line_loading_max[0] == pytest.approx(expected.max(), rel=1e-6)
