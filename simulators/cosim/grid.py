"""The feeder's power flow as a simulator: what passes the meters in, voltages back to the devices."""

import logging

import numpy as np

from simulators.cosim.base import Arrays, ArraySimulator
from simulators.grid.power_flow import GridError, GridState, LoadPoint, PowerFlow
from simulators.layout import Layout
from simulators.timeline import Timeline
from twin.model.topology import Pilot

_log = logging.getLogger(__name__)


def power_flow(pilot: Pilot) -> PowerFlow:
    """The solver for a pilot's feeders with its homes at their connection points, in pilot order."""
    loads = [
        LoadPoint(feeder=home.feeder, connection_point=home.connection_point, phases=home.phases)
        for home in pilot.homes
    ]
    return PowerFlow(network=pilot.network, copies=pilot.feeders, loads=loads)


class GridSimulator(ArraySimulator):
    """Solves once a step. `state` is the whole last solution, for whoever draws or sums it.

    `frequency_hz` is one value for all devices, the network's nominal frequency: the power flow knows no other.

    Loads of constant power beyond what the feeder can carry have no solution (some 13 kW in each of the 55 homes of
    the European LV feeder): a real feeder would have tripped. The world goes on with the last voltages."""

    def __init__(self, *, timeline: Timeline, layout: Layout) -> None:
        super().__init__(
            timeline=timeline,
            inputs=["power_w", "reactive_power_var"],
            outputs=["voltage_v", "voltage_pu", "frequency_hz", "head_power_w", "losses_w"],
        )
        self._flow = power_flow(layout.pilot)
        self._frequency_hz = np.array([layout.pilot.network.frequency_hz])
        self.state: GridState | None = None
        self._failing = False

    def advance(self, t: int, length_s: int, inputs: Arrays) -> Arrays:  # noqa: ARG002
        """Solve all feeders at once; where there is no solution the last one holds, and is said to be so."""
        try:
            self.state = self._flow.solve(inputs["power_w"], inputs["reactive_power_var"])
            self._failing = False
        except GridError as error:
            if self.state is None:
                raise
            if not self._failing:
                _log.error("the last voltages are kept: %s", error)
            self._failing = True
        return {
            "voltage_v": self.state.home_voltage_v,
            "voltage_pu": self.state.home_voltage_pu,
            "frequency_hz": self._frequency_hz,
            "head_power_w": self.state.head_power_w,
            "losses_w": self.state.losses_w,
        }
