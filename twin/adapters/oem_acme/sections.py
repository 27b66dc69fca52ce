"""What ACME calls things: kW and kvar, kWh registers, percent, degF.

The meter is positive on export, PV on production, storage on discharge, loads on consumption.
A load center's breakers are closed or open; unassigned is what no other equipment of the site accounts for.
"""

from typing import Final

from twin.adapters.sections import Field, Section
from twin.model.device import DeviceKind
from twin.model.quantity import CIRCUITS, MAIN_CLOSED

NAME: Final = "oem_acme"
VENDOR: Final = "acme"

_K_PER_DEGF: Final = 5 / 9
_ZERO_DEGF_IN_DEGC: Final = -32 * 5 / 9


def _temperature(key: str, quantity: str) -> Field:
    return Field(key=key, quantity=quantity, factor=_K_PER_DEGF, offset=_ZERO_DEGF_IN_DEGC)


SECTIONS: Final = (
    Section(
        kind=DeviceKind.METER,
        key="meter",
        listed=False,
        fields=(
            Field(key="netExportKw", quantity="power_w", factor=-1e3),
            Field(key="netExportKvar", quantity="reactive_power_var", factor=-1e3),
            Field(key="voltage", quantity="voltage_v"),
            Field(key="lifetimeImportKwh", quantity="energy_import_wh", factor=1e3),
            Field(key="lifetimeExportKwh", quantity="energy_export_wh", factor=1e3),
        ),
    ),
    Section(
        kind=DeviceKind.PV,
        key="pv",
        fields=(
            Field(key="productionKw", quantity="power_w", factor=-1e3),
            Field(key="productionKvar", quantity="reactive_power_var", factor=-1e3),
            Field(key="potentialKw", quantity="power_available_w", factor=-1e3),
            Field(key="curtailmentPct", quantity="active_power_limit", factor=-0.01, offset=1.0),
        ),
    ),
    Section(
        kind=DeviceKind.BATTERY,
        key="storage",
        fields=(
            Field(key="dischargeKw", quantity="power_w", factor=-1e3),
            Field(key="chargeLevelPct", quantity="soc", factor=0.01),
            Field(key="dispatchKw", quantity="power_setpoint_w", factor=-1e3),
        ),
    ),
    Section(
        kind=DeviceKind.EV_CHARGER,
        key="evse",
        fields=(
            Field(key="chargeKw", quantity="power_w", factor=1e3),
            Field(key="vehicleLevelPct", quantity="soc", factor=0.01),
            Field(key="pluggedIn", quantity="plugged", yes_no=True),
            Field(key="maxChargeKw", quantity="power_limit_w", factor=1e3),
            Field(key="vehicleToHomeKw", quantity="discharge_request_w", factor=1e3),
        ),
    ),
    Section(
        kind=DeviceKind.HEAT_PUMP,
        key="hvac",
        fields=(
            Field(key="demandKw", quantity="power_w", factor=1e3),
            _temperature("indoorTempF", "temperature_indoor_degc"),
            _temperature("heatSetpointF", "setpoint_heat_degc"),
            Field(key="gridOffsetF", quantity="setpoint_offset_k", factor=_K_PER_DEGF),  # a difference: no offset
        ),
    ),
    Section(
        kind=DeviceKind.WATER_HEATER,
        key="dhw",
        fields=(
            Field(key="demandKw", quantity="power_w", factor=1e3),
            _temperature("tankTempF", "temperature_tank_degc"),
            _temperature("outletTempF", "temperature_outlet_degc"),
            _temperature("targetTempF", "setpoint_tank_degc"),
            Field(key="gridOffsetF", quantity="setpoint_tank_offset_k", factor=_K_PER_DEGF),
        ),
    ),
    Section(
        kind=DeviceKind.SMART_PANEL,
        key="loadCenter",
        fields=(
            Field(key="unassignedKw", quantity="power_w", factor=1e3),
            Field(key="mainClosed", quantity=MAIN_CLOSED, yes_no=True),
            *(
                Field(key=f"breaker{number}Closed", quantity=f"circuit_{number}_closed", yes_no=True)
                for number in CIRCUITS
            ),
            *(Field(key=f"breaker{number}Kw", quantity=f"circuit_{number}_power_w", factor=1e3) for number in CIRCUITS),
            *(
                Field(key=f"breaker{number}LifetimeKwh", quantity=f"circuit_{number}_energy_wh", factor=1e3)
                for number in CIRCUITS
            ),
        ),
    ),
)
