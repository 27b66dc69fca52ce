"""Our FMUs in importers that nobody here wrote. What was tried by hand besides: fmu/INTEROPERABILITY.md.

FMPy is always there. The others are run where they are installed; each runs in a process of its own, because their
native libraries print, change signal handlers or stay loaded.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import fmpy
import numpy as np
import pytest

from fmu.build import DIST, FMI_VERSIONS
from simulators.fleet.fmu_fleet import Fleet

SHIPPED = sorted(DIST.glob("*.fmu"))
STEPS, STEP_S, SETPOINT_W = 60, 60.0, 2000.0


def needs(package: str) -> pytest.MarkDecorator:
    found = importlib.util.find_spec(package) is not None
    return pytest.mark.skipif(not found, reason=f"{package} is not installed")


def run(code: str, folder: Path, *arguments: str) -> str:
    script = folder / "script.py"
    script.write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script), *arguments], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def expected_soc(steps: int) -> float:
    with Fleet(model="battery", n=1) as fleet:
        fleet.inputs["power_setpoint_w"][:] = SETPOINT_W
        for k in range(steps):
            fleet.step(k * STEP_S, STEP_S)
        return float(fleet.outputs["soc"][0])


def test_fmpy_simulates_a_setpoint_signal_as_the_fleet_does() -> None:
    """FMI 2 with start values and an input signal, by the importer's own means."""
    setpoints_w = np.random.default_rng(5).uniform(-5000.0, 5000.0, STEPS)
    signal = np.array(
        [(k * STEP_S, value) for k, value in enumerate(setpoints_w)],
        dtype=[("time", np.float64), ("power_setpoint_w", np.float64)],
    )
    recorded = fmpy.simulate_fmu(
        str(DIST / "Battery.fmi2.fmu"),
        stop_time=STEPS * STEP_S,
        output_interval=STEP_S,
        start_values={"energy_capacity_wh": 20000.0, "soc_start": 0.6},
        input=signal,
        output=["soc", "power_w"],
    )
    with Fleet(model="battery", n=1, parameters={"energy_capacity_wh": 20000.0, "soc_start": 0.6}) as fleet:
        for k, value in enumerate(setpoints_w):
            fleet.inputs["power_setpoint_w"][:] = value
            fleet.step(k * STEP_S, STEP_S)
            for name in ("soc", "power_w"):
                assert recorded[name][k + 1] == fleet.outputs[name][0]


