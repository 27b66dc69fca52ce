"""The overview's figures: head power, freshness, transformer, voltage band, power by kind, homes by pathway."""

from collections.abc import Mapping, Sequence

from nicegui import ui

from twin.console.drawing import VOLTAGE_HIGH_PU, VOLTAGE_LOW_PU
from twin.console.kit import Bar, Stat, Text, bare_panel, dot, link, put, shape, tag
from twin.console.words import DASH, KIND_NAMES, PATHWAY_NAMES, PATHWAY_SHAPES, age, count, percent, power
from twin.model.device import DeviceKind
from twin.model.telemetry import GridReport
from twin.state.aggregate import Overview, PathwayRow

_HIGH_LOAD, _FULL_LOAD = 0.8, 1.0
_MOSTLY = 0.99
_BASE_LOAD = "base_load"
_BARS = (*(kind for kind in DeviceKind if kind is not DeviceKind.METER), _BASE_LOAD)
_FINEST_W = 1_000.0  # bars are never scaled so far up that a few watts look like much


class Figures:
    """Four figures in a row."""

    def __init__(self, feeders: int) -> None:
        self._feeders = feeders
        with bare_panel("w3 m6"):
            self._power = Stat("Feeder head")
            with tag("div", "ends"):
                self._phases = [Text("") for _ in range(3)]
        with bare_panel("w3 m6"):
            self._transformer = Stat("Transformer loading")
            self._transformer_bar = Bar("Transformer loading")
        with bare_panel("w3 m6"):
            self._band = Stat("Voltage")
            with tag("div", "band", role="img", aria_label="Voltage band: no power flow yet") as self._band_bar:
                self._band_fill = tag("i", "hidden")
            with tag("div", "ends"):
                Text(f"{VOLTAGE_LOW_PU:.2f}")
                Text("limits, pu")
                Text(f"{VOLTAGE_HIGH_PU:.2f}")
        with bare_panel("w3 m6"):
            self._fresh = Stat("Within promised age")
            self._fresh_bar = Bar("Devices within their promised age")

    def say(self, now: Overview, grids: Sequence[GridReport]) -> None:
        """Show the pilot as it is now."""
        for index, (name, text) in enumerate(zip("abc", self._phases, strict=True)):
            text.say(f"{name} {power(sum(grid.head_power_w[index] for grid in grids))}" if grids else "")
        if now.head_power_w is None or now.losses_w is None:
            self._power.say(DASH, "no power flow yet")
        else:
            way = "from the grid" if now.head_power_w >= 0 else "into the grid"
            self._power.say(power(now.head_power_w), f"{way}, losses {power(now.losses_w)}")
        loading = now.transformer_loading
        highest = f"of its rating, highest of {self._feeders}" if self._feeders > 1 else "of its rating"
        tone = "" if loading is None or loading < _HIGH_LOAD else "warn" if loading < _FULL_LOAD else "bad"
        self._transformer.say(percent(loading, 1), highest, f"tone-{tone}" if tone else "")
        self._transformer_bar.say(loading or 0.0, tone)
        self._fresh.say(
            percent(now.fresh_share, 0 if now.fresh_share in {0.0, 1.0} else 1),
            f"{count(now.devices_reporting)} of {count(now.devices)} devices report",
        )
        self._fresh_bar.say(now.fresh_share, "" if now.fresh_share > _MOSTLY else "warn")
        self._show_band(now.v_min_pu, now.v_max_pu)

    def _show_band(self, low: float | None, high: float | None) -> None:
        if low is None or high is None:
            self._band.say(DASH, "no power flow yet")
            return
        self._band_fill.classes(remove="hidden")
        outside = low < VOLTAGE_LOW_PU or high > VOLTAGE_HIGH_PU
        self._band.say(f"{low:.3f} {DASH} {high:.3f}", "pu, lowest and highest node", "tone-bad" if outside else "")
        self._band_bar.classes(add="bad" if outside else "", remove="" if outside else "bad")
        width = VOLTAGE_HIGH_PU - VOLTAGE_LOW_PU
        ends = [min(max((voltage - VOLTAGE_LOW_PU) / width, 0.0), 1.0) for voltage in (low, high)]
        put(self._band_bar, "aria-label", f"Voltage band: {low:.3f} to {high:.3f} pu")
        shape(self._band_fill, **{"from": ends[0], "to": ends[1]})


class KindBars:
    """Active power of all devices of a kind as bars from a middle line: export to the left, import to the right."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[ui.element, Text]] = {}
        with tag("div", "kinds"):
            for kind in _BARS:
                colour = kind.replace("_", "-")
                with tag("div", "name"):
                    dot(colour)
                    Text(KIND_NAMES[kind])
                with tag("div", "both"):
                    bar = tag("i")
                self._rows[kind] = (bar, Text(DASH, tag="div", classes="value"))

    def say(self, power_by_kind_w: Mapping[DeviceKind, float]) -> None:
        """Show these powers; what meters see beyond all devices is the base load. Nothing reported, nothing claimed."""
        powers: dict[str, float] = {kind: watts for kind, watts in power_by_kind_w.items()}  # noqa: C416
        meters = powers.pop(DeviceKind.METER, 0.0)
        powers[_BASE_LOAD] = meters - sum(powers.values())
        most = max(_FINEST_W, *(abs(watts) for watts in powers.values()))
        for kind, (bar, value) in self._rows.items():
            watts = powers.get(kind, 0.0)
            end = 0.5 + 0.5 * watts / most
            colour = f"var(--{kind.replace('_', '-')})"
            shape(bar, c=colour, **{"from": min(end, 0.5), "to": max(end, 0.5)})
            value.say(power(watts) if power_by_kind_w else DASH)


class PathwayLine:
    """One pathway: its homes, and how many of its devices are within their promised age."""

    def __init__(self, row: PathwayRow) -> None:
        with tag("div", "pathway"):
            with tag("div", "row"):
                dot(row.pathway, PATHWAY_SHAPES[row.pathway])
                link(PATHWAY_NAMES[row.pathway], "/pathways")
                self._homes = Text("", classes="soft")
                tag("span", "grow")
                self._share = Text("", classes="strong")
            self._bar = Bar(f"{PATHWAY_NAMES[row.pathway]} devices within their promised age", row.pathway)
            self._ages = Text("", tag="div", classes="under")
        self.say(row)

    def say(self, row: PathwayRow) -> None:
        """Show the pathway as it is now."""
        heard = row.devices_reporting > 0
        self._homes.say(f"{count(row.homes)} homes, {count(row.devices)} devices")
        self._share.say(percent(row.within_promise_share), "" if row.within_promise_share > _MOSTLY else "tone-warn")
        self._bar.say(row.within_promise_share)
        self._ages.say(
            f"age {age(row.age_p50_s if heard else None)} median, {age(row.age_max_s if heard else None)} at most; "
            f"{row.endpoints_online} of {row.endpoints} endpoints online"
        )
