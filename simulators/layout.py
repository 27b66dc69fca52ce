"""Who stands where in the arrays: the one order of homes and of devices that every simulator shares."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from twin.model.device import DeviceKind
from twin.model.topology import Device, Pilot

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class KindLayout:
    """All devices of one kind in pilot order; `home` is the index of each one's home, shape (n,)."""

    devices: tuple[Device, ...]
    home: IndexArray

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.devices)

    def rating(self, name: str) -> FloatArray:
        """One rating of every device, shape (n,)."""
        return np.array([device.ratings[name] for device in self.devices], dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The order of everything in a pilot."""

    pilot: Pilot

    @cached_property
    def kinds(self) -> Mapping[DeviceKind, KindLayout]:
        """Layout of each kind, also of kinds that the pilot does not have."""
        home_index = {home.id: index for index, home in enumerate(self.pilot.homes)}
        layouts = {}
        for kind in DeviceKind:
            devices = tuple(device for device in self.pilot.devices if device.kind is kind)
            home = np.array([home_index[device.home] for device in devices], dtype=np.intp)
            layouts[kind] = KindLayout(devices=devices, home=home)
        return layouts

    @property
    def homes(self) -> int:
        """How many homes there are."""
        return len(self.pilot.homes)

    def sum_by_home(self, kind: DeviceKind, values: FloatArray) -> FloatArray:
        """Add up a device quantity over the devices of each home, shape (homes,).

        A device whose model gives no value (NaN) takes no part: the wires of its home go on.
        """
        known = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
        return np.bincount(self.kinds[kind].home, weights=known, minlength=self.homes).astype(np.float64, copy=False)
