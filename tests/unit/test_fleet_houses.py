"""Houses of the world lose what their floor area says, stay warm in a frost, and start where they settle."""

import numpy as np
import pytest

from simulators.fleet.fmu_fleet import Fleet
from simulators.fleet.parameters import Parameters, parameters

HOUSES = 40
AREA_M2 = 120.0
HEAT_W_M2 = 50.0  # as the pilots rate heat pumps
SETPOINT_DEGC = 20.0
LEAK_W_PER_K_M2 = 0.35
GROUND_W_PER_K_M2 = 0.12
DAY_S = 86_400


def houses(area_m2: float = AREA_M2, **more: float) -> Parameters:
    rating = {"heat_power_w": HEAT_W_M2 * area_m2, "floor_area_m2": area_m2, "setpoint_degc": SETPOINT_DEGC, **more}
    return parameters("heat_pump", [rating] * HOUSES, 7)


def settled_degc(chosen: Parameters, place: int, *, outdoor_degc: float, ground_degc: float) -> dict[str, float]:
    """Steady state of mass, wall and slab around air at the setpoint, and the loss without leaks in W, by algebra."""
    c = {name: column[place] for name, column in chosen.items()}
    coupling, outside = 1.0 / c["resistance_air_mass_k_per_w"], 1.0 / c["resistance_mass_outdoor_k_per_w"]
    matrix = np.array(
        [
            [coupling + outside + c["wall_mass_w_per_k"], -c["wall_mass_w_per_k"]],
            [-c["wall_mass_w_per_k"], c["wall_mass_w_per_k"] + c["wall_outdoor_w_per_k"]],
        ]
    )
    right = [coupling * SETPOINT_DEGC + outside * outdoor_degc, c["wall_outdoor_w_per_k"] * outdoor_degc]
    mass, wall = np.linalg.solve(matrix, right)
    slab = (c["slab_air_w_per_k"] * SETPOINT_DEGC + c["slab_ground_w_per_k"] * ground_degc) / (
        c["slab_air_w_per_k"] + c["slab_ground_w_per_k"]
    )
    windows_w = (SETPOINT_DEGC - outdoor_degc) / c["resistance_air_outdoor_k_per_w"]
    loss_w = windows_w + coupling * (SETPOINT_DEGC - mass) + c["slab_air_w_per_k"] * (SETPOINT_DEGC - slab)
    return {"mass": mass, "wall": wall, "slab": slab, "loss_w": loss_w}


def test_all_that_a_house_loses_is_what_its_floor_area_says() -> None:
    """1.0 to 1.6 W/(K m2) as the sum of all paths, of which 0.35 leaks and 0.12 ground, whatever stores heat within.

    The path through mass and wall begins at the air's coupling to the mass, which takes a few percent from the sum.
    """
    chosen = houses()
    wall = 1.0 / (1.0 / chosen["wall_mass_w_per_k"] + 1.0 / chosen["wall_outdoor_w_per_k"])
    ground = 1.0 / (1.0 / chosen["slab_air_w_per_k"] + 1.0 / chosen["slab_ground_w_per_k"])
    leak = np.hypot(chosen["infiltration_stack_w_per_k"], chosen["infiltration_wind_w_per_k"])
    total = (wall + ground + leak + 1.0 / chosen["resistance_air_outdoor_k_per_w"]) / AREA_M2

    assert ground / AREA_M2 == pytest.approx(GROUND_W_PER_K_M2)
    assert leak / AREA_M2 == pytest.approx(LEAK_W_PER_K_M2)
    assert total.min() >= 1.0
    assert total.max() <= 1.6
    assert total.mean() == pytest.approx(1.3, abs=0.06)
    for place in range(HOUSES):
        settled = settled_degc(chosen, place, outdoor_degc=0.0, ground_degc=0.0)
        expected = total[place] - LEAK_W_PER_K_M2
        assert settled["loss_w"] / AREA_M2 / SETPOINT_DEGC == pytest.approx(expected, rel=0.08)


def test_a_house_starts_in_the_steady_state_of_a_mild_day() -> None:
    chosen = houses()
    for place in range(HOUSES):
        settled = settled_degc(chosen, place, outdoor_degc=10.0, ground_degc=10.0)
        for node in ("mass", "wall", "slab"):
            start = SETPOINT_DEGC + chosen[f"{node}_start_offset_k"][place]
            assert start == pytest.approx(settled[node], abs=0.02), node


def test_the_sun_on_a_wall_reaches_its_capacity_through_its_surface() -> None:
    """ISO 6946: of what a surface absorbs 0.04 m2 K/W times the conductance from there to outdoors comes in."""
    chosen = houses(wall_area_m2=100.0, roof_area_m2=80.0)
    expected = 0.04 * chosen["wall_outdoor_w_per_k"] / 180.0

    assert chosen["solar_wall"].tolist() == pytest.approx(expected.tolist())
    assert chosen["solar_wall"].min() > 0.005
    assert chosen["solar_wall"].max() < 0.1
    assert houses(wall_area_m2=0.0, roof_area_m2=0.0)["solar_wall"].max() <= 1.0


def test_walls_and_mass_together_store_what_iso_13790_says() -> None:
    chosen = houses()
    per_area = (chosen["capacity_mass_j_per_k"] + chosen["capacity_wall_j_per_k"]) / AREA_M2
    assert per_area.min() >= 110e3
    assert per_area.max() <= 170e3


@pytest.mark.parametrize("area_m2", [80.0, 170.0])
def test_houses_with_the_pilots_heat_pumps_are_warm_in_three_days_of_frost(area_m2: float) -> None:
    """-10 degC, wind of 5 m/s, a clear sky all the while, the ground at 5 degC, 300 W of people and appliances."""
    outdoor_degc, sky_w_m2 = -10.0, 90.0
    coldest = np.full(HOUSES, np.inf)
    with Fleet(model="house", n=HOUSES, parameters=houses(area_m2)) as fleet:
        fleet.inputs["temperature_outdoor_degc"][:] = outdoor_degc
        fleet.inputs["temperature_ground_degc"][:] = 5.0
        fleet.inputs["humidity_ratio_outdoor"][:] = 0.0015
        fleet.inputs["wind_speed_m_s"][:] = 5.0
        fleet.inputs["solar_wall_w"][:] = -0.9 * (0.354 + 0.92 * 0.5) * area_m2 * sky_w_m2
        fleet.inputs["heat_gain_internal_w"][:] = 300.0
        fleet.inputs["setpoint_heat_degc"][:] = SETPOINT_DEGC
        for step in range(3 * DAY_S // 300):
            fleet.step(300.0 * step, 300.0)
            if step >= DAY_S // 300:
                np.minimum(coldest, fleet.outputs["temperature_indoor_degc"], out=coldest)

    assert coldest.min() > SETPOINT_DEGC - 2.0
