"""The variable table of a device model, read from `models/<model>/variables.toml`.

Refuses a table that an FMI importer could not use: unknown causality or unit, a start value outside its range,
a parameter or input without a range (a range is what lets the FMU refuse bad values).
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
MODELS = ROOT / "models"
RUNTIME = ROOT / "runtime"
VERSION = "0.1.0"

CAUSALITIES = ("parameter", "input", "output", "local")

# Unit -> exponents of SI base units (and factor, offset) as FMI's BaseUnit has them.
UNITS: dict[str, dict[str, float]] = {
    "1": {},
    "s": {"s": 1},
    "K": {"K": 1},
    "1/K": {"K": -1},
    "degC": {"K": 1, "offset": 273.15},
    "m": {"m": 1},
    "m2": {"m": 2},
    "m/s": {"m": 1, "s": -1},
    "L": {"m": 3, "factor": 1e-3},
    "L/min": {"m": 3, "s": -1, "factor": 1e-3 / 60.0},
    "Hz": {"s": -1},
    "1/s": {"s": -1},
    "A": {"A": 1},
    "V": {"kg": 1, "m": 2, "s": -3, "A": -1},
    "Ohm": {"kg": 1, "m": 2, "s": -3, "A": -2},
    "W": {"kg": 1, "m": 2, "s": -3},
    "VA": {"kg": 1, "m": 2, "s": -3},
    "var": {"kg": 1, "m": 2, "s": -3},
    "Wh": {"kg": 1, "m": 2, "s": -2, "factor": 3600.0},
    "W/m2": {"kg": 1, "s": -3},
    "W/K": {"kg": 1, "m": 2, "s": -3, "K": -1},
    "K/W": {"kg": -1, "m": -2, "s": 3, "K": 1},
    "J": {"kg": 1, "m": 2, "s": -2},
    "Wh/K": {"kg": 1, "m": 2, "s": -2, "K": -1, "factor": 3600.0},
    "J/K": {"kg": 1, "m": 2, "s": -2, "K": -1},
    "W/(m2.K)": {"kg": 1, "s": -3, "K": -1},
    "W.s/(m3.K)": {"kg": 1, "m": -1, "s": -2, "K": -1},
}


class TableError(ValueError):
    """A variable table that cannot become an FMU: which model, which variable, what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One quantity of a device; `rows` values per device (1, or a profile inside the device)."""

    name: str
    causality: str
    unit: str
    meaning: str
    start: float
    min: float | None
    max: float | None
    rows: int

    @property
    def settable(self) -> bool:
        """True for parameters and inputs: what an importer may set."""
        return self.causality in {"parameter", "input"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A device model: its folder name, texts for people, and its variables in order."""

    name: str
    title: str
    description: str
    sources: tuple[str, ...]
    validity: str
    variables: tuple[Variable, ...]

    @property
    def identifier(self) -> str:
        """The name that importers see and that the FMU file carries: `pv_inverter` -> `PvInverter`."""
        return "".join(part.capitalize() for part in self.name.split("_"))

    @property
    def headers(self) -> list[Path]:
        """Parts of the kernel that stand in files of their own."""
        return sorted((MODELS / self.name).glob("*.h"))

    @property
    def kernel(self) -> Path:
        """The C file with the physics."""
        return MODELS / self.name / f"{self.name}.c"


def model_names() -> list[str]:
    """All models, by folder name, sorted."""
    return sorted(path.parent.name for path in MODELS.glob("*/variables.toml"))


@cache
def load(name: str) -> Model:
    """Read and check the table of one model, once per process; raises TableError."""
    path = MODELS / name / "variables.toml"
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    variables = tuple(_variable(name, key, entry) for key, entry in table["variables"].items())
    texts = table["model"]
    return Model(
        name=name,
        title=texts["title"],
        description=texts["description"],
        sources=tuple(texts["sources"]),
        validity=texts.get("validity", ""),
        variables=variables,
    )


def _variable(model: str, name: str, entry: dict[str, Any]) -> Variable:
    variable = Variable(
        name=name,
        causality=entry["causality"],
        unit=entry["unit"],
        meaning=entry["meaning"],
        start=float(entry.get("start", 0.0)),
        min=None if "min" not in entry else float(entry["min"]),
        max=None if "max" not in entry else float(entry["max"]),
        rows=int(entry.get("rows", 1)),
    )
    where = f"{model}: {name}"
    if variable.causality not in CAUSALITIES:
        raise TableError(f"{where}: causality {variable.causality!r} is unknown, allowed: {', '.join(CAUSALITIES)}")
    if variable.unit not in UNITS:
        raise TableError(f"{where}: unit {variable.unit!r} is unknown, allowed: {', '.join(UNITS)}")
    if variable.settable:
        if variable.min is None or variable.max is None:
            raise TableError(f"{where}: {variable.causality}s need min and max")
        if not variable.min <= variable.start <= variable.max:
            raise TableError(f"{where}: start {variable.start} is outside {variable.min} to {variable.max}")
    return variable
