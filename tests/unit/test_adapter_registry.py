"""Adapters are found by their folders."""

from datetime import UTC, datetime

import pytest

from tests.builders import small_pilot
from twin.adapters.registry import ADAPTERS, load
from twin.model.command import Command

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_the_three_pathways_have_an_adapter_each() -> None:
    assert set(ADAPTERS) >= {"canonical", "hems_home", "oem_acme"}


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown adapter 'oem_acne'; known: canonical, hems_home, oem_acme"):
        load("oem_acne")


@pytest.mark.parametrize(("name", "endpoint"), [("hems_home", "hems-h2"), ("oem_acme", "acme")])
def test_a_command_for_a_device_of_somebody_else_cannot_be_encoded(name: str, endpoint: str) -> None:
    command = Command(
        id="c",
        device="h1-battery",
        quantity="power_setpoint_w",
        value=0.0,
        requested_at=NOON,
        expires_at=NOON,
        priority=5,
        origin="operator",
    )
    with pytest.raises(ValueError, match=f"endpoint '{endpoint}' does not speak for a device 'h1-battery'"):
        load(name)(small_pilot()).encode(endpoint, command)
