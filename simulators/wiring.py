"""Which simulator feeds which, and with what: the data flow of one step, in the order in which it happens."""

from collections.abc import Mapping
from functools import partial

import numpy as np
from mosaik import AsyncWorld
from mosaik.async_scenario import Entity

from simulators.layout import Layout
from twin.model.device import DeviceKind


def connect(world: AsyncWorld, entities: Mapping[str, Entity], layout: Layout) -> None:
    """Connect all simulators of a world; what flows against the order of the step arrives one step later."""

    def wire(source: str, target: str, *pairs: tuple[str, str]) -> None:
        world.connect(entities[source], entities[target], *pairs)

    def same(*names: str) -> list[tuple[str, str]]:
        return [(name, name) for name in names]

    pv, battery, ev = DeviceKind.PV.value, DeviceKind.BATTERY.value, DeviceKind.EV_CHARGER.value
    pump, heater, meter = DeviceKind.HEAT_PUMP.value, DeviceKind.WATER_HEATER.value, DeviceKind.METER.value
    around, asked = "surroundings", "controls"

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
        *same("temperature_outdoor_degc", "irradiance_global_w_m2"),
        ("heat_gain_w", "heat_gain_internal_w"),
    )
    wire(around, heater, *same("draw_l_min", "temperature_mains_degc"))
    wire(around, "base_load", ("demand_w", "demand_w"))

    wire(asked, pv, *same("active_power_limit"))
    wire(asked, ev, *same("power_limit_w"))
    wire(asked, pump, *same("setpoint_offset_k", "setpoint_heat_degc"))
    wire(asked, heater, ("setpoint_tank_degc", "setpoint_degc"))
    wire(asked, "panel", ("power_setpoint_w", "commanded_w"))

    for kind in (pv, ev, pump, heater, "base_load"):
        wire(kind, "panel", ("power_w", f"{kind}_power_w"))
    wire(pv, "panel", ("reactive_power_var", "pv_reactive_power_var"))
    wire("base_load", "panel", ("reactive_power_var", "base_load_reactive_power_var"))
    wire("panel", battery, ("battery_setpoint_w", "power_setpoint_w"))
    wire("panel", meter, ("power_w", "power_total_w"), ("reactive_power_var", "reactive_power_total_var"))
    by_home = partial(layout.sum_by_home, DeviceKind.BATTERY)
    world.connect(entities[battery], entities[meter], ("power_w", "power_total_w"), transform=by_home)
    by_home = partial(layout.sum_by_home, DeviceKind.METER)
    passing = same("power_w", "reactive_power_var")
    world.connect(entities[meter], entities["grid"], *passing, transform=by_home)

    for kind in (pv, "base_load"):
        world.connect(
            entities["grid"],
            entities[kind],
            ("voltage_pu", "voltage_pu"),
            time_shifted=True,
            initial_data={"voltage_pu": np.ones(layout.homes)},
        )
    world.connect(
        entities["bridge"],
        entities[asked],
        ("commands_taken", "commands_taken"),
        time_shifted=True,
        initial_data={"commands_taken": np.zeros(1)},
    )

    registers = ("power_w", "reactive_power_var", "energy_import_wh", "energy_export_wh")
    wire(meter, "bridge", *((name, f"{meter}.{name}") for name in registers))
    wire("grid", "bridge", ("voltage_v", f"{meter}.voltage_v"), ("head_power_w", "head_power_w"))
    wire(pv, "bridge", *((name, f"{pv}.{name}") for name in ("power_w", "reactive_power_var", "power_available_w")))
    wire(asked, "bridge", ("active_power_limit", f"{pv}.active_power_limit"))
    wire(battery, "bridge", ("power_w", f"{battery}.power_w"), ("soc", f"{battery}.soc"))
    wire("panel", "bridge", ("battery_setpoint_w", f"{battery}.power_setpoint_w"))
    wire(ev, "bridge", ("power_w", f"{ev}.power_w"), ("soc", f"{ev}.soc"))
    wire(around, "bridge", ("plugged", f"{ev}.plugged"))
    wire(asked, "bridge", ("power_limit_w", f"{ev}.power_limit_w"))
    wire(pump, "bridge", *((name, f"{pump}.{name}") for name in ("power_w", "temperature_indoor_degc")))
    wire(asked, "bridge", *((name, f"{pump}.{name}") for name in ("setpoint_heat_degc", "setpoint_offset_k")))
    wire(
        heater, "bridge", ("power_w", f"{heater}.power_w"), ("temperature_mean_degc", f"{heater}.temperature_tank_degc")
    )
    wire(heater, "bridge", ("temperature_outlet_degc", f"{heater}.temperature_outlet_degc"))
    wire(asked, "bridge", ("setpoint_tank_degc", f"{heater}.setpoint_tank_degc"))
