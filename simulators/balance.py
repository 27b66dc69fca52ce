"""Accounts of the whole run: where the energy went, and how far the feeders were strained."""

import numpy as np

from simulators.grid.power_flow import GridState
from simulators.layout import FloatArray


class EnergyBalance:
    """Energy in at the heads of all feeders, out through all meters, lost on the way; Wh since the start."""

    def __init__(self) -> None:
        self._head_wh = 0.0
        self._losses_wh = 0.0
        self._first_meters_wh: float | None = None
        self._meters_wh = 0.0
        self._turnover_wh = 0.0

    def note(
        self, length_s: float, *, head_power_w: FloatArray, losses_w: FloatArray, registers_wh: FloatArray
    ) -> None:
        """Take in one step; `registers_wh` is import minus export of every meter at the end of the step.

        The first call only reads the registers, as a meter reader does.
        """
        meters_wh = float(registers_wh.sum())
        if self._first_meters_wh is None:
            self._first_meters_wh = meters_wh
            return
        self._meters_wh = meters_wh - self._first_meters_wh
        self._head_wh += float(head_power_w.sum()) * length_s / 3600
        self._losses_wh += float(losses_w.sum()) * length_s / 3600
        self._turnover_wh += float(np.abs(head_power_w).sum()) * length_s / 3600

    @property
    def error(self) -> float:
        """What is missing or too much at the heads, as a share of all that passed them."""
        gap = abs(self._head_wh - self._meters_wh - self._losses_wh)
        return gap / self._turnover_wh if self._turnover_wh > 0 else 0.0


class GridStrain:
    """The extremes of voltage and loading over the run, and the mean of the losses."""

    def __init__(self) -> None:
        self.v_min_pu = np.inf
        self.v_max_pu = -np.inf
        self.transformer_loading_max = 0.0
        self._losses_ws = 0.0
        self._seconds = 0.0

    def note(self, length_s: float, state: GridState) -> None:
        """Take in one solution that held for `length_s`."""
        self.v_min_pu = min(self.v_min_pu, float(state.v_min_pu.min()))
        self.v_max_pu = max(self.v_max_pu, float(state.v_max_pu.max()))
        self.transformer_loading_max = max(self.transformer_loading_max, float(state.transformer_loading.max()))
        self._losses_ws += float(state.losses_w.sum()) * length_s
        self._seconds += length_s

    @property
    def losses_w(self) -> float:
        """Mean losses of all feeders together."""
        return self._losses_ws / self._seconds if self._seconds else 0.0
