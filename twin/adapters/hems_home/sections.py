"""What the HEMS calls things: W and var, kWh registers, percent, degC.

Grid positive on import, solar positive on production, battery positive on discharge, loads positive on consumption.
A panel's circuits are on or off; its rest is what no other device of the home accounts for.
"""

from typing import Final

from twin.adapters.sections import Field, Section
from twin.model.device import DeviceKind
from twin.model.quantity import CIRCUITS, MAIN_CLOSED

NAME: Final = "hems_home"

SECTIONS: Final = (
    Section(
        kind=DeviceKind.METER,
        key="grid",
        listed=False,
        fields=(
            Field(key="power", quantity="power_w"),
            Field(key="reactive", quantity="reactive_power_var"),
            Field(key="voltage", quantity="voltage_v"),
            Field(key="imported", quantity="energy_import_wh", factor=1e3),
            Field(key="exported", quantity="energy_export_wh", factor=1e3),
        ),
    ),
    Section(
        kind=DeviceKind.PV,
        key="solar",
        fields=(
            Field(key="power", quantity="power_w", factor=-1.0),
            Field(key="reactive", quantity="reactive_power_var", factor=-1.0),
            Field(key="available", quantity="power_available_w", factor=-1.0),
            Field(key="limit", quantity="active_power_limit", factor=0.01),
        ),
    ),
    Section(
        kind=DeviceKind.BATTERY,
        key="battery",
        fields=(
            Field(key="power", quantity="power_w", factor=-1.0),
            Field(key="soc", quantity="soc", factor=0.01),
            Field(key="setpoint", quantity="power_setpoint_w", factor=-1.0),
        ),
    ),
    Section(
        kind=DeviceKind.EV_CHARGER,
        key="wallbox",
        fields=(
            Field(key="power", quantity="power_w"),
            Field(key="soc", quantity="soc", factor=0.01),
            Field(key="connected", quantity="plugged", yes_no=True),
            Field(key="limit", quantity="power_limit_w"),
            Field(key="discharge", quantity="discharge_request_w"),
        ),
    ),
    Section(
        kind=DeviceKind.HEAT_PUMP,
        key="heating",
        fields=(
            Field(key="power", quantity="power_w"),
            Field(key="room", quantity="temperature_indoor_degc"),
            Field(key="target", quantity="setpoint_heat_degc"),
            Field(key="offset", quantity="setpoint_offset_k"),
        ),
    ),
    Section(
        kind=DeviceKind.WATER_HEATER,
        key="hot_water",
        fields=(
            Field(key="power", quantity="power_w"),
            Field(key="tank", quantity="temperature_tank_degc"),
            Field(key="outlet", quantity="temperature_outlet_degc"),
            Field(key="target", quantity="setpoint_tank_degc"),
            Field(key="boost", quantity="setpoint_tank_offset_k"),
        ),
    ),
    Section(
        kind=DeviceKind.SMART_PANEL,
        key="panel",
        fields=(
            Field(key="rest", quantity="power_w"),
            Field(key="main_on", quantity=MAIN_CLOSED, yes_no=True),
            *(
                Field(key=f"circuit_{number}_on", quantity=f"circuit_{number}_closed", yes_no=True)
                for number in CIRCUITS
            ),
            *(Field(key=f"circuit_{number}", quantity=f"circuit_{number}_power_w") for number in CIRCUITS),
            *(
                Field(key=f"circuit_{number}_counted", quantity=f"circuit_{number}_energy_wh", factor=1e3)
                for number in CIRCUITS
            ),
        ),
    ),
)
