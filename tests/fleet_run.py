"""A fleet through some time, in steps."""

import numpy as np
from numpy.typing import NDArray

from simulators.fleet.fmu_fleet import Fleet


def run(fleet: Fleet, seconds: float, output: str, step_s: float = 60.0) -> NDArray[np.float64]:
    """One output of the first device after each step."""
    seen = []
    for _ in range(round(seconds / step_s)):
        fleet.step(0.0, step_s)
        seen.append(fleet.outputs[output][0])
    return np.array(seen)


# ---- house ----
