"""Which quantities two periods can be compared by, and asking history for one of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from twin.console.comparison import Period
from twin.console.history import History
from twin.model.device import KINDS
from twin.model.topology import Pilot

GRID_QUANTITIES: Mapping[str, str] = MappingProxyType(
    {
        "head_power_w": "Feeder-head power",
        "head_reactive_power_var": "Feeder-head reactive power",
        "losses_w": "Losses",
        "transformer_loading": "Transformer loading",
        "line_loading": "Line loading",
        "v_min_pu": "Lowest voltage",
        "v_max_pu": "Highest voltage",
    }
)
"""Grid quantities of the whole pilot, with their names for people."""

UNITS: Mapping[str, str] = MappingProxyType(
    {"w": "W", "var": "var", "pu": "pu", "v": "V", "wh": "Wh", "degc": "°C", "k": "K"}
)


def known_quantities(pilot: Pilot, device: str | None) -> Sequence[str]:
    """What the grid, or a device, can be compared by. Raises KeyError for a device that is not in the pilot."""
    return tuple(GRID_QUANTITIES) if device is None else KINDS[pilot.device[device].kind].reports


def unit(quantity: str) -> str:
    """The unit that the name's ending says; 1 for a plain share."""
    return UNITS.get(quantity.rpartition("_")[2], "1")


def ask(history: History, device: str | None, quantity: str, start: datetime, length: timedelta, points: int) -> Period:
    """One period of a quantity of a device, or of the grid; means of bins beyond `points`."""
    end = start + length
    series = (
        history.grid_series(quantity, start, end, points=points)
        if device is None
        else history.device_series(device, quantity, start, end, points=points)
    )
    return Period(name=f"{start:%d %b %Y %H:%M}", start=start, series=series)
