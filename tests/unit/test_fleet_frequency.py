"""An inverter's nominal, trip and enter service frequencies belong to its network.

Origin: IEEE 1547-2018, clauses 4.10.2 (enter service), 6.5.1 (trips) and 6.5.2.7 (droop), in hertz of a 60 Hz network.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from fmu.model import load
from simulators.checkpoint import Checkpoint
from simulators.fleet.fmu_fleet import Fleet
from simulators.fleet.parameters import parameters
from tests.builders import RATINGS, small_pilot
from twin.model.device import DeviceKind

FULL_SUN_W_M2 = 1_000.0
STARTS = {v.name: v.start for v in load("pv_inverter").variables if v.causality == "parameter"}


def inverter(nominal_hz: float) -> Fleet:
    """One inverter in full sun that has settled at its nominal frequency."""
    chosen = parameters("pv", [RATINGS[DeviceKind.PV]], 7, frequency_hz=nominal_hz)
    fleet = Fleet(model="pv_inverter", n=1, parameters=chosen)
    fleet.inputs["irradiance_poa_w_m2"][:] = FULL_SUN_W_M2
    fleet.inputs["frequency_hz"][:] = nominal_hz
    fleet.step(0.0, 1.0)
    return fleet


@pytest.mark.parametrize("nominal_hz", [50.0, 60.0])
def test_every_frequency_of_an_inverter_is_the_standards_per_unit(nominal_hz: float) -> None:
    chosen = parameters("pv", [RATINGS[DeviceKind.PV]], 7, frequency_hz=nominal_hz)
    in_hz = {name: start for name, start in STARTS.items() if name.endswith("_hz")}

    assert in_hz["frequency_nominal_hz"] == 60.0
    assert len(in_hz) == 9
    for name, at_60_hz in in_hz.items():
        assert at_60_hz is not None
        assert chosen[name].tolist() == pytest.approx([at_60_hz * nominal_hz / 60.0], rel=1e-12), name


@pytest.mark.parametrize(
    ("hz", "seconds", "in_service"),
    [(50.0, 400, 1.0), (51.6, 10, 1.0), (51.7, 2, 0.0), (47.1, 10, 1.0), (47.0, 2, 0.0)],
)
def test_at_50_hz_an_inverter_trips_beyond_its_limits_and_not_before(
    hz: float, seconds: int, in_service: float
) -> None:
    """OF2 is 62/60 of nominal, 51.67 Hz; UF2 56.5/60, 47.08 Hz; both within 0.16 s."""
    with inverter(50.0) as fleet:
        fleet.inputs["frequency_hz"][:] = hz
        for second in range(seconds):
            fleet.step(1.0 + second, 1.0)

        assert fleet.outputs["in_service"].tolist() == [in_service]


def test_a_50_hz_inverter_gives_at_50_hz_what_a_60_hz_inverter_gives_at_60_hz() -> None:
    with inverter(50.0) as european, inverter(60.0) as american:
        for name, values in european.outputs.items():
            assert values.tolist() == american.outputs[name].tolist(), name


def test_a_50_hz_inverter_droops_by_the_share_that_its_frequency_is_off() -> None:
    """At 1 % over nominal the droop of 5 % has taken (0.01 - 0.0006) / 0.05 of the rating, 18.8 %."""
    with inverter(50.0) as fleet:
        before_w = float(fleet.outputs["power_w"][0])
        fleet.inputs["frequency_hz"][:] = 50.5
        for second in range(60):
            fleet.step(1.0 + second, 1.0)
        rated_w = RATINGS[DeviceKind.PV]["ac_power_va"]

        assert fleet.outputs["power_w"][0] - before_w == pytest.approx(0.188 * rated_w, rel=1e-6)


def test_a_state_saved_at_another_frequency_is_not_taken_up(tmp_path: Path) -> None:
    """It would bring that frequency's limits with it, and every inverter would trip."""
    pilot = small_pilot()
    other = replace(pilot, network=replace(pilot.network, frequency_hz=60.0))
    path = tmp_path / "world.state"
    checkpoint = Checkpoint(path, pilot)
    checkpoint.write(60.0, {})
    checkpoint.finish()

    assert Checkpoint(path, pilot).read() is not None
    assert Checkpoint(path, other).read() is None
