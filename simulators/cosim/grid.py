"""The feeder's power flow as a simulator: what passes the meters in, voltages back to the devices."""

from simulators.cosim.base import Arrays, ArraySimulator
from simulators.grid.power_flow import GridState, LoadPoint, PowerFlow
from simulators.layout import Layout
from simulators.timeline import Timeline
from twin.model.topology import Pilot


def power_flow(pilot: Pilot) -> PowerFlow:
    """The solver for a pilot's feeders with its homes at their connection points, in pilot order."""
    loads = [
        LoadPoint(feeder=home.feeder, connection_point=home.connection_point, phases=home.phases)
        for home in pilot.homes
    ]
    return PowerFlow(network=pilot.network, copies=pilot.feeders, loads=loads)


class GridSimulator(ArraySimulator):
    """Solves once a step. `state` is the whole last solution, for whoever draws or sums it."""

    def __init__(self, *, timeline: Timeline, layout: Layout) -> None:
        super().__init__(
            timeline=timeline,
            inputs=["power_w", "reactive_power_var"],
            outputs=["voltage_v", "voltage_pu", "head_power_w", "losses_w"],
        )
        self._flow = power_flow(layout.pilot)
        self.state: GridState | None = None

    def advance(self, t: int, length_s: int, inputs: Arrays) -> Arrays:  # noqa: ARG002
        """Solve all feeders at once."""
        self.state = self._flow.solve(inputs["power_w"], inputs["reactive_power_var"])
        return {
            "voltage_v": self.state.home_voltage_v,
            "voltage_pu": self.state.home_voltage_pu,
            "head_power_w": self.state.head_power_w,
            "losses_w": self.state.losses_w,
        }
