"""A vendor's words for our quantities: names, units and signs."""

from pathlib import Path

import pytest

from simulators.fleet.fmu_fleet import FleetError
from simulators.fleet.vendor_map import Link, check, describe, wiring
from tests.vendor_fmu import SOURCE, build_vendor_fmu, vendor_model
from twin.model.device import DeviceKind
from twin.model.topology import VendorModel, VendorVariable

BATTERY = DeviceKind.BATTERY


@pytest.fixture(scope="module")
def brick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_vendor_fmu(tmp_path_factory.mktemp("acme"))


def link(path: Path, quantity: str, entry: VendorVariable) -> Link:
    found = wiring(BATTERY, vendor_model(path, **{quantity: entry}))
    return next(one for one in (*found.parameters, *found.inputs, *found.outputs) if one.ours == quantity)


def problem(path: Path, quantity: str, entry: VendorVariable) -> str:
    ((place, text),) = check(BATTERY, vendor_model(path, **{quantity: entry}))
    assert place == ("map", quantity)
    return text


def test_units_that_the_file_declares_are_turned_into_ours(brick: Path) -> None:
    found = link(brick, "power_w", VendorVariable(variable="P_ac", factor=-1.0))
    assert (found.factor, found.offset) == (-1000.0, 0.0)
    found = link(brick, "soc", VendorVariable(variable="SoC"))
    assert (found.factor, found.offset) == (0.01, 0.0)


def test_a_unit_that_the_file_names_but_does_not_define_is_known_by_its_name(brick: Path) -> None:
    assert link(brick, "energy_capacity_wh", VendorVariable(variable="E_nom")).factor == 1000.0


def test_a_map_may_know_the_unit_better_than_the_file(brick: Path) -> None:
    assert link(brick, "soc_start", VendorVariable(variable="SoC_0", unit="%")).factor == 0.01


def test_factor_and_offset_come_on_top_of_the_unit(brick: Path) -> None:
    found = link(brick, "power_w", VendorVariable(variable="P_ac", factor=-2.0, offset=30.0))
    assert (found.factor, found.offset) == (-2000.0, 30.0)


def test_degrees_fahrenheit_become_degrees_celsius(tmp_path: Path) -> None:
    text = (SOURCE / "modelDescription.xml").read_text().replace("<Real/>", '<Real unit="degF"/>')
    heater = build_vendor_fmu(tmp_path, description=text, with_binary=False)
    entry = VendorVariable(variable="cycles")
    model = VendorModel(
        fmu=str(heater), map={"temperature_mean_degc": entry, "temperature_outlet_degc": entry}, start={}
    )
    texts = [text for _, text in check(DeviceKind.WATER_HEATER, model)]
    assert not any("cannot be turned" in text for text in texts)
    assert any(text.startswith("setpoint_degc, power_w not mapped") for text in texts)


def test_a_variable_without_a_unit_needs_one_from_the_map(brick: Path) -> None:
    text = problem(brick, "loss_wh", VendorVariable(variable="cycles"))
    assert text == "'cycles' does not say its unit; give it as `unit`, for instance Wh"


def test_units_of_another_kind_are_refused(brick: Path) -> None:
    text = problem(brick, "soc", VendorVariable(variable="P_ac"))
    assert text == "'P_ac' is in kW, which cannot be turned into 1; needed is a soc"


def test_a_parameter_of_ours_must_be_a_parameter_there(brick: Path) -> None:
    text = problem(brick, "energy_capacity_wh", VendorVariable(variable="P_cmd"))
    assert text == "'P_cmd' is of causality input; needed: parameter"


def test_a_parameter_that_no_rating_says_is_refused_before_the_world_lacks_a_value_for_it(brick: Path) -> None:
    text = problem(brick, "capacity_fade", VendorVariable(variable="E_nom"))
    assert "no rating says 'capacity_fade'" in text
    assert "`start`" in text
    assert "energy_capacity_wh" in text


def test_an_fmu_for_other_machines_is_refused(tmp_path: Path) -> None:
    path = build_vendor_fmu(tmp_path, with_binary=False)
    ((place, text),) = check(BATTERY, vendor_model(path))
    assert place == ("fmu",)
    assert text.startswith("has no binary for ")


def test_an_fmu_for_model_exchange_is_refused(tmp_path: Path) -> None:
    text = (SOURCE / "modelDescription.xml").read_text()
    start, end = text.index("<CoSimulation"), text.index("<UnitDefinitions>")
    exchange = text[:start] + '<ModelExchange modelIdentifier="PowerBrick"/>\n  ' + text[end:]
    path = build_vendor_fmu(tmp_path, description=exchange, with_binary=False)
    texts = [text for _, text in check(BATTERY, vendor_model(path))]
    assert "is for model exchange only; co-simulation is needed" in texts


def test_an_fmu_of_another_version_is_refused(tmp_path: Path) -> None:
    text = (
        '<fmiModelDescription fmiVersion="1.0" modelName="Old" modelIdentifier="PowerBrick" guid="{old}" '
        'numberOfContinuousStates="0" numberOfEventIndicators="0"><ModelVariables><ScalarVariable name="P_cmd" '
        'valueReference="0" causality="input"><Real start="0"/></ScalarVariable></ModelVariables><Implementation>'
        "<CoSimulation_StandAlone><Capabilities/></CoSimulation_StandAlone></Implementation></fmiModelDescription>"
    )
    path = build_vendor_fmu(tmp_path, description=text, with_binary=False)
    assert (("fmu",), "is of FMI 1.0; 2.0 and 3.0 can be run") in check(BATTERY, vendor_model(path))


def test_a_file_that_is_no_fmu_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "broken.fmu"
    path.write_bytes(b"PK not a zip")
    ((place, text),) = check(BATTERY, vendor_model(path))
    assert place == ("fmu",)
    assert "cannot be read as an FMU" in text
    with pytest.raises(FleetError, match=r"broken\.fmu"):
        describe(path)


def test_wiring_refuses_what_check_refuses(brick: Path) -> None:
    with pytest.raises(FleetError, match=r"PowerBrick\.fmu: .* has no variable 'Volume'"):
        wiring(BATTERY, vendor_model(brick, soc=VendorVariable(variable="Volume")))
