"""The table of what devices have been told."""

import numpy as np
import pytest

from simulators.endpoints.controls import Controls
from tests.builders import small_pilot
from twin.model.device import DeviceKind

BATTERY = (DeviceKind.BATTERY, "power_setpoint_w")


def test_nothing_is_in_force_at_first() -> None:
    controls = Controls(small_pilot())
    assert controls.active(*BATTERY, 0.0).shape == (3,)
    assert np.isnan(controls.active(*BATTERY, 0.0)).all()
    assert controls.holder("h2-battery", "power_setpoint_w", 0.0) is None


def test_a_value_holds_for_its_device_until_it_expires() -> None:
    controls = Controls(small_pilot())
    assert controls.set("h2-battery", "power_setpoint_w", -900.0, 100.0, 5, "c-1") is None
    assert controls.active(*BATTERY, 99.9).tolist() == pytest.approx([np.nan, -900.0, np.nan], nan_ok=True)
    assert np.isnan(controls.active(*BATTERY, 100.0)).all()
    holder = controls.holder("h2-battery", "power_setpoint_w", 99.9)
    assert holder is not None
    assert (holder.command_id, holder.priority, holder.expires_s) == ("c-1", 5, 100.0)
    assert controls.holder("h2-battery", "power_setpoint_w", 100.0) is None


def test_setting_again_names_the_command_before() -> None:
    controls = Controls(small_pilot())
    controls.set("h1-pv", "active_power_limit", 0.5, 100.0, 5, "c-1")
    assert controls.set("h1-pv", "active_power_limit", 0.8, 50.0, 5, "c-2") == "c-1"
    assert controls.active(DeviceKind.PV, "active_power_limit", 0.0)[0] == 0.8
    assert np.isnan(controls.active(DeviceKind.PV, "active_power_limit", 60.0)[0]), "the earlier one does not return"


def test_a_kind_that_the_pilot_lacks_has_an_empty_array() -> None:
    controls = Controls(small_pilot(kinds=[DeviceKind.METER]))
    assert controls.active(*BATTERY, 0.0).shape == (0,)


def test_what_cannot_be_controlled_is_refused() -> None:
    controls = Controls(small_pilot())
    with pytest.raises(ValueError, match="unknown device 'h9-battery'"):
        controls.set("h9-battery", "power_setpoint_w", 0.0, 1.0, 5, "c")
    with pytest.raises(ValueError, match="'soc' is no control of h1-battery, a battery"):
        controls.holder("h1-battery", "soc", 0.0)
    with pytest.raises(ValueError, match="'soc' is no control of a battery"):
        controls.active(DeviceKind.BATTERY, "soc", 0.0)
