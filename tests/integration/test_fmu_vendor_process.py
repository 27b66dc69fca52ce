"""Vendors' FMUs in their own processes: what they compute comes through, and their crashes stay with them."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from fmu.build import DIST
from simulators.fleet.fmu_fleet import Fleet, FleetError
from simulators.fleet.mixed import MixedFleet
from simulators.fleet.vendor import Restarts, VendorFleet
from simulators.fleet.vendor_child import Column
from tests.vendor_fmu import SOURCE, build_vendor_fmu, vendor_model
from twin.clock import WallClock
from twin.model.device import DeviceKind
from twin.model.topology import VendorModel, VendorVariable

pytestmark = pytest.mark.integration

NAMES = ("north", "east", "south", "west")
DIES, HANGS, REFUSES, RAVES = -666e3, -667e3, -668e3, -669e3
CLOCK = WallClock()
OFTEN = Restarts(most=100)
PATIENT_S = 30.0  # other work on the machine may hold a process up
BACK_WITHIN_S = 120.0  # generous: other work on the machine may hold us up


@pytest.fixture(scope="module")
def brick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_vendor_fmu(tmp_path_factory.mktemp("acme"))


@pytest.fixture
def start(brick: Path) -> Iterator[Callable[..., VendorFleet]]:
    fleets: list[VendorFleet] = []

    def started(
        count: int = 4,
        model: VendorModel | None = None,
        *,
        wait_s: Callable[[], float] = lambda: PATIENT_S,
        restarts: Restarts = OFTEN,
    ) -> VendorFleet:
        fleet = VendorFleet(
            kind=DeviceKind.BATTERY,
            model=model or vendor_model(brick),
            names=NAMES[:count],
            parameters={"energy_capacity_wh": 1e3 * np.array([10.0, 10.0, 5.0, 20.0])[:count]},
            clock=CLOCK,
            wait_s=wait_s,
            restarts=restarts,
            start_within_s=BACK_WITHIN_S,
        )
        fleets.append(fleet)
        return fleet

    yield started
    for fleet in fleets:
        fleet.close()


def children() -> list[psutil.Process]:
    """The vendors' processes of this test."""
    return [one for one in psutil.Process().children() if "simulators.fleet.vendor_process" in one.cmdline()]


def step(fleet: VendorFleet, setpoints_w: list[float], step_s: float = 1.0) -> dict[str, Column]:
    return fleet.step(step_s, {"power_setpoint_w": np.array(setpoints_w), "grid_forming": np.zeros(len(setpoints_w))})


def step_until_all_are_back(fleet: VendorFleet, count: int = 4) -> int:
    """Steps until every device gives values again; fails when that takes too long."""
    give_up_s = CLOCK.monotonic_s() + BACK_WITHIN_S
    steps = 0
    while CLOCK.monotonic_s() < give_up_s:
        steps += 1
        if np.isfinite(step(fleet, [0.0] * count)["soc"]).all():
            return steps
        CLOCK.sleep(0.05)
    raise AssertionError("the devices did not come back")


def test_values_come_in_our_units_and_signs_for_every_device(start: Callable[..., VendorFleet]) -> None:
    found = step(start(), [1000.0, -1000.0, 0.0, 2000.0], step_s=3600.0)
    np.testing.assert_allclose(found["power_w"], [1000.0, -1000.0, 0.0, 2000.0], rtol=1e-12)
    np.testing.assert_allclose(found["soc"], [0.5, 0.3, 0.4, 0.5], rtol=1e-12)  # from 40 %, by each one's capacity


def test_a_crash_costs_its_own_process_only_and_the_culprit_ends_up_alone(start: Callable[..., VendorFleet]) -> None:
    fleet = start(3)
    assert np.isnan(step(fleet, [0.0, 0.0, DIES])["soc"]).all()  # they shared one process
    step_until_all_are_back(fleet, 3)
    assert np.isnan(step(fleet, [0.0, 0.0, DIES])["soc"]).tolist() == [False, True, True]  # one half of them
    step_until_all_are_back(fleet, 3)
    found = step(fleet, [500.0, 500.0, DIES])
    np.testing.assert_allclose(found["power_w"], [500.0, 500.0, np.nan])


def steps_until(fleet: VendorFleet, setpoints_w: list[float], reached: Callable[[], bool]) -> None:
    """Step until `reached`; fails when that takes too long."""
    give_up_s = CLOCK.monotonic_s() + BACK_WITHIN_S
    while not reached():
        assert CLOCK.monotonic_s() < give_up_s, f"not reached; faults: {fleet.faults}"
        step(fleet, setpoints_w)
        CLOCK.sleep(0.02)


