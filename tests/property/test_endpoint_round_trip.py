"""Whatever a device measures, what the twin reads is that value within the wire's resolution, with its sign."""

from math import nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulators.endpoints.port import Outgoing
from tests.builders import small_pilot
from tests.endpoint_stage import START_S, Stage, columns, order
from twin.adapters.port import Readings
from twin.model.device import KINDS, DeviceKind
from twin.model.quantity import QUANTITIES

WIRES = ("canonical", "hems_home", "oem_acme")

# Half of the last digit that each wire shows, in canonical units; the vendor shows 0.1 degF and 0.1 %.
RESOLUTION = {
    "canonical": {"W": 0.05, "var": 0.05, "V": 0.005, "Wh": 0.05, "1": 5e-5, "degC": 0.005, "K": 0.005},
    "hems_home": {"W": 0.5, "var": 0.5, "V": 0.05, "Wh": 0.5, "1": 5e-4, "degC": 0.05, "K": 0.05},
    "oem_acme": {"W": 0.5, "var": 0.5, "V": 0.05, "Wh": 0.5, "1": 5e-4, "degC": 0.05 / 1.8, "K": 0.05 / 1.8},
}
_ROUNDING = 1e-5  # adapters drop binary noise after the sixth decimal

PILOT = small_pilot(batteries=2, kinds=tuple(DeviceKind))

values = st.fixed_dictionaries(
    {
        kind: st.fixed_dictionaries(
            {
                quantity: st.sampled_from([0.0, 1.0])
                if quantity == "plugged" or QUANTITIES[quantity].switch
                else st.floats(max(QUANTITIES[quantity].minimum, -2e4), min(QUANTITIES[quantity].maximum, 1e8))
                for quantity in KINDS[kind].reports
            }
        )
        for kind in DeviceKind
    }
)


def as_columns(drawn: dict[DeviceKind, dict[str, float]]) -> dict[DeviceKind, dict[str, NDArray[np.float64]]]:
    made = columns(PILOT)
    for kind, chosen in drawn.items():
        for quantity, value in chosen.items():
            made[kind][quantity][:] = value
    return made


def first_readings(stage: Stage, messages: list[Outgoing]) -> Readings:
    readings = stage.read(messages[0])
    assert isinstance(readings, Readings)
    return readings


@pytest.mark.parametrize("wire", WIRES)
@given(drawn=values)
def test_values_come_through_with_unit_and_sign(wire: str, drawn: dict[DeviceKind, dict[str, float]]) -> None:
    stage = Stage(wire, PILOT)
    readings = first_readings(stage, stage.agent.sample(START_S, as_columns(drawn)))
    assert not readings.refusals
    assert {report.device for report in readings.reports} == {
        device.id for device in PILOT.endpoint_devices[stage.endpoint.id]
    }
    for report in readings.reports:
        expected = drawn[PILOT.device[report.device].kind]
        assert set(report.values) == set(expected)
        for quantity, value in report.values.items():
            tolerance = RESOLUTION[wire][QUANTITIES[quantity].unit] + _ROUNDING
            assert value == pytest.approx(expected[quantity], abs=tolerance, rel=1e-12), quantity


@pytest.mark.parametrize("wire", WIRES)
@given(missing=st.sets(st.sampled_from(["power_setpoint_w", "soc", "plugged", "energy_import_wh", "power_w"])))
def test_what_a_device_does_not_know_is_left_out_and_nothing_else(wire: str, missing: set[str]) -> None:
    stage = Stage(wire, PILOT)
    messages = stage.agent.sample(START_S, columns(PILOT, **dict.fromkeys(missing, nan)))
    readings = first_readings(stage, messages)
    assert not readings.refusals
    for report in readings.reports:
        assert set(report.values) == set(KINDS[PILOT.device[report.device].kind].reports) - missing


CONTROLS = [(kind, quantity) for kind, description in KINDS.items() for quantity in description.controls]
ALLOWED = {
    "power_setpoint_w": (-5000.0, 5000.0),
    "power_limit_w": (0.0, 7400.0),
    "discharge_request_w": (0.0, 5000.0),
    "active_power_limit": (0.0, 1.0),
    "setpoint_offset_k": (-5.0, 5.0),
    "setpoint_tank_degc": (30.0, 90.0),
    "setpoint_tank_offset_k": (-25.0, 25.0),
}
commanded = st.sampled_from(CONTROLS).flatmap(
    lambda control: st.tuples(
        st.just(control),
        st.sampled_from([0.0, 1.0])
        if QUANTITIES[control[1]].switch
        else st.floats(*ALLOWED[control[1]], allow_subnormal=False),
    )
)


@pytest.mark.parametrize("wire", WIRES)
@given(drawn=commanded)
def test_a_commanded_value_reaches_the_device_with_unit_and_sign(
    wire: str, drawn: tuple[tuple[DeviceKind, str], float]
) -> None:
    (kind, quantity), value = drawn
    stage = Stage(wire, PILOT)
    device = next(item for item in PILOT.endpoint_devices[stage.endpoint.id] if item.kind is kind)
    assert stage.answer(order(device.id, quantity, value)).outcome == "acknowledged"
    stage.agent.sample(START_S + 1.0, columns(PILOT))  # the cloud's site communicates
    told = stage.controls.active(kind, quantity, START_S + 1.0)
    row = [item.id for item in PILOT.devices if item.kind is kind].index(device.id)
    assert told[row] == pytest.approx(value, abs=1e-3)  # the vendor is told kW to the sixth decimal
    assert np.isnan(np.delete(told, row)).all(), "no other device may be told anything"
