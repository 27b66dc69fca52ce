"""What is the feeder doing? Power at its head, voltage by node and time, loading, losses."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards import flux, links, look, panels, variables
from dashboards.board import PanelBuilder, board, row
from dashboards.links import Link, leads_to, of_field
from twin.console.drawing import VOLTAGE_HIGH_PU, VOLTAGE_LOW_PU
from twin.model.device import DeviceKind

_FEEDER = "r.feeder =~ /^${feeder:regex}$/"
_TO_HOME = Link(title="This home", uid=links.HOME_UID, variables=of_field("home", "home"))


def build() -> Dashboard:
    """The dashboard."""
    return board(
        uid=links.FEEDER_UID,
        question="What is the feeder doing?",
        reading="Power is positive from the grid into the feeder. Voltage is in per unit of the rated one; each row of"
        " the heat map is one node, the most extreme ones on top.",
        variables=[
            variables.pilot(),
            variables.feeder(),
            variables.choice(
                "extreme",
                "Voltage map",
                "which phase of a node counts, and which nodes are shown",
                {"lowest phase": "min", "highest phase": "max"},
            ),
            variables.choice(
                "nodes",
                "Nodes",
                "how many of the most extreme nodes are shown",
                {"100": "100", "40": "40", "all": "10000"},
            ),
        ],
        rows=[
            row(4, (5, _head()), (5, _loading()), (5, _voltage()), (4, _losses()), (5, _share_lost())),
            row(9, (12, _power()), (12, _voltage_map())),
            row(8, (8, _extremes()), (8, _loadings()), (8, _losses_over_time())),
            row(8, (14, _kinds()), (10, _homes_by_voltage())),
        ],
    )


def _newest(*fields: str, then: str = "") -> str:
    return flux.newest("feeder", *fields, where=(_FEEDER,), then=then)


def _head() -> PanelBuilder:
    return panels.figure(
        "Head power",
        "Active power through the service transformer now; negative when the feeder feeds back.",
        _newest("head_power_w"),
        unit=look.WATT,
    )


def _loading() -> PanelBuilder:
    return panels.figure(
        "Transformer loading",
        "Apparent power as a share of the rating; over 100 % the transformer ages.",
        _newest("transformer_loading"),
        unit=look.SHARE,
        limits=look.LOADING,
        decimals=0,
    )


def _voltage() -> PanelBuilder:
    return panels.figure(
        "Voltage",
        "Lowest and highest over all nodes and phases. EN 50160 tolerates 0.90 to 1.10 pu.",
        _newest("v_min_pu", "v_max_pu"),
        unit=look.PER_UNIT,
        limits=look.VOLTAGE,
        overrides=[look.named("v_min_pu", "lowest"), look.named("v_max_pu", "highest")],
        decimals=3,
    )


def _losses() -> PanelBuilder:
    return panels.figure("Losses", "In lines and transformer together.", _newest("losses_w"), unit=look.WATT)


def _share_lost() -> PanelBuilder:
    return panels.figure(
        "Lost over the range",
        "Energy lost as a share of what passed the feeder head in either direction.",
        flux.history(
            "feeder",
            "head_power_w",
            "losses_w",
            where=(_FEEDER,),
            then=flux.steps(
                'pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")',
                "map(fn: (r) => ({r with passed: if r.head_power_w < 0.0 then -r.head_power_w else r.head_power_w}))",
                "reduce(identity: {lost: 0.0, passed: 0.0}, fn: (r, accumulator) => ({lost: accumulator.lost +"
                " r.losses_w, passed: accumulator.passed + r.passed}))",
                "map(fn: (r) => ({share: if r.passed > 0.0 then r.lost / r.passed else 0.0}))",
            ),
        ),
        unit=look.SHARE,
        limits=look.limits((0.05, look.WARN), (0.1, look.BAD)),
        decimals=2,
    )


def _power() -> PanelBuilder:
    phases = [look.named(f"head_power_{phase}_w", f"phase {phase}", look.PHASE_COLOURS[phase]) for phase in "abc"]
    return panels.lines(
        "Power at the head, by phase",
        "Phases far apart are unbalanced; the total is the white line.",
        flux.columns(
            "feeder",
            "head_power_w",
            *(f"head_power_{phase}_w" for phase in "abc"),
            where=(_FEEDER,),
            gaps=True,
        ),
        unit=look.WATT,
        label="from the grid",
        overrides=[look.named("head_power_w", "total", look.PLAIN, ("custom.lineWidth", 2)), *phases],
        interval="5s",
        soft=(0, 0),
    )


def _voltage_map() -> PanelBuilder:
    """A row per node. The store finds the most extreme nodes first, so that only theirs are read over time."""
    return panels.cells(
        "Voltage by node and time",
        "Each row is one node, each column one window of time, its colour the voltage: violet is low, red is high.",
        f"""import "math"
import "regexp"
import "strings"

of = if "${{extreme}}" == "min" then math.mMin else math.mMax

