"""What is wrong with an FMU file, beyond what validators of the standard's schema find.

Reads the file only; nothing of it runs. Each rule here is one that importers rely on and that FMPy's validation and
fmutool let pass: start values inside their ranges and as many as the dimensions say, dimensions by structural
parameters of type UInt64, and binaries under the name that the description gives.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from simulators.fleet.fmu_fleet import file_faults, open_file

_EXTENSIONS = {"linux": ".so", "darwin": ".dylib", "win": ".dll"}  # in this order: "darwin" ends in "win"


def faults(path: Path) -> list[str]:
    """Every fault found, one line each; empty for a sound file. Raises FleetError if it is no FMU at all."""
    description, _ = open_file(path)
    variables = description.modelVariables
    by_reference = {v.valueReference: v for v in variables}
    found = file_faults(path)
    for variable in variables:
        found += _range_faults(variable)
        found += _dimension_faults(variable, by_reference)
    found += _binary_faults(path, description)
    return found


def _range_faults(variable: Any) -> Iterator[str]:  # noqa: ANN401 - FMPy has no types
    if variable.start is None or variable.type in {"String", "Binary", "Boolean", "Clock"}:
        return
    for text in str(variable.start).split():
        try:
            start = float(text)
        except ValueError:
            yield f"{variable.name}: start {text!r} is no number"
            return
        if variable.min is not None and start < float(variable.min):
            yield f"{variable.name}: start {start:g} is below its min {float(variable.min):g}"
        if variable.max is not None and start > float(variable.max):
            yield f"{variable.name}: start {start:g} is above its max {float(variable.max):g}"


def _dimension_faults(variable: Any, by_reference: dict[int, Any]) -> Iterator[str]:  # noqa: ANN401
    size = 1
    for dimension in variable.dimensions or ():
        if dimension.start is not None:
            size *= int(dimension.start)
            continue
        sizer = by_reference[dimension.valueReference]  # FMPy refuses dimensions that are nobody's
        if sizer.type != "UInt64" or sizer.causality not in {"structuralParameter", "constant"}:
            yield f"{variable.name}: its dimension {sizer.name} is no structural parameter or constant of type UInt64"
            return
        if int(sizer.start or 0) < 1:
            yield f"{sizer.name}: a dimension must start with 1 or more"
            return
        size *= int(sizer.start)
    if variable.start is not None and variable.dimensions and variable.type not in {"String", "Binary"}:
        count = len(str(variable.start).split())
        if count not in {1, size}:
            yield f"{variable.name}: {count} start values for {size} elements"


def _binary_faults(path: Path, description: Any) -> Iterator[str]:  # noqa: ANN401 - FMPy has no types
    interfaces = (description.coSimulation, description.modelExchange, description.scheduledExecution)
    identifiers = {interface.modelIdentifier for interface in interfaces if interface is not None}
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
    platforms = sorted({name.split("/")[1] for name in names if name.startswith("binaries/") and name.count("/") > 1})
    for platform in platforms:
        extension = next((end for system, end in _EXTENSIONS.items() if system in platform), None)
        for identifier in sorted(identifiers):
            wanted = f"binaries/{platform}/{identifier}{extension}"
            if extension is not None and wanted not in names:
                yield f"modelIdentifier {identifier!r}: there is no {wanted}"
