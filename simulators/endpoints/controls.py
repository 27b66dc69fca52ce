"""What the devices have been told, as arrays: per kind and controllable quantity a value and until when it holds."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.model.device import KINDS, DeviceKind
from twin.model.topology import Pilot

NO_PRIORITY: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The command that holds a quantity of a device."""

    command_id: str
    priority: int
    expires_s: float


class _Told:
    """One quantity of all devices of a kind, in pilot order."""

    def __init__(self, count: int) -> None:
        self.value = np.full(count, np.nan)
        self.expires_s = np.full(count, -np.inf)
        self.priority = np.full(count, NO_PRIORITY)
        self.command_id: list[str | None] = [None] * count


class Controls:
    """The commands in force. Written by the far sides, read by the world at each step, all on one thread."""

    def __init__(self, pilot: Pilot) -> None:
        self._row: dict[str, tuple[DeviceKind, int]] = {}
        self._told: dict[tuple[DeviceKind, str], _Told] = {}
        for kind, description in KINDS.items():
            devices = [device.id for device in pilot.devices if device.kind is kind]
            self._row |= {device: (kind, row) for row, device in enumerate(devices)}
            for quantity in description.controls:
                self._told[kind, quantity] = _Told(len(devices))

    def set(
        self, device: str, quantity: str, value: float, expires_s: float, priority: int, command_id: str
    ) -> str | None:
        """Tell `device`, until `expires_s`; the id of the command told before, if any. Raises ValueError.

        Whether a command may displace another is for the caller to judge, by `holder`.
        """
        told, row = self._find(device, quantity)
        before = told.command_id[row]
        told.value[row], told.expires_s[row], told.priority[row] = value, expires_s, priority
        told.command_id[row] = command_id
        return before

    def holder(self, device: str, quantity: str, now_s: float) -> Holder | None:
        """The command in force at `now_s`, or None. Raises ValueError."""
        told, row = self._find(device, quantity)
        command_id = told.command_id[row]
        if command_id is None or told.expires_s[row] <= now_s:
            return None
        return Holder(command_id=command_id, priority=int(told.priority[row]), expires_s=float(told.expires_s[row]))

    def active(self, kind: DeviceKind, quantity: str, now_s: float) -> NDArray[np.float64]:
        """Values in force at `now_s`, one per device of `kind` in pilot order; NaN where none is. Raises ValueError."""
        told = self._told.get((kind, quantity))
        if told is None:
            raise ValueError(f"{quantity!r} is no control of a {kind}")
        return np.where(told.expires_s > now_s, told.value, np.nan)

    def _find(self, device: str, quantity: str) -> tuple[_Told, int]:
        if device not in self._row:
            raise ValueError(f"unknown device {device!r}")
        kind, row = self._row[device]
        told = self._told.get((kind, quantity))
        if told is None:
            raise ValueError(f"{quantity!r} is no control of {device}, a {kind}")
        return told, row
