"""How things look, the same on every dashboard: colours of pathways and kinds, units, thresholds, words for values.

The colours are those of the console's dark scheme, so that a pathway is told by the same colour in both.
"""

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders.dashboard import FieldColor, ThresholdsConfig
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import (
    DynamicConfigValue,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)

from twin.console.drawing import VOLTAGE_HIGH_PU, VOLTAGE_LOW_PU
from twin.console.words import KIND_NAMES, PATHWAY_NAMES
from twin.model.command import CommandState
from twin.model.device import DeviceKind, Pathway

GOOD, WARN, BAD, MUTE, PLAIN = "#5fd39a", "#e2a93c", "#f0665b", "#94a3b5", "text"
ACCENT = "#54c7bb"

PATHWAY_COLOURS: Mapping[str, str] = {
    Pathway.OEM: "#c490ee",
    Pathway.GATEWAY: "#67b2ec",
    Pathway.HEMS: "#e3a261",
}
KIND_COLOURS: Mapping[str, str] = {
    DeviceKind.METER: "#54c7bb",
    DeviceKind.PV: "#f0b840",
    DeviceKind.BATTERY: "#58c488",
    DeviceKind.EV_CHARGER: "#a68cf2",
    DeviceKind.HEAT_PUMP: "#f08a72",
    DeviceKind.WATER_HEATER: "#63b3f2",
    DeviceKind.SMART_PANEL: "#c9ab74",
}
KINDS = tuple(KIND_COLOURS)
PHASE_COLOURS: Mapping[str, str] = {"a": "#e3a261", "b": "#67b2ec", "c": "#c490ee"}
STATE_COLOURS: Mapping[str, str] = {
    CommandState.REQUESTED: "#5b6876",
    CommandState.SENT: "#7396f5",
    CommandState.ACKNOWLEDGED: "#4cc9d6",
    CommandState.APPLIED: "#9db53a",
    CommandState.VERIFIED: GOOD,
    CommandState.REFUSED: BAD,
    CommandState.EXPIRED: WARN,
    CommandState.SUPERSEDED: MUTE,
    CommandState.UNREACHABLE: "#b0128b",
}
SEVERITY_COLOURS: Mapping[str, str] = {"information": MUTE, "warning": WARN, "alarm": BAD}

PER_UNIT = "suffix: pu"
KELVIN = "suffix: K"
SHARE: str = units.PercentUnit
COUNT: str = units.Short
WATT: str = units.Watt
WATT_HOUR: str = units.WattHour
CELSIUS: str = units.Celsius
MILLISECONDS: str = units.Milliseconds
SECONDS: str = units.Seconds
BYTES: str = units.BytesIEC
PER_SECOND = "suffix: /s"


def limits(*steps: tuple[float, str], base: str = GOOD) -> ThresholdsConfig:
    """Thresholds: `base` below the first step, then each colour from its value on."""
    first = Threshold(value=None, color=base)
    rest = [Threshold(value=value, color=colour) for value, colour in steps]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps([first, *rest])


NONE_WRONG = limits((1, BAD))
"""For counts of things that should not be: any is bad."""
A_FEW_WRONG = limits((1, WARN), (5, BAD))
MOSTLY = limits((0.9, WARN), (0.98, GOOD), base=BAD)
"""For shares that should be near one."""
LOADING = limits((0.8, WARN), (1.0, BAD))
VOLTAGE = limits((0.90, WARN), (VOLTAGE_LOW_PU, GOOD), (1.08, WARN), (VOLTAGE_HIGH_PU, BAD), base=BAD)
"""EN 50160 tolerates 0.90 to 1.10 pu; an operator wants no less than the console's lower limit."""
PLAINLY = limits(base=PLAIN)
YES_OR_NO = limits((1, GOOD), base=BAD)


def words(texts: Mapping[str, tuple[str, str]]) -> ValueMapping:
    """Values shown as words, each with its colour: `{"1": ("online", GOOD)}`."""
    return ValueMap(
        options={
            value: ValueMappingResult(text=text, color=colour, index=index)
            for index, (value, (text, colour)) in enumerate(texts.items())
        }
    )


STATES = words({state: (state, colour) for state, colour in STATE_COLOURS.items()})
SEVERITIES = words({severity: (severity, colour) for severity, colour in SEVERITY_COLOURS.items()})
PATHWAYS = words({pathway: (PATHWAY_NAMES[pathway], PATHWAY_COLOURS[pathway]) for pathway in Pathway})
ONLINE = words({"1": ("online", GOOD), "0": ("offline", BAD)})
CLOSED = words({"1": ("closed", GOOD), "0": ("open", WARN)})
FRESH = words({"1": ("fresh", GOOD), "0": ("stale", BAD)})


def fixed(colour: str) -> FieldColor:
    """Always this colour."""
    return FieldColor().mode(FieldColorModeId.FIXED).fixed_color(colour)


def by_thresholds() -> FieldColor:
    """The colour of the threshold that the value has passed."""
    return FieldColor().mode(FieldColorModeId.THRESHOLDS)


Property = tuple[str, object]
Override = tuple[str, Sequence[Property]]


def named(field: str, name: str, colour: str = "", *more: Property) -> Override:
    """A field by its own name, shown under a readable one, in its colour."""
    painted: tuple[Property, ...] = (("color", {"mode": "fixed", "fixedColor": colour}),) if colour else ()
    return field, (("displayName", name), *painted, *more)


def properties(of: Sequence[Property]) -> list[DynamicConfigValue]:
    """Properties as the builders take them."""
    return [DynamicConfigValue(id_val=name, value=value) for name, value in of]


DASHED: Property = ("custom.lineStyle", {"fill": "dash", "dash": [8, 6]})


def right(label: str) -> tuple[Property, ...]:
    """On an axis of its own, at the right."""
    return ("custom.axisPlacement", "right"), ("custom.axisLabel", label)


def pathways() -> tuple[Override, ...]:
    """Fields called after pathways."""
    return tuple(named(pathway, PATHWAY_NAMES[pathway], PATHWAY_COLOURS[pathway]) for pathway in Pathway)


def kinds() -> tuple[Override, ...]:
    """Fields called after kinds of device."""
    return tuple(named(kind, KIND_NAMES[kind], colour) for kind, colour in KIND_COLOURS.items())


def states() -> tuple[Override, ...]:
    """Fields called after states of a command."""
    return tuple(named(state, state, STATE_COLOURS[state]) for state in CommandState)


def pathway_names() -> tuple[tuple[str, str, str], ...]:
    """Each pathway's field, its name for people, its colour."""
    return tuple((pathway.value, PATHWAY_NAMES[pathway], PATHWAY_COLOURS[pathway]) for pathway in Pathway)
