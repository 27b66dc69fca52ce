"""A vendor cloud between command and device: orders wait until the device's site next communicates."""

from dataclasses import dataclass
from typing import Final

from simulators.endpoints.controls import Controls, Holder
from twin.model.topology import Pilot


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    value: float
    expires_s: float
    priority: int
    command_id: str


class CloudQueue:
    """At most one order per device and quantity waits; a newer one takes its place."""

    def __init__(self, pilot: Pilot, controls: Controls) -> None:
        self._controls: Final = controls
        self._home = {device.id: device.home for device in pilot.devices}
        self._waiting: dict[str, dict[tuple[str, str], _Waiting]] = {}

    def set(
        self, device: str, quantity: str, value: float, expires_s: float, priority: int, command_id: str
    ) -> str | None:
        """Keep an order for `device`; the id of the one that waited before, if any."""
        waiting = self._waiting.setdefault(self._home[device], {})
        before = waiting.get((device, quantity))
        waiting[device, quantity] = _Waiting(value=value, expires_s=expires_s, priority=priority, command_id=command_id)
        return before.command_id if before else None

    def holder(self, device: str, quantity: str, now_s: float) -> Holder | None:
        """The order that waits, else the one that the device follows at `now_s`."""
        waiting = self._waiting.get(self._home[device], {}).get((device, quantity))
        if waiting is not None and waiting.expires_s > now_s:
            return Holder(command_id=waiting.command_id, priority=waiting.priority, expires_s=waiting.expires_s)
        return self._controls.holder(device, quantity, now_s)

    def release(self, home: str, now_s: float) -> None:
        """The site of `home` communicates: its devices take what waits for them and has not expired."""
        for (device, quantity), order in self._waiting.pop(home, {}).items():
            if order.expires_s > now_s:
                self._controls.set(device, quantity, order.value, order.expires_s, order.priority, order.command_id)
