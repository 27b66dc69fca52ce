"""One home: what its devices do, what they were asked for beside what they report, and whether its people are well."""

from collections.abc import Mapping

from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards import flux, links, look, panels, variables
from dashboards.board import PanelBuilder, board, row
from dashboards.links import Link
from twin.model.device import DeviceKind

_HOME = 'r.home == "${home}"'
_DEVICE = 'r.device == "${device}"'
_RELAYS: Mapping[str, str] = {
    "main_closed": "Main relay",
    **{f"circuit_{number}_closed": f"Circuit {number} relay" for number in range(1, 13)},
}
_ASKED: Mapping[str, str] = {
    "active_power_limit": "Power limit",
    "power_limit_w": "Power limit",
    "power_setpoint_w": "Power setpoint",
    "discharge_request_w": "Vehicle to home",
    "setpoint_offset_k": "Setpoint offset",
    "setpoint_tank_degc": "Tank setpoint",
    "setpoint_tank_offset_k": "Tank setpoint offset",
    **_RELAYS,
}
"""What devices can be asked for, as people call it; each reports it under the same name."""
_RARELY_MS = 3_600_000.0  # some clouds report every quarter of an hour; longer than this is a gap
_WARM, _COOL, _OUT = "#f08a72", "#67b2ec", "#f0b840"
_TO_COMMANDS = Link(title="What was commanded?", uid=links.COMMANDS_UID)


def build() -> Dashboard:
    """The dashboard."""
    return board(
        uid=links.HOME_UID,
        question="One home",
        reading="What does it do, and are its people well? Choose a home, and one of its devices for what it was asked"
        " beside what it reports. Power is positive into a device or the home.",
        variables=[variables.pilot(), variables.home(), variables.device()],
        span="now-6h",
        rows=[
            row(4, (5, _power_now()), (4, _fresh()), (5, _energy()), (5, _comfort_now()), (5, _storage_now())),
            row(9, (14, _powers()), (10, _asked())),
            row(8, (8, _indoors()), (8, _hot_water()), (8, _vehicle())),
            row(7, (8, _battery()), (6, _voltage()), (10, _commands())),
        ],
    )


def _power_now() -> PanelBuilder:
    return panels.figure(
        "Power at the meter",
        "What the home draws from the grid now; negative when it feeds in.",
        flux.newest("health_home", "power_w", where=(_HOME,)),
        unit=look.WATT,
    )


def _fresh() -> PanelBuilder:
    return panels.figure(
        "Its values are",
        "Stale when any device's newest measurement is older than its pathway promises.",
        flux.newest("health_home", "fresh", where=(_HOME,)),
        unit=look.COUNT,
        mappings=[look.FRESH],
        limits=look.YES_OR_NO,
    )


def _energy() -> PanelBuilder:
    return panels.figure(
        "Energy over the range",
        "By the meter's registers: drawn from the grid and fed into it.",
        flux.history(
            "meter",
            "energy_import_wh",
            "energy_export_wh",
            where=(_HOME,),
            fn="last",
            by=("_field",),
            then=flux.steps(
                "spread()",
                'set(key: "of", value: "home")',
                "group()",
                'pivot(rowKey: ["of"], columnKey: ["_field"], valueColumn: "_value")',
            ),
        ),
        unit=look.WATT_HOUR,
        overrides=[look.named("energy_import_wh", "drawn"), look.named("energy_export_wh", "fed in")],
        silent="no meter",
    )


def _comfort_now() -> PanelBuilder:
    return panels.figure(
        "Warm and washed",
        "Newest indoor temperature and temperature at the top of the tank.",
        _last_of("temperature_indoor_degc", "temperature_outlet_degc"),
        unit=look.CELSIUS,
        overrides=[
            look.named("temperature_indoor_degc", "indoors"),
            look.named("temperature_outlet_degc", "hot water"),
        ],
        decimals=1,
        silent="neither",
    )


