"""Finds and reads the network that a pilot names, and checks it by the physics a power flow relies on.

A network is one of those shipped in twin/feeders, a folder with the same CSV tables, or "scheme:rest" from an
installed importer. Refuses, with file, row, column, value and what is allowed: wrong tables, dangling nodes,
duplicate ids, phases outside "abc", ratings and impedances that no equipment has, and islands without a supply.
"""

import csv
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from importlib.metadata import entry_points
from itertools import combinations
from pathlib import Path
from typing import NoReturn

from twin.model.network import ConnectionPoint, Line, Network, Node, Source, Transformer

SHIPPED = Path(__file__).parent / "feeders"
ENTRY_POINT_GROUP = "hearthgrid.networks"
"""Importers register here: scheme = "package.module:function", the function taking the rest and giving a Network."""

PHASES = tuple("".join(some) for count in (1, 2, 3) for some in combinations("abc", count))
"""What a connection point may bring: any of the three phases, in order."""

_DYN_CLOCKS = (1, 3, 5, 7, 9, 11)
_LINE_CODE_COLUMNS = ("id", "r1_ohm_per_km", "x1_ohm_per_km", "r0_ohm_per_km", "x0_ohm_per_km", "i_max_a")


class FeederError(ValueError):
    """A network that cannot be found, read or solved: what, where, and what is allowed."""


def shipped_networks() -> tuple[str, ...]:
    """Names of the networks that come with the package."""
    return tuple(sorted(folder.name for folder in SHIPPED.iterdir() if (folder / "network.csv").is_file()))


def load_network(reference: str, *, base: Path | None = None) -> Network:
    """Load the network that `reference` names; folders are relative to `base`, or else to the working directory.

    Raises FeederError when there is none of that name or when it breaks a rule.
    """
    if reference in shipped_networks():
        return _read_folder(SHIPPED / reference)
    scheme, colon, rest = reference.partition(":")
    if colon and len(scheme) > 1:  # a single letter is a drive, not a scheme
        return _from_importer(scheme, rest)
    folder = (base or Path()) / reference
    if reference and folder.is_dir():
        return _read_folder(folder)
    schemes = ", ".join(f"{name}:..." for name in sorted(entry_points(group=ENTRY_POINT_GROUP).names)) or "none"
    raise FeederError(
        f"unknown network {reference!r}: allowed are a shipped one ({', '.join(shipped_networks())}), "
        f"a folder of CSV tables (there is none at {folder}), or an importer's scheme (installed: {schemes})"
    )


def check_network(network: Network) -> None:
    """Raise FeederError naming the first row that breaks a rule; what every importer's network goes through."""
    _check(network, lambda table, row, column: f"network {network.name!r}, {table}, row {row + 1}, column {column!r}")


