"""What was commanded, and what came of it? The life of every command, by pathway and device."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards import flux, links, look, panels, variables
from dashboards.board import PanelBuilder, board, row
from dashboards.links import Link, leads_to, of_field
from twin.model.command import FINAL, CommandState

_PATHWAY = "r.pathway =~ /^${pathway:regex}$/"
_DEVICE = "r.device =~ /^${device:regex}$/"
_CHOSEN = (_PATHWAY, _DEVICE)
_FAILED = (CommandState.REFUSED, CommandState.EXPIRED, CommandState.UNREACHABLE)
_TO_HOME = Link(
    title="Its home", uid=links.HOME_UID, variables=of_field("home", "home") + "&" + of_field("Device", "device")
)
_SHOWN = 20
_ONE_PER_COMMAND = flux.steps('group(columns: ["id"])', "max()", "group()")
"""Of a command's steps the last one: steps are numbered."""


def build() -> Dashboard:
    """The dashboard."""
    return board(
        uid=links.COMMANDS_UID,
        question="What was commanded, and what came of it?",
        reading="Asked, sent, acknowledged by the endpoint, applied by the device, verified at the home's meter; or"
        " refused, expired, superseded, unreachable. Choose a pathway or a device to see only its commands.",
        variables=[variables.pilot(), variables.pathways(), variables.commanded()],
        span="now-6h",
        rows=[
            row(4, (4, _asked()), (4, _verified()), (4, _failed()), (4, _open()), (4, _median()), (4, _slowest())),
            row(8, (9, _outcomes()), (15, _lives())),
            row(11, (24, _table())),
            row(8, (12, _times()), (12, _reasons())),
        ],
    )


def _last_steps(then: str) -> str:
    return flux.log("command", "step", where=_CHOSEN, then=_ONE_PER_COMMAND + "\n" + then)


def _count(condition: str) -> str:
    return _last_steps(
        flux.steps(
            "reduce(identity: {commands: 0}, fn: (r, accumulator) =>"
            f" ({{commands: accumulator.commands + (if {condition} then 1 else 0)}}))"
        )
    )


def _is_one_of(states: tuple[CommandState, ...]) -> str:
    return " or ".join(f'r.state == "{state}"' for state in states)


def _asked() -> PanelBuilder:
    return panels.figure(
        "Commands", "All that took any step in the range.", _count("true"), unit=look.COUNT, silent="none"
    )


def _verified() -> PanelBuilder:
    return panels.figure(
        "Verified",
        "The home's meter agrees.",
        _count(_is_one_of((CommandState.VERIFIED,))),
        unit=look.COUNT,
        limits=look.limits(base=look.GOOD),
        silent="none",
    )


def _failed() -> PanelBuilder:
    return panels.figure(
        "Failed",
        "Refused, expired or unreachable; the reasons are below.",
        _count(_is_one_of(_FAILED)),
        unit=look.COUNT,
        limits=look.NONE_WRONG,
        silent="none",
    )


def _open() -> PanelBuilder:
    return panels.figure(
        "Still open",
        "More steps may follow.",
        _count(_is_one_of(tuple(state for state in CommandState if state not in FINAL))),
        unit=look.COUNT,
        silent="none",
    )


def _quantile(q: float) -> str:
    return flux.log(
        "command",
        "since_requested_ms",
        where=(*_CHOSEN, f'r.state == "{CommandState.VERIFIED}"'),
        then=flux.steps("group()", f'quantile(q: {q}, method: "exact_mean")', 'keep(columns: ["_value"])'),
    )


def _median() -> PanelBuilder:
    return panels.figure(
        "Asked until verified, p50",
        "Half of the verified commands were faster.",
        _quantile(0.5),
        unit=look.MILLISECONDS,
        silent="none verified",
    )


def _slowest() -> PanelBuilder:
    return panels.figure(
        "Asked until verified, p95",
        "One in twenty took longer.",
        _quantile(0.95),
        unit=look.MILLISECONDS,
        silent="none verified",
    )


def _outcomes() -> PanelBuilder:
    return panels.bars(
        "Outcomes by pathway",
        "Where each command of the range stands.",
        _last_steps(
            flux.steps(
                'group(columns: ["pathway", "state"])',
                "count()",
                "group()",
                'pivot(rowKey: ["pathway"], columnKey: ["state"], valueColumn: "_value")',
                'sort(columns: ["pathway"])',
            )
        ),
        unit=look.COUNT,
        x="pathway",
        label="commands",
        overrides=[*look.states(), ("pathway", (("mappings", [look.PATHWAYS]),))],
    )