voltages = () => from(bucket: v.defaultBucket)
  |> {flux.RANGE}
  |> filter(fn: (r) => {flux.PILOT})
  |> filter(fn: (r) => r._measurement == "node")
  |> filter(fn: (r) => {_FEEDER})

names = voltages()
  |> ${{extreme}}()
  |> group(columns: ["node"])
  |> ${{extreme}}()
  |> group()
  |> sort(columns: ["_value"], desc: "${{extreme}}" == "max")
  |> limit(n: ${{nodes}})
  |> map(fn: (r) => ({{node: regexp.quoteMeta(v: r.node)}}))
  |> findColumn(fn: (key) => true, column: "node")

shown = regexp.compile(v: "^(" + strings.joinStr(arr: names, v: "|") + ")$")

voltages()
  |> filter(fn: (r) => r.node =~ shown)
  |> aggregateWindow(every: v.windowPeriod, fn: ${{extreme}}, createEmpty: false, timeSrc: "_start")
  |> keep(columns: ["_time", "_value", "_field", "node"])
  |> group(columns: ["node"])
  |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
  |> map(fn: (r) => ({{
       _time: r._time,
       node: r.node,
       _value: of(x: of(x: r.voltage_a_pu, y: r.voltage_b_pu), y: r.voltage_c_pu),
     }}))
  |> group()
  |> pivot(rowKey: ["_time"], columnKey: ["node"], valueColumn: "_value")
  |> sort(columns: ["_time"])""",
        unit=look.PER_UNIT,
        low=VOLTAGE_LOW_PU,
        high=VOLTAGE_HIGH_PU,
        decimals=3,
        interval="30s",
    )


def _extremes() -> PanelBuilder:
    return panels.lines(
        "Lowest and highest voltage",
        "Over all nodes and phases; the dashed lines are what EN 50160 tolerates and what the console warns of.",
        flux.columns("feeder", "v_min_pu", "v_max_pu", where=(_FEEDER,), gaps=True),
        unit=look.PER_UNIT,
        label="voltage",
        limits=look.VOLTAGE,
        overrides=[look.named("v_min_pu", "lowest", "#f3a15c"), look.named("v_max_pu", "highest", "#67b2ec")],
        decimals=3,
        soft=(0.93, 1.08),
        interval="5s",
    )


def _loadings() -> PanelBuilder:
    return panels.lines(
        "Transformer and line loading",
        "As shares of their ratings; the line is the most loaded one.",
        flux.columns(
            "feeder", "transformer_loading", "line_loading", where=(_FEEDER,), fn="max", join="max", gaps=True
        ),
        unit=look.SHARE,
        label="of the rating",
        limits=look.LOADING,
        overrides=[
            look.named("transformer_loading", "transformer", look.ACCENT),
            look.named("line_loading", "most loaded line", "#c490ee"),
        ],
        minimum=0,
        soft=(0, 1),
        interval="5s",
    )


def _losses_over_time() -> PanelBuilder:
    return panels.lines(
        "Losses over time",
        "They grow with the square of the current: the evening costs more than its share.",
        flux.columns("feeder", "losses_w", where=(_FEEDER,), gaps=True),
        unit=look.WATT,
        label="in lines and transformer",
        overrides=[look.named("losses_w", "losses", look.WARN)],
        minimum=0,
        interval="5s",
    )


def _kinds() -> PanelBuilder:
    kinds = [kind for kind in look.KINDS if kind != DeviceKind.METER]
    return panels.lines(
        "Power by kind of device",
        "Sum over the pilot's devices of each kind, as last reported in the range; negative is generation. Clouds that"
        " report rarely are missing from the first minutes of the range.",
        flux.columns(kinds, "power_w", across="_measurement", join="sum", hold=True),
        unit=look.WATT,
        label="into the devices",
        overrides=look.kinds(),
        interval="30s",
    )


def _homes_by_voltage() -> PanelBuilder:
    return panels.rows(
        "Homes by voltage at the meter",
        "Mean of the connected phases over the last ten minutes of the range, lowest first.",
        f"""import "date"

from(bucket: v.defaultBucket)
  |> range(start: date.sub(d: 10m, from: v.timeRangeStop), stop: v.timeRangeStop)
  |> filter(fn: (r) => {flux.PILOT})
  |> filter(fn: (r) => r._measurement == "meter")
  |> filter(fn: (r) => r._field == "voltage_v" or r._field == "power_w")
  |> mean()
  |> keep(columns: ["_field", "_value", "home", "phase"])
  |> group()
  |> pivot(rowKey: ["home", "phase"], columnKey: ["_field"], valueColumn: "_value")
  |> sort(columns: ["voltage_v"])""",
        order=("home", "phase", "voltage_v", "power_w"),
        overrides=[
            look.named("home", "Home", "", leads_to(_TO_HOME)),
            look.named("phase", "Phase"),
            look.named("voltage_v", "Voltage", "", ("unit", "volt"), ("decimals", 1)),
            look.named("power_w", "Power", "", ("unit", look.WATT)),
        ],
    )
