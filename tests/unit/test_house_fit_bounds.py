"""A fit stays among houses that could be, whatever a week of measurements would like."""

import numpy as np

from simulators.fleet.calibration import fit_house, simulate

STEP_S = 900.0


def test_a_week_that_asks_for_more_sun_than_windows_let_in_is_not_followed_beyond_the_models_range() -> None:
    time_h = np.arange(7 * 96) * STEP_S / 3_600
    sun_w = 900.0 * np.clip(np.sin(2 * np.pi * (time_h - 6) / 24), 0.0, None)
    measured = {
        "temperature_outdoor_degc": 8.0 + 6.0 * np.sin(2 * np.pi * (time_h - 9) / 24),
        "heat_w": 1_500.0 * (np.arange(len(time_h)) // 7 % 3 == 0),
        "solar_window_w": sun_w,
    }
    house = {
        "capacity_air_j_per_k": 5e6,
        "capacity_mass_j_per_k": 2e7,
        "resistance_air_mass_k_per_w": 1 / 600,
        "resistance_air_outdoor_k_per_w": 1 / 40,
        "resistance_mass_outdoor_k_per_w": 1 / 70,
        "solar_window_mass": 5.0,  # the most that the model takes
        "solar_window_air": 5.0,
        "temperature_start_degc": 20.0,
        "aperture_air_m2": 0.0,
        "aperture_mass_m2": 0.0,
    }
    indoor = simulate(house, measured | {"temperature_indoor_degc": np.full(len(time_h), 20.0)}, STEP_S)[:, 0]

    fit = fit_house(measured | {"temperature_indoor_degc": np.clip(20 + 3 * (indoor - 20), -50, 75)}, STEP_S)

    for share in ("solar_window_mass", "solar_window_air"):
        assert 0.0 < fit.parameters[share] < 3.0
