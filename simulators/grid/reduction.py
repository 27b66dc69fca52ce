"""Takes the nodes out of a network that carry nothing, and knows how to bring their voltages back exactly.

A feeder of 907 nodes serves 55 homes: most nodes are bends and joints. Here branches that end at an unloaded node
are dropped (no current flows in them), and every chain of unloaded nodes between two others becomes one section
whose impedance is the sum. Both steps are exact because lines have no shunt capacitance (see twin.model.network.Line):
the current that enters a section leaves it unchanged, so along the section the voltage falls by impedance times
that one current. Refuses nothing: networks come checked from twin.feeder.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.model.network import Network

DEAD = -1
"""Section index of a line that can carry no current."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reduction:
    """The sections that remain, and the place of every original node and line on them.

    `kept` are node indices of the original network. A section runs between two kept nodes (positions in `kept`) and
    carries the sum of its lines' sequence impedances in ohm and the lowest of their ratings. An original node lies on
    the way from kept node `node_from` to `node_to`; `share1` and `share0` say how far, as the positive- and the
    zero-sequence impedance up to it over that of the whole section (complex, 0 at `node_from`).
    """

    kept: NDArray[np.int64]  # (n_kept,)
    section_from: NDArray[np.int64]  # (n_sections,)
    section_to: NDArray[np.int64]
    z1_ohm: NDArray[np.complex128]
    z0_ohm: NDArray[np.complex128]
    i_max_a: NDArray[np.float64]
    node_from: NDArray[np.int64]  # (n_nodes,)
    node_to: NDArray[np.int64]
    share1: NDArray[np.complex128]
    share0: NDArray[np.complex128]
    line_section: NDArray[np.int64]  # (n_lines,), DEAD where no current can flow
    line_i_max_a: NDArray[np.float64]

    def node_voltage(self, kept_voltage: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """Voltages of all original nodes, (n_nodes, 3), from those of the kept nodes, (n_kept, 3), any unit.

        With phase impedance matrices the current of a section is I = Z^-1 (Ua - Ub), and the voltage at a node up to
        which the impedance is Zk is Ua - Zk I. Both matrices are balanced (equal self, equal mutual terms), so Zk Z^-1
        is share1 on the identity plus (share0 - share1)/3 on the matrix of ones: the mean over the phases, which is
        the zero sequence, falls by share0 and the rest by share1. No equality of r0/r1 between lines is needed.
        """
        start = kept_voltage[self.node_from]
        drop = start - kept_voltage[self.node_to]
        zero_sequence = drop.mean(axis=1, keepdims=True)
        fallen = self.share1[:, None] * (drop - zero_sequence) + self.share0[:, None] * zero_sequence
        return np.asarray(start - fallen, dtype=np.complex128)

    def line_current(self, section_current_a: NDArray[np.float64]) -> NDArray[np.float64]:
        """Phase currents of the original lines, (n_lines, 3) in ampere, from those of the sections, (n_sections, 3)."""
        current = np.zeros((self.line_section.size, 3))
        live = self.line_section != DEAD
        current[live] = section_current_a[self.line_section[live]]
        return current


def reduce_network(network: Network, loaded: Collection[str]) -> Reduction:
    """Reduce `network` to the `loaded` nodes, the source, the transformers' nodes and the forks between them."""
    return _Reducer(network, loaded).reduce()


class _Reducer:
    """Works on node and line indices; `lines_at` shrinks as dead branches fall off."""

    def __init__(self, network: Network, loaded: Collection[str]) -> None:
        index = {node.id: position for position, node in enumerate(network.nodes)}
        self.ends = [(index[line.from_node], index[line.to_node]) for line in network.lines]
        self.z1 = [complex(line.r1_ohm, line.x1_ohm) for line in network.lines]
        self.z0 = [complex(line.r0_ohm, line.x0_ohm) for line in network.lines]
        self.i_max = [line.i_max_a for line in network.lines]
        fixed = {network.source.node, *loaded}
        fixed.update(node for unit in network.transformers for node in (unit.from_node, unit.to_node))
        self.fixed = {index[node] for node in fixed}
        self.lines_at: list[list[int]] = [[] for _ in network.nodes]
        for line, (one, other) in enumerate(self.ends):
            self.lines_at[one].append(line)
            self.lines_at[other].append(line)
        self.place: dict[int, tuple[int, int, complex, complex]] = {}
        self.sections: list[tuple[int, int, complex, complex, float]] = []
        self.line_section = [DEAD] * len(self.ends)

    def reduce(self) -> Reduction:
        hung = self._drop_dead_branches()
        nodes = range(len(self.lines_at))
        terminals = [n for n in nodes if n in self.fixed or len(self.lines_at[n]) > 2]  # noqa: PLR2004 two lines make a chain
        for terminal in terminals:
            self.place[terminal] = (terminal, terminal, 0j, 0j)
        walked: set[int] = set()
        for terminal in terminals:
            for line in self.lines_at[terminal]:
                if line not in walked:
                    self._merge_chain(terminal, line, walked)
        for node, anchor in reversed(hung):
            self.place[node] = self.place[anchor]
        position = np.full(len(nodes), -1, dtype=np.int64)
        position[terminals] = np.arange(len(terminals))
        place = [self.place[node] for node in nodes]
        return Reduction(
            kept=np.array(terminals, dtype=np.int64),
            section_from=position[np.array([s[0] for s in self.sections], dtype=np.int64)],
            section_to=position[np.array([s[1] for s in self.sections], dtype=np.int64)],
            z1_ohm=np.array([s[2] for s in self.sections], dtype=np.complex128),
            z0_ohm=np.array([s[3] for s in self.sections], dtype=np.complex128),
            i_max_a=np.array([s[4] for s in self.sections], dtype=np.float64),
            node_from=position[[p[0] for p in place]],
            node_to=position[[p[1] for p in place]],
            share1=np.array([p[2] for p in place], dtype=np.complex128),
            share0=np.array([p[3] for p in place], dtype=np.complex128),
            line_section=np.array(self.line_section, dtype=np.int64),
            line_i_max_a=np.array(self.i_max, dtype=np.float64),
        )

    def _other_end(self, line: int, node: int) -> int:
        one, other = self.ends[line]
        return other if node == one else one

    def _drop_dead_branches(self) -> list[tuple[int, int]]:
        """Cut unloaded ends until none is left; gives each cut node with the node it hung on, outermost first."""
        hung: list[tuple[int, int]] = []
        ends = [node for node, lines in enumerate(self.lines_at) if len(lines) == 1 and node not in self.fixed]
        while ends:
            node = ends.pop()
            line = self.lines_at[node].pop()
            anchor = self._other_end(line, node)
            self.lines_at[anchor].remove(line)
            hung.append((node, anchor))
            if len(self.lines_at[anchor]) == 1 and anchor not in self.fixed:
                ends.append(anchor)
        return hung

    def _merge_chain(self, start: int, line: int, walked: set[int]) -> None:
        """Walk from terminal `start` along `line` to the next terminal and make one section of the way."""
        lines, between = [line], []
        node = self._other_end(line, start)
        while node not in self.place:
            between.append(node)
            first, second = self.lines_at[node]
            lines.append(second if first == lines[-1] else first)
            node = self._other_end(lines[-1], node)
        walked.update(lines)
        if node == start:  # a ring with one way in has the same voltage all round, hence no current
            self.place.update(dict.fromkeys(between, self.place[start]))
            return
        z1 = np.cumsum([self.z1[line] for line in lines])
        z0 = np.cumsum([self.z0[line] for line in lines])
        for inside, up_to_z1, up_to_z0 in zip(between, z1[:-1], z0[:-1], strict=True):
            self.place[inside] = (start, node, complex(up_to_z1 / z1[-1]), complex(up_to_z0 / z0[-1]))
        for merged in lines:
            self.line_section[merged] = len(self.sections)
        lowest = min(self.i_max[line] for line in lines)
        self.sections.append((start, node, complex(z1[-1]), complex(z0[-1]), lowest))
