"""A vendor's words for our quantities: which variable, in which unit and with which sign.

Refuses, with the place in the pilot file: a file that is no FMU for co-simulation on this platform, variables that it
does not have or that cannot be set or read, units that are not of the same kind, and maps that leave out what the
device kind needs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from simulators.fleet.fmu_fleet import FleetError, fmu_path, open_file, this_platform
from simulators.fleet.parameters import MODELS, given_to
from twin.model.device import DeviceKind
from twin.model.topology import VendorModel, VendorVariable

Place = tuple[str | int, ...]

NEEDED: Mapping[DeviceKind, tuple[str, ...]] = MappingProxyType(
    {
        DeviceKind.BATTERY: ("power_setpoint_w", "power_w", "soc"),
        DeviceKind.PV: ("active_power_limit", "power_w"),
        DeviceKind.EV_CHARGER: ("plugged", "power_limit_w", "power_w", "soc"),
        DeviceKind.HEAT_PUMP: ("power_w", "temperature_indoor_degc"),
        DeviceKind.WATER_HEATER: ("setpoint_degc", "power_w", "temperature_mean_degc"),
    }
)
"""What a map must have: the lever that commands pull, power, and the state that people watch."""

TYPES = ("Real", "Float64", "Float32", "Integer", "Int32", "Enumeration", "Boolean")
RUNNABLE = ("2.0", "3.0")
_READABLE = frozenset({"output", "local", "input"})
_SETTABLE = {"input": frozenset({"input"}), "parameter": frozenset({"parameter"})}
_FEW = 12

_BASE = ("kg", "m", "s", "A", "K", "mol", "cd", "rad")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Exponents of kg, m, s, A, K, mol, cd, rad, and `SI value = factor * value + offset`."""

    exponents: tuple[int, ...]
    factor: float = 1.0
    offset: float = 0.0


def _unit(factor: float = 1.0, offset: float = 0.0, **exponents: int) -> Unit:
    return Unit(exponents=tuple(exponents.get(base, 0) for base in _BASE), factor=factor, offset=offset)


_POWER = {"kg": 1, "m": 2, "s": -3}
_ENERGY = {"kg": 1, "m": 2, "s": -2}
COMMON_UNITS: Mapping[str, Unit] = MappingProxyType(
    {
        "1": _unit(),
        "%": _unit(0.01),
        "pu": _unit(),
        **{name: _unit(**_POWER) for name in ("W", "VA", "var")},
        **{name: _unit(1e3, **_POWER) for name in ("kW", "kVA", "kvar")},
        **{name: _unit(1e6, **_POWER) for name in ("MW", "MVA", "Mvar")},
        "J": _unit(**_ENERGY),
        "kJ": _unit(1e3, **_ENERGY),
        "MJ": _unit(1e6, **_ENERGY),
        "Wh": _unit(3.6e3, **_ENERGY),
        "kWh": _unit(3.6e6, **_ENERGY),
        "K": _unit(K=1),
        "degC": _unit(1.0, 273.15, K=1),
        "degF": _unit(5.0 / 9.0, 459.67 * 5.0 / 9.0, K=1),
        "s": _unit(s=1),
        "min": _unit(60.0, s=1),
        "h": _unit(3600.0, s=1),
        "Hz": _unit(s=-1),
        "m/s": _unit(m=1, s=-1),
        "W/m2": _unit(kg=1, s=-3),
        "kW/m2": _unit(1e3, kg=1, s=-3),
        "m3": _unit(m=3),
        "L": _unit(1e-3, m=3),
        "L/min": _unit(1e-3 / 60.0, m=3, s=-1),
        "m3/s": _unit(m=3, s=-1),
        "V": _unit(kg=1, m=2, s=-3, A=-1),
        "kV": _unit(1e3, kg=1, m=2, s=-3, A=-1),
        "A": _unit(A=1),
        "mA": _unit(1e-3, A=1),
    }
)
"""Units that a map may name, and that vendors' files use without defining them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A variable of an FMU as far as a map needs it."""

    name: str
    reference: int
    causality: str
    type: str
    unit: str | None
    scalar: bool
    sized_by: int | None = None  # the structural parameter that says how many numbers it has


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What an FMU says about itself, read without running anything of it."""

    name: str
    fmi: str
    text: str
    tool: str
    variables: Mapping[str, Variable]
    units: Mapping[str, Unit]
    platforms: tuple[str, ...]
    co_simulation: bool
    once_per_process: bool
    keeps_state: bool
    step_s: float | None  # the only step that it can take, None if any


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """`ours = factor * theirs + offset` for one quantity."""

    ours: str
    reference: int
    type: str
    factor: float
    offset: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """A checked map: what is set at the start, what each step sets and gets, and what never changes."""

    parameters: tuple[Link, ...]
    inputs: tuple[Link, ...]
    outputs: tuple[Link, ...]
    constants: Mapping[str, float]
    start: tuple[tuple[int, str, float], ...]  # reference, type, value in the vendor's words
    size: int | None  # the structural parameter that sets the number of devices, if all go into one instance


@cache
def describe(path: Path) -> Description:
    """Read an FMU's description. Raises FleetError if it is none."""
    found, platforms = open_file(path)
    by_reference = {v.valueReference: v for v in found.modelVariables}
    slave = found.coSimulation
    fixed = slave is not None and not slave.canHandleVariableCommunicationStepSize
    default = found.defaultExperiment.stepSize if found.defaultExperiment is not None else None
    return Description(
        name=found.modelName,
        fmi=found.fmiVersion,
        text=found.description or "",
        tool=found.generationTool or "",
        variables={v.name: _variable(v, by_reference) for v in found.modelVariables},
        units=_units(found),
        platforms=platforms,
        co_simulation=slave is not None,
        once_per_process=bool(slave is not None and slave.canBeInstantiatedOnlyOncePerProcess),
        keeps_state=bool(slave is not None and slave.canGetAndSetFMUstate and slave.canSerializeFMUstate),
        step_s=float(default) if fixed and default else None,
    )


