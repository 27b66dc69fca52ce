"""All devices of one kind as one simulator around one fleet FMU."""

from collections.abc import Sequence

import numpy as np

from simulators.cosim.base import Arrays, ArraySimulator
from simulators.fleet.fmu_fleet import Fleet
from simulators.layout import IndexArray
from simulators.timeline import Timeline


class FleetSimulator(ArraySimulator):
    """Sets the FMU's inputs, steps it, hands on its outputs.

    An input named in `by_home` comes as one value per home and is spread to the devices by `home`;
    all others come as one value per device or one for all.
    """

    def __init__(self, *, timeline: Timeline, fleet: Fleet, home: IndexArray, by_home: Sequence[str] = ()) -> None:
        super().__init__(timeline=timeline, inputs=list(fleet.inputs), outputs=list(fleet.outputs))
        self.fleet = fleet
        self._home = home
        self._by_home = frozenset(by_home)

    def advance(self, t: int, length_s: int, inputs: Arrays) -> Arrays:
        """One FMU step over the whole fleet; outputs are copies, since mosaik may hold them across a step."""
        for name, value in inputs.items():
            self.fleet.inputs[name][:] = value[self._home] if name in self._by_home else value
        self.fleet.step(float(t - length_s), float(length_s))
        return {name: np.array(value) for name, value in self.fleet.outputs.items()}
