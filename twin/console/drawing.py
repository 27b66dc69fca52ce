"""A feeder as a picture: the network's coordinates as SVG, its homes as links, its voltages as one letter per line.

Sections between two branchings or homes are drawn as one line, coloured by the voltage at their far end. Refuses
nothing: a network without usable coordinates is drawn as a tree by distance from the transformer.
"""

import html
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from twin.console.words import PATHWAY_NAMES
from twin.model.device import Pathway
from twin.model.network import Network
from twin.model.topology import Home

UNKNOWN = "x"
VOLTAGE_LOW_PU = 0.94
"""Lowest voltage an operator wants to see; EN 50160 tolerates 0.90 pu."""
VOLTAGE_HIGH_PU = 1.10
"""Highest voltage that EN 50160 tolerates."""
BANDS = 8
"""Colours between the limits; one more stands below and one above them."""

_PIECES = 60  # a straight section is cut into pieces of this part of the picture's size
_MARGIN = 0.05
_MARKER = 0.0105  # half of a home's mark, as a part of the picture's size
_FLATTEST = 0.35  # height over width of the flattest picture

Place = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """`svg` is the picture; `ends` has the index of the node at the far end of each line, in the picture's order."""

    svg: str
    ends: tuple[int, ...]
    homes: tuple[str, ...]


def draw(network: Network, homes: Sequence[tuple[Home, Pathway]]) -> Drawing:
    """Draw `network` with `homes` at their connection points."""
    tree = _Tree(network)
    places = _places(network, tree)
    width, height = (_span(place[axis] for place in places.values()) for axis in (0, 1))
    size = max(width, height, 1.0)
    keep = {network.connection_point[home.connection_point].node for home, _ in homes}
    runs = tree.runs(keep, places, size / _PIECES)
    index = {node.id: number for number, node in enumerate(network.nodes)}
    lines = "".join(f'<polyline points="{_corners(run, places)}"/>' for run in runs)
    marks = "".join(_transformer(places[item.to_node], _MARKER * size) for item in network.transformers)
    taken: defaultdict[str, int] = defaultdict(int)
    links = []
    for home, pathway in homes:
        node = network.connection_point[home.connection_point].node
        links.append(_home(home, pathway, places[node], _MARKER * size, taken[node]))
        taken[node] += 1
    label = html.escape(f"Network {network.name}: {len(network.nodes)} nodes, {len(homes)} homes")
    box = _box(places.values(), width, height, size)
    return Drawing(
        svg=f'<svg id="feeder-map" viewBox="{box}" data-whole="{box}" role="group" aria-label="{label}" '
        f'style="aspect-ratio:{box.split(" ")[2]}/{box.split(" ")[3]}">'
        f"{lines}{marks}{''.join(links)}</svg>",
        ends=tuple(index[run[-1]] for run in runs),
        homes=tuple(home.id for home, _ in homes),
    )


def picked(drawing: Drawing, voltages: Sequence[tuple[float, float, float]], phase: str) -> Sequence[float]:
    """The voltage in pu that colours each line; nothing when none were sent.

    `phase` is a, b, c or worst: the one of the three that is furthest from 1 pu.
    """
    if not voltages:
        return ()
    which = "abc".find(phase)
    return [max(voltages[end], key=_distance) if which < 0 else voltages[end][which] for end in drawing.ends]


def paint(drawing: Drawing, voltages: Sequence[float], low: float, high: float) -> str:
    """One letter per line: 0 below the limits, 1..8 from `low` to `high` pu, 9 above, x when unknown."""
    return "".join(band(voltage, low, high) for voltage in voltages) or UNKNOWN * len(drawing.ends)


def band(voltage: float, low: float, high: float) -> str:
    """The letter of one voltage in pu."""
    if not voltage > 0:
        return UNKNOWN
    if voltage < VOLTAGE_LOW_PU:
        return "0"
    if voltage > VOLTAGE_HIGH_PU:
        return "9"
    share = (voltage - low) / (high - low) if high > low else 0.5
    return str(1 + min(max(int(share * BANDS), 0), BANDS - 1))


