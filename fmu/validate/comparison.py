"""What a comparison with an independent tool is made of, and the registry that finds them all.

A comparison drives an FMU with the inputs of a reference run and measures how far its results are from the tool's.
Refuses nothing by itself: a measure outside its limit is reported, the caller decides what that means.
"""

import csv
import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulators.fleet.fmu_fleet import Fleet

Column = NDArray[np.float64]

DATA = Path(__file__).resolve().parents[2] / "tests" / "data" / "fmu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One figure of agreement: how far we are from the tool, and how far we may be."""

    name: str
    value: float
    limit: float
    unit: str

    @property
    def passes(self) -> bool:
        """True inside the tolerance; NaN never passes."""
        return bool(abs(self.value) <= self.limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One diagram: our values over the tool's, both of shape (steps,), `step_s` apart."""

    title: str
    unit: str
    step_s: float
    ours: Column
    theirs: Column


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One reference run: which tool and conditions, how well we agree, and pictures of it."""

    tool: str
    run: str
    measures: tuple[Measure, ...]
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A registered comparison: `name` is its function's name."""

    model: str
    name: str
    compare: Callable[[], Comparison]


_registered: list[Reference] = []


def reference(model: str) -> Callable[[Callable[[], Comparison]], Callable[[], Comparison]]:
    """Register the decorated function as a comparison of `model`, a folder name of fmu/models."""

    def register(compare: Callable[[], Comparison]) -> Callable[[], Comparison]:
        _registered.append(Reference(model=model, name=compare.__name__, compare=compare))
        return compare

    return register


def references() -> list[Reference]:
    """Every comparison of the modules in fmu/validate/references, sorted by model and name."""
    folder = str(Path(__file__).parent / "references")
    for module in pkgutil.iter_modules([folder]):
        importlib.import_module(f"fmu.validate.references.{module.name}")
    return sorted(_registered, key=lambda found: (found.model, found.name))


def read(name: str) -> dict[str, Column]:
    """Numeric columns of a CSV file under tests/data/fmu by header; raises ValueError for anything else."""
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(line for line in file if not line.startswith("#"))
    return dict(zip(header, np.array(rows, dtype=np.float64).T, strict=True))


def drive(
    fleet: Fleet, inputs: Mapping[str, Column], *, step_s: float, outputs: Sequence[str], start_s: float = 0.0
) -> dict[str, Column]:
    """Outputs of the first device after each step; inputs are constant within a step, one value per step."""
    steps = len(next(iter(inputs.values())))
    seen = {name: np.empty(steps) for name in outputs}
    for k in range(steps):
        for name, column in inputs.items():
            fleet.inputs[name][:] = column[k]
        fleet.step(start_s + k * step_s, step_s)
        for name, column in seen.items():
            column[k] = fleet.outputs[name][0]
    return seen


def rmse(ours: Column, theirs: Column) -> float:
    """Root mean square of the difference."""
    return float(np.sqrt(np.mean((ours - theirs) ** 2)))


def excess(ours: Column, theirs: Column) -> float:
    """By how many percent the sum of ours is above the sum of theirs."""
    return float(100.0 * (ours.sum() / theirs.sum() - 1.0))
