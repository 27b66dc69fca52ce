"""Where the wires of a home come together: base load, sums per home, the battery's own wish to serve its home."""

import numpy as np

from simulators.cosim.base import Arrays, ArraySimulator
from simulators.fleet.fmu_fleet import Fleet
from simulators.layout import FloatArray, Layout
from simulators.timeline import Timeline
from twin.model.device import DeviceKind

_LOADS = (DeviceKind.PV, DeviceKind.EV_CHARGER, DeviceKind.HEAT_PUMP, DeviceKind.WATER_HEATER)


class PanelSimulator(ArraySimulator):
    """Steps the base load, sums everything but the battery, and gives each battery its setpoint.

    Inputs `demand_w` and `voltage_pu` per home for the base load, `{kind}_power_w` per device,
    `pv_reactive_power_var` per PV, `commanded_w` per battery.
    A battery without a command cancels its home's exchange with the grid (self-consumption), sharing it evenly
    where a home has several.
    """

    def __init__(self, *, timeline: Timeline, layout: Layout, base_load: Fleet) -> None:
        inputs = [
            *(f"{kind.value}_power_w" for kind in _LOADS),
            "pv_reactive_power_var",
            "demand_w",
            "voltage_pu",
            "commanded_w",
        ]
        outputs = ["power_w", "reactive_power_var", "battery_setpoint_w"]
        super().__init__(timeline=timeline, inputs=inputs, outputs=outputs)
        self._layout = layout
        self._base_load = base_load
        self._battery_home = layout.kinds[DeviceKind.BATTERY].home
        batteries = np.bincount(self._battery_home, minlength=layout.homes)
        self._share = 1.0 / np.maximum(batteries, 1)[self._battery_home]

    def advance(self, t: int, length_s: int, inputs: Arrays) -> Arrays:
        """Sum per home, shape (homes,); setpoints per battery."""
        for name in ("demand_w", "voltage_pu"):
            self._base_load.inputs[name][:] = inputs[name]
        self._base_load.step(float(t - length_s), float(length_s))
        power: FloatArray = np.array(self._base_load.outputs["power_w"])
        for kind in _LOADS:
            power += self._layout.sum_by_home(kind, inputs[f"{kind.value}_power_w"])
        reactive = self._base_load.outputs["reactive_power_var"] + self._layout.sum_by_home(
            DeviceKind.PV, inputs["pv_reactive_power_var"]
        )
        own = -power[self._battery_home] * self._share
        commanded = inputs["commanded_w"]
        setpoint = np.where(np.isnan(commanded), own, commanded)
        return {"power_w": power, "reactive_power_var": reactive, "battery_setpoint_w": setpoint}
