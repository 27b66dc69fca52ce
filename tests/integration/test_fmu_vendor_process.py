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
from simulators.fleet.vendor import STEP_WITHIN_S, Column, VendorFleet
from tests.vendor_fmu import SOURCE, build_vendor_fmu, vendor_model
from twin.clock import WallClock
from twin.model.device import DeviceKind
from twin.model.topology import VendorModel, VendorVariable

pytestmark = pytest.mark.integration

NAMES = ("north", "east", "south", "west")
DIES, HANGS, REFUSES, RAVES = -666e3, -667e3, -668e3, -669e3
CLOCK = WallClock()
BACK_WITHIN_S = 120.0  # generous: other work on the machine may hold us up


@pytest.fixture(scope="module")
def brick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_vendor_fmu(tmp_path_factory.mktemp("acme"))


@pytest.fixture
def start(brick: Path) -> Iterator[Callable[..., VendorFleet]]:
    fleets: list[VendorFleet] = []

    def started(count: int = 4, model: VendorModel | None = None) -> VendorFleet:
        fleet = VendorFleet(
            kind=DeviceKind.BATTERY,
            model=model or vendor_model(brick),
            names=NAMES[:count],
            parameters={"energy_capacity_wh": 1e3 * np.array([10.0, 10.0, 5.0, 20.0])[:count]},
            clock=CLOCK,
        )
        fleets.append(fleet)
        return fleet

    yield started
    for fleet in fleets:
        fleet.close()


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


def test_a_hang_is_cut_short_and_the_world_goes_on(start: Callable[..., VendorFleet]) -> None:
    fleet = start(2)
    begun_s = CLOCK.monotonic_s()
    assert np.isnan(step(fleet, [0.0, HANGS])["soc"]).all()
    assert CLOCK.monotonic_s() - begun_s < STEP_WITHIN_S + 1.0
    begun_s = CLOCK.monotonic_s()
    assert np.isnan(step(fleet, [0.0, 0.0])["soc"]).all()  # while it rests nobody waits for it
    assert CLOCK.monotonic_s() - begun_s < 0.5
    step_until_all_are_back(fleet, 2)


def test_a_refused_step_rests_one_device_for_a_simulated_minute(start: Callable[..., VendorFleet]) -> None:
    fleet = start()
    found = step(fleet, [0.0, REFUSES, 0.0, 0.0])
    assert np.isnan(found["soc"]).tolist() == [False, True, False, False]
    found = step(fleet, [0.0] * 4, step_s=30.0)
    assert np.isnan(found["soc"]).tolist() == [False, True, False, False]
    found = step(fleet, [0.0] * 4, step_s=30.0)
    np.testing.assert_allclose(found["soc"], 0.4)  # it has begun anew


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
            assert all(kept)
            later = step(vendor, setpoints_w.tolist(), step_s=900.0)
            vendor.restore(kept)
            again = step(vendor, setpoints_w.tolist(), step_s=900.0)
            assert again["soc"].tobytes() == later["soc"].tobytes()


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
        "vendor.STEP_WITHIN_S = 600.0\n"
        f"fleet = vendor.VendorFleet(kind=DeviceKind.BATTERY, model=vendor_model(Path({str(brick)!r})), names=('a',),\n"
        "    parameters={'energy_capacity_wh': np.array([1e4])}, clock=WallClock())\n"
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
