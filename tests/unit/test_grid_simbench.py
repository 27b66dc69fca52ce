"""SimBench grids come in whole, with their profiles; without the extra the user is told what to install.

The reference is pandapower, which SimBench brings along: its balanced power flow of the same grid with the same loads,
its transformer as a pi circuit like ours. The external grid is stiff there and of 10 GVA here: 2e-6 pu at these loads.
"""

import importlib.util

import numpy as np
import pytest

from simulators.grid.power_flow import LoadPoint, PowerFlow
from simulators.grid.simbench import load_network, profiles
from twin.feeder import FeederError, check_network

CODE = "1-LV-rural2--0-no_sw"
INSTALLED = importlib.util.find_spec("simbench") is not None
needs_simbench = pytest.mark.skipif(not INSTALLED, reason="needs the extra: pip install 'hearthgrid[simbench]'")


@pytest.mark.skipif(INSTALLED, reason="shows what happens without the extra")
def test_without_the_extra_the_error_says_what_to_install() -> None:
    for function in (load_network, profiles):
        with pytest.raises(FeederError, match=r"'simbench': pip install 'hearthgrid\[simbench\]'"):
            function(CODE)


@needs_simbench
@pytest.mark.filterwarnings("ignore")
def test_an_unknown_code_lists_the_known_ones() -> None:
    with pytest.raises(FeederError, match=r"unknown SimBench code '1-MV-rural--0-sw'.*1-LV-urban6--2-no_sw"):
        load_network("1-MV-rural--0-sw")


@needs_simbench
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("code", "nodes", "points"),
    [(CODE, 97, 99), ("1-LV-rural1--2-no_sw", 15, 13), ("1-LV-urban6--2-no_sw", 59, 111)],
)
def test_a_grid_is_whole_and_its_profiles_fit_it(code: str, nodes: int, points: int) -> None:
    network = load_network(code)
    check_network(network)
    assert (len(network.nodes), len(network.connection_points)) == (nodes, points)
    year = profiles(code)
    assert year.connection_points == tuple(point.id for point in network.connection_points)
    assert year.p_w.shape == year.q_var.shape == year.pv_w.shape == (35_136, points)
    assert np.isfinite(year.p_w).all()
    assert year.p_w.min() >= 0.0
    assert year.pv_w.max() <= 0.0
    assert year.pv_w.min() < -1e3


@needs_simbench
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("step", [0, 12_000, 20_000])
def test_voltages_and_losses_are_those_of_pandapower(step: int) -> None:
    import pandapower  # noqa: PLC0415 comes with the extra
    import simbench  # noqa: PLC0415

    network, year = load_network(CODE), profiles(CODE)
    loads = [LoadPoint(feeder=0, connection_point=point.id, phases="abc") for point in network.connection_points]
    state = PowerFlow(network=network, copies=1, loads=loads).solve(year.p_w[step] + year.pv_w[step], year.q_var[step])

    reference = simbench.get_simbench_net(CODE)
    for (table, column), values in simbench.get_absolute_values(reference, True).items():  # noqa: FBT003
        if len(reference[table]):
            reference[table][column] = values.loc[step]
    reference.line["c_nf_per_km"] = 0.0
    pandapower.runpp(reference, trafo_model="pi", numba=False)
    expected = reference.res_bus["vm_pu"].to_numpy()
    assert np.abs(state.node_voltage_pu(0) - expected[:, None]).max() < 5e-6
    losses_w = (reference.res_line["pl_mw"].sum() + reference.res_trafo["pl_mw"].sum()) * 1e6
    assert state.losses_w[0] == pytest.approx(losses_w, rel=1e-4)
    assert state.head_power_w.sum() == pytest.approx(reference.res_ext_grid["p_mw"].sum() * 1e6, rel=1e-5)