def test_a_hang_is_ended_by_its_cpu_time_and_the_world_hardly_waits(start: Callable[..., VendorFleet]) -> None:
    wait = {"s": PATIENT_S}
    fleet = start(2, wait_s=lambda: wait["s"])
    step(fleet, [0.0, 0.0])
    wait["s"] = 0.05
    found = step(fleet, [0.0, HANGS])
    assert fleet.absent.all()
    np.testing.assert_allclose(found["soc"], 0.4)  # the feeder keeps what was last known, while it may be only late
    steps_until(fleet, [0.0, 0.0], lambda: bool(fleet.faults))
    assert "s of computing without an answer" in fleet.faults[0].reason
    assert {device for fault in fleet.faults for device in fault.devices} == {"north", "east"}
    assert np.isnan(step(fleet, [0.0, 0.0])["soc"]).all()
    step_until_all_are_back(fleet, 2)
    assert fleet.faults == ()


def test_a_process_that_was_only_paused_is_waited_for_and_makes_up_for_the_time(
    start: Callable[..., VendorFleet],
) -> None:
    """Stopped and continued, as on a machine with other things to do: the same process, and no energy is lost."""
    wait = {"s": PATIENT_S}
    fleet = start(1, wait_s=lambda: wait["s"])
    step(fleet, [0.0])
    (child,) = children()
    child.suspend()
    wait["s"] = 0.01
    for _ in range(20):
        found = step(fleet, [3600.0], step_s=10.0)
        assert fleet.absent.all()
        assert found["soc"][0] == pytest.approx(0.4)
    child.resume()
    wait["s"] = PATIENT_S
    for _ in range(2):  # the first may give no more than the late answer
        found = step(fleet, [3600.0], step_s=10.0)
        assert not fleet.absent.any()
    assert found["soc"][0] == pytest.approx(0.4 + 22 * 0.001)  # 3.6 kW for 10 s into 10 kWh, 22 times
    assert [one.pid for one in children()] == [child.pid]
    assert fleet.faults == ()


def test_a_model_that_goes_on_failing_is_given_up_and_says_so(start: Callable[..., VendorFleet]) -> None:
    fleet = start(1, restarts=Restarts(most=2, first_s=0.01, longest_s=0.02))
    steps_until(fleet, [DIES], lambda: any(fault.given_up for fault in fleet.faults))
    (fault,) = fleet.faults
    assert fault.devices == ("north",)
    assert fault.restarts == 2
    assert "SIGSEGV" in fault.reason
    assert children() == []
    assert np.isnan(step(fleet, [0.0])["soc"]).all()
    assert children() == []  # nothing is started any more


def test_rests_grow_and_end() -> None:
    restarts = Restarts()
    assert [restarts.rest_s(failures) for failures in range(9)] == [1, 1, 2, 4, 8, 16, 32, 60, 60]


def test_an_fmu_that_does_not_start_says_why(start: Callable[..., VendorFleet], tmp_path: Path) -> None:
    text = (SOURCE / "modelDescription.xml").read_text()
    other = build_vendor_fmu(
        tmp_path, description=text.replace('modelIdentifier="PowerBrick"', 'modelIdentifier="Gone"')
    )
    fleet = start(1, vendor_model(other), restarts=Restarts(most=0))
    steps_until(fleet, [0.0], lambda: any(fault.given_up for fault in fleet.faults))
    assert "it does not start" in fleet.faults[0].reason


def test_a_refused_step_rests_one_device_for_a_simulated_minute(start: Callable[..., VendorFleet]) -> None:
    fleet = start()
    found = step(fleet, [0.0, REFUSES, 0.0, 0.0])
    assert np.isnan(found["soc"]).tolist() == [False, True, False, False]
    assert fleet.absent.tolist() == [False, True, False, False]
    (fault,) = fleet.faults
    assert (fault.devices, fault.given_up) == (("east",), False)
    assert "fmi2DoStep" in fault.reason
    found = step(fleet, [0.0] * 4, step_s=30.0)
    assert np.isnan(found["soc"]).tolist() == [False, True, False, False]
    found = step(fleet, [0.0] * 4, step_s=30.0)
    np.testing.assert_allclose(found["soc"], 0.4)  # it has begun anew
    assert fleet.faults == ()


def test_values_that_no_home_device_has_are_no_values(start: Callable[..., VendorFleet]) -> None:
    found = step(start(), [RAVES, 0.0, 0.0, 0.0])
    assert np.isnan(found["power_w"]).tolist() == [True, False, False, False]


