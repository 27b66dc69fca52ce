"""Text stands out from what it stands on, in light and dark: 4.5 to 1 at least (WCAG 2.2, success criterion 1.4.3)."""

import re

import pytest

from twin.console.frame import STATIC

_TONES = ("good", "warn", "bad")
PAIRS = [
    *((text, on) for text in ("text", "soft", "faint", "accent", *_TONES) for on in ("surface", "raised", "ground")),
    *((tone, f"{tone}-soft") for tone in (*_TONES, "accent")),
    ("soft", "mute-soft"),
    ("surface", "accent"),  # the label of a prime button
]
SHAPES = [
    "pv",
    "battery",
    "ev-charger",
    "heat-pump",
    "water-heater",
    "smart-panel",
    "base-load",
    "oem",
    "gateway",
    "hems",
]


def _colours(scheme: str) -> dict[str, str]:
    css = (STATIC / "console.css").read_text(encoding="utf-8")
    start = css.index(":root {" if scheme == "light" else "body.body--dark {")
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", css[start : css.index("}", start)]))


def _luminance(colour: str) -> float:
    """Relative luminance of sRGB, as WCAG 2.2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "on"), PAIRS)
def test_text_can_be_read(scheme: str, text: str, on: str) -> None:
    colours = _colours(scheme)
    assert _contrast(colours[text], colours[on]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("shape", SHAPES)
def test_marks_and_curves_can_be_seen(scheme: str, shape: str) -> None:
    colours = _colours(scheme)
    assert _contrast(colours[shape], colours["surface"]) >= 3.0, "criterion 1.4.11 for graphics"
