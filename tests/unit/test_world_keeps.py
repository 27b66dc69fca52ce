"""What the world keeps: its state on disk, and the accounts of its energy."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simulators.balance import EnergyBalance
from simulators.checkpoint import Checkpoint
from simulators.cosim.circuits import Circuits
from simulators.cosim.control import Asked
from simulators.endpoints.controls import Controls
from simulators.layout import Layout
from tests.builders import small_pilot
from twin.model.device import DeviceKind


class Part:
    """Something with a state."""

    def __init__(self, state: bytes) -> None:
        self.state = state

    def save(self) -> bytes:
        return self.state

    def restore(self, blob: bytes) -> None:
        self.state = blob


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    pilot = small_pilot()
    checkpoint = Checkpoint(tmp_path / "world.state", pilot)
    checkpoint.write(1_200.0, {"battery": Part(b"\x00\x01"), "meter": Part(b"")})
    checkpoint.finish()

    saved = Checkpoint(tmp_path / "world.state", pilot).read()

    assert saved is not None
    assert saved.utc_s == 1_200
    assert dict(saved.states) == {"battery": b"\x00\x01", "meter": b""}


def test_a_changed_pilot_a_damaged_file_or_none_at_all_is_as_good_as_none(tmp_path: Path) -> None:
    pilot = small_pilot()
    path = tmp_path / "world.state"
    checkpoint = Checkpoint(path, pilot)
    assert checkpoint.read() is None

    checkpoint.write(60.0, {"battery": Part(b"state")})
    checkpoint.finish()
    assert Checkpoint(path, replace(pilot, seed=99)).read() is None
    assert Checkpoint(path, pilot, builds=["another house"]).read() is None
    path.write_bytes(path.read_bytes()[:-1])
    assert checkpoint.read() is None
    path.write_bytes(b"\xff\xff\xff\xff nonsense")
    assert checkpoint.read() is None


def test_it_is_written_on_whole_minutes(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "world.state", small_pilot())

    assert [checkpoint.is_due(utc_s) for utc_s in (59.0, 60.0, 61.0, 120.0)] == [False, True, False, True]


def test_the_balance_shows_energy_that_goes_missing() -> None:
    balance = EnergyBalance()
    losses = np.array([100.0])
    for hour, register in enumerate((0.0, 3_000.0, 6_000.0)):
        balance.note(
            3_600,
            head_power_w=np.array([[1_100.0, 1_000.0, 1_000.0]]),
            losses_w=losses,
            registers_wh=np.array([register]),
        )
        if hour == 1:
            assert balance.error == pytest.approx(0, abs=1e-12)

    balance.note(
        3_600, head_power_w=np.array([[1_100.0, 1_000.0, 1_000.0]]), losses_w=losses, registers_wh=np.array([8_900.0])
    )

    assert balance.error == pytest.approx(100 / 9_300)


def test_a_command_holds_until_it_expires_and_then_the_owner_decides_again() -> None:
    pilot = small_pilot(homes=1)
    controls = Controls(pilot)
    layout = Layout(pilot=pilot)
    asked = Asked(layout, controls, Circuits(layout))
    assert np.isnan(asked.at(0.0)["battery.power_setpoint_w"]).all()
    assert asked.at(0.0)["ev_charger.power_limit_w"].tolist() == [7_400.0]
    assert asked.at(0.0)["water_heater.setpoint_tank_degc"].tolist() == [55.0]

    controls.set("h1-battery", "power_setpoint_w", -800.0, 100.0, 5, "c1")
    controls.set("h1-ev-charger", "power_limit_w", 2_000.0, 50.0, 5, "c2")

    assert asked.at(49.0)["battery.power_setpoint_w"].tolist() == [-800.0]
    assert asked.at(49.0)["ev_charger.power_limit_w"].tolist() == [2_000.0]
    assert asked.at(51.0)["ev_charger.power_limit_w"].tolist() == [7_400.0]
    assert np.isnan(asked.at(101.0)["battery.power_setpoint_w"]).all()


def test_device_values_add_up_by_home() -> None:
    pilot = small_pilot(homes=2, batteries=2)
    layout = Layout(pilot=pilot)

    sums = layout.sum_by_home(DeviceKind.BATTERY, np.array([1.0, 10.0, 100.0, 1_000.0]))

    homes = [device.home for device in layout.kinds[DeviceKind.BATTERY].devices]
    expected = [
        sum(v for h, v in zip(homes, (1.0, 10.0, 100.0, 1_000.0), strict=True) if h == home) for home in ("h1", "h2")
    ]
    assert sums.tolist() == expected
