"""Random numbers that are a pure function of who, when and what for.

Every draw is addressed by (seed, home, day, purpose, counter) and computed by the SplitMix64 finaliser (Steele, Lea
and Flood 2014, OOPSLA, "Fast splittable pseudorandom number generators"). There is no hidden stream: a home's numbers
do not change when other homes are added, when days are asked for in another order, or when homes are generated in
slices.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
KeyArray = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_M1, _M2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S1, _S2, _S3, _S4 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_TO_UNIT = 2.0**-53
_UINT64 = 2**64
ALWAYS = -1
"""The day of a trait that a home keeps for ever."""


class Purpose(IntEnum):
    """What a draw is for; numbers are part of the determinism contract and are never reused."""

    PERSON_TYPE = 1
    PERSON_STATE = 2
    STANDBY = 3
    COLD = 4
    TRIP_USED = 5
    TRIP_DISTANCE = 6
    TRIP_MINUTE = 7
    APPLIANCE_TRAIT = 100  # plus the appliance's number
    APPLIANCE_COUNT = 200
    APPLIANCE_EVENT = 300
    DRAW_COUNT = 400  # plus the kind of hot-water draw
    DRAW_EVENT = 500


def keys(seed: int, homes: NDArray[np.int64], day: int, purpose: int) -> KeyArray:
    """One key per home; the same for the same four values, unrelated for any other."""
    key = _mix(homes.astype(np.uint64) + _step(seed))
    key = _mix(key + _step(day))
    return _mix(key + _step(purpose))


def uniform(key: KeyArray, counter: NDArray[np.int64] | int) -> FloatArray:
    """Uniform draws in [0, 1) at the counters; `key` and `counter` broadcast."""
    step = _step(counter + 1) if isinstance(counter, int) else (counter + 1).astype(np.uint64) * _GOLDEN
    return (_mix(key + step) >> _S4).astype(np.float64) * _TO_UNIT


def _step(number: int) -> np.uint64:
    return np.uint64(number * int(_GOLDEN) % _UINT64)


def _mix(state: KeyArray) -> KeyArray:
    state = state ^ (state >> _S1)
    state *= _M1
    state ^= state >> _S2
    state *= _M2
    state ^= state >> _S3
    return state
