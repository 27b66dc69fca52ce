"""Which simulator feeds which, and with what: the data flow of one step, in the order in which it happens."""

from collections.abc import Mapping
from functools import partial

import numpy as np
from mosaik import AsyncWorld
from mosaik.async_scenario import Entity

from simulators.cosim.control import (
    BASE_ENERGISED,
    DISCHARGE_ASKED,
    PASSING,
    POWER_OFFERED,
    SETPOINT_COOL,
    SETPOINT_HEAT,
    asked_of,
    energised,
)
from simulators.cosim.surroundings import ROOM_DEGC
from simulators.layout import FloatArray, Layout
from twin.model.device import ON_CIRCUITS, DeviceKind
from twin.model.quantity import CIRCUIT_ENERGY, CIRCUIT_POWER

_ROOM_RANGE_DEGC = (-40.0, 60.0)  # that the water heater's model takes


def connect(
    world: AsyncWorld, entities: Mapping[str, Entity], layout: Layout, asked_first: Mapping[str, FloatArray]
) -> None:
    """Connect all simulators of a world; what flows against the order of the step arrives one step later.

    `asked_first` is what the devices are asked for in the first step.
    """

    def wire(source: str, target: str, *pairs: tuple[str, str]) -> None:
        world.connect(entities[source], entities[target], *pairs)

    def same(*names: str) -> list[tuple[str, str]]:
        return [(name, name) for name in names]

    pv, battery, ev = DeviceKind.PV.value, DeviceKind.BATTERY.value, DeviceKind.EV_CHARGER.value
    pump, heater, meter = DeviceKind.HEAT_PUMP.value, DeviceKind.WATER_HEATER.value, DeviceKind.METER.value
    around = "surroundings"

    wire(
        around,
        pv,
        *same("irradiance_poa_w_m2", "wind_speed_m_s"),
        ("temperature_outdoor_degc", "temperature_ambient_degc"),
    )
    wire(around, ev, ("plugged", "plugged"), ("driving_power_w", "driving_power_w"))
    wire(
        around,
        pump,
        *same("temperature_outdoor_degc", "irradiance_global_w_m2", "solar_window_w", "solar_wall_w"),
        *same("temperature_ground_degc", "humidity_ratio_outdoor"),
        ("wind_speed_house_m_s", "wind_speed_m_s"),
        ("temperature_wet_bulb_coil_degc", "temperature_wet_bulb_indoor_degc"),
        ("heat_gain_w", "heat_gain_internal_w"),
    )
    wire(
        around,
        heater,
        *same("draw_l_min", "temperature_mains_degc"),
        ("temperature_wet_bulb_room_degc", "temperature_wet_bulb_degc"),
    )
    room = partial(_room_degc, layout)
    indoors = ("temperature_indoor_degc", "temperature_ambient_degc")
    world.connect(entities[pump], entities[heater], indoors, transform=room)
    wire(around, "panel", ("demand_w", "demand_w"))

    for kind in (pv, ev, pump, heater):
        wire(kind, "panel", ("power_w", f"{kind}_power_w"))
    wire(pv, "panel", ("reactive_power_var", "pv_reactive_power_var"))
    wire("panel", battery, ("battery_setpoint_w", "power_setpoint_w"))
    wire("panel", meter, ("power_w", "power_total_w"), ("reactive_power_var", "reactive_power_total_var"))
    by_home = partial(layout.sum_by_home, DeviceKind.BATTERY)
    world.connect(entities[battery], entities[meter], ("power_w", "power_total_w"), transform=by_home)
    by_home = partial(layout.sum_by_home, DeviceKind.METER)
    passing = same("power_w", "reactive_power_var")
    world.connect(entities[meter], entities["grid"], *passing, transform=by_home)

    first = {"voltage_pu": np.ones(layout.homes), "frequency_hz": np.array([layout.pilot.network.frequency_hz])}
    for kind, measured in ((pv, ("voltage_pu", "frequency_hz")), ("panel", ("voltage_pu",))):
        world.connect(entities["grid"], entities[kind], *same(*measured), time_shifted=True, initial_data=first)
    asked = (
        (pv, (asked_of(DeviceKind.PV, "active_power_limit"), "active_power_limit")),
        (pv, (energised(DeviceKind.PV), "permit_service")),
        (ev, (POWER_OFFERED, "power_limit_w")),
        (ev, (DISCHARGE_ASKED, "discharge_request_w")),
        (pump, (asked_of(DeviceKind.HEAT_PUMP, "setpoint_offset_k"), "setpoint_offset_k")),
        (pump, (SETPOINT_HEAT, "setpoint_heat_degc")),
        (pump, (SETPOINT_COOL, "setpoint_cool_degc")),
        (pump, (energised(DeviceKind.HEAT_PUMP), "enabled")),
        (heater, (asked_of(DeviceKind.WATER_HEATER, "setpoint_tank_degc"), "setpoint_degc")),
        (heater, (asked_of(DeviceKind.WATER_HEATER, "setpoint_tank_offset_k"), "setpoint_offset_k")),
        (heater, (energised(DeviceKind.WATER_HEATER), "enabled")),
        (around, (BASE_ENERGISED, BASE_ENERGISED)),
        ("panel", (asked_of(DeviceKind.BATTERY, "power_setpoint_w"), "commanded_w")),
        ("panel", (PASSING, PASSING)),
        *(("panel", (energised(kind), energised(kind))) for kind in ON_CIRCUITS),
    )
    for target, pair in asked:
        world.connect(entities["bridge"], entities[target], pair, time_shifted=True, initial_data=dict(asked_first))

    registers = ("power_w", "reactive_power_var", "energy_import_wh", "energy_export_wh")
    wire(meter, "bridge", *((name, f"{meter}.{name}") for name in registers))
    wire("grid", "bridge", ("voltage_v", f"{meter}.voltage_v"), ("head_power_w", "head_power_w"))
    wire("panel", "bridge", *((f"{kind.value}_power_w", f"{kind.value}.power_w") for kind in ON_CIRCUITS))
    wire("panel", "bridge", ("pv_reactive_power_var", f"{pv}.reactive_power_var"))
    smart = DeviceKind.SMART_PANEL.value
    circuits = ((name, f"{smart}.{name}") for name in (*CIRCUIT_POWER, *CIRCUIT_ENERGY))
    wire("panel", "bridge", ("panel_power_w", f"{smart}.power_w"), *circuits)
    wire(pv, "bridge", ("power_available_w", f"{pv}.power_available_w"))
    wire(battery, "bridge", ("power_w", f"{battery}.power_w"), ("soc", f"{battery}.soc"))
    wire("panel", "bridge", ("battery_setpoint_w", f"{battery}.power_setpoint_w"))
    wire(ev, "bridge", ("soc", f"{ev}.soc"))
    wire(around, "bridge", ("plugged", f"{ev}.plugged"))
    wire(pump, "bridge", ("temperature_indoor_degc", f"{pump}.temperature_indoor_degc"))
    wire(heater, "bridge", ("temperature_mean_degc", f"{heater}.temperature_tank_degc"))
    wire(heater, "bridge", ("temperature_outlet_degc", f"{heater}.temperature_outlet_degc"))


def _room_degc(layout: Layout, indoor_degc: FloatArray) -> FloatArray:
    """The air around each water heater: that of its home's house, else of a usual room."""
    by_home = np.full(layout.homes, ROOM_DEGC)
    known = np.isfinite(indoor_degc)
    by_home[layout.kinds[DeviceKind.HEAT_PUMP].home[known]] = np.clip(indoor_degc[known], *_ROOM_RANGE_DEGC)
    return by_home[layout.kinds[DeviceKind.WATER_HEATER].home]
