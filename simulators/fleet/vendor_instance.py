"""One instance of a vendor's FMU inside its process: set, step, get, for one device or for all devices as arrays.

An instance that refuses a call is left alone, gives no values, and is begun anew after a simulated minute; after ten
times in a row it is given up. An instance of several devices does not rest: it raises FmuRefusal, so that its host can
find out which of them is the trouble.
"""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulators.fleet.fmu_fleet import FmuRefusal, open_instance
from simulators.fleet.vendor_map import Description

_AGAIN_AFTER_S: Final = 60.0
_WELL_S: Final = 600.0
_MOST_RESTARTS: Final = 10
_FLOATS = frozenset({"Real", "Float64"})
_WHOLE = frozenset({"Integer", "Int32", "Enumeration", "Boolean"})
_SUFFIX = {"Enumeration": {"2.0": "Integer", "3.0": "Int64"}}

Start = Sequence[tuple[int, str, list[float]]]  # reference, type, one value or one for each device
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Port:
    """Variables of one type, which go in one call: their references, and their rows in a frame."""

    kind: str
    references: tuple[int, ...]
    rows: tuple[int, ...]


def ports(links: Sequence[tuple[int, str]]) -> list[Port]:
    """Variables by type; `links` are (reference, type) in the order of the frame."""
    kinds = sorted({kind for _, kind in links})
    return [
        Port(
            kind,
            tuple(reference for reference, of in links if of == kind),
            tuple(row for row, (_, of) in enumerate(links) if of == kind),
        )
        for kind in kinds
    ]


