"""Ratings of pilot devices, and their network's frequency -> parameter arrays of their fleet's FMU.

What the ratings do not say gets a typical value; where devices of one kind differ in reality, the value is spread
around it by a seeded draw that depends on the device's place in the list only: adding a device never changes the
ones before it. Refuses unknown kinds, unknown or missing ratings.
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]
Parameters = dict[str, Column]

MODELS: Mapping[str, str] = MappingProxyType(
    {
        "battery": "battery",
        "pv": "pv_inverter",
        "ev_charger": "ev_charger",
        "heat_pump": "house",
        "water_heater": "water_heater",
        "base_load": "base_load",
        "meter": "meter",
        "smart_panel": "panel",
    }
)
"""Model of each device kind, as `Fleet` takes it."""

_DRAWS_PER_DEVICE = 12  # drawn for every device and kind, used or not, so that a device's draws never move
_MINIMUM_CURRENT_A = 6.0  # IEC 61851-1
_PHASE_VOLTAGE_V = 230.0
_LEAKS_W_PER_K_M2 = 0.35  # 0.4 air changes an hour of rooms 2.5 m high
_GROUND_W_PER_K_M2 = 0.12  # a tenth of the loss, as EN 12831 finds it for floors on the ground
_OUTER_SHARE = 1.5 / 4.5  # of 4.5 m2 that face a room per m2 of floor (ISO 13790), walls 1.0 m2, roof 0.5 m2
_GROUND_FLOOR_SHARE = 0.5  # of the floor area: two storeys
# Per m2 of ground floor: 0.1 m of concrete (ISO 10456: 2300 kg/m3, 1000 J/(kg K)), and sand or gravel (ISO 13370:
# 2.0 MJ/(m3 K), 2.0 W/(m K)) as deep as a day's wave goes, sqrt(2 x 2.0 / (2.0e6 x 2 pi / 86400 s)) = 0.17 m.
_SLAB_J_PER_K_M2 = 0.1 * 2.3e6 + 0.17 * 2.0e6
_SLAB_TO_AIR_W_PER_K_M2 = 3.4  # 0.17 m2 K/W down to the floor (ISO 6946), 0.1 covering, 0.025 half the concrete
_SURFACE_M2_K_PER_W = 0.04  # between outer surface and outdoors (ISO 6946)
_NO_PATH_K_PER_W = 1e6
_MILD_DEGC = 10.0  # outdoors and below ground; near the steady state at this a house starts
# They shape what the world feeds a house, not its model.
_OUTSIDE_THE_MODEL = (
    *("setpoint_cool_degc", "window_area_m2", "window_azimuth_deg", "window_solar_gain"),
    *("wall_area_m2", "roof_area_m2"),
)
_SINGLE_PHASE_MAX_W = 7400.0  # 32 A at 230 V; larger chargers use three phases
_STANDARD_HZ = 60.0
# Defaults of IEEE 1547-2018, clauses 4.10.2 (enter service), 6.5.1 (trips) and 6.5.2.7 (droop): hertz of a 60 Hz
# network. On another each keeps its share of the nominal frequency (docs/adr/0014-frequency-of-the-network.md).
_AT_60_HZ = {
    "frequency_nominal_hz": 60.0,
    "frequency_deadband_hz": 0.036,
    "frequency_deadband_under_hz": 0.036,
    "trip_of2_hz": 62.0,
    "trip_of1_hz": 61.2,
    "trip_uf1_hz": 58.5,
    "trip_uf2_hz": 56.5,
    "enter_service_low_hz": 59.5,
    "enter_service_high_hz": 60.1,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Devices:
    """Ratings and draws of the devices of one kind, and the nominal frequency of their network."""

    ratings: Sequence[Mapping[str, float]]
    draws: NDArray[np.float64]
    frequency_hz: float

    def rating(self, name: str, default: float | Column | None = None) -> Column:
        """The rating of every device; `default` (one value or one per device) where a device has none."""
        if default is None:
            return np.array([device[name] for device in self.ratings], dtype=np.float64)
        fallback = np.broadcast_to(default, (len(self.ratings),))
        pairs = zip(self.ratings, fallback, strict=True)
        return np.array([device.get(name, value) for device, value in pairs], dtype=np.float64)

    def spread(self, draw: int, low: float, high: float) -> Column:
        """Even spread between two values by the draw of that number."""
        return low + (high - low) * self.draws[:, draw]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    required: frozenset[str]
    optional: frozenset[str]
    build: Callable[[_Devices], Parameters]


def parameters(
    kind: str, ratings: Sequence[Mapping[str, float]], seed: int, *, frequency_hz: float = _STANDARD_HZ
) -> Parameters:
    """Parameter arrays of shape (len(ratings),) for the model `MODELS[kind]`; ValueError on wrong kinds or ratings.

    `frequency_hz` is the nominal frequency of the devices' network.
    """
    if kind not in _KINDS:
        raise ValueError(f"device kind {kind!r} is unknown, allowed: {', '.join(sorted(_KINDS))}")
    rules = _KINDS[kind]
    for place, device in enumerate(ratings):
        missing = rules.required - device.keys()
        unknown = device.keys() - rules.required - rules.optional
        if missing or unknown:
            allowed = ", ".join(sorted(rules.required | rules.optional)) or "none"
            wrong = f"missing ratings {sorted(missing)}, unknown ratings {sorted(unknown)}"
            raise ValueError(f"{kind} {place}: {wrong}, allowed: {allowed}")
    stream = np.random.default_rng([seed, zlib.crc32(kind.encode())])
    draws = stream.random((len(ratings), _DRAWS_PER_DEVICE))
    return rules.build(_Devices(ratings=ratings, draws=draws, frequency_hz=frequency_hz))


def given_to(kind: str) -> frozenset[str]:
    """The parameters of its model that the ratings of a device kind say something about, required or usual."""
    return frozenset(parameters(kind, [dict.fromkeys(_KINDS[kind].required, 1.0)], seed=0))


def _battery(devices: _Devices) -> Parameters:
    power_w = devices.rating("power_w")
    soc_min = devices.rating("soc_min", 0.1)
    soc_max = devices.rating("soc_max", 1.0)
    return {
        "energy_capacity_wh": devices.rating("energy_wh"),
        "power_max_w": power_w,
        "soc_min": soc_min,
        "soc_max": soc_max,
        "soc_start": devices.rating("soc_start", devices.spread(0, 0.3, 0.7)),
        "inverter_efficiency": devices.spread(1, 0.97, 0.985),
        "inverter_no_load_w": 0.004 * power_w,
        "inverter_resistive_pu": np.full(len(power_w), 0.008),
        "resistance_pu": devices.spread(2, 0.03, 0.05),
        "standby_w": devices.spread(3, 5.0, 15.0),
        "derate_charge_above_soc": soc_max - 0.05,
        "derate_discharge_below_soc": soc_min + 0.05,
    }


def _pv(devices: _Devices) -> Parameters:
    return {
        "dc_power_w": devices.rating("dc_power_w"),
        "ac_power_va": devices.rating("ac_power_va"),
        "gamma": devices.spread(0, -0.0041, -0.0034),
        "losses": devices.spread(1, 0.10, 0.18),
        "inverter_efficiency": devices.spread(2, 0.955, 0.975),
        "volt_var_on": devices.rating("volt_var", 0.0),
        "volt_watt_on": devices.rating("volt_watt", 0.0),
        **{
            name: np.full(len(devices.ratings), at_60_hz * devices.frequency_hz / _STANDARD_HZ)
            for name, at_60_hz in _AT_60_HZ.items()
        },
    }


def _ev_charger(devices: _Devices) -> Parameters:
    power_w = devices.rating("power_w")
    phases = np.where(power_w > _SINGLE_PHASE_MAX_W, 3.0, 1.0)
    return {
        "battery_capacity_wh": devices.rating("vehicle_energy_wh"),
        "power_max_w": power_w,
        "power_min_w": np.minimum(phases * _MINIMUM_CURRENT_A * _PHASE_VOLTAGE_V, power_w),
        "efficiency": devices.spread(0, 0.88, 0.92),
        "standby_w": devices.spread(1, 2.0, 5.0),
        "taper_above_soc": devices.spread(2, 0.93, 0.97),
        "soc_start": devices.rating("soc_start", devices.spread(3, 0.5, 0.9)),
        "discharge_power_max_w": devices.rating("discharge_power_w", 0.0),
        "soc_home_min": devices.rating("soc_home_min", 0.5),
    }


def _heat_pump(devices: _Devices) -> Parameters:
    """Envelope per floor area: heat loss 1.0 to 1.6 W/(K m2), capacities between ISO 13790's light and medium class.

    Of that loss at 20 K and 5 m/s, 0.35 W/(K m2) is air through leaks, driven by both alike, 0.12 goes to the ground.
    Outer walls and roof store heat somewhere around the middle of what insulates them (ISO 52016-1, classes D and M).
    """
    area_m2 = devices.rating("floor_area_m2")
    heat_w = devices.rating("heat_power_w")
    loss_w_per_k = devices.spread(0, 1.0, 1.6) * area_m2
    share_air = devices.spread(1, 0.45, 0.6)  # windows and infiltration lose heat from the air, walls from the mass
    leak_w_per_k = _LEAKS_W_PER_K_M2 * area_m2
    ground_w_per_k = _GROUND_W_PER_K_M2 * area_m2
    coupling_w_per_k = devices.spread(2, 5.0, 7.0) * area_m2
    setpoint_degc = devices.rating("setpoint_degc", 20.0)
    capacity_j_per_k = devices.spread(4, 110e3, 170e3) * area_m2

    wall_w_per_k = (1.0 - share_air) * loss_w_per_k - ground_w_per_k
    inside = devices.spread(9, 0.35, 0.65)  # of the wall's resistance
    wall_outdoor_w_per_k = wall_w_per_k / (1.0 - inside)
    outer_m2 = devices.rating("wall_area_m2", area_m2) + devices.rating("roof_area_m2", 0.5 * area_m2)
    sunny = _SURFACE_M2_K_PER_W * wall_outdoor_w_per_k / np.maximum(outer_m2, 1.0)
    ground_floor_m2 = _GROUND_FLOOR_SHARE * area_m2
    slab_air_w_per_k = _SLAB_TO_AIR_W_PER_K_M2 * ground_floor_m2

    warmer_k = setpoint_degc - _MILD_DEGC
    through_wall_w = warmer_k / (1.0 / coupling_w_per_k + 1.0 / wall_w_per_k)
    return {
        "capacity_air_j_per_k": devices.spread(3, 30e3, 45e3) * area_m2,
        "capacity_mass_j_per_k": (1.0 - _OUTER_SHARE) * capacity_j_per_k,
        "capacity_wall_j_per_k": _OUTER_SHARE * capacity_j_per_k,
        "capacity_slab_j_per_k": _SLAB_J_PER_K_M2 * ground_floor_m2,
        "resistance_air_mass_k_per_w": 1.0 / coupling_w_per_k,
        "resistance_air_outdoor_k_per_w": 1.0 / (share_air * loss_w_per_k - leak_w_per_k),
        "resistance_mass_outdoor_k_per_w": np.full(len(area_m2), _NO_PATH_K_PER_W),
        "wall_mass_w_per_k": wall_w_per_k / inside,
        "wall_outdoor_w_per_k": wall_outdoor_w_per_k,
        "slab_air_w_per_k": slab_air_w_per_k,
        "slab_ground_w_per_k": 1.0 / (1.0 / ground_w_per_k - 1.0 / slab_air_w_per_k),
        "slab_outdoor_w_per_k": 0.0 * area_m2,
        "infiltration_stack_w_per_k": leak_w_per_k / np.sqrt(2.0),
        "infiltration_wind_w_per_k": leak_w_per_k / np.sqrt(2.0),
        "solar_wall": np.minimum(sunny, 1.0),
        "aperture_air_m2": 0.0 * area_m2,  # the sun comes as solar_window_w and solar_wall_w
        "aperture_mass_m2": 0.0 * area_m2,
        "heat_capacity_w": heat_w,
        "heat_cop": devices.spread(5, 3.2, 4.2),
        "cool_capacity_w": 0.9 * heat_w,
        "cool_cop": devices.spread(6, 3.0, 4.0),
        "backup_power_w": 0.5 * heat_w,
        "standby_w": devices.spread(7, 10.0, 30.0),
        "temperature_start_degc": setpoint_degc + devices.spread(8, -0.4, 0.4),  # thermostats out of step
        "mass_start_offset_k": -through_wall_w / coupling_w_per_k,
        "wall_start_offset_k": through_wall_w / wall_outdoor_w_per_k - warmer_k,
        "slab_start_offset_k": -warmer_k * ground_w_per_k / slab_air_w_per_k,
    }


def _water_heater(devices: _Devices) -> Parameters:
    volume_l = devices.rating("volume_l")
    surface = (volume_l / 250.0) ** (2.0 / 3.0)  # a body's surface grows with the 2/3 power of its volume
    return {
        "volume_l": volume_l,
        "height_m": 1.22 * (volume_l / 250.0) ** (1.0 / 3.0),
        "ua_w_per_k": devices.spread(0, 1.5, 2.4) * surface,
        "element_power_w": devices.rating("power_w"),
        "heat_pump": devices.rating("heat_pump", 0.0),
        "legionella_interval_s": devices.rating("legionella_interval_s", 0.0),
        "temperature_start_degc": devices.spread(1, 47.0, 52.0),
    }


def _base_load(devices: _Devices) -> Parameters:
    return {"power_factor": devices.spread(0, 0.95, 0.99)}


def _meter(devices: _Devices) -> Parameters:
    """Registers start at zero; the meter has no other parameter."""
    return {"energy_import_start_wh": np.zeros(len(devices.ratings))}


def _panel(devices: _Devices) -> Parameters:
    """Relays, meters and a radio draw a few watts."""
    return {"standby_w": devices.spread(0, 4.0, 8.0)}


_KINDS: Mapping[str, _Kind] = MappingProxyType(
    {
        "battery": _Kind(
            required=frozenset({"energy_wh", "power_w"}),
            optional=frozenset({"soc_min", "soc_max", "soc_start"}),
            build=_battery,
        ),
        "pv": _Kind(
            required=frozenset({"dc_power_w", "ac_power_va"}),
            optional=frozenset({"tilt_deg", "azimuth_deg", "volt_var", "volt_watt"}),
            build=_pv,
        ),
        "ev_charger": _Kind(
            required=frozenset({"power_w", "vehicle_energy_wh"}),
            optional=frozenset({"soc_start", "discharge_power_w", "soc_home_min"}),
            build=_ev_charger,
        ),
        "heat_pump": _Kind(
            required=frozenset({"heat_power_w", "floor_area_m2"}),
            optional=frozenset({"setpoint_degc", *_OUTSIDE_THE_MODEL}),
            build=_heat_pump,
        ),
        "water_heater": _Kind(
            required=frozenset({"volume_l", "power_w"}),
            optional=frozenset({"setpoint_degc", "heat_pump", "legionella_interval_s"}),
            build=_water_heater,
        ),
        "base_load": _Kind(required=frozenset(), optional=frozenset(), build=_base_load),
        "meter": _Kind(required=frozenset(), optional=frozenset(), build=_meter),
        "smart_panel": _Kind(required=frozenset(), optional=frozenset(), build=_panel),
    }
)
