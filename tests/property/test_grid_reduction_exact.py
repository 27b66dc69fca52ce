"""Whatever the network looks like, reduction is exact: every node and line is as if nothing had been left out.

Networks are random: trees and meshes, with dead branches, rings, parallel lines and a different r0/r1 on every line.
The reference is power-grid-model on all nodes; 1e-9 pu is what its Newton-Raphson is iterated to.
"""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulators.grid.power_flow import LoadPoint, PowerFlow
from simulators.grid.reduction import DEAD, reduce_network
from tests.data.grid.references import FullModel
from twin.feeder import check_network
from twin.model.network import ConnectionPoint, Line, Network, Node, Source, Transformer

TOLERANCE_PU = 1e-8


def line(number: int, from_node: str, to_node: str, rng: np.random.Generator) -> Line:
    length_m = float(rng.uniform(0.5, 60.0))
    r1, x1, r0, x0 = (float(ohm) for ohm in rng.uniform([1e-4, 5e-5, 1e-4, 5e-5], [9e-4, 1e-4, 4e-3, 4e-4]) * length_m)
    return Line(
        id=f"l{number}",
        from_node=from_node,
        to_node=to_node,
        length_m=length_m,
        r1_ohm=r1,
        x1_ohm=x1,
        r0_ohm=r0,
        x0_ohm=x0,
        i_max_a=float(rng.uniform(50.0, 400.0)),
    )


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """A tree of up to 25 nodes whose parents are drawn near (long chains) or far (many forks), plus a few loops."""
    size = draw(st.integers(2, 25))
    parents = [
        draw(st.integers(max(0, child - draw(st.sampled_from([1, 2, 25]))), child - 1)) for child in range(1, size)
    ]
    pairs = [(parent, child) for child, parent in enumerate(parents, start=1)]
    for _ in range(draw(st.integers(0, 3))):
        one, other = draw(st.integers(0, size - 1)), draw(st.integers(0, size - 1))
        if one != other:
            pairs.append((one, other))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    turned = [pair if rng.random() < 0.5 else pair[::-1] for pair in pairs]
    lines = [line(number, f"n{one}", f"n{other}", rng) for number, (one, other) in enumerate(turned)]
    points = draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=6))
    return Network(
        name="random",
        origin="drawn by a test",
        frequency_hz=50.0,
        nodes=(
            Node(id="mv", u_rated_v=10e3, x_m=0.0, y_m=0.0),
            *(Node(id=f"n{number}", u_rated_v=400.0, x_m=float(number), y_m=0.0) for number in range(size)),
        ),
        lines=tuple(lines),
        transformers=(
            Transformer(
                id="tx",
                from_node="mv",
                to_node=f"n{draw(st.integers(0, size - 1))}",
                s_rated_va=250e3,
                u_hv_v=10e3,
                u_lv_v=400.0,
                short_circuit_voltage_pu=0.04,
                copper_loss_w=3e3,
                no_load_current_pu=0.01,
                no_load_loss_w=400.0,
                clock=draw(st.sampled_from([1, 5, 11])),
            ),
        ),
        source=Source(node="mv", u_ref_pu=1.02, short_circuit_power_va=100e6, rx_ratio=0.2),
        connection_points=tuple(
            ConnectionPoint(
                id=f"cp{number}", node=f"n{node}", phases=draw(st.sampled_from(["a", "b", "c", "ab", "bc", "abc"]))
            )
            for number, node in enumerate(points)
        ),
    )


@given(network=networks(), seed=st.integers(0, 2**32 - 1))
def test_every_node_and_line_of_a_random_network_is_recovered(network: Network, seed: int) -> None:
    check_network(network)
    rng = np.random.default_rng(seed)
    loads = [LoadPoint(feeder=0, connection_point=p.id, phases=p.phases) for p in network.connection_points]
    p_w, q_var = rng.uniform(-3e3, 3e3, len(loads)), rng.uniform(-500.0, 500.0, len(loads))
    full = FullModel(network, loads).solve(p_w, q_var)
    state = PowerFlow(network=network, copies=1, loads=loads).solve(p_w, q_var)

    assert np.abs(state.node_voltage_pu(0) - full.voltage_pu).max() < TOLERANCE_PU
    rating = np.array([section.i_max_a for section in network.lines])
    assert np.abs(state.line_loading(0) * rating - full.line_current_a.max(axis=1)).max() < 1e-3
    assert np.isclose(state.line_loading_max[0], state.line_loading(0).max(), rtol=1e-9, atol=1e-9)
    assert np.isclose(state.head_power_w.sum(), p_w.sum() + state.losses_w[0], rtol=1e-9, atol=1e-5)


@given(network=networks())
def test_nothing_that_carries_nothing_is_left(network: Network) -> None:
    loaded = {point.node for point in network.connection_points}
    reduction = reduce_network(network, loaded)
    fixed = loaded | {"mv", network.transformers[0].to_node}
    ends = np.concatenate([reduction.section_from, reduction.section_to])
    is_tree = len(network.lines) == len(network.nodes) - 2  # a dead ring may leave the stem it hangs on
    for position, node in enumerate(reduction.kept):
        if is_tree and network.nodes[node].id not in fixed:
            assert np.count_nonzero(ends == position) > 2, "an unloaded node is left that is no fork"
    live = reduction.line_section != DEAD
    assert sorted(set(reduction.line_section[live])) == list(range(reduction.z1_ohm.size))
    for section in range(reduction.z1_ohm.size):
        merged = [row for at, row in zip(reduction.line_section, network.lines, strict=True) if at == section]
        assert np.isclose(reduction.z1_ohm[section], sum(complex(row.r1_ohm, row.x1_ohm) for row in merged))
        assert np.isclose(reduction.z0_ohm[section], sum(complex(row.r0_ohm, row.x0_ohm) for row in merged))
        assert reduction.i_max_a[section] == min(row.i_max_a for row in merged)
