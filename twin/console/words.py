"""How figures and names are written for people: units, ages, times, and the names of kinds, pathways and states.

Refuses nothing; what is missing is written as a dash, never as zero.
"""

from collections.abc import Mapping
from datetime import datetime

from twin.model.command import CommandState
from twin.model.device import DeviceKind, Pathway
from twin.model.quantity import CIRCUIT_CLOSED, CIRCUIT_ENERGY, CIRCUIT_POWER, CIRCUITS, MAIN_CLOSED, QUANTITIES

DASH = "\N{EN DASH}"
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_KILO, _MEGA = 1e3, 1e6

KIND_NAMES: Mapping[str, str] = {
    DeviceKind.METER: "Meter",
    DeviceKind.PV: "Solar",
    DeviceKind.BATTERY: "Battery",
    DeviceKind.EV_CHARGER: "EV charger",
    DeviceKind.HEAT_PUMP: "Heat pump",
    DeviceKind.WATER_HEATER: "Hot water",
    DeviceKind.SMART_PANEL: "Smart panel",
    "base_load": "Base load",
}

PATHWAY_NAMES: Mapping[Pathway, str] = {
    Pathway.OEM: "OEM cloud",
    Pathway.GATEWAY: "Gateway",
    Pathway.HEMS: "HEMS",
}

PATHWAY_SHAPES: Mapping[Pathway, str] = {Pathway.OEM: "", Pathway.GATEWAY: "square", Pathway.HEMS: "diamond"}
"""The form of a pathway's mark, so that it is not told by colour alone."""

STATE_TONES: Mapping[CommandState, str] = {
    CommandState.REQUESTED: "wait",
    CommandState.SENT: "wait",
    CommandState.ACKNOWLEDGED: "wait",
    CommandState.APPLIED: "wait",
    CommandState.VERIFIED: "good",
    CommandState.REFUSED: "bad",
    CommandState.EXPIRED: "bad",
    CommandState.SUPERSEDED: "mute",
    CommandState.UNREACHABLE: "bad",
}

QUANTITY_NAMES: Mapping[str, str] = {
    "power_w": "Power",
    "reactive_power_var": "Reactive power",
    "voltage_v": "Voltage",
    "energy_import_wh": "Imported",
    "energy_export_wh": "Exported",
    "power_available_w": "Available",
    "soc": "State of charge",
    "plugged": "Vehicle",
    "temperature_indoor_degc": "Indoors",
    "temperature_tank_degc": "Tank, mean",
    "temperature_outlet_degc": "Tank, top",
    "power_setpoint_w": "Power setpoint",
    "power_limit_w": "Power limit",
    "discharge_request_w": "Vehicle to home",
    "active_power_limit": "Power limit",
    "setpoint_heat_degc": "Owner's setpoint",
    "setpoint_offset_k": "Setpoint offset",
    "setpoint_tank_degc": "Tank setpoint",
    "setpoint_tank_offset_k": "Tank setpoint offset",
    "enabled": "Enabled",
    MAIN_CLOSED: "Main relay",
    **{name: f"Circuit {number} relay" for number, name in zip(CIRCUITS, CIRCUIT_CLOSED, strict=True)},
    **{name: f"Circuit {number}" for number, name in zip(CIRCUITS, CIRCUIT_POWER, strict=True)},
    **{name: f"Circuit {number} energy" for number, name in zip(CIRCUITS, CIRCUIT_ENERGY, strict=True)},
}

_POSITIONS: Mapping[str, tuple[str, str]] = {
    "plugged": ("plugged in", "away"),
    "enabled": ("yes", "no"),
    **dict.fromkeys((MAIN_CLOSED, *CIRCUIT_CLOSED), ("closed", "open")),
}


def power(watts: float | None) -> str:
    """Active power with three or four figures: `850 W`, `3.42 kW`, `1.204 MW`."""
    return scaled(watts, "W")


def scaled(value: float | None, unit: str) -> str:
    """A value in its unit, with k or M before it when that reads better."""
    if value is None:
        return DASH
    size = abs(value)
    if size >= _MEGA:
        return f"{minus(f'{value / _MEGA:.3f}')} M{unit}"
    if size >= 100 * _KILO:
        return f"{minus(f'{value / _KILO:.1f}')} k{unit}"
    if size >= _KILO:
        return f"{minus(f'{value / _KILO:.2f}')} k{unit}"
    return f"{minus(f'{value:.0f}')} {unit}"


def minus(figure: str) -> str:
    """A typographic minus, and no minus before zero."""
    if figure.startswith("-"):
        return figure[1:] if not figure.strip("-0.") else "−" + figure[1:]  # noqa: RUF001
    return figure


def quantity(name: str, value: float | None) -> str:
    """A value of the quantity `name` as people read it."""
    if value is None:
        return DASH
    unit = QUANTITIES[name].unit if name in QUANTITIES else ""
    if name in _POSITIONS:
        yes, no = _POSITIONS[name]
        return yes if value >= 0.5 else no  # noqa: PLR2004
    if unit == "1":
        return f"{100 * value:.1f} %"
    if unit in {"W", "var", "Wh"}:
        return scaled(value, unit)
    return f"{minus(f'{value:.1f}')} {'°C' if unit == 'degC' else unit}"


def percent(share: float | None, digits: int = 0) -> str:
    """A share of one as per cent."""
    return DASH if share is None else f"{minus(f'{100 * share:.{digits}f}')} %"


def milliseconds(value: float | None) -> str:
    """A duration given in ms, as ms, s or minutes."""
    if value is None:
        return DASH
    if value < 10:  # noqa: PLR2004
        return f"{value:.1f} ms"
    return f"{value:.0f} ms" if value < 1_000 else age(value / 1_000)  # noqa: PLR2004


def age(seconds: float | None) -> str:
    """A duration in seconds, in the largest unit that keeps it readable."""
    if seconds is None:
        return DASH
    if seconds < 10:  # noqa: PLR2004
        return f"{max(seconds, 0.0):.1f} s"
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.0f} h" if seconds < 2 * _DAY else f"{seconds / _DAY:.0f} d"


def count(number: float | None) -> str:
    """A whole number with thin spaces between thousands."""
    return DASH if number is None else f"{number:,.0f}".replace(",", "\u202f")


def size(octets: float) -> str:
    """A size in bytes, kB or MB."""
    if octets < _KILO:
        return f"{octets:.0f} B"
    return f"{octets / _KILO:.0f} kB" if octets < _MEGA else f"{octets / _MEGA:.1f} MB"


def clock(at: datetime | None) -> str:
    """The time of day in UTC, to the second."""
    return DASH if at is None else f"{at:%H:%M:%S}"


def lately(at: datetime, now: datetime) -> str:
    """The time of day in UTC, with the day when that is not today."""
    return f"{at:%H:%M:%S}" if at.date() == now.date() else f"{at:%-d %b %H:%M:%S}"


def plural(number: int, one: str, many: str = "") -> str:
    """A count with its noun: `1 home`, `55 homes`."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def moment(at: datetime | None) -> str:
    """Date and time of day in UTC."""
    return DASH if at is None else f"{at:%Y-%m-%d %H:%M:%S}"