def unit_of(theirs: Description, name: str) -> Unit | None:
    """A unit as the file defines it, else as it is commonly meant; None if neither knows it."""
    return theirs.units.get(name) or COMMON_UNITS.get(name)


def check(kind: DeviceKind, model: VendorModel) -> Sequence[tuple[Place, str]]:
    """Everything that is wrong with a vendor's model for a device of `kind`, with its place in the model's entry."""
    return _Wirer(kind, model).problems


def wiring(kind: DeviceKind, model: VendorModel) -> Wiring:
    """The map made ready to run. Raises FleetError with the first problem that `check` finds."""
    wirer = _Wirer(kind, model)
    if wirer.problems:
        place, text = wirer.problems[0]
        raise FleetError(Path(model.fmu).name, str(place[-1]), text)
    return wirer.wiring()


class _Wirer:
    """Goes through a map once, collecting links and problems."""

    def __init__(self, kind: DeviceKind, model: VendorModel) -> None:
        self.problems: list[tuple[Place, str]] = []
        self._links: dict[str, list[Link]] = {"parameter": [], "input": [], "output": []}
        self._constants: dict[str, float] = {}
        self._start: list[tuple[int, str, float]] = []
        self._linked: list[tuple[Place, Variable]] = []
        self._size: int | None = None
        if kind not in NEEDED:
            self.problems.append(((), f"a {kind.value} has no vendor models; allowed for: {_listed(NEEDED)}"))
            return
        try:
            self._theirs = describe(Path(model.fmu))
        except FleetError as error:
            self.problems.append((("fmu",), error.text))
            return
        self._ours = describe(fmu_path(MODELS[kind.value]))
        self._given = given_to(kind.value)
        self._check_file()
        for name, entry in model.map.items():
            self._link(name, entry)
        self._check_size()
        missing = [name for name in NEEDED[kind] if name not in model.map]
        if missing:
            self.problems.append(
                (("map",), f"{', '.join(missing)} not mapped; a {kind.value} needs {_listed(NEEDED[kind])}")
            )
        for name, value in model.start.items():
            variable = self._found(("start", name), name)
            if variable is not None and (variable.scalar or variable.sized_by == self._size):
                self._start.append((variable.reference, variable.type, value))
            elif variable is not None:
                self.problems.append((("start", name), f"{name!r} is no single number"))

    def wiring(self) -> Wiring:
        """The links in the order of the map."""
        return Wiring(
            parameters=tuple(self._links["parameter"]),
            inputs=tuple(self._links["input"]),
            outputs=tuple(self._links["output"]),
            constants=self._constants,
            start=tuple(self._start),
            size=self._size,
        )

    def _check_file(self) -> None:
        theirs = self._theirs
        if theirs.fmi not in RUNNABLE:
            self.problems.append((("fmu",), f"is of FMI {theirs.fmi}; {' and '.join(RUNNABLE)} can be run"))
        elif not theirs.co_simulation:
            self.problems.append((("fmu",), "is for model exchange only; co-simulation is needed"))
        elif not set(theirs.platforms) & set(this_platform()):
            there = _listed(theirs.platforms)
            self.problems.append((("fmu",), f"has no binary for {this_platform()[1]}, but for: {there}"))

    def _found(self, place: Place, name: str) -> Variable | None:
        variable = self._theirs.variables.get(name)
        if variable is None:
            text = f"{self._theirs.name} has no variable {name!r}; it has: {_listed(self._theirs.variables)}"
            self.problems.append((place, text))
        elif variable.type not in TYPES or not (variable.scalar or variable.sized_by is not None):
            self.problems.append((place, f"{name!r} is no single number"))
            return None
        return variable

    def _check_size(self) -> None:
        """Arrays can be used where all that is mapped has one number for each device."""
        sizers = {variable.sized_by for _, variable in self._linked}
        if len(sizers) == 1:
            (self._size,) = sizers
            return
        for place, variable in self._linked:
            if not variable.scalar:
                self.problems.append((place, f"{variable.name!r} is no single number, while others of the map are"))

    def _quantity(self, place: Place, name: str) -> Variable | None:
        """Ours of that name, if a map may name it."""
        ours = self._ours.variables.get(name)
        if ours is None or ours.causality not in self._links:
            allowed = [v.name for v in self._ours.variables.values() if v.causality in self._links]
            self.problems.append((place, f"unknown quantity {name!r}; known: {_listed(allowed)}"))
            return None
        if ours.causality == "parameter" and name not in self._given:
            text = f"no rating says {name!r}; set theirs under `start`. Ratings say {_listed(sorted(self._given))}"
            self.problems.append((place, text))
            return None
        return ours

    def _link(self, name: str, entry: VendorVariable) -> None:
        place: Place = ("map", name)
        ours = self._quantity(place, name)
        if ours is None:
            return
        if (entry.variable is None) == (entry.value is None):
            self.problems.append((place, "needs either a `variable` of the FMU or a constant `value`"))
            return
        if entry.value is not None:
            if ours.causality == "output":
                self._constants[name] = entry.value
            else:
                self.problems.append((place, f"{name!r} is set by us; only outputs can be constant"))
            return
        theirs = self._found(place, entry.variable or "")
        if theirs is None:
            return
        allowed_causality = _SETTABLE.get(ours.causality, _READABLE)
        if theirs.causality not in allowed_causality:
            text = (
                f"{theirs.name!r} is of causality {theirs.causality}; needed: {' or '.join(sorted(allowed_causality))}"
            )
            self.problems.append((place, text))
            return
        if entry.factor == 0.0:
            self.problems.append(((*place, "factor"), "0 says nothing; the sign is turned by -1"))
            return
        self._convert(place, entry, ours, theirs)

    def _convert(self, place: Place, entry: VendorVariable, ours: Variable, theirs: Variable) -> None:
        wanted = self._ours.units[ours.unit or "1"]
        name = entry.unit or theirs.unit
        if name is None and wanted.exponents != COMMON_UNITS["1"].exponents:
            text = f"{theirs.name!r} does not say its unit; give it as `unit`, for instance {ours.unit}"
            self.problems.append((place, text))
            return
        given = self._unit(name or "1", theirs_own=entry.unit is None)
        if given is None:
            self.problems.append((place, f"unit {name!r} is unknown; known: {', '.join(COMMON_UNITS)}"))
            return
        if given.exponents != wanted.exponents:
            text = (
                f"{theirs.name!r} is in {name}, which cannot be turned into {ours.unit}; needed is a {ours.name}, or "
                f"`unit: {ours.unit}` with the `factor` that makes it one (230 for each A and phase at 230 V)"
                if name in {"A", "V"}
                else f"{theirs.name!r} is in {name}, which cannot be turned into {ours.unit}; needed is a {ours.name}"
            )
            self.problems.append((place, text))
            return
        factor = entry.factor * given.factor / wanted.factor
        offset = entry.factor * (given.offset - wanted.offset) / wanted.factor + entry.offset
        link = Link(ours=ours.name, reference=theirs.reference, type=theirs.type, factor=factor, offset=offset)
        self._links[ours.causality].append(link)
        self._linked.append((place, theirs))

    def _unit(self, name: str, *, theirs_own: bool) -> Unit | None:
        if theirs_own and name in self._theirs.units:
            return self._theirs.units[name]
        return COMMON_UNITS.get(name)