def _storage_now() -> PanelBuilder:
    return panels.figure(
        "Stored",
        "Newest state of charge of battery and vehicle.",
        flux.columns(
            (DeviceKind.BATTERY, DeviceKind.EV_CHARGER),
            "soc",
            where=(_HOME,),
            fn="last",
            join="last",
            across="_measurement",
        ),
        unit=look.SHARE,
        overrides=look.kinds(),
        decimals=0,
        silent="neither",
    )


def _last_of(*fields: str) -> str:
    return flux.columns(
        (DeviceKind.HEAT_PUMP, DeviceKind.WATER_HEATER), *fields, where=(_HOME,), fn="last", join="last"
    )


def _powers() -> PanelBuilder:
    return panels.lines(
        "Power of the home and its devices",
        "The meter's line is what the grid sees; what lies between it and the devices is unmetered: lights, kitchen.",
        flux.columns(look.KINDS, "power_w", where=(_HOME,), across="_measurement", join="sum"),
        unit=look.WATT,
        label="into home and devices",
        overrides=look.kinds(),
        interval="5s",
        connected_ms=_RARELY_MS,
        calculations=("lastNotNull",),
    )


def _asked() -> PanelBuilder:
    """Reported values of what the device can be asked for, and dashed what is desired of it."""
    reported = [look.named(name, f"{text}, reported", look.ACCENT, *_shown(name)) for name, text in _ASKED.items()]
    desired = [
        look.named(
            f"desired_{name}",
            f"{text}, desired",
            look.WARN,
            *_shown(name),
            look.DASHED,
            ("custom.lineWidth", 2.5),
            ("custom.spanNulls", 60_000),
        )
        for name, text in _ASKED.items()
    ]
    return panels.lines(
        "Reported beside desired: ${device}",
        "Dashed: what the device is asked for while a command holds. Solid: what it says of itself. Never one merged"
        " value: the gap between the two is the news.",
        flux.columns(
            [kind for kind in look.KINDS if kind != DeviceKind.METER],
            *_ASKED,
            where=(_HOME, _DEVICE),
            fn="last",
            join="last",
        ),
        flux.columns("health_device", where=(_DEVICE,), fn="last", join="last", gaps=True),
        unit=look.COUNT,
        label="reported and desired",
        overrides=[*reported, *desired],
        links=[_TO_COMMANDS],
        connected_ms=_RARELY_MS,
        steps=True,
    )


def _shown(quantity: str) -> tuple[look.Property, ...]:
    """How a quantity is written: by the unit that its name ends in, a relay in words."""
    if quantity in _RELAYS:
        return (("mappings", [look.CLOSED]),)
    units = {"w": look.WATT, "limit": look.SHARE, "k": look.KELVIN, "degc": look.CELSIUS}
    return (("unit", units[quantity.rsplit("_", 1)[1]]),)


def _indoors() -> PanelBuilder:
    return panels.lines(
        "Indoor temperature against the owner's setpoint",
        "What the people feel. The offset is what the utility asks of the heat pump, in kelvin on the right.",
        flux.columns(
            DeviceKind.HEAT_PUMP,
            "temperature_indoor_degc",
            "setpoint_heat_degc",
            "setpoint_offset_k",
            where=(_HOME,),
            fn="mean",
        ),
        unit=look.CELSIUS,
        label="temperature",
        overrides=[
            look.named("temperature_indoor_degc", "indoors", _WARM),
            look.named("setpoint_heat_degc", "owner's setpoint", _COOL, look.DASHED),
            look.named("setpoint_offset_k", "offset", _OUT, ("unit", look.KELVIN), *look.right("offset")),
        ],
        decimals=1,
        soft=(18, 23),
        connected_ms=_RARELY_MS,
    )


