"""Durations, moments and speeds as people type them. Refuses with what is allowed."""

import re
from datetime import UTC, datetime

import typer

_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DURATION = re.compile(r"^(\d+(?:\.\d+)?)([smhd])$")


def duration_s(text: str) -> float:
    """Seconds of a duration such as 90s, 5m, 24h or 1d."""
    found = _DURATION.match(text.strip())
    if found is None:
        raise typer.BadParameter(f"{text!r} is not a duration; write a number and a unit: 90s, 5m, 24h, 1d")
    return float(found[1]) * _UNITS_S[found[2]]


def moment(text: str) -> datetime | None:
    """A UTC moment: `now` gives None, anything else is RFC 3339; without an offset it is UTC."""
    if text == "now":
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a time; write now or RFC 3339: 2026-06-21T12:00:00Z") from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def speed(text: str) -> float:
    """Times real time; `max` gives 0, as fast as possible."""
    if text == "max":
        return 0.0
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0.01 <= found <= 10_000:  # noqa: PLR2004 - a range people can mean
        raise typer.BadParameter(f"{text!r} is not a speed; write max, or a number from 0.01 to 10000")
    return found


def spoken(seconds: float) -> str:
    """A duration for people: 42 s, 3 min, 2.5 h."""
    if seconds < 120:  # noqa: PLR2004
        return f"{seconds:.0f} s"
    if seconds < 7_200:  # noqa: PLR2004
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3_600:.1f} h"
