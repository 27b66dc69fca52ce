"""What the devices are asked for: commands that hold, else what their owners set."""

from collections.abc import Mapping

import numpy as np

from simulators.endpoints.controls import Controls
from simulators.layout import FloatArray, Layout
from twin.model.device import DeviceKind

OWNER_TANK_SETPOINT_DEGC = 55.0  # hot water setpoint that installers leave, and what keeps legionella down

_KIND_OF = {
    "power_setpoint_w": DeviceKind.BATTERY,
    "active_power_limit": DeviceKind.PV,
    "power_limit_w": DeviceKind.EV_CHARGER,
    "setpoint_offset_k": DeviceKind.HEAT_PUMP,
    "setpoint_tank_degc": DeviceKind.WATER_HEATER,
}
SETPOINT_HEAT = "setpoint_heat_degc"  # the owner's alone; the grid may shift it by setpoint_offset_k
ASKED = (*_KIND_OF, SETPOINT_HEAT)


class Asked:
    """One array per quantity of ASKED, one value per device of its kind.

    `power_setpoint_w` is NaN where no command holds: the battery then serves its own home.
    """

    def __init__(self, layout: Layout, controls: Controls) -> None:
        kinds = layout.kinds
        self._controls = controls
        self._setpoint_heat_degc = kinds[DeviceKind.HEAT_PUMP].rating("setpoint_degc")
        self._owner: dict[str, FloatArray] = {
            "power_setpoint_w": np.full(kinds[DeviceKind.BATTERY].count, np.nan),
            "active_power_limit": np.ones(kinds[DeviceKind.PV].count),
            "power_limit_w": kinds[DeviceKind.EV_CHARGER].rating("power_w"),
            "setpoint_offset_k": np.zeros(kinds[DeviceKind.HEAT_PUMP].count),
            "setpoint_tank_degc": np.full(kinds[DeviceKind.WATER_HEATER].count, OWNER_TANK_SETPOINT_DEGC),
        }

    def at(self, now_s: float) -> Mapping[str, FloatArray]:
        """What holds at `now_s`, in Unix seconds of the pilot's time."""
        wanted = {SETPOINT_HEAT: self._setpoint_heat_degc}
        for quantity, kind in _KIND_OF.items():
            commanded = self._controls.active(kind, quantity, now_s)
            wanted[quantity] = np.where(np.isnan(commanded), self._owner[quantity], commanded)
        return wanted