def _hot_water() -> PanelBuilder:
    return panels.lines(
        "Hot water",
        "At the top of the tank is what comes out of the tap; the mean says how much is left.",
        flux.columns(
            DeviceKind.WATER_HEATER,
            "temperature_outlet_degc",
            "temperature_tank_degc",
            "setpoint_tank_degc",
            where=(_HOME,),
        ),
        unit=look.CELSIUS,
        label="temperature",
        limits=look.limits((45, look.PLAIN), base=look.BAD),
        overrides=[
            look.named("temperature_outlet_degc", "top of the tank", _WARM),
            look.named("temperature_tank_degc", "mean of the tank", _OUT),
            look.named("setpoint_tank_degc", "setpoint", _COOL, look.DASHED),
        ],
        decimals=1,
        soft=(40, 60),
        connected_ms=_RARELY_MS,
    )


def _vehicle() -> PanelBuilder:
    return panels.lines(
        "Electric vehicle",
        "State of charge, whether it is plugged in, and on the right the energy charged since the start of the range.",
        flux.columns(DeviceKind.EV_CHARGER, "soc", "plugged", where=(_HOME,), fn="last", join="last"),
        flux.columns(
            DeviceKind.EV_CHARGER,
            "power_w",
            where=(_HOME,),
            hold=True,
            then=flux.steps(
                'rename(columns: {power_w: "_value"})',
                "cumulativeSum()",
                "map(fn: (r) => ({_time: r._time, charged: r._value * float(v: int(v: v.windowPeriod))"
                " / 3600000000000.0}))",
            ),
        ),
        unit=look.SHARE,
        label="state of charge",
        overrides=[
            look.named("soc", "state of charge", look.KIND_COLOURS[DeviceKind.EV_CHARGER]),
            look.named(
                "plugged",
                "plugged in",
                look.MUTE,
                ("custom.fillOpacity", 15),
                ("custom.lineWidth", 0),
                ("custom.lineInterpolation", "stepAfter"),
            ),
            look.named("charged", "charged", look.ACCENT, ("unit", look.WATT_HOUR), *look.right("charged")),
        ],
        minimum=0,
        soft=(0, 1),
        connected_ms=_RARELY_MS,
    )


def _battery() -> PanelBuilder:
    return panels.lines(
        "Battery",
        "State of charge, and on the right its power: positive charges.",
        flux.columns(DeviceKind.BATTERY, "soc", "power_w", where=(_HOME,)),
        unit=look.SHARE,
        label="state of charge",
        overrides=[
            look.named("soc", "state of charge", look.KIND_COLOURS[DeviceKind.BATTERY]),
            look.named("power_w", "power", look.MUTE, ("unit", look.WATT), *look.right("power")),
        ],
        soft=(0, 1),
        connected_ms=_RARELY_MS,
    )


def _voltage() -> PanelBuilder:
    return panels.lines(
        "Voltage at the meter",
        "Mean of the connected phases.",
        flux.columns("meter", "voltage_v", where=(_HOME,)),
        unit="volt",
        label="line to neutral",
        overrides=[look.named("voltage_v", "voltage", look.ACCENT)],
        decimals=1,
        interval="5s",
        connected_ms=_RARELY_MS,
    )


def _commands() -> PanelBuilder:
    return panels.rows(
        "Asked of this home",
        "Every step of every command, newest first.",
        flux.log(
            "command",
            "value",
            where=(_HOME,),
            then=flux.steps(
                "group()",
                'sort(columns: ["_time"], desc: true)',
                "limit(n: 100)",
                'keep(columns: ["_time", "device", "quantity", "_value", "state"])',
            ),
        ),
        order=("_time", "device", "quantity", "_value", "state"),
        overrides=[
            look.named("_time", "Time", "", ("custom.width", 150)),
            look.named("device", "Device"),
            look.named("quantity", "Asked for"),
            look.named("_value", "Value"),
            ("state", panels.lamp("Step", look.STATES)),
        ],
        links=[_TO_COMMANDS],
    )
