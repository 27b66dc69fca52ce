"""Imports SimBench low-voltage grids and their yearly profiles; the only importer of simbench, an optional extra.

SimBench (University of Kassel and others, ODbL 1.0) gives six German low-voltage grids, rural to urban, each today
and in two future scenarios. Their licence asks for share-alike, so nothing of them is stored here: the package is
read on the user's machine. Refuses codes that are not a low-voltage grid without switches, and says what to install
when simbench is missing.

What SimBench leaves open is settled here. Zero-sequence line impedance is four times the positive one: all its cables
are NAYY four-core, whose fourth core, equal to the others, is the neutral (Z0 = Z1 + 3 Zn, Zn = Z1). Line capacitance
is dropped, some 40 var per kilometre. The external grid, an ideal voltage there, has 10 GVA of short-circuit power.
"""

import json
import math
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.feeder import FeederError
from twin.model.network import ConnectionPoint, Line, Network, Node, Source, Transformer

STEP_S = 900
ZERO_TO_POSITIVE_SEQUENCE = 4.0
EXTERNAL_GRID_VA = 10e9
EXTERNAL_GRID_RX = 0.1
EARTH_RADIUS_M = 6_371_008.8
CUSTOMER_PROFILES = ("H0", "G", "L")
"""Profiles of households, commerce and farms (BDEW classes); others belong to heat pumps and chargers of the future
scenarios, which Hearthgrid simulates itself."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimbenchProfiles:
    """A year of quarter-hours per customer, in load convention; 35,136 steps, as 2016 was a leap year.

    Columns are the connection points of the network of the same code, in its order. Steps are those of the file: from
    2016-01-01 00:00, without a change to summer time. `pv_w` is the customer's roof, negative or zero.
    """

    code: str
    connection_points: tuple[str, ...]
    p_w: NDArray[np.float64]  # (n_steps, n_loads)
    q_var: NDArray[np.float64]  # (n_steps, n_loads)
    pv_w: NDArray[np.float64]  # (n_steps, n_loads)


def load_network(code: str) -> Network:
    """The grid of a SimBench code such as "1-LV-rural1--0-no_sw"; its customers are the connection points, on "abc".

    Raises FeederError for another code, or when simbench is not installed.
    """
    grid = _grid(code)
    names = dict(zip(grid.bus.index, grid.bus["name"], strict=True))
    supply = grid.ext_grid.iloc[0]
    return Network(
        name=f"simbench:{code}",
        origin=f"SimBench {code}, University of Kassel and others, ODbL 1.0, https://simbench.de",
        frequency_hz=float(grid.f_hz),
        nodes=_nodes(grid),
        lines=tuple(_line(row, names) for row in grid.line.itertuples()),
        transformers=tuple(_transformer(row, names) for row in grid.trafo.itertuples()),
        source=Source(
            node=names[supply["bus"]],
            u_ref_pu=float(supply["vm_pu"]),
            short_circuit_power_va=EXTERNAL_GRID_VA,
            rx_ratio=EXTERNAL_GRID_RX,
        ),
        connection_points=tuple(
            ConnectionPoint(id=row.name, node=names[row.bus], phases="abc") for row in _customers(grid).itertuples()
        ),
    )


def profiles(code: str) -> SimbenchProfiles:
    """The yearly profiles of that grid's customers; raises FeederError as `load_network` does."""
    grid = _grid(code)
    values = _simbench().get_absolute_values(grid, profiles_instead_of_study_cases=True)
    customers = _customers(grid)
    p_w = values["load", "p_mw"][customers.index].to_numpy(dtype=np.float64) * 1e6
    q_var = values["load", "q_mvar"][customers.index].to_numpy(dtype=np.float64) * 1e6
    pv_w = np.zeros_like(p_w)
    first_at = {bus: column for column, bus in reversed(list(enumerate(customers["bus"])))}
    for index, bus in grid.sgen["bus"].items():
        pv_w[:, first_at[bus]] -= values["sgen", "p_mw"][index].to_numpy(dtype=np.float64) * 1e6
    return SimbenchProfiles(code=code, connection_points=tuple(customers["name"]), p_w=p_w, q_var=q_var, pv_w=pv_w)


