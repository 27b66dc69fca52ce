"""Where the wires of a home come together: base load, the circuits of a smart panel, the battery's own wish."""

import numpy as np

from simulators.cosim.base import Arrays, ArraySimulator
from simulators.cosim.circuits import Circuits
from simulators.cosim.control import PASSING, energised
from simulators.fleet.fmu_fleet import Fleet
from simulators.layout import FloatArray, Layout
from simulators.timeline import Timeline
from twin.model.device import ON_CIRCUITS, DeviceKind
from twin.model.quantity import CIRCUIT_CLOSED, CIRCUIT_ENERGY, CIRCUIT_POWER, CIRCUITS


class PanelSimulator(ArraySimulator):
    """Steps the base load and the smart panels, sums everything but the battery, and gives each battery its setpoint.

    Inputs `demand_w` and `voltage_pu` per home for the base load, `{kind}_power_w` per device, `pv_reactive_power_var`
    per PV, `commanded_w` per battery, `passing` per panel and circuit, `{kind}.energised` per device.
    Outputs `power_w` and `reactive_power_var` per home at the line side of its panel; `{kind}_power_w` per device, 0
    behind an open relay; `panel_power_w` per smart panel without what other devices report, `circuit_*_power_w` and the
    registers `circuit_*_energy_wh`.
    A battery without a command cancels its home's exchange with the grid (self-consumption), sharing it evenly
    where a home has several.
    """

    def __init__(
        self, *, timeline: Timeline, layout: Layout, circuits: Circuits, base_load: Fleet, panels: Fleet
    ) -> None:
        powers = [f"{kind.value}_power_w" for kind in ON_CIRCUITS]
        has_power = [energised(kind) for kind in ON_CIRCUITS]
        inputs = [*powers, *has_power, PASSING, "pv_reactive_power_var", "demand_w", "voltage_pu", "commanded_w"]
        outputs = [
            *("power_w", "reactive_power_var", "battery_setpoint_w"),
            *(*powers, "pv_reactive_power_var", "panel_power_w", *CIRCUIT_POWER, *CIRCUIT_ENERGY),
        ]
        super().__init__(timeline=timeline, inputs=inputs, outputs=outputs)
        self._layout = layout
        self._circuits = circuits
        self._base_load = base_load
        self._panels = panels
        self._battery_home = layout.kinds[DeviceKind.BATTERY].home
        batteries = np.bincount(self._battery_home, minlength=layout.homes)
        self._share = 1.0 / np.maximum(batteries, 1)[self._battery_home]

    def advance(self, t: int, length_s: int, inputs: Arrays) -> Arrays:
        """Sum per home, shape (homes,); setpoints per battery."""
        for name in ("demand_w", "voltage_pu"):
            self._base_load.inputs[name][:] = inputs[name]
        self._base_load.step(float(t - length_s), float(length_s))
        base_w = self._base_load.outputs["power_w"]
        has_power = {kind: inputs[energised(kind)] for kind in ON_CIRCUITS}
        demanded = {kind: inputs[f"{kind.value}_power_w"] for kind in ON_CIRCUITS}
        passed = {kind: demanded[kind] * has_power[kind] for kind in ON_CIRCUITS}
        pv_var = inputs["pv_reactive_power_var"] * has_power[DeviceKind.PV]

        self._step_panels(t, length_s, inputs[PASSING], self._circuits.demand(base_w, demanded))
        devices_w = np.zeros(self._layout.homes)
        for kind, watts in passed.items():
            devices_w += self._layout.sum_by_home(kind, watts)
        power: FloatArray = base_w + devices_w
        at = self._circuits.home
        power[at] = self._panels.outputs["power_w"]
        reactive = self._base_load.outputs["reactive_power_var"] * self._circuits.base_energised(inputs[PASSING])
        reactive += self._layout.sum_by_home(DeviceKind.PV, pv_var)

        own = -power[self._battery_home] * self._share
        commanded = inputs["commanded_w"]
        return {
            "power_w": power,
            "reactive_power_var": reactive,
            "battery_setpoint_w": np.where(np.isnan(commanded), own, commanded),
            **{f"{kind.value}_power_w": watts for kind, watts in passed.items()},
            "pv_reactive_power_var": pv_var,
            "panel_power_w": power[at] - devices_w[at],
            **{name: np.array(self._panels.outputs[name]) for name in (*CIRCUIT_POWER, *CIRCUIT_ENERGY)},
        }

    def _step_panels(self, t: int, length_s: int, passing: FloatArray, demand: FloatArray) -> None:
        """`passing` holds the main relay's position already, so the model's own main relay stays closed."""
        for column, (number, relay) in enumerate(zip(CIRCUITS, CIRCUIT_CLOSED, strict=True)):
            self._panels.inputs[relay][:] = passing[:, column]
            self._panels.inputs[f"circuit_{number}_demand_w"][:] = demand[:, column]
        self._panels.step(float(t - length_s), float(length_s))
