"""The tables of history: their columns, the time each is ordered by, and what makes a row the same row.

`VERSION` rises when a file written before can no longer be read as it is; a new quantity or table does not raise it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from twin.model.quantity import QUANTITIES

VERSION = 1

TAGS = ("home", "kind", "pathway", "endpoint", "source")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table. Two rows that agree in `key` are one row; `time` is the column that late rows are looked up by."""

    columns: Mapping[str, str]
    time: str
    key: tuple[str, ...]


def _table(key: str, **columns: str) -> Table:
    time = next(name for name, kind in columns.items() if kind == "TIMESTAMPTZ")
    return Table(columns=MappingProxyType(columns), time=time, key=tuple(key.split()))


TABLES: Mapping[str, Table] = MappingProxyType(
    {
        "telemetry": _table(
            "device measured_at",
            measured_at="TIMESTAMPTZ",
            published_at="TIMESTAMPTZ",
            received_at="TIMESTAMPTZ",
            device="VARCHAR",
            **dict.fromkeys(TAGS, "VARCHAR"),
            quality="VARCHAR",
            **dict.fromkeys(QUANTITIES, "DOUBLE"),
        ),
        "grid": _table(
            "feeder measured_at",
            measured_at="TIMESTAMPTZ",
            received_at="TIMESTAMPTZ",
            feeder="INTEGER",
            **{f"head_power_{phase}_w": "DOUBLE" for phase in "abc"},
            **{f"head_reactive_power_{phase}_var": "DOUBLE" for phase in "abc"},
            losses_w="DOUBLE",
            transformer_loading="DOUBLE",
            line_loading="DOUBLE",
            v_min_pu="DOUBLE",
            v_max_pu="DOUBLE",
        ),
        "nodes": _table(
            "feeder measured_at",
            measured_at="TIMESTAMPTZ",
            received_at="TIMESTAMPTZ",
            feeder="INTEGER",
            voltage_pu="FLOAT[]",  # phases a, b, c of every node, in the order of the network
        ),
        "commands": _table(
            "id step happened_at",
            happened_at="TIMESTAMPTZ",
            id="VARCHAR",
            step="INTEGER",  # counts from 0 within the command
            state="VARCHAR",
            reason="VARCHAR",
            device="VARCHAR",
            quantity="VARCHAR",
            value="DOUBLE",
            requested_at="TIMESTAMPTZ",
            expires_at="TIMESTAMPTZ",
            priority="INTEGER",
            origin="VARCHAR",
        ),
        "events": _table(
            "happened_at severity kind subject text",
            happened_at="TIMESTAMPTZ",
            severity="VARCHAR",
            kind="VARCHAR",
            subject="VARCHAR",
            text="VARCHAR",
        ),
        "dead_letters": _table(
            "happened_at topic reason detail excerpt",
            happened_at="TIMESTAMPTZ",
            topic="VARCHAR",
            reason="VARCHAR",
            detail="VARCHAR",
            excerpt="BLOB",
        ),
        "samples": _table(
            "happened_at scope subject name",
            happened_at="TIMESTAMPTZ",
            scope="VARCHAR",
            subject="VARCHAR",
            name="VARCHAR",
            value="DOUBLE",
        ),
    }
)

# How a grid quantity becomes one figure of the whole pilot: (expression per feeder, within a bin, over the feeders).
GRID_QUANTITIES: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "head_power_w": ("head_power_a_w + head_power_b_w + head_power_c_w", "avg", "sum"),
        "head_reactive_power_var": (
            "head_reactive_power_a_var + head_reactive_power_b_var + head_reactive_power_c_var",
            "avg",
            "sum",
        ),
        "losses_w": ("losses_w", "avg", "sum"),
        "transformer_loading": ("transformer_loading", "max", "max"),
        "line_loading": ("line_loading", "max", "max"),
        "v_min_pu": ("v_min_pu", "min", "min"),
        "v_max_pu": ("v_max_pu", "max", "max"),
    }
)
