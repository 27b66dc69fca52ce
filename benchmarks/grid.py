"""What one power flow of the pilot's feeders costs, beside the tools it is held against, in the same run.

    python -m benchmarks.grid [--copies 1 18 182] [--repeat 15]

Every row solves the same random loads on the European LV feeder, 55 homes a copy. "ours" is the whole step: loads in,
voltages, losses and loading out, to 1e-12 pu. The others set their loads, solve to 1e-9 pu (OpenDSS 1e-11) and read
voltages; "unreduced" is power-grid-model on all 907 nodes. OpenDSS has one circuit per process, so its copies are
solved one after another.
"""

import argparse
import statistics
from collections.abc import Callable
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from simulators.grid.power_flow import LoadPoint, PowerFlow
from tests.data.grid.references import FullModel, OpenDss
from twin.feeder import load_network
from twin.model.network import Network

Floats = NDArray[np.float64]
Solve = Callable[[Floats, Floats], object]


def homes_of(network: Network, feeder: int) -> list[LoadPoint]:
    """One home at every connection point of one feeder."""
    return [LoadPoint(feeder=feeder, connection_point=p.id, phases=p.phases) for p in network.connection_points]


def contenders(network: Network, copies: int) -> dict[str, Solve]:
    """One function per tool that takes power and reactive power of all homes and solves all copies."""
    loads = [home for feeder in range(copies) for home in homes_of(network, feeder)]
    ours = PowerFlow(network=network, copies=copies, loads=loads)
    threaded = PowerFlow(network=network, copies=copies, loads=loads, threads=2)
    full = FullModel(network, homes_of(network, 0), copies)
    dss = OpenDss(network, homes_of(network, 0))

    def opendss(p_w: Floats, q_var: Floats) -> None:
        for p, q in zip(p_w.reshape(copies, -1), q_var.reshape(copies, -1), strict=True):
            dss.solve_voltages(p, q)

    found: dict[str, Solve] = {"ours": ours.solve}
    if copies > 1:
        found["ours, 2 threads"] = threaded.solve
    return found | {
        "unreduced, Newton-Raphson": full.calculate,
        "unreduced, iterative current": full.calculate_iterative,
        "OpenDSS": opendss,
    }


def median_ms(solve: Solve, steps: list[tuple[Floats, Floats]]) -> float:
    """Median time of one step; the first step warms up."""
    solve(*steps[0])
    taken = []
    for p_w, q_var in steps:
        start = perf_counter()
        solve(p_w, q_var)
        taken.append((perf_counter() - start) * 1e3)
    return statistics.median(taken)


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copies", type=int, nargs="+", default=[1, 18, 182])
    parser.add_argument("--repeat", type=int, default=15)
    arguments = parser.parse_args()
    network = load_network("european-lv")
    rng = np.random.default_rng(0)
    table = Table(
        "feeders", "homes", "tool", "ms a step", "times ours", title="Unbalanced power flow, European LV feeder"
    )
    for column in table.columns[3:]:
        column.justify = "right"
    for copies in arguments.copies:
        homes = copies * len(network.connection_points)
        steps = [
            (rng.uniform(-3000.0, 5000.0, homes), rng.uniform(-300.0, 800.0, homes)) for _ in range(arguments.repeat)
        ]
        results = {name: median_ms(solve, steps) for name, solve in contenders(network, copies).items()}
        for name, cost in results.items():
            table.add_row(str(copies), str(homes), name, f"{cost:.2f}", f"{cost / results['ours']:.1f}")
        table.add_section()
    Console().print(table)


if __name__ == "__main__":
    main()
