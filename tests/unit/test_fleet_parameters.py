"""Ratings become parameter arrays: what is rated is kept, the rest is typical, different and repeatable."""

import numpy as np
import pytest

from fmu.model import load
from simulators.fleet.fmu_fleet import Fleet
from simulators.fleet.parameters import MODELS, parameters

RATINGS: dict[str, dict[str, float]] = {
    "battery": {"energy_wh": 13_500.0, "power_w": 5_000.0},
    "pv": {"dc_power_w": 6_000.0, "ac_power_va": 5_000.0, "tilt_deg": 30.0, "azimuth_deg": 180.0},
    "ev_charger": {"power_w": 7_400.0, "vehicle_energy_wh": 60_000.0},
    "heat_pump": {"heat_power_w": 8_000.0, "floor_area_m2": 120.0},
    "water_heater": {"volume_l": 200.0, "power_w": 3_000.0},
    "base_load": {},
    "meter": {},
    "smart_panel": {},
}


@pytest.mark.parametrize("kind", sorted(RATINGS))
def test_a_fleet_accepts_its_parameters(kind: str) -> None:
    n = 50
    chosen = parameters(kind, [RATINGS[kind]] * n, 7)
    assert all(column.shape == (n,) for column in chosen.values())
    with Fleet(model=MODELS[kind], n=n, parameters=chosen) as fleet:
        fleet.step(0.0, 60.0)


@pytest.mark.parametrize("kind", sorted(RATINGS))
def test_no_devices_give_empty_columns(kind: str) -> None:
    chosen = parameters(kind, [], 7)
    assert all(column.shape == (0,) for column in chosen.values())


@pytest.mark.parametrize("kind", sorted(RATINGS))
def test_the_same_seed_gives_the_same_devices_and_another_seed_others(kind: str) -> None:
    same = [parameters(kind, [RATINGS[kind]] * 5, seed) for seed in (7, 7, 8)]
    for name, column in same[0].items():
        assert column.tolist() == same[1][name].tolist()
    if kind != "meter":  # all meters are alike
        assert any(column.tolist() != same[2][name].tolist() for name, column in same[0].items())


@pytest.mark.parametrize("kind", sorted(RATINGS))
def test_adding_a_device_changes_no_other(kind: str) -> None:
    few = parameters(kind, [RATINGS[kind]] * 3, 7)
    more = parameters(kind, [RATINGS[kind]] * 4, 7)
    for name, column in few.items():
        assert column.tolist() == more[name][:3].tolist()


def test_ratings_are_kept_and_optional_ones_win_over_the_draw() -> None:
    ratings = [
        {"energy_wh": 10_000.0, "power_w": 4_000.0},
        {"energy_wh": 5_000.0, "power_w": 2_500.0, "soc_min": 0.2, "soc_max": 0.9, "soc_start": 0.33},
    ]
    chosen = parameters("battery", ratings, 7)
    assert chosen["energy_capacity_wh"].tolist() == [10_000.0, 5_000.0]
    assert chosen["power_max_w"].tolist() == [4_000.0, 2_500.0]
    assert chosen["soc_min"].tolist() == [0.1, 0.2]
    assert chosen["soc_max"].tolist() == [1.0, 0.9]
    assert chosen["soc_start"][1] == 0.33
    assert 0.3 <= chosen["soc_start"][0] <= 0.7


def test_a_large_charger_needs_six_amperes_on_three_phases() -> None:
    ratings = [{"power_w": power_w, "vehicle_energy_wh": 60_000.0} for power_w in (3_700.0, 7_400.0, 11_000.0)]
    assert parameters("ev_charger", ratings, 7)["power_min_w"].tolist() == [1_380.0, 1_380.0, 4_140.0]


def test_a_larger_house_loses_more_heat_and_a_larger_tank_too() -> None:
    houses = parameters("heat_pump", [{"heat_power_w": 8_000.0, "floor_area_m2": area} for area in (60.0, 240.0)], 7)
    assert houses["resistance_air_outdoor_k_per_w"][0] > houses["resistance_air_outdoor_k_per_w"][1]
    assert houses["capacity_mass_j_per_k"][0] < houses["capacity_mass_j_per_k"][1]
    tanks = parameters("water_heater", [{"volume_l": volume, "power_w": 3_000.0} for volume in (80.0, 300.0)], 7)
    assert tanks["ua_w_per_k"][0] < tanks["ua_w_per_k"][1]


def test_typical_values_stay_inside_the_models_ranges() -> None:
    for kind, rating in RATINGS.items():
        ranges = {v.name: (v.min, v.max) for v in load(MODELS[kind]).variables}
        for name, column in parameters(kind, [rating] * 500, 3).items():
            low, high = ranges[name]
            assert low is not None
            assert high is not None
            assert np.all((column >= low) & (column <= high)), name


def test_an_unknown_kind_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="device kind 'toaster' is unknown, allowed: base_load, battery"):
        parameters("toaster", [], 7)


@pytest.mark.parametrize(
    "rating", [{"energy_wh": 1.0}, {"energy_wh": 1.0, "power_w": 1.0, "colour": 3.0}], ids=["missing", "unknown"]
)
def test_wrong_ratings_say_which_device_and_what_is_allowed(rating: dict[str, float]) -> None:
    good = {"energy_wh": 1.0, "power_w": 1.0}
    with pytest.raises(ValueError, match=r"battery 1: missing ratings .* allowed: energy_wh, power_w, soc_max"):
        parameters("battery", [good, rating], 7)
