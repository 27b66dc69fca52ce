"""Columns of device values as rows of numbers in a wire's own units and resolution, one array operation per kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.endpoints.port import Columns
from twin.model.device import DeviceKind

_NOISE_DIGITS: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One number on a wire: `theirs = factor * ours + offset`, rounded to `digits` decimals."""

    key: str
    quantity: str
    digits: int
    factor: float = 1.0
    offset: float = 0.0

    def to_ours(self, theirs: float) -> float:
        """A number off the wire in canonical unit and sign, without the noise of the change of unit."""
        return round((theirs - self.offset) / self.factor, _NOISE_DIGITS) + 0.0  # + 0.0 turns -0.0 into 0.0


class RowMaker:
    """Rows of one kind: per device, in pilot order, the numbers of `specs`; NaN stays NaN."""

    def __init__(self, kind: DeviceKind, specs: Sequence[Spec]) -> None:
        self._kind = kind
        self._quantities = [spec.quantity for spec in specs]
        self._factor = np.array([spec.factor for spec in specs])
        self._offset = np.array([spec.offset for spec in specs])
        self._scale = np.array([10.0**spec.digits for spec in specs])

    def rows(self, columns: Columns) -> NDArray[np.float64]:
        """The rows of this moment, shape (devices, specs). Raises KeyError when the world leaves a column out."""
        of_kind = columns[self._kind]
        ours = np.column_stack([of_kind[quantity] for quantity in self._quantities])
        theirs = np.rint((ours * self._factor + self._offset) * self._scale) / self._scale
        rows: NDArray[np.float64] = theirs + 0.0  # turns -0.0 into 0.0
        return rows


def row_of_devices(devices: Sequence[tuple[str, DeviceKind]]) -> dict[str, int]:
    """The row of each device among those of its kind; `devices` are all of the pilot's, in its order."""
    counts = dict.fromkeys(DeviceKind, 0)
    rows: dict[str, int] = {}
    for device, kind in devices:
        rows[device] = counts[kind]
        counts[kind] += 1
    return rows
