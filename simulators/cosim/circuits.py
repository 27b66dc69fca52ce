"""The circuits of all smart panels as arrays: which device each feeds, what lights and sockets draw from the others.

One row per panel in pilot order, one column per circuit. A device has a circuit of its own; the base load of the home
is spread over the circuits that are left, unevenly as in any home, by a seeded draw. Refuses a device whose circuit and
whose home's panel do not go together.
"""

from collections.abc import Mapping

import numpy as np

from simulators.endpoints.schedule import seed_of
from simulators.layout import FloatArray, IndexArray, Layout
from twin.model.device import ON_CIRCUITS, DeviceKind
from twin.model.quantity import CIRCUITS

_UNEVEN = (0.4, 1.6)  # the share of a circuit for lights and sockets over the even share, before they add up to one
_CLOSED = 0.5  # what the panel's model takes for closed


class Circuits:
    """`home` is the index of each panel's home, `base_share` the part of its base load on each circuit."""

    def __init__(self, layout: Layout) -> None:
        panels = layout.kinds[DeviceKind.SMART_PANEL]
        self.home = panels.home
        self._homes = layout.homes
        row = np.full(layout.homes, -1, dtype=np.intp)
        row[panels.home] = np.arange(panels.count)
        self._count = {kind: layout.kinds[kind].count for kind in ON_CIRCUITS}
        self._fed: dict[DeviceKind, IndexArray] = {}  # which devices of the kind are on a circuit
        self._place: dict[DeviceKind, IndexArray] = {}  # and on which, counted over all panels
        free = np.ones((panels.count, len(CIRCUITS)))
        for kind in ON_CIRCUITS:
            of_kind = layout.kinds[kind]
            circuit = np.array([device.circuit or 0 for device in of_kind.devices], dtype=np.intp)
            astray = np.flatnonzero((circuit > 0) != (row[of_kind.home] >= 0))
            if astray.size:
                device = of_kind.devices[astray[0]]
                has = "no" if device.circuit else "a"
                raise ValueError(f"{device.id} is on circuit {device.circuit}, but {device.home} has {has} smart panel")
            fed = np.flatnonzero(circuit)
            self._fed[kind] = fed
            self._place[kind] = row[of_kind.home[fed]] * len(CIRCUITS) + circuit[fed] - CIRCUITS[0]
            free.ravel()[self._place[kind]] = 0.0
        for number, device in enumerate(panels.devices):
            draw = np.random.default_rng(seed_of(layout.pilot.seed, device.id, "circuits"))
            free[number] *= draw.uniform(*_UNEVEN, len(CIRCUITS))
        self.base_share: FloatArray = free / free.sum(axis=1, keepdims=True)

    def passing(self, main_closed: FloatArray, closed: FloatArray) -> FloatArray:
        """1 for every circuit that has power, 0 for the others; from the positions of main and circuits' relays."""
        passing: FloatArray = np.logical_and(main_closed[:, None] > _CLOSED, closed > _CLOSED).astype(np.float64)
        return passing

    def energised(self, passing: FloatArray) -> Mapping[DeviceKind, FloatArray]:
        """1 for every device that has power, 0 for those behind an open relay; one array per kind on circuits."""
        found = {}
        for kind, count in self._count.items():
            found[kind] = np.ones(count)
            found[kind][self._fed[kind]] = passing.ravel()[self._place[kind]]
        return found

    def base_energised(self, passing: FloatArray) -> FloatArray:
        """Share of each home's base load that has power, shape (homes,)."""
        share = np.ones(self._homes)
        share[self.home] = (self.base_share * passing).sum(axis=1)
        return share

    def demand(self, base_w: FloatArray, device_w: Mapping[DeviceKind, FloatArray]) -> FloatArray:
        """What each circuit would draw if it had power, shape (panels, circuits); NaN draws nothing."""
        demand: FloatArray = base_w[self.home][:, None] * self.base_share
        flat = demand.ravel()
        for kind, place in self._place.items():
            flat[place] += np.nan_to_num(device_w[kind][self._fed[kind]], nan=0.0, posinf=0.0, neginf=0.0)
        return demand
