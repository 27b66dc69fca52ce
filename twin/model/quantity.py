"""Every quantity that crosses a wire or stands in history: name, unit, allowed range, meaning.

Sign: load convention. Positive power flows from the grid into the thing; PV generation is negative.
The name's suffix is its unit. A quantity not in this table is refused everywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """One measurable or controllable quantity; values outside `minimum`..`maximum` are refused.

    A `switch` has two positions, 0 and 1, and nothing between.
    """

    name: str
    unit: str
    minimum: float
    maximum: float
    meaning: str
    switch: bool = False


_POWER_LIMIT = 1e7
_ENERGY_LIMIT = 1e12

CIRCUITS = range(1, 13)
"""Numbers of the circuits of a smart panel, as they stand beside its breakers."""
MAIN_CLOSED = "main_closed"
CIRCUIT_CLOSED = tuple(f"circuit_{number}_closed" for number in CIRCUITS)
CIRCUIT_POWER = tuple(f"circuit_{number}_power_w" for number in CIRCUITS)
CIRCUIT_ENERGY = tuple(f"circuit_{number}_energy_wh" for number in CIRCUITS)

_TABLE = (
    ("power_w", "W", -_POWER_LIMIT, _POWER_LIMIT, "active power, positive into the device or home"),
    (
        "reactive_power_var",
        "var",
        -_POWER_LIMIT,
        _POWER_LIMIT,
        "reactive power, positive when inductive load",
    ),
    ("voltage_v", "V", 0.0, 1e5, "line-to-neutral voltage, mean of the connected phases"),
    ("energy_import_wh", "Wh", 0.0, _ENERGY_LIMIT, "register of energy drawn from the grid"),
    ("energy_export_wh", "Wh", 0.0, _ENERGY_LIMIT, "register of energy fed into the grid"),
    ("power_available_w", "W", -_POWER_LIMIT, _POWER_LIMIT, "power the source could give without limits"),
    ("soc", "1", 0.0, 1.0, "state of charge of a battery or vehicle, share of usable energy"),
    ("plugged", "1", 0.0, 1.0, "vehicle connected to the charger: 1 yes, 0 no"),
    ("temperature_indoor_degc", "degC", -60.0, 80.0, "indoor air temperature"),
    ("temperature_tank_degc", "degC", -10.0, 120.0, "mean water temperature in the tank"),
    ("temperature_outlet_degc", "degC", -10.0, 120.0, "water temperature at the top of the tank"),
    ("power_setpoint_w", "W", -_POWER_LIMIT, _POWER_LIMIT, "wanted active power, positive charges"),
    ("power_limit_w", "W", 0.0, _POWER_LIMIT, "most that the charger may draw"),
    ("discharge_request_w", "W", 0.0, _POWER_LIMIT, "vehicle-to-home power asked for, a size without sign; 0 for none"),
    ("active_power_limit", "1", 0.0, 1.0, "most active power of an inverter, share of its rating"),
    ("setpoint_heat_degc", "degC", 5.0, 35.0, "thermostat setpoint for heating, as the owner wants it"),
    ("setpoint_offset_k", "K", -5.0, 5.0, "shift of the heating setpoint asked for by the grid"),
    ("setpoint_tank_degc", "degC", 30.0, 90.0, "water heater setpoint"),
    ("setpoint_tank_offset_k", "K", -25.0, 25.0, "shift of that setpoint asked for by the grid; positive preheats"),
    ("enabled", "1", 0.0, 1.0, "device may run: 1 yes, 0 no"),
    (MAIN_CLOSED, "1", 0.0, 1.0, "main relay of a smart panel: 1 closed, 0 open, then no circuit has power"),
    *(
        (name, "1", 0.0, 1.0, f"relay of circuit {number} of a smart panel: 1 closed, 0 open")
        for number, name in zip(CIRCUITS, CIRCUIT_CLOSED, strict=True)
    ),
    *(
        (name, "W", -_POWER_LIMIT, _POWER_LIMIT, f"active power through circuit {number} of a smart panel")
        for number, name in zip(CIRCUITS, CIRCUIT_POWER, strict=True)
    ),
    *(
        (
            name,
            "Wh",
            -_ENERGY_LIMIT,
            _ENERGY_LIMIT,
            f"register of circuit {number} of a smart panel; feed-in counts down",
        )
        for number, name in zip(CIRCUITS, CIRCUIT_ENERGY, strict=True)
    ),
)
_SWITCHES = frozenset({MAIN_CLOSED, *CIRCUIT_CLOSED})

QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        name: Quantity(name=name, unit=unit, minimum=low, maximum=high, meaning=meaning, switch=name in _SWITCHES)
        for name, unit, low, high, meaning in _TABLE
    }
)


def refusal(name: str, value: float) -> str | None:
    """Why `value` cannot be a value of the quantity `name`, or None when it can."""
    quantity = QUANTITIES.get(name)
    if quantity is None:
        return f"unknown quantity {name!r}; known: {', '.join(QUANTITIES)}"
    if not quantity.minimum <= value <= quantity.maximum:  # also catches NaN
        return f"{name} = {value!r} is outside {quantity.minimum:g}..{quantity.maximum:g} {quantity.unit}"
    if quantity.switch and value not in {0.0, 1.0}:
        return f"{name} = {value!r} is no position of a switch; 0 and 1 are"
    return None
