"""Is the pilot healthy? What an operator opens first: six lights, then what is wrong and where."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards import flux, links, look, panels, variables
from dashboards.board import PanelBuilder, board, row
from dashboards.links import Link, leads_to, of_field

_TO_HOME = Link(title="This home", uid=links.HOME_UID, variables=of_field("home", "home"))
_TO_FEEDER = Link(title="What is the feeder doing?", uid=links.FEEDER_UID)
_TO_PATHWAYS = Link(title="How do the pathways compare?", uid=links.PATHWAYS_UID)
_TO_TWIN = Link(title="Is the twin itself well?", uid=links.TWIN_UID)


def build() -> Dashboard:
    """The dashboard."""
    return board(
        uid=links.PILOT_UID,
        question="Is the pilot healthy?",
        reading="Green lights mean yes. Each leads to the dashboard that explains it; the tables name the homes and"
        " endpoints to look at first.",
        variables=[variables.pilot()],
        rows=[
            row(
                4,
                (4, _homes_stale()),
                (4, _endpoints_offline()),
                (4, _fresh_share()),
                (4, _voltage()),
                (4, _loading()),
                (4, _store()),
            ),
            row(9, (10, _head_power()), (7, _endpoints()), (7, _homes())),
            row(7, (10, _fresh_by_pathway()), (8, _events()), (6, _alerts())),
        ],
    )


def _homes_stale() -> PanelBuilder:
    return panels.figure(
        "Stale homes",
        "Homes with a device whose newest measurement is older than its pathway promises, or that have said nothing.",
        flux.newest("health_twin", "homes_stale"),
        unit=look.COUNT,
        limits=look.A_FEW_WRONG,
        links=[_TO_PATHWAYS],
        filled=True,
    )


def _endpoints_offline() -> PanelBuilder:
    return panels.figure(
        "Endpoints offline",
        "OEM clouds, gateways and HEMS that have said goodbye, were cut off, or were never heard of.",
        flux.newest("health_twin", "endpoints_offline"),
        unit=look.COUNT,
        limits=look.NONE_WRONG,
        links=[_TO_PATHWAYS],
        filled=True,
    )


def _fresh_share() -> PanelBuilder:
    return panels.figure(
        "Devices within their promise",
        "Share of all devices whose newest measurement is within the age that its pathway promises.",
        flux.newest("health_twin", "fresh_share"),
        unit=look.SHARE,
        limits=look.MOSTLY,
        links=[_TO_PATHWAYS],
        decimals=1,
        filled=True,
    )


def _voltage() -> PanelBuilder:
    return panels.figure(
        "Voltage, lowest and highest",
        "Extremes over all nodes and phases of all feeders. EN 50160 tolerates 0.90 to 1.10 pu.",
        flux.newest(
            "feeder",
            "v_min_pu",
            "v_max_pu",
            by=("feeder",),
            then=flux.steps(
                "group()",
                "reduce(identity: {lowest: 9.0, highest: 0.0}, fn: (r, accumulator) => ({lowest: if r.v_min_pu <"
                " accumulator.lowest then r.v_min_pu else accumulator.lowest, highest: if r.v_max_pu >"
                " accumulator.highest then r.v_max_pu else accumulator.highest}))",
            ),
        ),
        unit=look.PER_UNIT,
        limits=look.VOLTAGE,
        overrides=[look.named("lowest", "lowest"), look.named("highest", "highest")],
        links=[_TO_FEEDER],
        decimals=3,
        filled=True,
    )


def _loading() -> PanelBuilder:
    return panels.figure(
        "Transformer loading",
        "Apparent power of the most loaded service transformer as a share of its rating.",
        flux.newest(
            "feeder",
            "transformer_loading",
            by=("feeder",),
            then=flux.steps("group()", 'max(column: "transformer_loading")', 'keep(columns: ["transformer_loading"])'),
        ),
        unit=look.SHARE,
        limits=look.LOADING,
        links=[_TO_FEEDER],
        decimals=0,
        filled=True,
    )


def _store() -> PanelBuilder:
    return panels.figure(
        "History not written for",
        "How long the store has refused what the twin wants to write; nothing is lost while the spool has room."
        " Silent: the twin itself, or its way to the store, is down.",
        flux.newest("health_twin", "store_failing_s"),
        unit=look.SECONDS,
        limits=look.limits((1, look.WARN), (60, look.BAD)),
        links=[_TO_TWIN],
        decimals=0,
        filled=True,
    )


def _head_power() -> PanelBuilder:
    return panels.lines(
        "Power at the feeder head",
        "Active power through the service transformers, all feeders together; negative when the pilot feeds back.",
        flux.columns("feeder", "head_power_w", "losses_w", join="sum", gaps=True),
        unit=look.WATT,
        label="from the grid",
        overrides=[
            look.named("head_power_w", "Head power", look.ACCENT),
            look.named("losses_w", "Losses", look.WARN),
        ],
        links=[_TO_FEEDER],
        interval="5s",
        soft=(0, 0),
    )


def _fresh_by_pathway() -> PanelBuilder:
    return panels.lines(
        "Devices within their promise, by pathway",
        "Share of each pathway's devices whose newest measurement is as young as promised.",
        flux.columns("health_pathway", "within_promise_share", across="pathway", gaps=True),
        unit=look.SHARE,
        label="share of devices",
        limits=look.limits((0.98, look.GOOD), base=look.WARN),
        overrides=look.pathways(),
        links=[_TO_PATHWAYS],
        minimum=0,
        soft=(0, 1),
    )


def _endpoints() -> PanelBuilder:
    return panels.rows(
        "Endpoints, worst first",
        "Offline before online, then the oldest values. Ages run from measured to received.",
        flux.newest(
            "health_endpoint",
            "online",
            "age_p50_s",
            "messages_per_s",
            by=("endpoint",),
            then=flux.steps(
                'sort(columns: ["age_p50_s"], desc: true)',
                'sort(columns: ["online"])',
                'keep(columns: ["endpoint", "online", "age_p50_s", "messages_per_s"])',
                "limit(n: 100)",
            ),
        ),
        order=("endpoint", "online", "age_p50_s", "messages_per_s"),
        overrides=[
            look.named("endpoint", "Endpoint", "", leads_to(_TO_PATHWAYS), ("custom.width", 140)),
            ("online", (*panels.lamp("State", look.ONLINE), ("custom.width", 90))),
            look.named("age_p50_s", "Age, p50", "", ("unit", look.SECONDS), ("custom.width", 100)),
            look.named("messages_per_s", "Messages", "", ("unit", look.PER_SECOND), ("decimals", 2)),
        ],
    )


def _homes() -> PanelBuilder:
    return panels.rows(
        "Homes, stale first",
        "Click a home to see its devices.",
        flux.newest(
            "health_home",
            "fresh",
            "power_w",
            by=("home",),
            then=flux.steps('sort(columns: ["fresh", "home"])', 'keep(columns: ["home", "fresh", "power_w"])'),
        ),
        order=("home", "fresh", "power_w"),
        overrides=[
            look.named("home", "Home", "", leads_to(_TO_HOME)),
            ("fresh", panels.lamp("Values", look.FRESH)),
            look.named("power_w", "Power at the meter", "", ("unit", look.WATT)),
        ],
    )


def _events() -> PanelBuilder:
    return panels.rows(
        "Latest events",
        "What happened in the range, newest first.",
        flux.log(
            "event",
            "text",
            then=flux.steps(
                "group()",
                'sort(columns: ["_time"], desc: true)',
                "limit(n: 100)",
                'keep(columns: ["_time", "severity", "_value"])',
            ),
        ),
        order=("_time", "severity", "_value"),
        overrides=[
            look.named("_time", "Time", "", ("custom.width", 150)),
            ("severity", (*panels.lamp("Severity", look.SEVERITIES), ("custom.width", 100))),
            look.named("_value", "What happened"),
        ],
    )


def _alerts() -> PanelBuilder:
    return panels.alerts(
        "Alerts", "Rules that are pending or firing; each says what to do and leads to the panel that shows why."
    )
