"""Which vehicles can give to their home: said in the pilot file, offered to whoever asks, refused for all others."""

from dataclasses import replace
from pathlib import Path

import pytest

from simulators.cosim.circuits import Circuits
from simulators.cosim.control import DISCHARGE_ASKED, Asked
from simulators.endpoints.controls import Controls
from simulators.fleet.parameters import parameters
from simulators.layout import Layout
from tests.builders import device, small_pilot
from tests.endpoint_stage import Stage, order
from twin.model.device import DeviceKind
from twin.model.topology import Device, Pilot
from twin.pilot import load_pilot
from twin.state.command_check import CommandError, check_command

VALID = Path(__file__).parents[1] / "data" / "pilots" / "valid-two-homes.yaml"
CHARGER = "{kind: ev_charger, power_w: 7400, vehicle_energy_wh: 60000%s}"
REQUEST = "discharge_request_w"


def loaded(tmp_path: Path, more: str = "") -> tuple[Pilot, Device]:
    """The valid pilot with a charger in its first home."""
    path = tmp_path / "pilot.yaml"
    path.write_text(VALID.read_text().replace("{kind: battery, energy_wh: 10000, power_w: 5000}", CHARGER % more))
    pilot = load_pilot(path)
    return pilot, pilot.device["h01-ev-charger"]


def asked(pilot: Pilot, value: float) -> Device:
    return check_command(pilot, device="h01-ev-charger", quantity=REQUEST, value=value, duration_s=60.0, priority=5)


def test_a_charger_gives_nothing_to_its_home_unless_the_pilot_file_says_so(tmp_path: Path) -> None:
    pilot, charger = loaded(tmp_path)

    assert charger.ratings["discharge_power_w"] == 0.0
    assert tuple(charger.controls) == ("power_limit_w",)
    with pytest.raises(CommandError, match="h01-ev-charger cannot be asked for 'discharge_request_w'") as refused:
        asked(pilot, 1.0)
    assert refused.value.allowed == "power_limit_w"


def test_one_that_does_can_be_asked_up_to_its_rating(tmp_path: Path) -> None:
    pilot, charger = loaded(tmp_path, ", discharge_power_w: 6000, soc_home_min: 0.7")

    assert tuple(charger.controls) == ("power_limit_w", REQUEST)
    assert asked(pilot, 6_000.0) is charger
    for impossible in (6_001.0, -1.0):
        with pytest.raises(CommandError) as refused:
            asked(pilot, impossible)
        assert refused.value.allowed == "0 to 6000 W"


def test_its_model_gets_power_and_reserve_from_the_pilot_file(tmp_path: Path) -> None:
    _, plain = loaded(tmp_path)
    _, giving = loaded(tmp_path, ", discharge_power_w: 6000, soc_home_min: 0.7")

    chosen = parameters("ev_charger", [plain.ratings, giving.ratings], 7)

    assert chosen["discharge_power_max_w"].tolist() == [0.0, 6_000.0]
    assert chosen["soc_home_min"].tolist() == [0.5, 0.7]


@pytest.mark.parametrize("wire", ["canonical", "hems_home", "oem_acme"])
def test_a_far_side_refuses_more_than_the_rating(wire: str) -> None:
    stage = Stage(wire, small_pilot())
    charger = next(d for d in stage.pilot.endpoint_devices[stage.endpoint.id] if d.kind is DeviceKind.EV_CHARGER)

    assert stage.answer(order(charger.id, REQUEST, 5_000.0)).outcome == "acknowledged"
    refused = stage.answer(order(charger.id, REQUEST, 5_001.0, identity="c-2"))
    assert (refused.outcome, refused.reason) == (
        "refused",
        f"discharge_request_w = 5001 is outside 0..5000 of {charger.id}",
    )


def test_behind_an_open_relay_a_vehicle_gives_nothing() -> None:
    pilot = small_pilot(homes=2, kinds=tuple(DeviceKind))
    controls = Controls(pilot)
    wanted = Asked(Layout(pilot=pilot), controls, Circuits(Layout(pilot=pilot)))
    for home in ("h1", "h2"):
        controls.set(f"{home}-ev-charger", REQUEST, 3_000.0, 100.0, 5, "c")
    controls.set("h2-smart-panel", "main_closed", 0.0, 100.0, 5, "c")

    now = wanted.at(50.0)

    assert now[DISCHARGE_ASKED].tolist() == [3_000.0, 0.0]
    assert now[f"ev_charger.{REQUEST}"].tolist() == [3_000.0, 3_000.0]  # what it was told still stands
    assert wanted.at(101.0)[DISCHARGE_ASKED].tolist() == [0.0, 0.0]


def test_a_charger_of_an_archive_that_knows_no_vehicle_to_home_cannot_do_it() -> None:
    charger = device("h1", DeviceKind.EV_CHARGER, "gw-h1")
    before = replace(charger, ratings={"power_w": 7_400.0, "vehicle_energy_wh": 60_000.0})

    assert tuple(charger.controls) == ("power_limit_w", REQUEST)
    assert tuple(before.controls) == ("power_limit_w",)