def _from_importer(scheme: str, rest: str) -> Network:
    found = entry_points(group=ENTRY_POINT_GROUP, name=scheme)
    if not found:
        known = ", ".join(sorted(entry_points(group=ENTRY_POINT_GROUP).names)) or "none"
        raise FeederError(f"unknown network scheme {scheme!r} in '{scheme}:{rest}': installed are {known}")
    try:
        importer: Callable[[str], Network] = next(iter(found)).load()
    except ModuleNotFoundError as error:
        raise FeederError(
            f"'{scheme}:{rest}' needs the missing module {error.name!r}: pip install 'hearthgrid[{scheme}]'"
        ) from error
    network = importer(rest)
    check_network(network)
    return network


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of a table, which can say where it stands."""

    path: Path
    line: int
    values: Mapping[str, str]

    def where(self, column: str) -> str:
        return f"{self.path}, row {self.line}, column {column!r}"

    def text(self, column: str) -> str:
        value = self.values[column]
        if not value:
            raise FeederError(f"{self.where(column)}: the cell is empty")
        return value

    def number(self, column: str) -> float:
        text = self.text(column)
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise FeederError(f"{self.where(column)}: {text!r} is not a finite number")
        return value

    def integer(self, column: str) -> int:
        value = self.number(column)
        if value != int(value):
            raise FeederError(f"{self.where(column)}: {self.values[column]!r} is not a whole number")
        return int(value)


def _read_table(path: Path, columns: Iterable[str]) -> list[_Row]:
    expected = list(columns)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FeederError(f"{path}: cannot be read as UTF-8 text ({error}); it must have columns {expected}") from error
    reader = csv.DictReader(text.splitlines(), strict=True)
    try:
        header = [name.strip() for name in reader.fieldnames or ()]
        if sorted(header) != sorted(expected):
            raise FeederError(f"{path}, row 1: columns are {header}, must be {expected}")
        rows = []
        for cells in reader:
            if None in cells or None in cells.values():
                raise FeederError(f"{path}, row {reader.line_num}: must have {len(expected)} cells")
            values = {name.strip(): value.strip() for name, value in cells.items()}
            rows.append(_Row(path, reader.line_num, values))
    except csv.Error as error:
        raise FeederError(f"{path}, row {reader.line_num}: not CSV ({error})") from error
    return rows


def _only_row(path: Path, columns: Iterable[str]) -> _Row:
    rows = _read_table(path, columns)
    if len(rows) != 1:
        raise FeederError(f"{path}: has {len(rows)} rows below the header, must have 1")
    return rows[0]


def _columns(row_type: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(row_type))


def _read_folder(folder: Path) -> Network:
    head = _only_row(folder / "network.csv", ("frequency_hz", "origin"))
    source = _only_row(folder / "source.csv", _columns(Source))
    codes = _read_table(folder / "line_codes.csv", _LINE_CODE_COLUMNS)
    tables = {
        "nodes": _read_table(folder / "nodes.csv", _columns(Node)),
        "lines": _read_table(folder / "lines.csv", ("id", "from_node", "to_node", "line_code", "length_m")),
        "transformers": _read_table(folder / "transformers.csv", _columns(Transformer)),
        "connection_points": _read_table(folder / "connection_points.csv", _columns(ConnectionPoint)),
    }
    located = {"network": [head], "source": [source], **tables}
    by_code: dict[str, _Row] = {}
    for row in codes:
        if by_code.setdefault(row.text("id"), row) is not row:
            raise FeederError(f"{row.where('id')}: {row.text('id')!r} is used twice")
    network = Network(
        name=folder.name,
        origin=head.text("origin"),
        frequency_hz=head.number("frequency_hz"),
        nodes=tuple(
            Node(id=r.text("id"), u_rated_v=r.number("u_rated_v"), x_m=r.number("x_m"), y_m=r.number("y_m"))
            for r in tables["nodes"]
        ),
        lines=tuple(_line(row, by_code) for row in tables["lines"]),
        transformers=tuple(_transformer(row) for row in tables["transformers"]),
        source=Source(
            node=source.text("node"),
            u_ref_pu=source.number("u_ref_pu"),
            short_circuit_power_va=source.number("short_circuit_power_va"),
            rx_ratio=source.number("rx_ratio"),
        ),
        connection_points=tuple(
            ConnectionPoint(id=r.text("id"), node=r.text("node"), phases=r.text("phases"))
            for r in tables["connection_points"]
        ),
    )
    _check(network, lambda table, row, column: located[table][row].where(column))
    return network


def _line(row: _Row, codes: Mapping[str, _Row]) -> Line:
    code = codes.get(row.text("line_code"))
    if code is None:
        raise FeederError(f"{row.where('line_code')}: {row.text('line_code')!r} is not an id in line_codes.csv")
    length_m = row.number("length_m")
    if length_m <= 0.0:
        raise FeederError(f"{row.where('length_m')}: {length_m:g} is not allowed, must be above 0")
    for column in ("r1_ohm_per_km", "x1_ohm_per_km", "r0_ohm_per_km", "x0_ohm_per_km", "i_max_a"):
        if code.number(column) < 0.0:
            raise FeederError(f"{code.where(column)}: {code.number(column):g} is not allowed, must not be negative")
    if code.number("i_max_a") == 0.0:
        raise FeederError(f"{code.where('i_max_a')}: 0 is not allowed, must be above 0")
    km = length_m / 1000.0
    return Line(
        id=row.text("id"),
        from_node=row.text("from_node"),
        to_node=row.text("to_node"),
        length_m=length_m,
        r1_ohm=code.number("r1_ohm_per_km") * km,
        x1_ohm=code.number("x1_ohm_per_km") * km,
        r0_ohm=code.number("r0_ohm_per_km") * km,
        x0_ohm=code.number("x0_ohm_per_km") * km,
        i_max_a=code.number("i_max_a"),
    )


def _transformer(row: _Row) -> Transformer:
    return Transformer(
        id=row.text("id"),
        from_node=row.text("from_node"),
        to_node=row.text("to_node"),
        s_rated_va=row.number("s_rated_va"),
        u_hv_v=row.number("u_hv_v"),
        u_lv_v=row.number("u_lv_v"),
        short_circuit_voltage_pu=row.number("short_circuit_voltage_pu"),
        copper_loss_w=row.number("copper_loss_w"),
        no_load_current_pu=row.number("no_load_current_pu"),
        no_load_loss_w=row.number("no_load_loss_w"),
        clock=row.integer("clock"),
    )


class _Checks:
    """The rules; `where` turns table, row index and column into the place that an error names."""

    def __init__(self, network: Network, where: Callable[[str, int, str], str]) -> None:
        self.network = network
        self.where = where
        self.rated = {node.id: node.u_rated_v for node in network.nodes}

    def refuse(self, table: str, row: int, column: str, value: object, allowed: str) -> NoReturn:
        raise FeederError(f"{self.where(table, row, column)}: {value!r} is not allowed, must be {allowed}")

    def bounded(self, table: str, row: int, item: object, **bounds: tuple[str, float, float]) -> None:
        """Check attributes of `item` against (text, lowest, highest); an open lowest bound is the next float above."""
        for column, (allowed, lowest, highest) in bounds.items():
            value: float = getattr(item, column)
            if not (math.isfinite(value) and lowest <= value <= highest):
                self.refuse(table, row, column, value, allowed)

    def unique(self, table: str, ids: Iterable[str]) -> None:
        seen: set[str] = set()
        for row, name in enumerate(ids):
            if name in seen:
                self.refuse(table, row, "id", name, f"unique among {table}")
            seen.add(name)

    def known(self, table: str, row: int, item: object, *columns: str) -> None:
        for column in columns:
            if getattr(item, column) not in self.rated:
                self.refuse(table, row, column, getattr(item, column), "the id of a node")


_TINY = math.nextafter(0.0, 1.0)
_POSITIVE = ("above 0", _TINY, math.inf)
_NOT_NEGATIVE = ("at least 0", 0.0, math.inf)
_ANY = ("a finite number", -math.inf, math.inf)


def _check(network: Network, where: Callable[[str, int, str], str]) -> None:
    checks = _Checks(network, where)
    checks.bounded("network", 0, network, frequency_hz=_POSITIVE)
    for table in ("nodes", "lines", "transformers", "connection_points"):
        checks.unique(table, [item.id for item in getattr(network, table)])
    for row, node in enumerate(network.nodes):
        checks.bounded("nodes", row, node, u_rated_v=_POSITIVE, x_m=_ANY, y_m=_ANY)
    _check_lines(checks)
    _check_transformers(checks)
    source = network.source
    checks.known("source", 0, source, "node")
    checks.bounded("source", 0, source, u_ref_pu=("0.5 to 1.5", 0.5, 1.5), short_circuit_power_va=_POSITIVE)
    checks.bounded("source", 0, source, rx_ratio=_NOT_NEGATIVE)
    for row, point in enumerate(network.connection_points):
        checks.known("connection_points", row, point, "node")
        if point.phases not in PHASES:
            checks.refuse("connection_points", row, "phases", point.phases, f"one of {', '.join(PHASES)}")
    _check_connected(checks)


def _check_lines(checks: _Checks) -> None:
    for row, line in enumerate(checks.network.lines):
        checks.known("lines", row, line, "from_node", "to_node")
        if line.from_node == line.to_node:
            checks.refuse("lines", row, "to_node", line.to_node, "another node than from_node")
        if checks.rated[line.from_node] != checks.rated[line.to_node]:
            checks.refuse("lines", row, "to_node", line.to_node, "of the same rated voltage as from_node")
        checks.bounded("lines", row, line, length_m=_NOT_NEGATIVE, r1_ohm=_NOT_NEGATIVE, r0_ohm=_NOT_NEGATIVE)
        checks.bounded("lines", row, line, x1_ohm=_ANY, x0_ohm=_ANY, i_max_a=_POSITIVE)
        for r, x in (("r1_ohm", "x1_ohm"), ("r0_ohm", "x0_ohm")):
            if getattr(line, r) == getattr(line, x) == 0.0:
                checks.refuse("lines", row, r, 0.0, f"above 0 where {x} is 0 (merge the two nodes instead)")


def _check_transformers(checks: _Checks) -> None:
    if not checks.network.transformers:
        raise FeederError(f"network {checks.network.name!r}: has no transformer, must have at least 1")
    for row, unit in enumerate(checks.network.transformers):
        checks.known("transformers", row, unit, "from_node", "to_node")
        if checks.rated[unit.from_node] <= checks.rated[unit.to_node]:
            checks.refuse("transformers", row, "from_node", unit.from_node, "of higher rated voltage than to_node")
        checks.bounded("transformers", row, unit, s_rated_va=_POSITIVE, u_hv_v=_POSITIVE, u_lv_v=_POSITIVE)
        checks.bounded("transformers", row, unit, short_circuit_voltage_pu=("above 0 and at most 1", _TINY, 1.0))
        most_w = unit.short_circuit_voltage_pu * unit.s_rated_va
        copper = (f"0 to short_circuit_voltage_pu times s_rated_va, {most_w:g}", 0.0, most_w)
        most_w = unit.no_load_current_pu * unit.s_rated_va
        iron = (f"0 to no_load_current_pu times s_rated_va, {most_w:g}", 0.0, most_w)
        checks.bounded("transformers", row, unit, copper_loss_w=copper, no_load_current_pu=("0 to 1", 0.0, 1.0))
        checks.bounded("transformers", row, unit, no_load_loss_w=iron)
        if unit.clock not in _DYN_CLOCKS:
            checks.refuse("transformers", row, "clock", unit.clock, f"one of {_DYN_CLOCKS}")


def _check_connected(checks: _Checks) -> None:
    neighbours: dict[str, list[str]] = {node: [] for node in checks.rated}
    branches = [(line.from_node, line.to_node) for line in checks.network.lines]
    branches += [(unit.from_node, unit.to_node) for unit in checks.network.transformers]
    for one, other in branches:
        neighbours[one].append(other)
        neighbours[other].append(one)
    reached = {checks.network.source.node}
    frontier = [checks.network.source.node]
    while frontier:
        for neighbour in neighbours[frontier.pop()]:
            if neighbour not in reached:
                reached.add(neighbour)
                frontier.append(neighbour)
    for row, node in enumerate(checks.network.nodes):
        if node.id not in reached:
            checks.refuse("nodes", row, "id", node.id, "connected to the source by lines and transformers")
