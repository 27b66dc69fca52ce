"""Figures are written so that an operator reads them at a glance: units, few digits, a dash for what is missing."""

from datetime import UTC, datetime

import pytest

from twin.console import words
from twin.model.command import CommandState
from twin.model.quantity import QUANTITIES


@pytest.mark.parametrize(
    ("watts", "text"),
    [
        (None, words.DASH),
        (0.0, "0 W"),
        (-0.2, "0 W"),
        (850.4, "850 W"),
        (-3_420.0, "\N{MINUS SIGN}3.42 kW"),
        (123_456.0, "123.5 kW"),
        (1_204_000.0, "1.204 MW"),
    ],
)
def test_power(watts: float | None, text: str) -> None:
    assert words.power(watts) == text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("soc", 0.807, "80.7 %"),
        ("plugged", 1.0, "plugged in"),
        ("plugged", 0.0, "away"),
        ("temperature_indoor_degc", 20.84, "20.8 °C"),
        ("setpoint_offset_k", -1.5, "\N{MINUS SIGN}1.5 K"),
        ("energy_import_wh", 4_259_000.0, "4.259 MWh"),
        ("voltage_v", 241.03, "241.0 V"),
        ("power_w", None, words.DASH),
    ],
)
def test_quantities_in_their_units(name: str, value: float | None, text: str) -> None:
    assert words.quantity(name, value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, words.DASH),
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (95, "95 s"),
        (300, "5 min"),
        (7_300, "2 h"),
        (200_000, "2 d"),
    ],
)
def test_ages(seconds: float | None, text: str) -> None:
    assert words.age(seconds) == text


def test_a_short_delay_is_in_ms_and_a_long_one_in_s() -> None:
    assert [words.milliseconds(value) for value in (0.8, 40.2, 965.0, 1_500.0)] == [
        "0.8 ms",
        "40 ms",
        "965 ms",
        "1.5 s",
    ]


def test_the_day_is_named_only_when_it_is_not_today() -> None:
    now = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)
    assert words.lately(now.replace(hour=8), now) == "08:30:00"
    assert words.lately(now.replace(day=4), now) == "4 Jun 09:30:00"


def test_counts_agree_with_their_noun() -> None:
    assert [words.plural(number, "feeder") for number in (1, 18)] == ["1 feeder", "18 feeders"]
    assert words.plural(2, "person", "people") == "2 people"


def test_every_quantity_has_a_name_and_every_state_a_tone() -> None:
    assert set(words.QUANTITY_NAMES) == set(QUANTITIES)
    assert set(words.STATE_TONES) == set(CommandState)
