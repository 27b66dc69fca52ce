"""What a device step costs in a fleet FMU, beside one FMPy object per device doing the same in the same run.

    python benchmarks/fleet.py

A device step is: set all inputs, step 60 s, get all outputs. The fleet has 10,000 devices and goes through
simulators.fleet; the reference is the FMI 2.0 file of the same kernel, one FMPy object per device, FMPy's own calls.
"""

import shutil
import time

import fmpy
import numpy as np

from fmu.build import DIST, fmu_name
from fmu.model import Model, load, model_names
from simulators.fleet.fmu_fleet import Fleet

DEVICES = 10_000
REFERENCE_DEVICES = 50
STEP_S = 60.0
ROUNDS = 15
STEPS_PER_ROUND = 20
HOME = ("battery", "pv_inverter", "ev_charger", "house", "water_heater")

# A working day for each model: low and high of each input that matters.
INPUTS: dict[str, dict[str, tuple[float, float]]] = {
    "battery": {"power_setpoint_w": (-5e3, 5e3)},
    "pv_inverter": {"irradiance_poa_w_m2": (0.0, 1000.0), "voltage_pu": (0.94, 1.09)},
    "ev_charger": {"plugged": (0.3, 1.0), "power_limit_w": (0.0, 11e3), "driving_power_w": (0.0, 1e4)},
    "house": {"temperature_outdoor_degc": (-10.0, 15.0), "irradiance_global_w_m2": (0.0, 500.0)},
    "water_heater": {"draw_l_min": (-50.0, 10.0)},  # below 0 means no draw
    "base_load": {"demand_w": (100.0, 5e3), "voltage_pu": (0.94, 1.09)},
    "meter": {"power_total_w": (-5e3, 5e3)},
    "panel": {"circuit_1_demand_w": (-5e3, 5e3)},
}
PARAMETERS = {"pv_inverter": {"volt_var_on": 1.0, "volt_watt_on": 1.0}}


def day(model: str, n: int) -> dict[str, np.ndarray]:
    """Input columns for n devices."""
    rng = np.random.default_rng(5)
    columns = {name: rng.uniform(low, high, n) for name, (low, high) in INPUTS[model].items()}
    return {name: np.maximum(c, 0.0) if INPUTS[model][name][0] == -50.0 else c for name, c in columns.items()}


def fleet_us(model: Model) -> float:
    """Best round of the fleet, microseconds per device-step."""
    best = np.inf
    with Fleet(model=model.name, n=DEVICES, parameters=PARAMETERS.get(model.name, {})) as fleet:
        for name, column in day(model.name, DEVICES).items():
            fleet.inputs[name][:] = column
        for round_number in range(ROUNDS):
            begin = time.perf_counter()
            for k in range(STEPS_PER_ROUND):
                fleet.step((round_number * STEPS_PER_ROUND + k) * STEP_S, STEP_S)
            best = min(best, time.perf_counter() - begin)
    return float(best / STEPS_PER_ROUND / DEVICES * 1e6)


def objects_us(model: Model) -> float:
    """Best round of one FMPy object per device, microseconds per device-step."""
    folder = fmpy.extract(str(DIST / fmu_name(model, 2)))
    description = fmpy.read_model_description(folder)
    references = {v.name: v.valueReference for v in description.modelVariables}
    inputs = [references[v.name] for v in model.variables if v.causality == "input"]
    outputs = [references[v.name] for v in model.variables if v.causality == "output"]
    devices = []
    for _ in range(REFERENCE_DEVICES):
        device = fmpy.fmi2.FMU2Slave(
            guid=description.guid,
            unzipDirectory=folder,
            modelIdentifier=model.identifier,
            instanceName="device",
        )
        device.instantiate()
        device.setupExperiment(startTime=0.0)
        for name, value in PARAMETERS.get(model.name, {}).items():
            device.setReal([references[name]], [value])
        device.enterInitializationMode()
        device.exitInitializationMode()
        devices.append(device)
    columns = day(model.name, REFERENCE_DEVICES)
    starts = [v for v in model.variables if v.causality == "input"]
    values = [
        [float(columns[v.name][i]) if v.name in columns else v.start for v in starts] for i in range(REFERENCE_DEVICES)
    ]
    best = np.inf
    for round_number in range(ROUNDS):
        begin = time.perf_counter()
        for k in range(STEPS_PER_ROUND):
            for device, row in zip(devices, values, strict=True):
                device.setReal(inputs, row)
                device.doStep((round_number * STEPS_PER_ROUND + k) * STEP_S, STEP_S)
                device.getReal(outputs)
        best = min(best, time.perf_counter() - begin)
    for device in devices:
        device.fmi2FreeInstance(device.component)
    shutil.rmtree(folder)
    return float(best / STEPS_PER_ROUND / REFERENCE_DEVICES * 1e6)


def main() -> None:
    """Print the table."""
    print(f"{DEVICES:,} devices in a fleet, {REFERENCE_DEVICES} as FMPy objects, {STEP_S:.0f}-s steps")
    print(f"{'model':<14}{'fleet us/step':>15}{'objects us/step':>17}{'ratio':>8}")
    home_fleet = home_objects = 0.0
    for name in model_names():
        model = load(name)
        fleet, objects = fleet_us(model), objects_us(model)
        print(f"{name:<14}{fleet:>15.4f}{objects:>17.2f}{objects / fleet:>7.0f}x")
        if name in HOME:
            home_fleet += fleet
            home_objects += objects
    print(f"{'home of five':<14}{home_fleet:>15.4f}{home_objects:>17.2f}{home_objects / home_fleet:>7.0f}x")


if __name__ == "__main__":
    main()