def _variable(found: Any, by_reference: Mapping[int, Any]) -> Variable:  # noqa: ANN401 - FMPy has no types
    unit = found.unit or (found.declaredType.unit if found.declaredType is not None else None)
    sizers = [by_reference[d.valueReference] for d in found.dimensions or () if d.start is None]
    sizes = [d.start for d in found.dimensions or () if d.start is not None] + [sizer.start for sizer in sizers]
    only = sizers[0] if len(sizers) == len(sizes) == 1 else None
    settable = only is not None and only.causality == "structuralParameter" and only.type == "UInt64"
    return Variable(
        name=found.name,
        reference=found.valueReference,
        causality=found.causality or "local",
        type=found.type,
        unit=unit,
        scalar=all(int(size or 0) == 1 for size in sizes),
        sized_by=only.valueReference if only is not None and settable else None,
    )


def _units(found: Any) -> dict[str, Unit]:  # noqa: ANN401 - FMPy has no types
    units = {}
    for unit in found.unitDefinitions or ():
        base = unit.baseUnit
        if base is not None:
            exponents = tuple(getattr(base, name) for name in _BASE)
            units[unit.name] = Unit(exponents=exponents, factor=float(base.factor), offset=float(base.offset))
    return units


def _listed(names: Mapping[Any, Any] | Sequence[Any]) -> str:
    shown = [str(name) for name in list(names)[:_FEW]]
    more = f", ... ({len(names)} in all)" if len(names) > _FEW else ""
    return (", ".join(shown) + more) or "nothing"
