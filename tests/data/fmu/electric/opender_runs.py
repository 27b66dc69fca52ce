"""Reference runs of OpenDER 2.2.0 (IEEE 1547-2018 model, BSD-3-Clause, EPRI) for the smart inverter.

    python opender_runs.py          # in an environment with opender==2.2.0; writes opender_<run>.csv beside this file

Each run drives a 5 kVA inverter (oversized: 9 kVA for 8 kW) in 1-s steps with the inputs in its file.
"""

# mypy: ignore-errors
import csv
from pathlib import Path

import numpy as np
from opender import DER, DER_PV

RATING_VA = 5000.0
NOMINAL_HZ = 60.0


def inverter(rating_va: float = RATING_VA, power_max_w: float = RATING_VA, **settings: object) -> DER_PV:
    """A single-phase inverter with category B and III defaults, then the given settings."""
    DER.t_s = 1.0
    der = DER_PV()
    file = der.der_file
    file.NP_PHASE = "SINGLE"
    file.NP_AC_V_NOM = 240
    file.NP_VA_MAX = rating_va
    file.NP_P_MAX = power_max_w
    file.NP_Q_MAX_INJ = file.NP_Q_MAX_ABS = 0.44 * rating_va
    file.initialize_NP_Q_CAPABILTY_BY_P_CURVE()
    file.NP_EFFICIENCY = 1.0
    file.CONST_PF_MODE_ENABLE = False
    for name, value in settings.items():
        setattr(file, name, value)
    return der


def levels(rng: np.random.Generator, low: float, high: float, count: int, length: int) -> np.ndarray:
    """Random levels, each held for `length` seconds."""
    return np.repeat(rng.uniform(low, high, count), length)


def run(name: str, der: DER_PV, voltage: np.ndarray, power_w: np.ndarray, frequency: np.ndarray) -> None:
    """Step through the inputs and write what the inverter does (feed-in counts positive)."""
    rows = []
    for v, p, f in zip(voltage, power_w, frequency, strict=True):
        der.update_der_input(v_pu=float(v), p_dc_w=float(p), f=float(f))
        der.run()
        rows.append(tuple(f"{x:.6g}" for x in (v, p, f, der.p_out_kw * 1e3, der.q_out_kvar * 1e3)))
    header = ("voltage_pu", "power_dc_w", "frequency_hz", "power_w", "reactive_power_var")
    with (Path(__file__).parent / f"opender_{name}.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def main() -> None:
    """All runs; inputs are rounded as they are written."""
    rng = np.random.default_rng(2018)
    calm_v, calm_f = np.ones(600), np.full(600, NOMINAL_HZ)

    voltage = np.round(levels(rng, 0.90, 1.09, 10, 60), 5)
    power = np.round(levels(rng, 0.0, 6000.0, 15, 40), 1)
    run("volt_var", inverter(QV_MODE_ENABLE=True, PV_MODE_ENABLE=True), voltage, power, calm_f)
    run("watt_var", inverter(QP_MODE_ENABLE=True), calm_v, power, calm_f)
    for kind, pf, excitation in (("injecting", 0.9, "INJ"), ("absorbing", 0.8, "ABS")):
        der = inverter(CONST_PF_MODE_ENABLE=True, CONST_PF=pf, CONST_PF_EXCITATION=excitation)
        run(f"power_factor_{kind}", der, calm_v, power, calm_f)

    voltage = np.round(levels(rng, 0.90, 1.09, 10, 60), 5)
    power = np.round(levels(rng, 5000.0, 9000.0, 15, 40), 1)
    for kind, mode in (("volt_var", "QV_MODE_ENABLE"), ("watt_var", "QP_MODE_ENABLE")):
        der = inverter(9000.0, 8000.0, PV_MODE_ENABLE=True, **{mode: True})
        run(f"{kind}_oversized", der, voltage, power, calm_f)

    frequency = np.round(NOMINAL_HZ + levels(rng, -0.9, 0.9, 15, 40), 4)
    frequency[(np.arange(600) // 40) % 3 == 0] = NOMINAL_HZ
    volt_watt_holds = np.full(600, 1.08)
    run("droop", inverter(PV_MODE_ENABLE=True), volt_watt_holds, np.full(600, 4200.0), frequency)
    run("droop_clouds", inverter(), calm_v, np.round(levels(rng, 1100.0, 5000.0, 20, 30), 1), frequency)

    calm_v, calm_f = np.ones(1100), np.full(1100, NOMINAL_HZ)
    full = np.full(1100, 4500.0)
    for kind, level, length in (
        ("ov1", 1.12, 40),
        ("ov2", 1.22, 3),
        ("uv1", 0.8, 60),
        ("uv2", 0.4, 5),
        ("dip", 0.7, 15),
    ):
        voltage = calm_v.copy()
        voltage[100 : 100 + length] = level
        voltage[300:310] = 1.06  # outside the enter service window: the delay begins anew
        run(f"trip_{kind}", inverter(QV_MODE_ENABLE=True, PV_MODE_ENABLE=True), voltage, full, calm_f)
    for kind, level, length in (("of1", 61.5, 350), ("uf2", 56.0, 4)):
        frequency = calm_f.copy()
        frequency[100 : 100 + length] = level
        run(f"trip_{kind}", inverter(QV_MODE_ENABLE=True), calm_v * 1.03, full, frequency)
    frequency = np.round(NOMINAL_HZ + 0.3 * np.sin(np.arange(1100) / 60.0), 4)
    voltage = np.round(1.0 + 0.08 * np.sin(np.arange(1100) / 37.0), 5)
    voltage[200:230] = 1.15
    der = inverter(QV_MODE_ENABLE=True, PV_MODE_ENABLE=True, ES_DELAY=60, ES_RAMP_RATE=120)
    run("enter_service_moving", der, voltage, np.round(4000.0 + 900.0 * np.sin(np.arange(1100) / 90.0), 1), frequency)


if __name__ == "__main__":
    main()
