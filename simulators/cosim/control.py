"""What the devices are asked for in this step: commands that hold, else what the owner set.

Steps first, after the bridge has taken in the commands of the time before (time-shifted connection from it).
"""

import numpy as np

from simulators.cosim.base import Arrays, ArraySimulator
from simulators.endpoints.controls import Controls
from simulators.layout import FloatArray, Layout
from simulators.timeline import Timeline
from twin.model.device import DeviceKind

OWNER_TANK_SETPOINT_DEGC = 55.0  # hot water setpoint that installers leave, and what keeps legionella down

# (kind, quantity) of every control, in the order of the outputs
_CONTROLS = (
    (DeviceKind.BATTERY, "power_setpoint_w"),
    (DeviceKind.PV, "active_power_limit"),
    (DeviceKind.EV_CHARGER, "power_limit_w"),
    (DeviceKind.HEAT_PUMP, "setpoint_offset_k"),
    (DeviceKind.WATER_HEATER, "setpoint_tank_degc"),
)


class ControlSimulator(ArraySimulator):
    """Turns the table of commands into one array per controllable quantity.

    `power_setpoint_w` is NaN where no command holds: the battery then serves its own home.
    """

    def __init__(self, *, timeline: Timeline, layout: Layout, controls: Controls) -> None:
        outputs = [*(quantity for _, quantity in _CONTROLS), "setpoint_heat_degc"]
        super().__init__(timeline=timeline, inputs=["commands_taken"], outputs=outputs)
        self._controls = controls
        kinds = layout.kinds
        self._setpoint_heat_degc = kinds[DeviceKind.HEAT_PUMP].rating("setpoint_degc")
        self._owner: dict[str, FloatArray] = {
            "power_setpoint_w": np.full(kinds[DeviceKind.BATTERY].count, np.nan),
            "active_power_limit": np.ones(kinds[DeviceKind.PV].count),
            "power_limit_w": kinds[DeviceKind.EV_CHARGER].rating("power_w"),
            "setpoint_offset_k": np.zeros(kinds[DeviceKind.HEAT_PUMP].count),
            "setpoint_tank_degc": np.full(kinds[DeviceKind.WATER_HEATER].count, OWNER_TANK_SETPOINT_DEGC),
        }

    def advance(self, t: int, length_s: int, inputs: Arrays) -> Arrays:  # noqa: ARG002
        """Look up what holds at the beginning of the step."""
        now_s = self.timeline.utc_s(t - length_s)
        wanted = {"setpoint_heat_degc": self._setpoint_heat_degc}
        for kind, quantity in _CONTROLS:
            commanded = self._controls.active(kind, quantity, now_s)
            wanted[quantity] = np.where(np.isnan(commanded), self._owner[quantity], commanded)
        return wanted
