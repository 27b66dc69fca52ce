"""Kinds of device: what each reports, what it can be asked for, which ratings the pilot file gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from twin.model.quantity import CIRCUIT_CLOSED, CIRCUIT_ENERGY, CIRCUIT_POWER, MAIN_CLOSED


class DeviceKind(StrEnum):
    """What a device is; the console, the store and the fleets group by it."""

    METER = "meter"
    PV = "pv"
    BATTERY = "battery"
    EV_CHARGER = "ev_charger"
    HEAT_PUMP = "heat_pump"
    WATER_HEATER = "water_heater"
    SMART_PANEL = "smart_panel"


ON_CIRCUITS = (DeviceKind.PV, DeviceKind.EV_CHARGER, DeviceKind.HEAT_PUMP, DeviceKind.WATER_HEATER)
"""Kinds that a smart panel of their home feeds, each device on a circuit of its own.

A battery stands between meter and panel, so that it can carry all circuits.
"""


class Pathway(StrEnum):
    """Over whom the utility reaches a device."""

    OEM = "oem"
    GATEWAY = "gateway"
    HEMS = "hems"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """One rating of the pilot file: allowed range and, where the maker rarely says, a default.

    With `per`, the default is for one unit of that other rating: window area per floor area.
    """

    unit: str
    minimum: float
    maximum: float
    meaning: str
    default: float | None = None
    per: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KindDescription:
    """What is true of every device of a kind. `controls` maps a quantity to the one that shows it applied.

    `needs` names, for a control that not every device of the kind has, the rating that is above 0 where it is there.
    """

    reports: tuple[str, ...]
    controls: Mapping[str, str]
    ratings: Mapping[str, Rating]
    needs: Mapping[str, str] = field(default_factory=dict)


def _rating(
    unit: str, minimum: float, maximum: float, meaning: str, default: float | None = None, per: str | None = None
) -> Rating:
    return Rating(unit=unit, minimum=minimum, maximum=maximum, meaning=meaning, default=default, per=per)


KINDS: Mapping[DeviceKind, KindDescription] = MappingProxyType(
    {
        DeviceKind.METER: KindDescription(
            reports=("power_w", "reactive_power_var", "voltage_v", "energy_import_wh", "energy_export_wh"),
            controls={},
            ratings={},
        ),
        DeviceKind.PV: KindDescription(
            reports=("power_w", "reactive_power_var", "power_available_w", "active_power_limit"),
            controls={"active_power_limit": "active_power_limit"},
            ratings={
                "dc_power_w": _rating("W", 100, 1e6, "array power at standard test conditions"),
                "ac_power_va": _rating("VA", 100, 1e6, "inverter apparent power"),
                "tilt_deg": _rating("deg", 0, 90, "roof slope from horizontal"),
                "azimuth_deg": _rating("deg", 0, 360, "roof direction, clockwise from north"),
                "volt_var": _rating("1", 0, 1, "IEEE 1547 volt-var on (1) or off (0)", 1.0),
                "volt_watt": _rating("1", 0, 1, "IEEE 1547 volt-watt on (1) or off (0)", 1.0),
            },
        ),
        DeviceKind.BATTERY: KindDescription(
            reports=("power_w", "soc", "power_setpoint_w"),
            controls={"power_setpoint_w": "power_setpoint_w"},
            ratings={
                "energy_wh": _rating("Wh", 500, 1e6, "energy capacity"),
                "power_w": _rating("W", 100, 1e6, "most charging or discharging power"),
                "soc_min": _rating("1", 0, 0.9, "reserve kept for the owner", 0.10),
                "soc_max": _rating("1", 0.1, 1, "highest state of charge", 1.0),
                "soc_start": _rating("1", 0, 1, "state of charge at the start", 0.5),
            },
        ),
        DeviceKind.EV_CHARGER: KindDescription(
            reports=("power_w", "soc", "plugged", "power_limit_w", "discharge_request_w"),
            controls={name: name for name in ("power_limit_w", "discharge_request_w")},
            needs={"discharge_request_w": "discharge_power_w"},
            ratings={
                "power_w": _rating("W", 1_300, 50_000, "most charging power"),
                "vehicle_energy_wh": _rating("Wh", 5_000, 200_000, "battery of the vehicle"),
                "discharge_power_w": _rating("W", 0, 50_000, "most vehicle-to-home power, 0 if it cannot", 0.0),
                "soc_home_min": _rating("1", 0, 1, "reserve for driving that vehicle-to-home leaves", 0.5),
            },
        ),
        DeviceKind.HEAT_PUMP: KindDescription(
            reports=("power_w", "temperature_indoor_degc", "setpoint_heat_degc", "setpoint_offset_k"),
            controls={"setpoint_offset_k": "setpoint_offset_k"},
            ratings={
                "heat_power_w": _rating("W", 1_000, 50_000, "heating capacity at 7 degC outdoors"),
                "floor_area_m2": _rating("m2", 20, 1_000, "heated floor area"),
                "setpoint_degc": _rating("degC", 10, 28, "owner's heating setpoint", 20.5),
                "setpoint_cool_degc": _rating("degC", 18, 40, "owner's cooling setpoint", 26.0),
                "window_area_m2": _rating("m2", 0, 1_000, "windows with their frames", 0.15, "floor_area_m2"),
                "window_azimuth_deg": _rating(
                    "deg", 0, 360, "where the side with half of the windows looks, clockwise from north", 180.0
                ),
                "window_solar_gain": _rating("1", 0, 1, "share of the sun that the glass lets in (g-value, SHGC)", 0.6),
                "wall_area_m2": _rating("m2", 0, 5_000, "outer walls without windows", 1.0, "floor_area_m2"),
                "roof_area_m2": _rating("m2", 0, 2_000, "roof or top ceiling", 0.5, "floor_area_m2"),
            },
        ),
        DeviceKind.WATER_HEATER: KindDescription(
            reports=(
                *("power_w", "temperature_tank_degc", "temperature_outlet_degc"),
                *("setpoint_tank_degc", "setpoint_tank_offset_k"),
            ),
            controls={name: name for name in ("setpoint_tank_degc", "setpoint_tank_offset_k")},
            ratings={
                "volume_l": _rating("L", 30, 1_000, "tank volume"),
                "power_w": _rating("W", 500, 12_000, "power of one heating element"),
                "setpoint_degc": _rating("degC", 30, 90, "owner's setpoint", 55.0),  # what installers leave
                "heat_pump": _rating("1", 0, 1, "with a heat pump (1) or elements alone (0)", 0.0),
                "legionella_interval_s": _rating(
                    "s", 0, 3.2e7, "from one heating to 60 degC against legionella to the next, 0 for none", 0.0
                ),
            },
        ),
        # Its power_w is its own consumption and what lights and sockets draw: every watt of a home has one reporter.
        DeviceKind.SMART_PANEL: KindDescription(
            reports=("power_w", MAIN_CLOSED, *CIRCUIT_CLOSED, *CIRCUIT_POWER, *CIRCUIT_ENERGY),
            controls={name: name for name in (MAIN_CLOSED, *CIRCUIT_CLOSED)},
            ratings={},
        ),
    }
)


def with_defaults(kind: DeviceKind, given: Mapping[str, float]) -> dict[str, float]:
    """Every rating of `kind` in its order: as `given`, else its default. Raises KeyError for one that has none."""
    found: dict[str, float] = {}
    for name, rating in KINDS[kind].ratings.items():
        if name in given:
            found[name] = float(given[name])
        elif rating.default is None:
            raise KeyError(name)
        else:
            found[name] = rating.default if rating.per is None else rating.default * found[rating.per]
    return found
