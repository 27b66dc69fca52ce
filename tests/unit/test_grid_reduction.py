"""The reduction on the shipped feeder and on the shapes that a plain tree does not have."""

from dataclasses import replace

import numpy as np
import pytest

from simulators.grid.reduction import DEAD, reduce_network
from tests.builders import small_network
from twin.feeder import load_network
from twin.model.network import Line, Network, Node


def with_branch(network: Network, *pairs: tuple[str, str]) -> Network:
    """Add lines like the first one, and low-voltage nodes where they name new ones."""
    model = network.lines[0]
    known = {node.id for node in network.nodes}
    new = dict.fromkeys(end for pair in pairs for end in pair if end not in known)
    lines = tuple(
        replace(model, id=f"extra{row}", from_node=one, to_node=other) for row, (one, other) in enumerate(pairs)
    )
    nodes = tuple(Node(id=name, u_rated_v=400.0, x_m=0.0, y_m=0.0) for name in new)
    return Network(**{**vars(network), "nodes": network.nodes + nodes, "lines": network.lines + lines})


def section_of(network: Network, line: str, loaded: set[str]) -> int:
    index = [row.id for row in network.lines].index(line)
    return int(reduce_network(network, loaded).line_section[index])


def test_the_european_feeder_shrinks_from_907_nodes_to_111() -> None:
    network = load_network("european-lv")
    reduction = reduce_network(network, {point.node for point in network.connection_points})
    assert reduction.kept.size == 111
    assert reduction.z1_ohm.size == 109
    assert reduction.node_from.size == 907
    total = sum(
        complex(line.r1_ohm, line.x1_ohm)
        for line, section in zip(network.lines, reduction.line_section, strict=True)
        if section != DEAD
    )
    assert reduction.z1_ohm.sum() == pytest.approx(total, rel=1e-12)


def test_a_dead_branch_has_the_voltage_of_where_it_hangs() -> None:
    network = with_branch(small_network(), ("n1", "stub"), ("stub", "end"))
    reduction = reduce_network(network, {"n2"})
    names = [node.id for node in network.nodes]
    voltage = np.array([[1.0, 1.0, 1.0], [0.99, 0.98, 1.0], [0.9, 0.95, 1.02]], dtype=np.complex128)
    assert [names[node] for node in reduction.kept] == ["mv", "lv", "n2"]
    all_nodes = dict(zip(names, reduction.node_voltage(voltage), strict=True))
    assert all_nodes["stub"] == pytest.approx(all_nodes["n1"])
    assert all_nodes["end"] == pytest.approx(all_nodes["n1"])
    assert all_nodes["n1"] == pytest.approx((all_nodes["lv"] + all_nodes["n2"]) / 2.0)
    assert section_of(network, "extra0", {"n2"}) == DEAD


def test_a_ring_with_one_way_in_is_dead() -> None:
    network = with_branch(small_network(), ("n2", "r1"), ("r1", "r2"), ("r2", "n2"))
    reduction = reduce_network(network, {"n2"})
    assert [section_of(network, f"extra{row}", {"n2"}) for row in range(3)] == [DEAD] * 3
    voltage = np.array([[1.0] * 3, [0.99] * 3, [0.9] * 3], dtype=np.complex128)
    assert reduction.node_voltage(voltage)[-1] == pytest.approx(0.9)


def test_two_cables_side_by_side_stay_two_sections() -> None:
    network = with_branch(small_network(), ("n1", "n2"))
    reduction = reduce_network(network, {"n2"})
    assert reduction.z1_ohm.size == 3
    assert section_of(network, "extra0", {"n2"}) != section_of(network, "n1-n2", {"n2"})


def test_along_merged_lines_of_unlike_ratio_the_voltage_falls_by_each_ones_own_phase_matrix() -> None:
    """The hand calculation: 3x3 phase matrices, one current through both lines, unlike r0/r1."""
    network = small_network()
    first, second = network.lines
    unlike: Line = replace(second, r1_ohm=0.004, x1_ohm=0.002, r0_ohm=0.09, x0_ohm=0.001)
    reduction = reduce_network(Network(**{**vars(network), "lines": (first, unlike)}), {"n2"})

    def matrix(line: Line) -> np.ndarray[tuple[int, int], np.dtype[np.complex128]]:
        z1, z0 = complex(line.r1_ohm, line.x1_ohm), complex(line.r0_ohm, line.x0_ohm)
        return z1 * np.eye(3) + (z0 - z1) / 3.0 * np.ones((3, 3))

    current = np.array([30.0, 5.0 - 40.0j, -12.0 + 3.0j])
    start = 230.0 * np.exp(-2j * np.pi / 3.0 * np.arange(3))
    middle = start - matrix(first) @ current
    end = middle - matrix(unlike) @ current
    recovered = reduction.node_voltage(np.array([start, start, end]))
    assert recovered[2] == pytest.approx(middle, rel=1e-13)
    assert reduction.line_current(np.abs(current)[None, :]) == pytest.approx(np.abs([current, current]))