class _Tree:
    """The network walked from its transformers outwards; lines that close a ring stand apart."""

    def __init__(self, network: Network) -> None:
        neighbours: defaultdict[str, list[tuple[str, float]]] = defaultdict(list)
        for line in network.lines:
            neighbours[line.from_node].append((line.to_node, line.length_m))
            neighbours[line.to_node].append((line.from_node, line.length_m))
        self.roots = tuple(item.to_node for item in network.transformers)
        self.children: defaultdict[str, list[str]] = defaultdict(list)
        self.distance = dict.fromkeys(self.roots, 0.0)
        used: set[tuple[str, str]] = set()
        ahead = list(self.roots)
        while ahead:
            node = ahead.pop()
            for other, length in neighbours[node]:
                if other not in self.distance:
                    self.distance[other] = self.distance[node] + length
                    self.children[node].append(other)
                    used |= {(node, other), (other, node)}
                    ahead.append(other)
        self.rings = [
            (line.from_node, line.to_node) for line in network.lines if (line.from_node, line.to_node) not in used
        ]

    def runs(self, keep: Iterable[str], places: Mapping[str, Place], longest: float) -> list[list[str]]:
        """Lines to draw as lists of nodes, outwards; none runs past a branching, a node of `keep`, or `longest`."""
        stops = set(keep)
        found: list[list[str]] = []
        ahead = [(root, child) for root in self.roots for child in self.children[root]]
        while ahead:
            start, node = ahead.pop()
            run = [start, node]
            drawn = _apart(places[start], places[node])
            while len(self.children[node]) == 1 and node not in stops and drawn < longest:
                following = self.children[node][0]
                drawn += _apart(places[node], places[following])
                run.append(following)
                node = following
            found.append(run)
            ahead += [(node, child) for child in self.children[node]]
        return found + [list(ring) for ring in self.rings if all(node in places for node in ring)]


def _places(network: Network, tree: _Tree) -> dict[str, Place]:
    places = {node.id: (node.x_m, -node.y_m) for node in network.nodes if node.id in tree.distance}
    if len(set(places.values())) > len(places) // 2:
        return places
    places = {}
    row = 0.0
    step = max(tree.distance.values(), default=1.0) / max(len(tree.distance) ** 0.5, 1.0)
    ahead = list(tree.roots)
    while ahead:  # depth first, so that every branch gets rows of its own
        node = ahead.pop()
        places[node] = (tree.distance[node], row)
        row += 0.0 if tree.children[node] else step
        ahead += tree.children[node]
    return places


def _home(home: Home, pathway: Pathway, place: Place, half: float, before: int) -> str:
    x, y = place[0] + before * 2.6 * half, place[1]
    form = {
        Pathway.OEM: f'<circle class="home" cx="{x:.2f}" cy="{y:.2f}" r="{half:.2f}"/>',
        Pathway.GATEWAY: f'<rect class="home" x="{x - 0.9 * half:.2f}" y="{y - 0.9 * half:.2f}" '
        f'width="{1.8 * half:.2f}" height="{1.8 * half:.2f}" rx="{0.2 * half:.2f}"/>',
        Pathway.HEMS: f'<path class="home" d="M{x:.2f} {y - 1.25 * half:.2f}l{1.25 * half:.2f} {1.25 * half:.2f}'
        f'l{-1.25 * half:.2f} {1.25 * half:.2f}l{-1.25 * half:.2f} {-1.25 * half:.2f}z"/>',
    }[pathway]
    name = html.escape(f"{home.id}, {PATHWAY_NAMES[pathway]}, phase {home.phases}")
    identity = html.escape(home.id)
    return (
        f'<a href="/homes/{identity}" data-home="{identity}" class="{pathway}" tabindex="0" aria-label="{name}">'
        f"<title>{name}</title>{form}</a>"
    )


def _transformer(place: Place, half: float) -> str:
    x, y = place
    circles = "".join(
        f'<circle class="transformer" cx="{x + shift * half:.2f}" cy="{y:.2f}" r="{1.3 * half:.2f}"/>'
        for shift in (-2.1, -0.5)
    )
    return f'<g role="img" aria-label="Transformer"><title>Transformer</title>{circles}</g>'


def _box(places: Iterable[Place], width: float, height: float, size: float) -> str:
    every = list(places)
    left, top = (min(place[axis] for place in every) for axis in (0, 1))
    tall = max(height, _FLATTEST * width)
    margin = _MARGIN * size
    return (
        f"{left - margin:.1f} {top - margin - (tall - height) / 2:.1f} {width + 2 * margin:.1f} {tall + 2 * margin:.1f}"
    )


def _corners(run: Iterable[str], places: Mapping[str, Place]) -> str:
    return " ".join(f"{places[node][0]:.2f},{places[node][1]:.2f}" for node in run)


def _span(values: Iterable[float]) -> float:
    every = list(values)
    return max(every) - min(every)


def _apart(one: Place, other: Place) -> float:
    return float(((one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2) ** 0.5)


def _distance(voltage: float) -> float:
    return abs(voltage - 1.0)