def test_our_own_files_run_as_a_vendors_would_in_both_versions_of_fmi(start: Callable[..., VendorFleet]) -> None:
    """The same bits as the fleet, through another importer, another process and a map; states are kept."""
    setpoints_w = np.array([3000.0, -3000.0, 0.0])
    straight = {name: VendorVariable(variable=name) for name in ("power_setpoint_w", "power_w", "soc")}
    capacity = {"energy_capacity_wh": VendorVariable(variable="energy_capacity_wh")}
    with Fleet(model="battery", n=3, parameters={"energy_capacity_wh": np.array([10e3, 10e3, 5e3])}) as fleet:
        fleet.inputs["power_setpoint_w"][:] = setpoints_w
        fleet.step(0.0, 900.0)
        for fmi in (2, 3):
            model = VendorModel(fmu=str(DIST / f"Battery.fmi{fmi}.fmu"), map={**straight, **capacity}, start={})
            vendor = start(3, model)
            found = step(vendor, setpoints_w.tolist(), step_s=900.0)
            for name in ("power_w", "soc"):
                assert found[name].tobytes() == fleet.outputs[name].tobytes()
            kept = vendor.save()
            assert any(kept)
            later = step(vendor, setpoints_w.tolist(), step_s=900.0)
            vendor.restore(kept)
            again = step(vendor, setpoints_w.tolist(), step_s=900.0)
            assert again["soc"].tobytes() == later["soc"].tobytes()


def test_an_fmu_with_arrays_is_one_instance_until_it_refuses(start: Callable[..., VendorFleet]) -> None:
    """Then each device has its own, and only the one that is the trouble rests."""
    straight = {name: VendorVariable(variable=name) for name in ("power_setpoint_w", "power_w", "soc")}
    fleet = start(3, VendorModel(fmu=str(DIST / "Battery.fmi3.fmu"), map=straight, start={"soc_start": 0.3}))
    np.testing.assert_allclose(step(fleet, [0.0, 0.0, 0.0])["soc"], 0.3, atol=1e-5)
    assert [len(blob) > 0 for blob in fleet.save()] == [True, False, False]  # the state of all is one
    found = step(fleet, [1000.0, 1e99, 1000.0])
    assert np.isnan(found["soc"]).tolist() == [False, True, False]
    assert fleet.faults[0].devices == ("east",)
    assert "power_setpoint_w" in fleet.faults[0].reason
    assert [len(blob) > 0 for blob in fleet.save()] == [True, False, True]


def test_an_fmu_that_allows_one_instance_per_process_gets_a_process_per_device(
    start: Callable[..., VendorFleet], tmp_path: Path
) -> None:
    text = (SOURCE / "modelDescription.xml").read_text()
    alone = text.replace("canHandleVariable", 'canBeInstantiatedOnlyOncePerProcess="true" canHandleVariable')
    fleet = start(2, vendor_model(build_vendor_fmu(tmp_path, description=alone)))
    found = step(fleet, [0.0, DIES])
    assert np.isnan(found["soc"]).tolist() == [False, True]


def test_a_mixed_fleet_is_a_fleet_like_any_other(start: Callable[..., VendorFleet]) -> None:
    rows = np.array([1, 3])
    with MixedFleet(model="battery", n=4, parameters={"soc_start": 0.7}, vendors=[(start(2), rows)]) as fleet:
        fleet.inputs["power_setpoint_w"][:] = [1000.0, 1000.0, 0.0, -1000.0]
        fleet.step(0.0, 3600.0)
        np.testing.assert_allclose(fleet.outputs["soc"][rows], [0.5, 0.3])
        assert fleet.outputs["soc"][2] == 0.7
        assert fleet.outputs["loss_wh"][rows].tolist() == [0.0, 0.0]  # a constant of the map
        assert np.isnan(fleet.outputs["energy_stored_wh"][rows]).all()  # left out by the map
        blob = fleet.save()
        own = fleet.outputs["soc"][0]
        fleet.step(3600.0, 900.0)
        fleet.restore(blob)
        assert fleet.outputs["soc"][0] == own
        with pytest.raises(FleetError, match="not a state of a fleet with vendors' models"):
            fleet.restore(b"state")


def test_no_process_outlives_a_world_that_is_killed(brick: Path) -> None:
    """Not even one whose native code hangs."""
    code = (
        "import numpy as np, sys\n"
        "from pathlib import Path\n"
        "from simulators.fleet import vendor\n"
        "from tests.vendor_fmu import vendor_model\n"
        "from twin.clock import WallClock\n"
        "from twin.model.device import DeviceKind\n"
        f"fleet = vendor.VendorFleet(kind=DeviceKind.BATTERY, model=vendor_model(Path({str(brick)!r})), names=('a',),\n"
        "    parameters={'energy_capacity_wh': np.array([1e4])}, clock=WallClock(),\n"
        "    wait_s=lambda: 600.0, start_within_s=600.0)\n"
        "print('started', flush=True)\n"
        f"fleet.step(1.0, {{'power_setpoint_w': np.array([{HANGS}])}})\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as world:
        assert world.stdout is not None
        while (line := world.stdout.readline()) and line != b"started\n":
            pass  # the vendor's printing does not come here, but let it be in the way
        (child,) = psutil.Process(world.pid).children()
        world.kill()
        psutil.wait_procs([child], timeout=BACK_WITHIN_S)
        assert not child.is_running()
