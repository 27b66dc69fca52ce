"""Every shipped pilot file loads, and a generated pilot is the same kind of thing as one written by hand."""

from collections import Counter
from pathlib import Path

import pytest

from twin.model.device import KINDS, DeviceKind
from twin.model.topology import Pilot
from twin.pilot import load_pilot
from twin.pilot.generate import generate_homes
from twin.pilot.schema import GenerateEntry

PILOTS = Path(__file__).parents[2] / "pilots"


def needs_extra(path: Path) -> bool:
    return "simbench:" in path.read_text()


@pytest.mark.parametrize("path", sorted(PILOTS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_pilot_is_whole(path: Path) -> None:
    if needs_extra(path):
        pytest.importorskip("simbench", reason="needs the simbench extra")
    pilot = load_pilot(path)

    assert set(pilot.meter_of) == set(pilot.home)
    assert {device.endpoint for device in pilot.devices} == set(pilot.endpoint)
    for device in pilot.devices:
        assert set(device.ratings) == set(KINDS[device.kind].ratings)


def test_elm_street_is_55_homes_one_per_connection_point_in_thirds() -> None:
    pilot = load_pilot(PILOTS / "elm-street.yaml")

    assert len({home.connection_point for home in pilot.homes}) == len(pilot.homes) == 55
    by_pathway = Counter(pilot.pathway(pilot.meter_of[home.id]).value for home in pilot.homes)
    assert sorted(by_pathway.values()) == [18, 18, 19]


def test_elm_street_has_a_smart_panel_on_each_pathway() -> None:
    pilot = load_pilot(PILOTS / "elm-street.yaml")
    panels = [device for device in pilot.devices if device.kind is DeviceKind.SMART_PANEL]

    assert sorted(pilot.pathway(panel.id).value for panel in panels) == ["gateway", "hems", "oem"]


def test_wanting_smart_panels_changes_nothing_else_of_the_homes() -> None:
    network = load_pilot(PILOTS / "elm-street.yaml").network
    plain, fitted = (
        generate_homes(
            GenerateEntry.model_validate(
                {"homes": 40, "seed": 3, "endpoints": {"gateway": 1.0}, "ownership": {"smart_panel": share}}
            ),
            network=network,
            copies=1,
            taken=frozenset(),
        )
        for share in (0.0, 0.5)
    )
    without = [
        home.model_copy(update={"devices": [one for one in home.devices if one["kind"] != "smart_panel"]})
        for home in fitted
    ]

    assert without == plain
    assert 10 <= sum(len(home.devices) for home in fitted) - sum(len(home.devices) for home in plain) <= 30


def test_a_thousand_homes_fill_18_feeders_evenly() -> None:
    pilot = load_pilot(PILOTS / "thousand-homes.yaml")

    homes_by_feeder = Counter(home.feeder for home in pilot.homes)
    assert sum(homes_by_feeder.values()) == 1000
    assert set(homes_by_feeder) == set(range(18))
    assert max(homes_by_feeder.values()) - min(homes_by_feeder.values()) <= 10


def generate(count: int, seed: int = 3) -> list[str]:
    network = load_pilot(PILOTS / "elm-street.yaml").network
    entry = GenerateEntry(homes=count, seed=seed, endpoints={"gateway": 1.0})
    homes = generate_homes(entry, network=network, copies=1, taken=frozenset({"h0002"}))
    return [home.model_dump_json() for home in homes]


def test_the_seed_decides_the_homes_and_taken_ids_are_left_out() -> None:
    assert generate(30) == generate(30)
    assert generate(30) != generate(30, seed=4)
    assert not any('"id":"h0002"' in home for home in generate(30))


def test_generated_homes_own_what_their_shares_say() -> None:
    pilot = load_pilot(PILOTS / "thousand-homes.yaml")

    owned = Counter(device.kind for device in pilot.devices)
    # binomial with n = 1000: three standard deviations are at most 48
    assert owned[DeviceKind.PV] == pytest.approx(500, abs=48)
    assert owned[DeviceKind.BATTERY] == pytest.approx(300, abs=48)
    assert owned[DeviceKind.METER] == 1000


def test_order_in_the_file_is_order_in_the_pilot() -> None:
    pilot: Pilot = load_pilot(PILOTS / "elm-street.yaml")

    assert [home.id for home in pilot.homes] == [f"h{number:02d}" for number in range(1, 56)]