@pytest.mark.integration
@pytest.mark.skipif(not (shutil.which("make") and shutil.which("c++")), reason="make or a compiler is not installed")
@pytest.mark.parametrize("fmi", FMI_VERSIONS)
def test_fmpy_compiles_the_sources_that_an_fmu_carries(fmi: int, tmp_path: Path) -> None:
    """With CMake and the compiler of the system, as any importer of source FMUs would."""
    path = tmp_path / "Battery.fmu"
    shutil.copy(DIST / f"Battery.fmi{fmi}.fmu", path)
    done = subprocess.run(
        [sys.executable, "-m", "fmpy", "compile", str(path)],
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Built target Battery" in done.stdout
    recorded = fmpy.simulate_fmu(str(path), stop_time=600.0, output_interval=60.0)
    assert recorded["soc"][-1].tolist() in (0.5, [0.5])


@pytest.mark.integration
@needs("fmu_manipulation_toolbox")
def test_fmutool_finds_nothing_wrong(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom fmu_manipulation_toolbox.cli.fmutool import fmutool\n"
        "for path in sys.argv[1:]:\n    sys.argv[1:] = ['-input', path, '-check']\n    fmutool()\n"
    )
    said = run(code, tmp_path, *map(str, SHIPPED))
    assert len(re.findall(r"This FMU seems to be compliant with FMI-[23]\.0\.", said)) == len(SHIPPED)
    assert len(re.findall(r"No semantic error against the FMI-[23] standard\.", said)) == len(SHIPPED)
    assert not re.search(r"^(ERROR|WARNING|FATAL)", said, re.MULTILINE)


@pytest.mark.integration
@needs("fmu_manipulation_toolbox")
def test_a_pv_array_charges_a_battery_inside_a_container_fmu(tmp_path: Path) -> None:
    """fmucontainer's own C code imports both files; FMPy imports the container."""
    for model in ("Battery", "PvInverter"):
        shutil.copy(DIST / f"{model}.fmi2.fmu", tmp_path)
    (tmp_path / "home.csv").write_text(
        "rule;from_fmu;from_port;to_fmu;to_port\n"
        "FMU;PvInverter.fmi2.fmu;;;\n"
        "FMU;Battery.fmi2.fmu;;;\n"
        "INPUT;;irradiance;PvInverter.fmi2.fmu;irradiance_poa_w_m2\n"
        "LINK;PvInverter.fmi2.fmu;power_available_w;Battery.fmi2.fmu;power_setpoint_w\n"
        "OUTPUT;PvInverter.fmi2.fmu;power_available_w;;pv_power_w\n"
        "OUTPUT;Battery.fmi2.fmu;power_w;;battery_power_w\n"
        "OUTPUT;Battery.fmi2.fmu;soc;;soc\n"
    )
    code = (
        "import sys\nfrom fmu_manipulation_toolbox.cli.fmucontainer import fmucontainer\n"
        "sys.argv[1:] = ['-container', 'home.csv:60', '-no-auto-link']\nfmucontainer()\n"
    )
    run(code, tmp_path)
    recorded = fmpy.simulate_fmu(
        str(tmp_path / "home.fmu"),
        stop_time=600.0,
        output_interval=STEP_S,
        start_values={"irradiance": 800.0},
        output=["pv_power_w", "battery_power_w", "soc"],
    )
    with Fleet(model="pv_inverter", n=1) as pv, Fleet(model="battery", n=1) as battery:
        pv.inputs["irradiance_poa_w_m2"][:] = 800.0
        pv.step(0.0, STEP_S)
        available_w = float(pv.outputs["power_available_w"][0])
        assert available_w < -2000.0
        battery.inputs["power_setpoint_w"][:] = available_w
        battery.step(0.0, STEP_S)
        assert recorded["pv_power_w"][-1] == available_w
        assert recorded["battery_power_w"][-1] == battery.outputs["power_w"][0]
        assert recorded["soc"][-1] < recorded["soc"][1] < 0.5


@pytest.mark.integration
@needs("libcosimpy")
def test_libcosim_runs_the_scalar_file(tmp_path: Path) -> None:
    """The co-simulation library of the Open Simulation Platform, on the FMI Library; FMI 2 only."""
    code = f"""
from libcosimpy.CosimExecution import CosimExecution
from libcosimpy.CosimObserver import CosimObserver
from libcosimpy.CosimSlave import CosimLocalSlave

execution = CosimExecution.from_step_size(step_size={int(STEP_S * 1e9)})
battery = execution.add_local_slave(CosimLocalSlave(fmu_path={str(DIST / "Battery.fmi2.fmu")!r}, instance_name="b"))
references = {{variable.name.decode(): variable.reference for variable in execution.slave_variables(battery)}}
observer = CosimObserver.create_last_value()
execution.add_observer(observer=observer)
execution.real_initial_value(battery, references["power_setpoint_w"], {SETPOINT_W})
assert execution.simulate_until(target_time={int(STEPS * STEP_S * 1e9)})
print("soc", observer.last_real_values(battery, [references["soc"]])[0])
"""
    assert reported(run(code, tmp_path)) == expected_soc(STEPS)


@pytest.mark.integration
@needs("ecospy")
@pytest.mark.parametrize("fmi", FMI_VERSIONS)
def test_ecos_runs_both_files(fmi: int, tmp_path: Path) -> None:
    """An importer of FMI 2 and FMI 3; the fleet file runs as a fleet of one."""
    loads = subprocess.run([sys.executable, "-c", "import ecospy"], capture_output=True, timeout=60, check=False)
    if loads.returncode != 0:
        pytest.skip("ecospy's library does not load; it needs libtbb.so.12")
    code = f"""
from ecospy import EcosSimulation, EcosSimulationStructure

with EcosSimulationStructure() as structure:
    structure.add_model("battery", {str(DIST / f"Battery.fmi{fmi}.fmu")!r})
    structure.add_parameter_set("initial", {{"battery::power_setpoint_w": {SETPOINT_W}}})
    with EcosSimulation(structure=structure, step_size={STEP_S}) as simulation:
        simulation.init(parameter_set="initial")
        for _ in range({STEPS}):
            simulation.step()
        print("soc", simulation.get_real("battery::soc"))
        simulation.terminate()
"""
    assert reported(run(code, tmp_path)) == expected_soc(STEPS)


def reported(said: str) -> float:
    (value,) = re.findall(r"^soc (\S+)$", said, re.MULTILINE)
    return float(value)
