"""The pilot's devices as columns: what aggregates and the freshness sweep read, so that they need no loop over twins.

Row order is that of the pilot. NaN stands for never reported.
"""

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from twin.model.device import DeviceKind, Pathway
from twin.model.telemetry import Report
from twin.model.topology import Pilot

KIND_CODES = {kind: code for code, kind in enumerate(DeviceKind)}
PATHWAY_CODES = {pathway: code for code, pathway in enumerate(Pathway)}


class Columns:
    """One row per device. Written by the state's one writer; readers may see a report a moment early or late."""

    def __init__(self, pilot: Pilot) -> None:
        devices = pilot.devices
        self.ids = tuple(device.id for device in devices)
        self.row = {device: row for row, device in enumerate(self.ids)}
        self.kind = np.array([KIND_CODES[device.kind] for device in devices], dtype=np.int8)
        self.pathway = np.array([PATHWAY_CODES[pilot.pathway(device.id)] for device in devices], dtype=np.int8)
        self.max_age_s = np.array([pilot.endpoint[device.endpoint].max_age_s for device in devices], dtype=np.float64)
        self.power_w: NDArray[np.float64] = np.full(len(devices), np.nan)
        self.measured_s: NDArray[np.float64] = np.full(len(devices), np.nan)  # POSIX time
        self._stale: NDArray[np.bool_] = np.zeros(len(devices), dtype=np.bool_)

    def put(self, report: Report) -> None:
        """Take over a device's newest report."""
        row = self.row[report.device]
        self.measured_s[row] = report.measured_at.timestamp()
        power_w = report.values.get("power_w")
        if power_w is not None:
            self.power_w[row] = power_w

    def age_s(self, now: datetime) -> NDArray[np.float64]:
        """How old each device's newest measurement is at `now`; NaN when there is none."""
        return np.maximum(0.0, now.timestamp() - self.measured_s)

    def fresh(self, now: datetime) -> NDArray[np.bool_]:
        """Which devices are within the age that their pathway promises."""
        return self.age_s(now) <= self.max_age_s

    def sweep(self, now: datetime) -> tuple[list[str], list[str]]:
        """Devices that have become stale since the last sweep, and those that are fresh again."""
        stale = self.age_s(now) > self.max_age_s
        changed = stale != self._stale
        self._stale = stale
        gone, back = np.flatnonzero(changed & stale), np.flatnonzero(changed & ~stale)
        return [self.ids[row] for row in gone], [self.ids[row] for row in back]
