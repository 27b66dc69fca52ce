"""Homes drawn from a seed: a `generate:` block becomes the same entries that a person would write.

Sizes follow what is sold today; each is drawn per home, so that the same seed and count give the same homes.
Ranges: PV and storage, Tracking the Sun 2024 (LBNL) medians near 7 kW and 13 kWh, European roofs smaller;
heat demand about 45 W per m2 of heated floor (EN 12831 for a moderately insulated house).
"""

from typing import Any

import numpy as np

from twin.model.network import Network
from twin.pilot.schema import GenerateEntry, HomeEntry

_VEHICLES_WH = (40_000.0, 52_000.0, 58_000.0, 64_000.0, 77_000.0)
_CHARGERS_W = (3_700.0, 7_400.0, 7_400.0, 11_000.0)
_BATTERIES_WH = (5_000.0, 7_700.0, 10_000.0, 13_500.0)
_TANKS_L = (120.0, 150.0, 200.0, 300.0)
_PANEL_STREAM = 1  # panels have draws of their own: wanting them changes nothing else of the homes
_OCCUPANTS_SHARE = (0.41, 0.34, 0.12, 0.10, 0.03)  # households of 1..5, Eurostat lfst_hhnhtych, rounded


def generate_homes(entry: GenerateEntry, *, network: Network, copies: int, taken: frozenset[str]) -> list[HomeEntry]:
    """Draw `entry.homes` homes; ids h0001.. skip those in `taken`."""
    rng = np.random.default_rng(entry.seed)
    panels = np.random.default_rng([entry.seed, _PANEL_STREAM])
    weights = np.array(list(entry.endpoints.values()))
    places = [(feeder, point) for feeder in range(1, copies + 1) for point in network.connection_points]
    order = rng.permutation(len(places))
    homes: list[HomeEntry] = []
    number = 0
    digits = max(4, len(str(entry.homes)))
    while len(homes) < entry.homes:
        number += 1
        home_id = f"h{number:0{digits}d}"
        if home_id in taken:
            continue
        feeder, point = places[int(order[len(homes) % len(places)])]
        panel = [{"kind": "smart_panel"}] if panels.random() < entry.ownership.smart_panel else []
        homes.append(
            HomeEntry(
                id=home_id,
                feeder=feeder,
                connection_point=point.id,
                phase=None,
                endpoint=str(rng.choice(list(entry.endpoints), p=weights / weights.sum())),
                occupants=int(rng.choice([1, 2, 3, 4, 5], p=_OCCUPANTS_SHARE)),
                devices=_devices(entry, rng) + panel,
            )
        )
    return homes


def _devices(entry: GenerateEntry, rng: np.random.Generator) -> list[dict[str, Any]]:
    # Every draw is made for every home, wanted or not, so that one share does not move another kind's homes.
    own = entry.ownership
    draw = dict(zip(("pv", "battery", "ev_charger", "heat_pump", "water_heater"), rng.random(5), strict=True))
    dc_power = float(np.round(rng.uniform(3_000, 9_000), -2))
    tilt, azimuth = float(np.round(rng.uniform(15, 45))), float(np.round(rng.uniform(110, 250)))
    battery_wh = float(rng.choice(_BATTERIES_WH))
    charger_w, vehicle_wh = float(rng.choice(_CHARGERS_W)), float(rng.choice(_VEHICLES_WH))
    floor_m2 = float(np.round(rng.uniform(70, 180)))
    tank_l = float(rng.choice(_TANKS_L))
    devices: list[dict[str, Any]] = []
    if draw["pv"] < own.pv:
        ac = float(np.round(dc_power / 1.15, -2))
        devices.append(
            {"kind": "pv", "dc_power_w": dc_power, "ac_power_va": ac, "tilt_deg": tilt, "azimuth_deg": azimuth}
        )
        if draw["battery"] < own.battery:
            devices.append({"kind": "battery", "energy_wh": battery_wh, "power_w": round(battery_wh / 2)})
    if draw["ev_charger"] < own.ev_charger:
        devices.append({"kind": "ev_charger", "power_w": charger_w, "vehicle_energy_wh": vehicle_wh})
    if draw["heat_pump"] < own.heat_pump:
        heat = float(np.round(45 * floor_m2, -2))
        devices.append(
            {"kind": "heat_pump", "heat_power_w": heat, "floor_area_m2": floor_m2, "window_azimuth_deg": azimuth}
        )
    if draw["water_heater"] < own.water_heater:
        devices.append({"kind": "water_heater", "volume_l": tank_l, "power_w": 3_000})
    return devices