def _lives() -> PanelBuilder:
    chosen = flux.log("command", "step", where=_CHOSEN)
    return panels.timeline(
        "Lives, by device",
        f"The {_SHOWN} devices that were asked for something last; colours are the steps.",
        f"""steps = {chosen}

shown = steps
  |> group(columns: ["device"])
  |> max(column: "_time")
  |> group()
  |> sort(columns: ["_time"], desc: true)
  |> limit(n: {_SHOWN})
  |> findColumn(fn: (key) => true, column: "device")

steps
  |> filter(fn: (r) => contains(value: r.device, set: shown))
  |> group(columns: ["device"])
  |> sort(columns: ["_time", "_value"])
  |> map(fn: (r) => ({{_time: r._time, device: r.device, _value: r.state}}))""",
        mappings=[look.STATES],
        name="${__field.labels.device}",
        links=[Link(title="Only this device", uid=links.COMMANDS_UID, variables="var-device=${__field.labels.device}")],
    )


def _table() -> PanelBuilder:
    """Joined of two views: the time of every step as a column each, and how the last step was."""
    steps = [state for state in CommandState if state is not CommandState.REQUESTED]
    since = flux.log("command", "since_requested_ms", where=_CHOSEN)
    return panels.rows(
        "Every command and when it took each step",
        "Steps in time since it was asked for; the newest 500 of the range. A device leads to its home.",
        f"""steps = {since}

took = steps
  |> keep(columns: ["id", "state", "_value"])
  |> group()
  |> pivot(rowKey: ["id"], columnKey: ["state"], valueColumn: "_value")

last = {flux.log("command", where=_CHOSEN)}
  |> filter(fn: (r) => {" or ".join(f'r._field == "{name}"' for name in ("step", "value", "reason", "origin"))})
  |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
  |> group(columns: ["id"])
  |> sort(columns: ["step"])
  |> last(column: "step")
  |> group()
  |> keep(columns: ["id", "home", "device", "pathway", "quantity", "value", "state", "reason", "origin"])

asked = steps
  |> group(columns: ["id"])
  |> map(fn: (r) => ({{id: r.id, asked: time(v: int(v: r._time) - int(v: r._value * 1000000.0))}}))
  |> first(column: "asked")
  |> group()

join(tables: {{a: join(tables: {{b: asked, c: last}}, on: ["id"]), d: took}}, on: ["id"])
  |> sort(columns: ["asked"], desc: true)
  |> limit(n: 500)""",
        order=("asked", "device", "pathway", "quantity", "value", "state", *steps, "reason", "origin", "home", "id"),
        overrides=[
            look.named("id", "Command", "", ("custom.width", 130)),
            look.named("asked", "Asked", "", ("custom.width", 160)),
            look.named("device", "Device", "", leads_to(_TO_HOME)),
            look.named("home", "home"),
            ("pathway", panels.lamp("Pathway", look.PATHWAYS)),
            look.named("quantity", "Quantity"),
            look.named("value", "Value"),
            ("state", panels.lamp("Outcome", look.STATES)),
            look.named("reason", "Why"),
            look.named("origin", "Asked by"),
            ("requested", (("custom.hidden", True),)),
            *(look.named(state, state, "", ("unit", look.MILLISECONDS), ("decimals", 0)) for state in steps),
        ],
    )


def _times() -> PanelBuilder:
    return panels.lines(
        "How long until verified, command by command",
        "Each dot is a command, at the moment when the meter agreed, in the colour of its pathway.",
        flux.log(
            "command",
            "since_requested_ms",
            where=(*_CHOSEN, f'r.state == "{CommandState.VERIFIED}"'),
            then=flux.steps(
                "group()",
                'pivot(rowKey: ["_time", "id"], columnKey: ["pathway"], valueColumn: "_value")',
                'drop(columns: ["id"])',
                'sort(columns: ["_time"])',
            ),
        ),
        unit=look.MILLISECONDS,
        label="since asked",
        overrides=look.pathways(),
        minimum=0,
        points=True,
        interval="1s",
    )


def _reasons() -> PanelBuilder:
    return panels.rows(
        "Why commands did not come to their end",
        "Reasons given with refused, expired, superseded and unreachable commands, most frequent first.",
        flux.log(
            "command",
            "reason",
            where=(*_CHOSEN, f"{_is_one_of((*_FAILED, CommandState.SUPERSEDED))}"),
            then=flux.steps(
                "map(fn: (r) => ({pathway: r.pathway, state: r.state, reason: r._value, commands: 1}))",
                'group(columns: ["pathway", "state", "reason"])',
                'sum(column: "commands")',
                "group()",
                'sort(columns: ["commands"], desc: true)',
            ),
        ),
        order=("pathway", "state", "reason", "commands"),
        overrides=[
            ("pathway", (*panels.lamp("Pathway", look.PATHWAYS), ("custom.width", 110))),
            ("state", (*panels.lamp("Outcome", look.STATES), ("custom.width", 110))),
            look.named("reason", "Why"),
            look.named("commands", "Commands", "", ("custom.width", 110)),
        ],
    )
