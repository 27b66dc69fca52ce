"""What a pilot's homes see of the grid: voltages, losses and loading, for any mix of phases, places and feeders."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from simulators.grid.power_flow import GridError, GridState, LoadPoint, PowerFlow
from tests.builders import small_network
from twin.feeder import load_network
from twin.model.network import Network


def homes_on(network: Network, copies: int = 1) -> list[LoadPoint]:
    return [
        LoadPoint(feeder=feeder, connection_point=point.id, phases=point.phases)
        for feeder in range(copies)
        for point in network.connection_points
    ]


def three_phase_network() -> Network:
    network = small_network(3)
    points = tuple(replace(point, phases="abc") for point in network.connection_points)
    return Network(**{**vars(network), "connection_points": points})


def watts(*values: float) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)


def test_load_pulls_the_voltage_down_and_export_pushes_it_up() -> None:
    network = small_network(3)
    grid = PowerFlow(network=network, copies=1, loads=homes_on(network))
    idle = grid.solve(watts(0.0, 0.0, 0.0), watts(0.0, 0.0, 0.0))
    loaded = grid.solve(watts(5e3, 5e3, 5e3), watts(0.0, 0.0, 0.0))
    exporting = grid.solve(watts(-5e3, -5e3, -5e3), watts(0.0, 0.0, 0.0))
    assert (loaded.home_voltage_v < idle.home_voltage_v).all()
    assert (exporting.home_voltage_v > idle.home_voltage_v).all()
    assert idle.home_voltage_v == pytest.approx(400.0 / np.sqrt(3.0), rel=1e-3)
    assert loaded.home_voltage_v == pytest.approx(loaded.home_voltage_pu * 400.0 / np.sqrt(3.0))
    assert loaded.head_power_w.sum() > 15e3
    assert exporting.head_power_w.sum() < 0.0


@pytest.mark.parametrize("copies", [1, 5])
def test_head_power_is_loads_plus_losses_of_every_feeder(copies: int) -> None:
    network = load_network("european-lv")
    loads = homes_on(network, copies)
    grid = PowerFlow(network=network, copies=copies, loads=loads)
    rng = np.random.default_rng(7)
    for _ in range(20):
        p_w = rng.uniform(-4000.0, 8000.0, len(loads))
        state = grid.solve(p_w, rng.uniform(-500.0, 1500.0, len(loads)))
        drawn = p_w.reshape(copies, -1).sum(axis=1)
        assert state.losses_w.min() > 0.0
        assert state.head_power_w.sum(axis=1) == pytest.approx(drawn + state.losses_w, rel=1e-9)


def test_the_iron_loss_of_the_transformer_is_a_loss() -> None:
    network = small_network(3)
    grid = PowerFlow(network=network, copies=1, loads=homes_on(network))
    idle = grid.solve(np.zeros(3), np.zeros(3))
    assert idle.losses_w[0] == pytest.approx(200.0, rel=2e-3)
    assert idle.head_power_w.sum() == pytest.approx(idle.losses_w[0], rel=1e-9)


def test_a_three_phase_home_is_three_single_phase_homes_with_a_third_each() -> None:
    network = three_phase_network()
    one = PowerFlow(network=network, copies=1, loads=[LoadPoint(feeder=0, connection_point="cp1", phases="abc")])
    split = PowerFlow(
        network=network,
        copies=1,
        loads=[LoadPoint(feeder=0, connection_point="cp1", phases=phase) for phase in "abc"],
    )
    whole = one.solve(watts(9e3), watts(1.5e3))
    thirds = split.solve(watts(3e3, 3e3, 3e3), watts(500.0, 500.0, 500.0))
    assert whole.head_power_w == pytest.approx(thirds.head_power_w, rel=1e-12)
    assert whole.home_voltage_v[0] == pytest.approx(thirds.home_voltage_v.mean(), rel=1e-12)


def test_a_single_phase_load_unbalances_its_neighbours() -> None:
    network = three_phase_network()
    loads = [LoadPoint(feeder=0, connection_point="cp1", phases=phase) for phase in "abc"]
    state = PowerFlow(network=network, copies=1, loads=loads).solve(watts(10e3, 0.0, 0.0), np.zeros(3))
    a, b, c = state.home_voltage_pu
    assert a < min(b, c)
    assert state.v_min_pu[0] == pytest.approx(a)
    assert state.v_max_pu[0] == pytest.approx(max(b, c))


def test_homes_behind_one_connection_point_add_up() -> None:
    network = small_network(3)
    point = network.connection_points[0]
    alone = PowerFlow(network=network, copies=1, loads=[LoadPoint(feeder=0, connection_point=point.id, phases="a")])
    flats = PowerFlow(network=network, copies=1, loads=[LoadPoint(feeder=0, connection_point=point.id, phases="a")] * 4)
    together = flats.solve(watts(1e3, 2e3, -500.0, 1.5e3), watts(100.0, 0.0, 50.0, 50.0))
    assert together.home_voltage_v == pytest.approx(alone.solve(watts(4e3), watts(200.0)).home_voltage_v[0], rel=1e-12)


def test_feeders_do_not_feel_each_other_and_homes_may_come_in_any_order() -> None:
    network = load_network("european-lv")
    rng = np.random.default_rng(11)
    loads = homes_on(network, 3)
    p_w, q_var = rng.uniform(-3e3, 6e3, len(loads)), rng.uniform(0.0, 800.0, len(loads))
    together = PowerFlow(network=network, copies=3, loads=loads).solve(p_w, q_var)
    order = rng.permutation(len(loads))
    shuffled = PowerFlow(network=network, copies=3, loads=[loads[home] for home in order]).solve(
        p_w[order], q_var[order]
    )
    assert shuffled.home_voltage_v == pytest.approx(together.home_voltage_v[order], rel=1e-12)
    for feeder in range(3):
        own = slice(55 * feeder, 55 * feeder + 55)
        alone = PowerFlow(network=network, copies=1, loads=homes_on(network)).solve(p_w[own], q_var[own])
        assert together.home_voltage_v[own] == pytest.approx(alone.home_voltage_v, rel=1e-10)
        assert together.losses_w[feeder] == pytest.approx(alone.losses_w[0], rel=1e-8)
        assert together.line_loading(feeder) == pytest.approx(alone.line_loading(0), rel=1e-8, abs=1e-12)
        assert together.node_voltage_pu(feeder) == pytest.approx(alone.node_voltage_pu(0), rel=1e-10)


def test_homes_at_the_substation_alone_need_no_line() -> None:
    network = small_network(3)
    at_busbar = (replace(network.connection_points[0], node="lv"),)
    grid = PowerFlow(
        network=Network(**{**vars(network), "connection_points": at_busbar}),
        copies=2,
        loads=[LoadPoint(feeder=feeder, connection_point="cp1", phases="a") for feeder in (0, 1)],
    )
    state = grid.solve(watts(5e3, -5e3), watts(0.0, 0.0))
    assert state.head_power_w.sum(axis=1) == pytest.approx(watts(5e3, -5e3) + state.losses_w, rel=1e-9)
    assert np.array_equal(state.line_loading_max, np.zeros(2))
    assert np.array_equal(state.line_loading(1), np.zeros(2))
    assert state.node_voltage_pu(1)[1] == pytest.approx(state.node_voltage_pu(1)[3])


def test_a_feeder_without_homes_idles_beside_the_others() -> None:
    network = small_network(3)
    loads = [LoadPoint(feeder=1, connection_point="cp1", phases="a")]
    state = PowerFlow(network=network, copies=2, loads=loads).solve(watts(5e3), watts(0.0))
    assert state.head_power_w[0].sum() == pytest.approx(200.0, rel=2e-3)
    assert state.head_power_w[1].sum() > 5e3
    assert state.v_min_pu[1] < state.v_min_pu[0]


def same(one: GridState, other: GridState) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("home_voltage_v", "head_power_w", "head_reactive_var", "losses_w", "section_current_a")
    )


@pytest.mark.parametrize("copies", [1, 3])
def test_the_same_loads_give_the_same_bits_whatever_was_solved_before(copies: int) -> None:
    network = load_network("european-lv")
    loads = homes_on(network, copies)
    rng = np.random.default_rng(5)
    p_w, q_var = rng.uniform(0.0, 5e3, len(loads)), np.zeros(len(loads))
    grid = PowerFlow(network=network, copies=copies, loads=loads)
    first = grid.solve(p_w, q_var)
    grid.solve(-3.0 * p_w, q_var + 900.0)
    assert same(first, grid.solve(p_w, q_var))
    assert same(first, PowerFlow(network=network, copies=copies, loads=loads, threads=2).solve(p_w, q_var))


def test_a_state_stays_as_it_was_when_the_next_step_is_solved() -> None:
    network = small_network(3)
    grid = PowerFlow(network=network, copies=1, loads=homes_on(network))
    before = grid.solve(watts(1e3, 2e3, 3e3), np.zeros(3))
    voltage, nodes = before.home_voltage_v.copy(), before.node_voltage_pu(0)
    grid.solve(watts(9e3, 9e3, 9e3), np.zeros(3))
    assert np.array_equal(before.home_voltage_v, voltage)
    assert np.array_equal(before.node_voltage_pu(0), nodes)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_refused_with_its_home(value: float) -> None:
    network = small_network(3)
    grid = PowerFlow(network=network, copies=1, loads=homes_on(network))
    with pytest.raises(GridError, match=r"p_specified of home 1 .*cp2.* must be finite"):
        grid.solve(watts(0.0, value, 0.0), np.zeros(3))
    with pytest.raises(GridError, match=r"q_specified of home 2 .*cp3"):
        grid.solve(np.zeros(3), watts(0.0, 0.0, value))
    with pytest.raises(GridError, match="one value per home"):
        grid.solve(np.zeros(4), np.zeros(3))


@pytest.mark.parametrize("copies", [1, 3])
def test_a_load_beyond_what_the_cables_can_carry_is_refused_with_feeder_and_home(copies: int) -> None:
    network = load_network("european-lv")
    loads = homes_on(network, copies)
    grid = PowerFlow(network=network, copies=copies, loads=loads)
    p_w = np.full(len(loads), 500.0)
    p_w[-1] = 400e3
    with pytest.raises(GridError, match=rf"feeder {copies - 1}: no power flow solution.*LOAD55.*400000 W"):
        grid.solve(p_w, np.zeros(len(loads)))
    p_w[-1] = 4e3
    assert grid.solve(p_w, np.zeros(len(loads))).v_min_pu.min() > 0.9


@pytest.mark.parametrize(
    ("load", "message"),
    [
        (LoadPoint(feeder=2, connection_point="cp1", phases="a"), r"feeder must be 0 to 1"),
        (LoadPoint(feeder=-1, connection_point="cp1", phases="a"), r"feeder must be 0 to 1"),
        (LoadPoint(feeder=0, connection_point="cp9", phases="a"), r"no such connection point"),
        (LoadPoint(feeder=0, connection_point="cp1", phases="b"), r"phases must be some of 'a'"),
        (LoadPoint(feeder=0, connection_point="cp1", phases=""), r"phases must be some of 'a'"),
        (LoadPoint(feeder=0, connection_point="cp1", phases="aa"), r"phases must be some of 'a', each once"),
    ],
)
def test_a_home_without_a_place_is_refused(load: LoadPoint, message: str) -> None:
    good = LoadPoint(feeder=0, connection_point="cp2", phases="b")
    with pytest.raises(GridError, match=rf"home 1 .*{message}"):
        PowerFlow(network=small_network(3), copies=2, loads=[good, load])


def test_a_grid_needs_a_feeder_and_a_home() -> None:
    with pytest.raises(GridError, match="1 feeders with 0 loads"):
        PowerFlow(network=small_network(3), copies=1, loads=[])
    with pytest.raises(GridError, match="0 feeders"):
        PowerFlow(network=small_network(3), copies=0, loads=homes_on(small_network(3)))
