"""A feeder becomes a picture: all lines, all homes as links, and a letter per line for its voltage."""

import re
from dataclasses import replace

from tests.builders import small_network, small_pilot
from twin.console.drawing import band, draw, paint, picked
from twin.feeder import load_network
from twin.model.device import Pathway
from twin.model.network import Line
from twin.model.topology import Home


def _homes(count: int) -> list[tuple[Home, Pathway]]:
    pilot = small_pilot(homes=count)
    return [(home, pilot.pathway(home.devices[0])) for home in pilot.homes]


def test_the_european_feeder_is_drawn_in_fewer_lines_than_it_has_sections() -> None:
    network = load_network("european-lv")
    drawing = draw(network, [])
    lines = re.findall(r'<polyline points="([^"]+)"', drawing.svg)
    assert len(lines) == len(drawing.ends) < len(network.lines) / 2
    corners = {corner for line in lines for corner in line.split()}
    drawn = {f"{node.x_m:.2f},{-node.y_m:.2f}" for node in network.nodes if node.id != network.source.node}
    assert corners == drawn, "every low-voltage node lies on a line"


def test_each_home_is_a_link_with_the_mark_of_its_pathway() -> None:
    drawing = draw(small_network(), _homes(3))
    assert drawing.homes == ("h1", "h2", "h3")
    links = dict(re.findall(r'<a href="(/homes/h\d)"[^>]* class="(\w+)"', drawing.svg))
    assert links == {"/homes/h1": "gateway", "/homes/h2": "hems", "/homes/h3": "oem"}


def test_homes_at_one_node_do_not_hide_each_other() -> None:
    network = small_network(points=6)
    (one, _), (other, _) = _homes(6)[0], _homes(6)[2]
    drawing = draw(network, [(one, Pathway.OEM), (other, Pathway.OEM)])
    centres = re.findall(r'class="home" cx="([\d.]+)" cy="([-\d.]+)"', drawing.svg)
    assert len(set(centres)) == 2


def test_names_from_the_pilot_file_cannot_break_the_picture() -> None:
    ((home, pathway),) = _homes(1)
    drawing = draw(small_network(), [(replace(home, id='h"><script>'), pathway)])
    assert "<script>" not in drawing.svg


def test_a_network_without_coordinates_is_drawn_as_a_tree() -> None:
    network = small_network()
    flat = replace(network, nodes=tuple(replace(node, x_m=0.0, y_m=0.0) for node in network.nodes))
    lines = re.findall(r'<polyline points="([^"]+)"', draw(flat, []).svg)
    assert len({corner for line in lines for corner in line.split()}) == 3


def test_a_line_that_closes_a_ring_is_drawn_too() -> None:
    network = small_network()
    ring: Line = replace(network.lines[0], id="ring", from_node="n2", to_node="lv")
    assert len(draw(replace(network, lines=(*network.lines, ring)), []).ends) == len(draw(network, []).ends) + 1


def test_each_line_takes_the_letter_of_the_voltage_at_its_far_end() -> None:
    drawing = draw(small_network(), _homes(2))
    voltages = [(1.0, 1.0, 1.0), (1.0, 1.0, 1.0), (0.99, 1.02, 1.0), (0.93, 1.0, 1.11)]
    by_node = dict(zip(drawing.ends, picked(drawing, voltages, "b"), strict=True))
    assert (by_node[2], by_node[3]) == (1.02, 1.0)
    worst = dict(zip(drawing.ends, picked(drawing, voltages, "worst"), strict=True))
    assert (worst[2], worst[3]) == (1.02, 1.11)
    assert set(paint(drawing, (), 0.94, 1.10)) == {"x"}, "nothing sent, nothing claimed"


def test_bands_run_from_low_to_high_and_beyond_the_limits() -> None:
    low, high = 0.98, 1.06
    assert [band(voltage, low, high) for voltage in (0.93, 0.981, 1.0205, 1.0599, 1.12)] == ["0", "1", "5", "8", "9"]
    assert band(float("nan"), low, high) == "x"
    assert band(1.0, 1.0, 1.0) == "5", "one and the same voltage everywhere is no reason to divide by zero"
