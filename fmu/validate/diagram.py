"""A line diagram as SVG text: our run over the reference, readable on light and dark pages.

Written by hand because two curves need no plotting library. The same numbers always give the same text.
"""

import math
from html import escape

import numpy as np

from fmu.validate.comparison import Column, Panel

WIDTH, HEIGHT = 860, 240
LEFT, RIGHT, TOP, BOTTOM = 70, 12, 30, 34
BINS = 400  # a longer run is drawn by the lowest and highest value of each bin
OURS, THEIRS, AXIS = "#d9480f", "#4c8dff", "#808890"
_TICKS = 5
_HOUR_S, _DAY_S = 3600.0, 86_400.0


def diagram(panels: tuple[Panel, ...]) -> str:
    """All panels below each other in one picture."""
    drawn = [_panel(panel, k * HEIGHT) for k, panel in enumerate(panels)]
    height = HEIGHT * len(panels)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'font-family="sans-serif" font-size="12" fill="{AXIS}">\n' + "\n".join(drawn) + "\n</svg>\n"
    )


def _panel(panel: Panel, top: float) -> str:
    everything = np.concatenate([panel.ours, panel.theirs])
    low, high = float(everything.min()), float(everything.max())
    if high - low < 1e-12:  # noqa: PLR2004 - a flat line still needs a scale
        low, high = low - 1.0, high + 1.0
    step = _nice((high - low) / _TICKS)
    low, high = step * math.floor(low / step), step * math.ceil(high / step)
    end_s = panel.step_s * len(panel.ours)
    unit_s, unit = next(
        ((s, u) for s, u in ((_DAY_S, "d"), (_HOUR_S, "h"), (60.0, "min")) if end_s >= 2 * s), (1.0, "s")
    )

    def x(time_s: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * time_s / end_s

    def y(value: float) -> float:
        return top + TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low)

    parts = [
        f'<text x="{LEFT}" y="{top + 18:g}" font-weight="bold">{escape(panel.title)} [{escape(panel.unit)}]</text>'
    ]
    parts += [
        f'<text x="{WIDTH - RIGHT - at}" y="{top + 18:g}" fill="{colour}" text-anchor="end">{text}</text>'
        for at, colour, text in ((0, OURS, "this model"), (90, THEIRS, "reference"))
    ]
    for k in range(round((high - low) / step) + 1):
        value = low + k * step
        parts.append(
            f'<path d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}" stroke="{AXIS}" stroke-opacity=".25"/>'
            f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.6g}</text>'
        )
    tick = _nice(end_s / unit_s / 8)
    for k in range(int(end_s / unit_s / tick + 1e-9) + 1):
        parts.append(
            f'<text x="{x(k * tick * unit_s):.1f}" y="{top + HEIGHT - BOTTOM + 18:g}" text-anchor="middle">'
            f"{k * tick:g} {unit}</text>"
        )
    for values, colour, width in ((panel.theirs, THEIRS, 3), (panel.ours, OURS, 1.2)):
        points = " ".join(f"{x(t):.1f},{y(v):.1f}" for t, v in _thinned(values, panel.step_s))
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="{width}" points="{points}"/>')
    return "\n".join(parts)


def _thinned(values: Column, step_s: float) -> list[tuple[float, float]]:
    """(time, value) at the end of each step; of long runs the extremes of each bin, in their order."""
    times = step_s * np.arange(1, len(values) + 1)
    if len(values) <= 2 * BINS:
        return list(zip(times.tolist(), values.tolist(), strict=True))
    kept: list[int] = []
    for part in np.array_split(np.arange(len(values)), BINS):
        chosen = {int(part[np.argmin(values[part])]), int(part[np.argmax(values[part])])}
        kept += sorted(chosen)
    return [(float(times[k]), float(values[k])) for k in kept]


def _nice(step: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * factor for factor in (1.0, 2.0, 5.0, 10.0) if power * factor >= step * (1 - 1e-9))
