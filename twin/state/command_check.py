"""What may be asked of a device at all: judged before a command begins its life. Pure; refuses with CommandError."""

from twin.model.quantity import QUANTITIES, refusal
from twin.model.topology import Device, Pilot

LONGEST_S = 24 * 3600.0
LOWEST, HIGHEST = 0, 9  # priorities
# quantity: the rating that bounds it
_RATED = {"power_setpoint_w": "power_w", "power_limit_w": "power_w", "discharge_request_w": "discharge_power_w"}


class CommandError(ValueError):
    """A command that cannot be: `what` is wrong, and what is `allowed` instead."""

    def __init__(self, what: str, allowed: str) -> None:
        super().__init__(f"{what}; allowed: {allowed}")
        self.what = what
        self.allowed = allowed


def check_command(
    pilot: Pilot, *, device: str, quantity: str, value: float, duration_s: float, priority: int
) -> Device:
    """The device that is meant. Raises CommandError when the command is none that it could follow.

    `value` must lie within the quantity's range and, for powers, within the device's rating; a command lasts more
    than 0 and at most 24 hours.
    """
    found = pilot.device.get(device)
    if found is None:
        raise CommandError(f"device {device!r} is not in the pilot", "a device id of the pilot file")
    controls = found.controls
    if quantity not in controls:
        raise CommandError(f"{device} cannot be asked for {quantity!r}", ", ".join(controls) or "nothing")
    described = QUANTITIES[quantity]
    low, high = described.minimum, described.maximum
    if quantity in _RATED:
        rated = found.ratings[_RATED[quantity]]
        low, high = max(low, -rated), min(high, rated)
    if refusal(quantity, value) is not None or not low <= value <= high:
        raise CommandError(f"{quantity} = {value!r} for {device}", f"{low:g} to {high:g} {described.unit}")
    if not 0 < duration_s <= LONGEST_S:
        raise CommandError(f"duration of {duration_s!r} s", f"more than 0 and up to {LONGEST_S:g} s")
    if not LOWEST <= priority <= HIGHEST:
        raise CommandError(f"priority {priority!r}", f"{LOWEST} to {HIGHEST}")
    return found
