"""What leaves a house and what stays: leaks, windows, walls, slab and sky."""

import numpy as np
import pytest

from simulators.fleet.fmu_fleet import Fleet
from tests.fleet_run import run

DAY_S = 86_400.0


def test_wind_takes_heat_out_of_a_leaky_house() -> None:
    leaks = {"infiltration_stack_w_per_k": 40.0, "infiltration_wind_w_per_k": 40.0}
    with Fleet(model="house", n=1, parameters=leaks) as f:
        f.inputs["enabled"][:] = 0.0
        f.inputs["temperature_outdoor_degc"][:] = 0.0
        calm = run(f, 60.0, "heat_loss_w")[0]
        f.inputs["wind_speed_m_s"][:] = 5.0
        windy = run(f, 60.0, "heat_loss_w")[0]
    stack_w = 40.0 * 20.0
    assert windy - calm == pytest.approx(np.sqrt(2.0) * stack_w - stack_w, rel=0.05)


NO_HEAT_PUMP = {"heat_capacity_w": 0.0, "backup_power_w": 0.0}


def test_walls_and_slab_come_to_rest_where_their_conductances_say() -> None:
    """After a year of the same weather the chain air - mass - wall - outdoors carries one heat flow, slab another."""
    house = NO_HEAT_PUMP | {
        "resistance_air_mass_k_per_w": 1.0 / 400.0,
        "resistance_air_outdoor_k_per_w": 1.0 / 50.0,
        "resistance_mass_outdoor_k_per_w": 1e6,
        "wall_mass_w_per_k": 200.0,
        "wall_outdoor_w_per_k": 100.0,
        "solar_wall": 0.02,
        "slab_air_w_per_k": 80.0,
        "slab_ground_w_per_k": 40.0,
        "slab_outdoor_w_per_k": 10.0,
    }
    with Fleet(model="house", n=1, parameters=house) as f:
        f.inputs["temperature_outdoor_degc"][:] = 0.0
        f.inputs["temperature_ground_degc"][:] = 12.0
        f.inputs["heat_gain_internal_w"][:] = 2_000.0
        f.inputs["solar_wall_w"][:] = 5_000.0
        for _ in range(365 * 96):
            f.step(0.0, 900.0)
        air, mass, wall, slab = (
            f.outputs[f"temperature_{node}_degc"][0] for node in ("indoor", "mass", "wall", "slab")
        )
        lost_w = f.outputs["heat_loss_w"][0]
    assert 400.0 * (air - mass) == pytest.approx(200.0 * (mass - wall), rel=1e-6)
    assert 200.0 * (mass - wall) + 100.0 == pytest.approx(100.0 * wall, rel=1e-6)
    assert 80.0 * (air - slab) == pytest.approx(40.0 * (slab - 12.0) + 10.0 * slab, rel=1e-6)
    assert 50.0 * air + 400.0 * (air - mass) + 80.0 * (air - slab) == pytest.approx(2_000.0, rel=1e-6)
    assert lost_w == pytest.approx(2_100.0, rel=1e-6)


def test_without_conductances_wall_and_slab_are_not_there() -> None:
    """However large their capacities are and however cold it is around them."""
    seen = []
    for capacity in (1e6, 1e9):
        house = {"capacity_wall_j_per_k": capacity, "capacity_slab_j_per_k": capacity, "wall_start_offset_k": -20.0}
        with Fleet(model="house", n=1, parameters=NO_HEAT_PUMP | house) as f:
            f.inputs["temperature_ground_degc"][:] = -20.0
            seen.append(run(f, DAY_S, "temperature_indoor_degc"))
    np.testing.assert_array_equal(seen[0], seen[1])


def test_walls_that_look_at_a_clear_sky_cool_a_house() -> None:
    seen = []
    for sky_w in (0.0, -5_000.0):
        walls = {"wall_mass_w_per_k": 200.0, "wall_outdoor_w_per_k": 100.0, "solar_wall": 0.05}
        with Fleet(model="house", n=1, parameters=NO_HEAT_PUMP | walls) as f:
            f.inputs["solar_wall_w"][:] = sky_w
            seen.append(run(f, DAY_S, "temperature_indoor_degc")[-1])
    assert seen[1] < seen[0] - 0.1


def test_windows_stay_shut_in_humid_weather() -> None:
    lost = []
    for humidity in (0.0114, 0.0116):
        windows = {"airing_stack_w_per_k": 100.0, "temperature_start_degc": 26.0}
        with Fleet(model="house", n=1, parameters=windows) as f:
            f.inputs["enabled"][:] = 0.0
            f.inputs["temperature_outdoor_degc"][:] = 15.0
            f.inputs["humidity_ratio_outdoor"][:] = humidity
            lost.append(run(f, 60.0, "heat_loss_w")[0])
    assert lost[0] > lost[1] + 100.0


def test_windows_are_opened_only_while_the_air_is_too_warm_and_it_is_cooler_outdoors() -> None:
    """And no wider than brings the air to the middle of the two setpoints, 23 degC."""
    windows = {"airing_stack_w_per_k": 100.0, "airing_wind_w_per_k": 50.0}
    lost = {}
    for start_degc, outdoor_degc in ((26.0, 15.0), (26.0, 28.0), (22.0, 15.0)):
        for name, parameters in (("open", windows), ("shut", {})):
            start = {"temperature_start_degc": start_degc}
            with Fleet(model="house", n=1, parameters=parameters | start) as f:
                f.inputs["enabled"][:] = 0.0
                f.inputs["temperature_outdoor_degc"][:] = outdoor_degc
                f.inputs["wind_speed_m_s"][:] = 5.0
                lost[name, start_degc, outdoor_degc] = run(f, 60.0, "heat_loss_w")[0]
    aired_w = np.sqrt(100.0**2 * 11.0 / 20.0 + 50.0**2) * 3.0
    assert lost["open", 26.0, 15.0] - lost["shut", 26.0, 15.0] == pytest.approx(aired_w, rel=0.01)
    assert lost["open", 26.0, 28.0] == lost["shut", 26.0, 28.0]
    assert lost["open", 22.0, 15.0] == lost["shut", 22.0, 15.0]
