"""What `twin fmu` shows: the library's files, what is wrong with a file, what is inside and what maps to us.

Text for people out; FleetError for files that cannot be read. Nothing of a file is run.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from simulators.fleet.fmu_check import faults
from simulators.fleet.fmu_fleet import FleetError, fmu_path, this_platform
from simulators.fleet.parameters import MODELS
from simulators.fleet.vendor_map import COMMON_UNITS, NEEDED, RUNNABLE, Description, Variable, describe, unit_of

_READABLE = ("output", "local")
_MANY = 4


def list_fmus() -> tuple[bool, str]:
    """One line per shipped file."""
    folder = fmu_path("battery").parent
    rows: list[tuple[str, ...]] = [("file", "FMI", "inputs", "outputs", "parameters", "what it is")]
    for path in sorted(folder.glob("*.fmu")):
        found = describe(path)
        counts = [str(_count(found, causality)) for causality in ("input", "output", "parameter")]
        rows.append((path.name, found.fmi, *counts, found.text))
    return True, f"{folder}\n{_aligned(rows)}"


def check_fmu(path: Path) -> tuple[bool, str]:
    """Whether the file is sound, and every fault when it is not."""
    try:
        about = describe(path)
        found = [] if about.fmi in RUNNABLE else [f"is of FMI {about.fmi}; {' and '.join(RUNNABLE)} can be run"]
        found = found or [fault for part in faults(path) for fault in part.splitlines()]
    except FleetError as error:
        return False, f"{path}: {error.text}"
    platforms = ", ".join(about.platforms) or "no platform"
    if about.fmi in RUNNABLE and not set(about.platforms) & set(this_platform()):
        found.append(f"has no binary for this machine ({' or '.join(this_platform())}); it is for: {platforms}")
    if found:
        return False, "\n".join(f"{path}: {fault}" for fault in found)
    return True, f"{path}: good: {about.name}, FMI {about.fmi}, {len(about.variables)} variables, for {platforms}"


def describe_fmu(path: Path) -> tuple[bool, str]:
    """Everything that a map needs to know: variables, units, and what could be which quantity of which device."""
    try:
        found = describe(path)
    except FleetError as error:
        return False, f"{path}: {error.text}"
    abilities = {
        "co-simulation": found.co_simulation,
        "several in one process": not found.once_per_process,
        "saves its state": found.keeps_state,
    }
    head = [
        f"{found.name}: {found.text}" if found.text else found.name,
        f"FMI {found.fmi}, made by {found.tool or 'a tool that does not say'}, for {', '.join(found.platforms)}",
        "; ".join(f"{what}: {'yes' if there else 'no'}" for what, there in abilities.items()),
    ]
    if found.step_s is not None:
        head.append(f"takes steps of {found.step_s:g} s only; longer ones are divided")
    if found.fmi not in RUNNABLE:
        head.append(f"cannot be run: it is of FMI {found.fmi}; {' and '.join(RUNNABLE)} can be run")
    if not set(found.platforms) & set(this_platform()):
        head.append(f"cannot be run here: there is no binary for {' or '.join(this_platform())}")
    strange = sorted({v.unit for v in found.variables.values() if v.unit and unit_of(found, v.unit) is None})
    if strange:
        units = ", ".join(repr(unit) for unit in strange)
        head.append(f"does not define its units {units}: a map has to give `unit`, one of {', '.join(COMMON_UNITS)}")
    rows = [("variable", "causality", "type", "unit")]
    rows += [(v.name, v.causality, v.type, v.unit or "-") for v in found.variables.values()]
    return True, "\n".join(
        [*head, "", _aligned(rows), "", "What could be what, by causality and unit:", _mapped(found)]
    )


TOOLS: Mapping[str, Callable[..., tuple[bool, str]]] = MappingProxyType(
    {"list": list_fmus, "check": check_fmu, "describe": describe_fmu}
)
"""For the command line: name -> function giving whether all is well, and the text to show."""


def _mapped(theirs: Description) -> str:
    """Candidates for what each device kind needs; kinds that lack one are named with what is missing."""
    lines = []
    for kind, needed in NEEDED.items():
        ours = describe(fmu_path(MODELS[kind.value]))
        candidates = {name: _candidates(ours, ours.variables[name], theirs) for name in needed}
        missing = [name for name, found in candidates.items() if not found]
        if missing:
            lines.append(f"  {kind.value}: no, nothing for {', '.join(missing)}")
            continue
        lines.append(f"  {kind.value}:")
        for name, found in candidates.items():
            more = ", ..." if len(found) > _MANY else ""
            lines.append(f"    {name} [{ours.variables[name].unit}]: {', '.join(found[:_MANY])}{more}")
    return "\n".join(lines)


def _candidates(ours: Description, wanted: Variable, theirs: Description) -> list[str]:
    """Variables that can be set or read as `wanted` is and whose unit is of its kind; the same name first."""
    causalities = ("input",) if wanted.causality == "input" else _READABLE
    kind = ours.units[wanted.unit or "1"].exponents
    found = []
    for variable in theirs.variables.values():
        unit = unit_of(theirs, variable.unit or "1")
        fits = unit is not None and unit.exponents == kind
        if variable.causality in causalities and variable.scalar and fits and variable.name != "time":
            found.append(variable)
    found.sort(key=lambda v: (v.name != wanted.name, v.causality != wanted.causality))
    return [f"{v.name} [{v.unit or '-'}]" for v in found]


def _count(found: Description, causality: str) -> int:
    return sum(v.causality == causality for v in found.variables.values())


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