def _simbench() -> Any:  # noqa: ANN401 an untyped module
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # simbench and pandapower warn of deprecations in each other
            import simbench  # noqa: PLC0415 an optional extra
    except ModuleNotFoundError as error:
        raise FeederError(
            f"SimBench networks need the missing module {error.name!r}: pip install 'hearthgrid[simbench]'"
        ) from error
    return simbench


@lru_cache(maxsize=1)
def _grid(code: str) -> Any:  # noqa: ANN401 an untyped pandapowerNet
    """The grid as pandapower tables; reading one takes seconds, and network and profiles are both wanted."""
    simbench = _simbench()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        codes = [c for c in simbench.collect_all_simbench_codes() if c.startswith("1-LV-") and c.endswith("-no_sw")]
        if code not in codes:
            raise FeederError(f"unknown SimBench code {code!r}: allowed are {', '.join(sorted(codes))}")
        return simbench.get_simbench_net(code)


def _customers(grid: Any) -> Any:  # noqa: ANN401 a table of pandapower
    return grid.load[grid.load["profile"].str.startswith(CUSTOMER_PROFILES)]


def _nodes(grid: Any) -> tuple[Node, ...]:  # noqa: ANN401
    """Buses, their longitude and latitude laid flat in metres around the mean of the grid."""
    degrees = np.array([json.loads(geo)["coordinates"][:2] for geo in grid.bus["geo"]], dtype=np.float64)
    east, north = (np.radians(degrees - degrees.mean(axis=0)) * EARTH_RADIUS_M).T
    east *= math.cos(math.radians(degrees[:, 1].mean()))
    return tuple(
        Node(id=bus.name, u_rated_v=bus.vn_kv * 1e3, x_m=float(x), y_m=float(y))
        for bus, x, y in zip(grid.bus.itertuples(), east, north, strict=True)
    )


def _line(row: Any, names: dict[int, str]) -> Line:  # noqa: ANN401 one row of a pandapower table
    km = row.length_km / row.parallel
    r1, x1 = row.r_ohm_per_km * km, row.x_ohm_per_km * km
    return Line(
        id=row.name,
        from_node=names[row.from_bus],
        to_node=names[row.to_bus],
        length_m=row.length_km * 1e3,
        r1_ohm=r1,
        x1_ohm=x1,
        r0_ohm=ZERO_TO_POSITIVE_SEQUENCE * r1,
        x0_ohm=ZERO_TO_POSITIVE_SEQUENCE * x1,
        i_max_a=row.max_i_ka * 1e3 * row.df * row.parallel,
    )


def _transformer(row: Any, names: dict[int, str]) -> Transformer:  # noqa: ANN401 one row of a pandapower table
    tap = 1.0 + (row.tap_pos - row.tap_neutral) * row.tap_step_percent / 100.0
    rated_va = row.sn_mva * 1e6 * row.parallel
    return Transformer(
        id=row.name,
        from_node=names[row.hv_bus],
        to_node=names[row.lv_bus],
        s_rated_va=rated_va,
        u_hv_v=row.vn_hv_kv * 1e3 * (tap if row.tap_side == "hv" else 1.0),
        u_lv_v=row.vn_lv_kv * 1e3 * (tap if row.tap_side == "lv" else 1.0),
        short_circuit_voltage_pu=row.vk_percent / 100.0,
        copper_loss_w=row.vkr_percent / 100.0 * rated_va,
        no_load_current_pu=row.i0_percent / 100.0,
        no_load_loss_w=row.pfe_kw * 1e3 * row.parallel,
        clock=round(row.shift_degree / 30.0) % 12,
    )
