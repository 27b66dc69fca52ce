"""What the world knows of a far side: arrays of device values go in, messages with a delivery time come out.

All calls come from one thread. Times are seconds since 1970, UTC, of the pilot's time.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from twin.model.device import DeviceKind

Columns = Mapping[DeviceKind, Mapping[str, NDArray[np.float64]]]
"""Per kind and quantity one value per device, all devices of the kind in pilot order; NaN where there is none."""


class Outgoing(NamedTuple):
    """A message on its way; it reaches the broker at `due_s`."""

    due_s: float
    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False


class Agent(Protocol):
    """One wire's far sides, for all its endpoints at once."""

    def topic_filters(self) -> Sequence[str]:
        """Where commands come in."""
        ...

    def birth(self, now_s: float) -> list[Outgoing]:
        """Every endpoint introduces itself and is online; retained."""
        ...

    def wills(self) -> Mapping[str, tuple[str, bytes]]:
        """By endpoint: topic and payload of what its broker says, retained, when it vanishes."""
        ...

    def farewell(self, now_s: float) -> list[Outgoing]:
        """Every endpoint goes offline in good order; retained."""
        ...

    def sample(self, now_s: float, columns: Columns) -> list[Outgoing]:
        """Take the values that are true at `now_s`; messages of those endpoints whose interval has come round."""
        ...

    def receive(self, topic: str, payload: bytes, now_s: float) -> list[Outgoing]:
        """A command sent at `now_s`; the answer, if there is anybody to give one."""
        ...
