"""What the devices are asked for: commands that hold, else what their owners set; and who has power for it."""

from collections.abc import Mapping, Sequence

import numpy as np

from simulators.cosim.circuits import Circuits
from simulators.endpoints.controls import Controls
from simulators.layout import FloatArray, Layout
from twin.model.device import KINDS, ON_CIRCUITS, DeviceKind
from twin.model.quantity import CIRCUIT_CLOSED, MAIN_CLOSED

SETPOINT_HEAT = "heat_pump.setpoint_heat_degc"  # the owner's alone; the grid may shift it by setpoint_offset_k
SETPOINT_COOL = "heat_pump.setpoint_cool_degc"
PASSING = "passing"
BASE_ENERGISED = "base_energised"
POWER_OFFERED = "ev_charger.power_offered_w"
DISCHARGE_ASKED = "ev_charger.discharge_asked_w"
_CONTROLS = tuple((kind, quantity) for kind, description in KINDS.items() for quantity in description.controls)


def asked_of(kind: DeviceKind, quantity: str) -> str:
    """What the array for a quantity that devices of `kind` are asked for is called."""
    return f"{kind.value}.{quantity}"


def energised(kind: DeviceKind) -> str:
    """What the array that says which devices of `kind` have power is called."""
    return f"{kind.value}.energised"


ASKED = (
    *(asked_of(kind, quantity) for kind, quantity in _CONTROLS),
    SETPOINT_HEAT,
    SETPOINT_COOL,
    *(energised(kind) for kind in ON_CIRCUITS),
    PASSING,
    BASE_ENERGISED,
    POWER_OFFERED,
    DISCHARGE_ASKED,
)


class Asked:
    """One array per name of ASKED.

    `{kind}.{quantity}`: per device, as commanded, else as its owner has it; `battery.power_setpoint_w` is NaN where no
    command holds: the battery then serves its own home. `{kind}.energised`: per device, 0 behind an open relay of a
    smart panel, else 1. `passing`: the same per panel and circuit. `base_energised`: the share of the base load, per
    home. `ev_charger.power_offered_w`, `ev_charger.discharge_asked_w`: the limit and the request, 0 without power.
    """

    def __init__(self, layout: Layout, controls: Controls, circuits: Circuits) -> None:
        self._controls = controls
        self._circuits = circuits
        kinds = layout.kinds
        pumps = kinds[DeviceKind.HEAT_PUMP]
        self._owners_alone = {
            SETPOINT_HEAT: pumps.rating("setpoint_degc"),
            SETPOINT_COOL: pumps.rating("setpoint_cool_degc"),
        }
        self._owner: dict[tuple[DeviceKind, str], FloatArray] = {
            (DeviceKind.BATTERY, "power_setpoint_w"): np.full(kinds[DeviceKind.BATTERY].count, np.nan),
            (DeviceKind.PV, "active_power_limit"): np.ones(kinds[DeviceKind.PV].count),
            (DeviceKind.EV_CHARGER, "power_limit_w"): kinds[DeviceKind.EV_CHARGER].rating("power_w"),
            (DeviceKind.EV_CHARGER, "discharge_request_w"): np.zeros(kinds[DeviceKind.EV_CHARGER].count),
            (DeviceKind.HEAT_PUMP, "setpoint_offset_k"): np.zeros(kinds[DeviceKind.HEAT_PUMP].count),
            (DeviceKind.WATER_HEATER, "setpoint_tank_degc"): kinds[DeviceKind.WATER_HEATER].rating("setpoint_degc"),
            (DeviceKind.WATER_HEATER, "setpoint_tank_offset_k"): np.zeros(kinds[DeviceKind.WATER_HEATER].count),
            **{
                (DeviceKind.SMART_PANEL, relay): np.ones(kinds[DeviceKind.SMART_PANEL].count)
                for relay in (MAIN_CLOSED, *CIRCUIT_CLOSED)
            },
        }

        self._commandable = [(kind, quantity) for kind, quantity in _CONTROLS if kinds[kind].count]
        self._undisturbed = {
            **self._owners_alone,
            **{asked_of(kind, quantity): values for (kind, quantity), values in self._owner.items()},
        }

    def at(self, now_s: float) -> Mapping[str, FloatArray]:
        """What holds at `now_s`, in Unix seconds of the pilot's time."""
        wanted = dict(self._undisturbed)
        for kind, quantity in self._commandable:
            commanded = self._controls.active(kind, quantity, now_s)
            wanted[asked_of(kind, quantity)] = np.where(np.isnan(commanded), self._owner[kind, quantity], commanded)
        wanted[PASSING] = passing = self._circuits.passing(
            wanted[asked_of(DeviceKind.SMART_PANEL, MAIN_CLOSED)],
            _stacked([wanted[asked_of(DeviceKind.SMART_PANEL, relay)] for relay in CIRCUIT_CLOSED]),
        )
        wanted[BASE_ENERGISED] = self._circuits.base_energised(passing)
        for kind, has_power in self._circuits.energised(passing).items():
            wanted[energised(kind)] = has_power
        charger = DeviceKind.EV_CHARGER
        for name, quantity in ((POWER_OFFERED, "power_limit_w"), (DISCHARGE_ASKED, "discharge_request_w")):
            wanted[name] = wanted[asked_of(charger, quantity)] * wanted[energised(charger)]
        return wanted


def _stacked(columns: Sequence[FloatArray]) -> FloatArray:
    stacked: FloatArray = np.stack(columns, axis=1)
    return stacked
