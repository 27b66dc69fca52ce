"""A fleet in which some devices run a vendor's FMU: for the world it is a fleet like any other.

The library's model runs along in the rows of vendors' devices too, so that all arrays keep one length; what it gives
there is replaced before anybody sees it. A quantity that a vendor's map leaves out is NaN, as is everything of a
device whose model has failed; one whose process is merely late keeps its last values and is `absent`.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from simulators.fleet.fmu_fleet import Fleet, FleetError
from simulators.fleet.vendor import VendorFleet
from twin.clock import Clock
from twin.model.device import DeviceKind
from twin.model.health import ModelFault
from twin.model.topology import Device, VendorModel

_LENGTH = struct.Struct("<I")


def vendor_fleets(
    kind: DeviceKind,
    devices: Sequence[Device],
    parameters: Mapping[str, NDArray[np.float64]],
    clock: Clock,
    wait_s: Callable[[], float],
) -> list[tuple[VendorFleet, NDArray[np.intp]]]:
    """The devices that have a vendor's model, together where FMU, map and start values are the same, with their rows.

    `devices` are all of one kind, `parameters` theirs in the same order; `wait_s` as for VendorFleet. Raises FleetError
    for a wrong map.
    """
    models: list[VendorModel] = []
    rows: list[list[int]] = []
    for row, device in enumerate(devices):
        if device.model is None:
            continue
        if device.model not in models:
            models.append(device.model)
            rows.append([])
        rows[models.index(device.model)].append(row)
    return [
        (
            VendorFleet(
                kind=kind,
                model=model,
                names=tuple(devices[row].id for row in chosen),
                parameters={name: column[chosen] for name, column in parameters.items()},
                clock=clock,
                wait_s=wait_s,
            ),
            np.array(chosen, dtype=np.intp),
        )
        for model, chosen in zip(models, rows, strict=True)
    ]


class MixedFleet(Fleet):
    """n devices of one model; those in the rows of `vendors` behave as their makers' FMUs say."""

    def __init__(
        self,
        *,
        model: str,
        n: int,
        parameters: Mapping[str, NDArray[np.float64] | float] = MappingProxyType({}),
        vendors: Sequence[tuple[VendorFleet, NDArray[np.intp]]],
    ) -> None:
        super().__init__(model=model, n=n, parameters=parameters)
        self._vendors = vendors
        for _, rows in vendors:
            for view in self.outputs.values():
                view[rows] = np.nan  # nothing is known before the first step

    @property
    def absent(self) -> NDArray[np.bool_]:
        """Which devices have no values of this step, shape (n,): they report nothing."""
        absent = np.zeros(self.n, dtype=np.bool_)
        for fleet, rows in self._vendors:
            absent[rows] = fleet.absent
        return absent

    @property
    def faults(self) -> tuple[ModelFault, ...]:
        """The vendors' models that have failed."""
        return tuple(fault for fleet, _ in self._vendors for fault in fleet.faults)

    def step(self, time_s: float, step_s: float) -> None:
        """Advance all devices; FleetError only for what the library's own model refuses."""
        super().step(time_s, step_s)
        for fleet, rows in self._vendors:
            found = fleet.step(step_s, {name: view[rows] for name, view in self.inputs.items()})
            for name, view in self.outputs.items():
                view[rows] = found.get(name, fleet.constants.get(name, np.nan))

    def save(self) -> bytes:
        """The library's state and, as far as their FMUs give one, the vendors'."""
        own = super().save()
        states = [fleet.save() for fleet, _ in self._vendors]
        head = orjson.dumps({"own": len(own), "vendors": [[len(state) for state in part] for part in states]})
        return _LENGTH.pack(len(head)) + head + own + b"".join(state for part in states for state in part)

    def restore(self, blob: bytes) -> None:
        """Return to a saved state; a vendor's device without one goes on as it is. FleetError for a foreign state."""
        head, at = self._head(blob)
        super().restore(blob[at : at + head["own"]])
        at += head["own"]
        for (fleet, rows), sizes in zip(self._vendors, head["vendors"], strict=True):
            states = []
            for size in sizes:
                states.append(blob[at : at + size])
                at += size
            fleet.restore(states)
            for view in self.outputs.values():
                view[rows] = np.nan

    def close(self) -> None:
        """Free the instance and end the vendors' processes."""
        super().close()
        for fleet, _ in self._vendors:
            fleet.close()

    def _head(self, blob: bytes) -> tuple[dict[str, Any], int]:
        """The lengths of the parts, and where they begin."""
        try:
            (length,) = _LENGTH.unpack_from(blob)
            head: dict[str, Any] = orjson.loads(blob[_LENGTH.size : _LENGTH.size + length])
            fits = [len(sizes) for sizes in head["vendors"]] == [len(fleet.names) for fleet, _ in self._vendors]
        except (struct.error, orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise FleetError(self.model, "", f"not a state of a fleet with vendors' models: {error}") from error
        if not fits:
            raise FleetError(self.model, "", "this state belongs to other vendors' devices")
        return head, _LENGTH.size + length
