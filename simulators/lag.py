"""How late the world's steps are against their absolute deadlines."""

from collections import deque

import numpy as np

_WINDOW = 3_600  # an hour of one-second steps


class LagMeter:
    """Lag is from a step's nominal time until its results are on their way; a step that takes until the next one's
    nominal time has missed its deadline."""

    def __init__(self) -> None:
        self._lags_ms: deque[float] = deque(maxlen=_WINDOW)
        self.steps = 0
        self.missed = 0
        self.max_ms = 0.0

    def note(self, lag_s: float, step_s: float) -> None:
        """Take in one step's lag; `step_s` is how long the step may take."""
        self.steps += 1
        self.missed += lag_s > step_s
        self._lags_ms.append(lag_s * 1e3)
        self.max_ms = max(self.max_ms, lag_s * 1e3)

    def percentile_ms(self, share: float) -> float:
        """The lag that `share` (0..100) of the last hour's steps stay under; 0 before the first."""
        return float(np.percentile(list(self._lags_ms), share)) if self._lags_ms else 0.0
