"""Which circuit feeds what, what an open relay takes off, and how the pilot file says so."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simulators.cosim.circuits import Circuits
from simulators.cosim.control import BASE_ENERGISED, POWER_OFFERED, Asked
from simulators.endpoints.controls import Controls
from simulators.layout import Layout
from tests.builders import small_pilot
from tests.endpoint_stage import START_S, Stage, order
from twin.model.device import ON_CIRCUITS, DeviceKind
from twin.model.quantity import CIRCUITS, QUANTITIES, refusal
from twin.model.topology import Pilot
from twin.pilot import load_pilot

VALID = Path(__file__).parents[1] / "data" / "pilots" / "valid-two-homes.yaml"
WATER_HEATER_CIRCUIT = 4  # of tests.builders.small_pilot


def loaded(tmp_path: Path, devices: str) -> Pilot:
    """The valid pilot with other devices in its first home."""
    path = tmp_path / "pilot.yaml"
    path.write_text(VALID.read_text().replace("{kind: battery, energy_wh: 10000, power_w: 5000}", devices))
    return load_pilot(path)


def test_devices_take_the_lowest_free_circuits_in_the_order_of_the_file(tmp_path: Path) -> None:
    tank = "{kind: water_heater, volume_l: 200, power_w: 3000, %s}"
    listed = [tank % "id: a", tank % "id: b, circuit: 1", tank % "id: c", "{kind: smart_panel}"]
    pilot = loaded(tmp_path, "\n      - ".join(listed))

    assert {device.id: device.circuit for device in pilot.devices if device.home == "h01"} == {
        "h01-meter": None,
        "a": 2,
        "b": 1,
        "c": 3,
        "h01-smart-panel": None,
    }


def test_without_a_panel_nothing_is_on_a_circuit(tmp_path: Path) -> None:
    pilot = loaded(tmp_path, "{kind: water_heater, volume_l: 200, power_w: 3000}")

    assert {device.circuit for device in pilot.devices} == {None}


def test_circuits_without_a_device_share_the_base_load() -> None:
    circuits = Circuits(Layout(pilot=small_pilot(homes=2, kinds=tuple(DeviceKind))))

    assert circuits.base_share.shape == (2, len(CIRCUITS))
    assert circuits.base_share.sum(axis=1) == pytest.approx(1.0, abs=1e-12)
    assert (circuits.base_share[:, : len(ON_CIRCUITS)] == 0).all()
    assert (circuits.base_share[:, len(ON_CIRCUITS) :] > 0).all()
    assert circuits.base_share[0].tolist() != circuits.base_share[1].tolist()


def test_an_open_circuit_takes_the_power_from_its_device_only() -> None:
    circuits = Circuits(Layout(pilot=small_pilot(homes=2, kinds=tuple(DeviceKind))))
    closed = np.ones((2, len(CIRCUITS)))
    closed[1, WATER_HEATER_CIRCUIT - 1] = 0.0

    energised = circuits.energised(circuits.passing(np.ones(2), closed))

    assert energised[DeviceKind.WATER_HEATER].tolist() == [1.0, 0.0]
    assert all(energised[kind].tolist() == [1.0, 1.0] for kind in ON_CIRCUITS if kind is not DeviceKind.WATER_HEATER)
    assert circuits.base_energised(closed).tolist() == pytest.approx([1.0, 1.0], abs=1e-12)


def test_an_open_main_relay_takes_it_from_all() -> None:
    pilot = small_pilot(homes=2, kinds=tuple(DeviceKind))
    layout, controls = Layout(pilot=pilot), Controls(pilot)
    asked = Asked(layout, controls, Circuits(layout))
    controls.set("h2-smart-panel", "main_closed", 0.0, 100.0, 5, "c")

    now = asked.at(50.0)

    assert now[BASE_ENERGISED].tolist() == pytest.approx([1.0, 0.0], abs=1e-12)
    assert now[POWER_OFFERED].tolist() == [7_400.0, 0.0]
    assert now["ev_charger.power_limit_w"].tolist() == [7_400.0, 7_400.0]  # what it was told still stands
    assert asked.at(101.0)[BASE_ENERGISED].tolist() == pytest.approx([1.0, 1.0], abs=1e-12)


def test_every_watt_is_on_one_circuit() -> None:
    pilot = small_pilot(homes=2, kinds=tuple(DeviceKind))
    circuits = Circuits(Layout(pilot=pilot))
    device_w = {kind: np.array([1_000.0, np.nan]) * number for number, kind in enumerate(ON_CIRCUITS, start=1)}

    demand = circuits.demand(np.array([500.0, 300.0]), device_w)

    assert demand.sum(axis=1) == pytest.approx([500.0 + 10_000.0, 300.0], abs=1e-9)
    assert demand[0, :4].tolist() == [1_000.0, 2_000.0, 3_000.0, 4_000.0]


def test_a_device_that_no_circuit_feeds_is_refused_in_a_home_with_a_panel() -> None:
    pilot = small_pilot(homes=1, kinds=tuple(DeviceKind))
    astray = tuple(replace(device, circuit=None) for device in pilot.devices)

    with pytest.raises(ValueError, match="h1-pv is on circuit None, but h1 has a smart panel"):
        Circuits(Layout(pilot=replace(pilot, devices=astray)))


def test_a_switch_has_two_positions() -> None:
    assert QUANTITIES["circuit_12_closed"].switch
    assert refusal("circuit_12_closed", 1.0) is None
    assert refusal("circuit_12_closed", 0.5) == "circuit_12_closed = 0.5 is no position of a switch; 0 and 1 are"


@pytest.mark.parametrize("wire", ["canonical", "hems_home", "oem_acme"])
def test_a_relay_opens_over_every_wire(wire: str) -> None:
    stage = Stage(wire, small_pilot(kinds=tuple(DeviceKind)))
    panel = next(d for d in stage.pilot.endpoint_devices[stage.endpoint.id] if d.kind is DeviceKind.SMART_PANEL)

    assert stage.answer(order(panel.id, "circuit_7_closed", 0.0)).outcome == "acknowledged"


@pytest.mark.parametrize("wire", ["hems_home", "oem_acme"])
def test_a_wire_that_says_true_and_false_takes_no_number_for_it(wire: str) -> None:
    stage = Stage(wire, small_pilot(kinds=tuple(DeviceKind)))
    panel = next(d for d in stage.pilot.endpoint_devices[stage.endpoint.id] if d.kind is DeviceKind.SMART_PANEL)
    outbound = stage.adapter.encode(stage.endpoint.id, order(panel.id, "circuit_7_closed", 1.0))
    assert b"true" in outbound.payload

    (message,) = stage.agent.receive(outbound.topic, outbound.payload.replace(b"true", b"1.0"), START_S)

    assert b"neither true nor false" in message.payload