class Instance:
    """From its first call to its last. `size` is the structural parameter that sets the number of devices, if any."""

    def __init__(
        self,
        *,
        path: Path,
        folder: Path,
        about: Description,
        name: str,
        start: Start,
        count: int = 1,
        size: int | None = None,
    ) -> None:
        self.messages: list[str] = []
        self.refusals = 0  # in a row
        self.why = ""
        self._about = about
        self._where = (path, folder, name)
        self._start = start
        self._count = count
        self._size = size
        self._time_s = 0.0
        self._rest_s = 0.0
        self._well_s = 0.0
        self._fmu: Any = None
        self._calls: dict[tuple[str, Port], tuple[Any, ...]] = {}
        self._begin()

    @property
    def rests(self) -> bool:
        """True while it gives no values."""
        return self._fmu is None

    @property
    def is_given_up(self) -> bool:
        """True when it will not be begun again."""
        return self.rests and self.refusals > _MOST_RESTARTS

    def step(
        self, step_s: float, inputs: Sequence[Port], given: Values, outputs: Sequence[Port], found: Values
    ) -> None:
        """Set inputs, advance, get outputs; `given` and `found` have shape (variables, devices)."""
        if self.rests:
            self._rest_s += step_s
            if self.is_given_up or self._rest_s < _AGAIN_AFTER_S:
                return
        try:
            if self.rests:
                self._begin()
            self._advance(step_s, inputs, given, outputs, found)
        except FmuRefusal as error:
            found[:] = np.nan
            self._refused(error)
            return
        self._well_s += step_s
        if self._well_s > _WELL_S:
            self.refusals = 0

    def save(self) -> bytes:
        """The instance's state, empty if the FMU gives none."""
        if self.rests or not self._about.keeps_state:
            return b""
        old = self._about.fmi == "2.0"
        try:
            state = self._fmu.getFMUstate() if old else self._fmu.getFMUState()
            blob = self._fmu.serializeFMUstate(state) if old else self._fmu.serializeFMUState(state)
            (self._fmu.freeFMUstate if old else self._fmu.freeFMUState)(state)
        except FmuRefusal as error:
            self.messages.append(f"gives no state: {error}")
            return b""
        return bytes(blob)

    def restore(self, blob: bytes) -> None:
        """Put a saved state back; what does not fit is said in `messages` and left."""
        if self.rests:
            return
        old = self._about.fmi == "2.0"
        try:
            state = self._fmu.deSerializeFMUstate(blob) if old else self._fmu.deserializeFMUState(blob)
            (self._fmu.setFMUstate if old else self._fmu.setFMUState)(state)
            (self._fmu.freeFMUstate if old else self._fmu.freeFMUState)(state)
        except FmuRefusal as error:
            self.messages.append(f"begins anew, its saved state does not fit: {error}")

    def _refused(self, error: FmuRefusal) -> None:
        self.why = "; ".join([*self.messages[-2:], f"it refuses: {error}"])
        self.messages.append(str(error))
        self._fmu = None  # not freed: what has failed is not to be called again
        self._rest_s = self._well_s = 0.0
        self.refusals += 1
        if self._count > 1:
            raise error

    def _begin(self) -> None:
        self._time_s = 0.0
        self._calls.clear()
        old = self._about.fmi == "2.0"
        fmu = self._fmu = open_instance(*self._where, self.messages)
        if self._size is not None:
            fmu.enterConfigurationMode()
            fmu.setUInt64([self._size], [self._count])
            fmu.exitConfigurationMode()
        if old:
            fmu.setupExperiment(startTime=0.0)
        for reference, kind, values in self._start:
            getattr(fmu, "set" + self._suffix(kind))([reference], _typed(kind, values))
        if old:
            fmu.enterInitializationMode()
        else:
            fmu.enterInitializationMode(startTime=0.0)
        fmu.exitInitializationMode()

    def _advance(
        self, step_s: float, inputs: Sequence[Port], given: Values, outputs: Sequence[Port], found: Values
    ) -> None:
        for port in inputs:
            self._put(port, given)
        only = self._about.step_s
        parts = 1 if only is None else max(1, round(step_s / only))
        for _ in range(parts):
            self._fmu.doStep(self._time_s, step_s / parts)
            self._time_s += step_s / parts
        for port in outputs:
            self._get(port, found)

    def _put(self, port: Port, given: Values) -> None:
        rows = given[port.rows, :]
        if port.kind in _FLOATS:
            call, block, *arguments = self._call("Set", port)
            block[:] = rows
            call(self._fmu.component, *arguments)
        else:
            getattr(self._fmu, "set" + self._suffix(port.kind))(port.references, _typed(port.kind, rows.ravel()))

    def _get(self, port: Port, found: Values) -> None:
        if port.kind in _FLOATS:
            call, block, *arguments = self._call("Get", port)
            call(self._fmu.component, *arguments)
            found[port.rows, :] = block
            return
        get = getattr(self._fmu, "get" + self._suffix(port.kind))
        size = len(port.references) * self._count
        values = get(port.references) if self._about.fmi == "2.0" else get(port.references, size)
        found[port.rows, :] = np.array(values, dtype=np.float64).reshape(len(port.rows), self._count)

    def _call(self, verb: str, port: Port) -> tuple[Any, ...]:
        """The FMU's function, the numbers that it reads or writes, and its arguments, made once."""
        known = self._calls.get((verb, port))
        if known is None:
            block = np.zeros((len(port.references), self._count))
            references = (ctypes.c_uint32 * len(port.references))(*port.references)
            pointer = block.ctypes.data_as(ctypes.POINTER(ctypes.c_double))
            arguments: tuple[Any, ...] = (references, len(port.references), pointer)
            if self._about.fmi != "2.0":
                arguments += (block.size,)
            name = f"fmi{self._about.fmi[0]}{verb}{port.kind}"
            known = self._calls[verb, port] = (getattr(self._fmu, name), block, *arguments)
        return known

    def _suffix(self, kind: str) -> str:
        return _SUFFIX.get(kind, {}).get(self._about.fmi, kind)


def _typed(kind: str, values: Sequence[float] | Values) -> list[Any]:
    if kind == "Boolean":
        return [bool(value > 0.5) for value in values]  # noqa: PLR2004 - between no and yes
    if kind in _WHOLE:
        return [round(float(value)) for value in values]
    return [float(value) for value in values]
