"""A low-voltage distribution network as plain rows: what the power flow solves and what the console draws.

Impedances are whole-element values in ohm (not per kilometre). Phases are lower-case letters out of "abc".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A connectivity node (CIM ConnectivityNode). `x_m`, `y_m` are drawing coordinates in metres."""

    id: str
    u_rated_v: float  # line-to-line
    x_m: float
    y_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line or cable section (CIM ACLineSegment) without shunt capacitance, which is negligible at low voltage.

    `i_max_a` is its continuous thermal rating per phase.
    """

    id: str
    from_node: str
    to_node: str
    length_m: float
    r1_ohm: float
    x1_ohm: float
    r0_ohm: float
    x0_ohm: float
    i_max_a: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Transformer:
    """A service transformer, delta on the medium-voltage and grounded star on the low-voltage side."""

    id: str
    from_node: str  # medium voltage
    to_node: str  # low voltage
    s_rated_va: float
    u_hv_v: float
    u_lv_v: float
    short_circuit_voltage_pu: float
    copper_loss_w: float
    no_load_current_pu: float
    no_load_loss_w: float
    clock: int  # vector group number, for instance 11 for Dyn11


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The medium-voltage supply as an ideal, balanced voltage behind a short-circuit impedance."""

    node: str
    u_ref_pu: float
    short_circuit_power_va: float
    rx_ratio: float  # resistance over reactance of the short-circuit impedance


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionPoint:
    """Where one customer premises may meet the network (CIM UsagePoint), and the phases brought there."""

    id: str
    node: str
    phases: str


@dataclass(frozen=True, kw_only=True)
class Network:
    """One feeder: radial or meshed low-voltage network behind one or more service transformers.

    `name` is what the pilot file calls it; `origin` says where the numbers come from and under which licence.
    """

    name: str
    origin: str
    frequency_hz: float
    nodes: tuple[Node, ...]
    lines: tuple[Line, ...]
    transformers: tuple[Transformer, ...]
    source: Source
    connection_points: tuple[ConnectionPoint, ...]

    @cached_property
    def connection_point(self) -> Mapping[str, ConnectionPoint]:
        """Connection points by id."""
        return {point.id: point for point in self.connection_points}
