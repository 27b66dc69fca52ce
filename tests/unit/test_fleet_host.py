"""The fleet host: arrays in and out of an FMU, and errors that say which device of which model is wrong."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from simulators.fleet.fmu_fleet import Fleet, FleetError, fmu_path


def test_inputs_written_in_place_drive_every_device_on_its_own() -> None:
    with Fleet(model="battery", n=3, parameters={"soc_start": np.array([0.2, 0.5, 0.8])}) as fleet:
        setpoints_w, powers_w = fleet.inputs["power_setpoint_w"], fleet.outputs["power_w"]
        assert fleet.outputs["soc"].tolist() == [0.2, 0.5, 0.8]
        setpoints_w[:] = [1000.0, 0.0, -1000.0]
        fleet.step(0.0, 60.0)
        assert powers_w.tolist() == [1000.0, 0.0, -1000.0]  # the views stay valid, step after step
        assert np.sign(fleet.outputs["soc"] - [0.2, 0.5, 0.8]).tolist() == [1.0, 0.0, -1.0]


def test_inputs_begin_with_the_models_start_values() -> None:
    with Fleet(model="pv_inverter", n=2) as fleet:
        assert fleet.inputs["voltage_pu"].tolist() == [1.0, 1.0]
        assert fleet.inputs["active_power_limit"].tolist() == [1.0, 1.0]


def test_a_number_is_a_parameter_of_every_device() -> None:
    with Fleet(model="battery", n=2, parameters={"soc_start": 0.25}) as fleet:
        assert fleet.outputs["soc"].tolist() == [0.25, 0.25]


def test_a_fleet_of_no_devices_does_nothing() -> None:
    with Fleet(model="house", n=0) as fleet:
        assert fleet.inputs["setpoint_offset_k"].shape == (0,)
        assert fleet.outputs["power_w"].shape == (0,)
        fleet.step(0.0, 60.0)
        fleet.restore(fleet.save())
        with pytest.raises(FleetError, match="belongs to a fleet with devices"):
            fleet.restore(b"state")


def test_views_cannot_be_replaced_by_mistake() -> None:
    with Fleet(model="battery", n=1) as fleet, pytest.raises(TypeError):
        fleet.inputs["power_setpoint_w"] = np.zeros(1)  # type: ignore[index]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0, 2500.0])
def test_a_bad_input_names_model_variable_and_device(bad: float) -> None:
    with Fleet(model="pv_inverter", n=4) as fleet:
        fleet.inputs["irradiance_poa_w_m2"][2] = bad
        with pytest.raises(FleetError) as refusal:
            fleet.step(0.0, 1.0)
        assert refusal.value.model == "pv_inverter"
        assert refusal.value.variable == "irradiance_poa_w_m2"
        assert refusal.value.text == f"irradiance_poa_w_m2[2]: {bad:g} is outside 0 to 2000"
        fleet.inputs["irradiance_poa_w_m2"][2] = 800.0
        fleet.step(0.0, 1.0)  # put right, the fleet goes on
        assert fleet.outputs["power_w"][2] < 0.0


def test_a_bad_input_leaves_the_other_inputs_of_the_step_unset() -> None:
    with Fleet(model="battery", n=1) as fleet:
        before = fleet.save()
        fleet.inputs["power_setpoint_w"][:] = 5000.0
        fleet.inputs["grid_forming"][:] = 7.0
        with pytest.raises(FleetError, match="grid_forming"):
            fleet.step(0.0, 1.0)
        fleet.restore(before)
        assert fleet.inputs["power_setpoint_w"].tolist() == [0.0]


def test_parameters_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(FleetError) as refusal:
        Fleet(model="battery", n=2, parameters={"soc_min": 0.5, "soc_max": np.array([0.9, 0.4])})
    assert refusal.value.variable == "soc_min"
    assert refusal.value.text == "soc_min[1]: must not be above soc_max"


@pytest.mark.parametrize(
    ("model", "wrong", "culprit"),
    [
        ("battery", {"soc_reserve": 1.0, "soc_max": 0.9}, "soc_reserve"),
        ("pv_inverter", {"volt_var_v1_pu": 0.98}, "volt_var_v1_pu"),
        ("pv_inverter", {"volt_var_v2_pu": 1.03}, "volt_var_v2_pu"),
        ("pv_inverter", {"volt_var_v4_pu": 1.02}, "volt_var_v3_pu"),
        ("pv_inverter", {"volt_watt_v2_pu": 1.06}, "volt_watt_v1_pu"),
        ("house", {"capacity_air_j_per_k": 1e5, "resistance_air_mass_k_per_w": 1e-5}, "capacity_air_j_per_k"),
        ("water_heater", {"nodes": 2.5}, "nodes"),
        ("water_heater", {"volume_l": 5.0, "height_m": 0.2, "ua_w_per_k": 100.0}, "volume_l"),
    ],
)
def test_each_rule_between_parameters(model: str, wrong: dict[str, float], culprit: str) -> None:
    with pytest.raises(FleetError) as refusal:
        Fleet(model=model, n=1, parameters=wrong)
    assert refusal.value.variable == culprit


def test_an_unknown_parameter_lists_the_known_ones() -> None:
    with pytest.raises(FleetError, match=r"capacity: no such parameter, allowed: .*energy_capacity_wh"):
        Fleet(model="battery", n=1, parameters={"capacity": 1.0})


def test_a_parameter_of_the_wrong_shape_is_refused() -> None:
    with pytest.raises(FleetError, match=r"soc_start: shape \(3,\), must be a number or \(2,\)"):
        Fleet(model="battery", n=2, parameters={"soc_start": np.zeros(3)})


def test_a_negative_number_of_devices_is_refused() -> None:
    with pytest.raises(FleetError, match="-1 devices, must be at least 0"):
        Fleet(model="battery", n=-1)


def test_an_unknown_model_lists_the_shipped_ones() -> None:
    with pytest.raises(FleetError, match=r"no FMU TeaKettle\.fmi3\.fmu in .*Battery\.fmi3\.fmu"):
        Fleet(model="tea_kettle", n=1)


def test_a_state_of_another_model_or_size_is_refused() -> None:
    with Fleet(model="battery", n=2) as two, Fleet(model="battery", n=3) as three, Fleet(model="meter", n=2) as meter:
        before = two.save()
        for foreign in (three.save(), meter.save(), b"", before[:-1]):
            with pytest.raises(FleetError, match="not a state of this model with this n"):
                two.restore(foreign)
        assert two.save() == before


def test_a_closed_fleet_says_so_and_closes_twice() -> None:
    fleet = Fleet(model="meter", n=1)
    fleet.close()
    fleet.close()
    with pytest.raises(FleetError, match="meter: the fleet is closed"):
        fleet.step(0.0, 1.0)


def test_fleets_of_one_model_do_not_share_anything() -> None:
    with Fleet(model="meter", n=1) as one, Fleet(model="meter", n=1) as other:
        one.inputs["power_total_w"][:] = 3600.0
        one.step(0.0, 1.0)
        other.step(0.0, 1.0)
        assert one.outputs["energy_import_wh"].tolist() == [1.0]
        assert other.outputs["energy_import_wh"].tolist() == [0.0]


def test_an_installed_package_brings_its_own_fmus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packaged = tmp_path / "fmus" / "Battery.fmi3.fmu"
    packaged.parent.mkdir()
    packaged.write_bytes(b"")
    monkeypatch.setattr("importlib.resources.files", lambda _package: tmp_path)
    assert fmu_path("battery") == packaged


@pytest.mark.integration
def test_unpacked_files_are_gone_when_the_process_ends() -> None:
    code = (
        "from simulators.fleet import fmu_fleet\n"
        "fleet = fmu_fleet.Fleet(model='meter', n=1)\n"
        "print(fmu_fleet._unpacked('meter')[0])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    folder = Path(done.stdout.strip())
    assert folder.name.startswith("hearthgrid-fmu-")
    assert not folder.exists()


@pytest.mark.parametrize("n", [1, 1000])
def test_a_step_makes_three_calls_into_the_fmu_however_many_devices(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """No loop over devices: one call sets all inputs, one steps, one gets all outputs."""
    with Fleet(model="house", n=n) as fleet:
        calls: list[str] = []
        for name in ("_set", "_get", "_call"):
            original = getattr(fleet, name)

            def counted(*arguments: object, name: str = name, original: object = original) -> object:
                calls.append(name)
                assert callable(original)
                return original(*arguments)

            monkeypatch.setattr(fleet, name, counted)
        fleet.step(0.0, 60.0)
    assert calls == ["_set", "_call", "_get"]
