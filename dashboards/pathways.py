"""How do the pathways compare right now? What reaching a device costs over each of them, measured the same way."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards import flux, links, look, panels, variables
from dashboards.board import PanelBuilder, board, row
from dashboards.links import Link, leads_to

_TO_COMMANDS = Link(title="What was commanded?", uid=links.COMMANDS_UID, variables="var-pathway=${__field.name}")
_OF_ROW = Link(title="Commands over it", uid=links.COMMANDS_UID, variables=links.of_field("Pathway", "pathway"))

_COLUMNS = (
    ("availability", "Availability", look.SHARE, 1),
    ("within_promise_share", "Within promise", look.SHARE, 1),
    ("age_p50_s", "Age, p50", look.SECONDS, 0),
    ("age_max_s", "Age, max", look.SECONDS, 0),
    ("latency_p99_ms", "Latency, p99", look.MILLISECONDS, 0),
    ("command_ack_p50_ms", "Ack, p50", look.MILLISECONDS, 0),
    ("command_ack_p99_ms", "Ack, p99", look.MILLISECONDS, 0),
    ("command_verified_p50_ms", "Verified, p50", look.MILLISECONDS, 0),
    ("messages_per_s", "Messages", look.PER_SECOND, 2),
    ("devices_reporting", "Devices", look.COUNT, 0),
    ("homes", "Homes", look.COUNT, 0),
    ("commands", "Commands", look.COUNT, 0),
    ("commands_failed", "Failed", look.COUNT, 0),
    ("dead_letters", "Dead letters", look.COUNT, 0),
)


def build() -> Dashboard:
    """The dashboard."""
    return board(
        uid=links.PATHWAYS_UID,
        question="How do the pathways compare right now?",
        reading="OEM clouds, gateways and home energy management systems, each in its colour; times on logarithmic"
        " axes. Less is better, but for availability, promises kept and messages. Counts are since the twin's start.",
        variables=[variables.pilot()],
        rows=[
            row(5, (24, _table())),
            row(8, (8, _acknowledged()), (8, _verified()), (8, _ages())),
            row(8, (8, _availability()), (8, _latency()), (8, _messages())),
            row(8, (12, _kept()), (12, _refused())),
        ],
    )


def _table() -> PanelBuilder:
    titles = [
        look.named(field, title, "", ("unit", unit), ("decimals", digits)) for field, title, unit, digits in _COLUMNS
    ]
    return panels.rows(
        "Right now",
        "One row per pathway. Ages are of the newest values at this moment; latencies are over the latest messages and"
        " commands.",
        flux.newest(
            "health_pathway",
            *(field for field, *_ in _COLUMNS),
            by=("pathway",),
            then='  |> sort(columns: ["pathway"])',
        ),
        order=("pathway", *(field for field, *_ in _COLUMNS)),
        overrides=[("pathway", (*panels.lamp("Pathway", look.PATHWAYS), leads_to(_OF_ROW))), *titles],
    )


def _over_time(
    title: str,
    about: str,
    field: str,
    unit: str,
    label: str,
    *,
    maximum: float | None = None,
    decimals: int | None = None,
    logarithmic: bool = False,
) -> PanelBuilder:
    return panels.lines(
        title,
        about,
        flux.columns("health_pathway", field, across="pathway", gaps=True),
        unit=unit,
        label=label,
        overrides=look.pathways(),
        minimum=None if logarithmic else 0,
        soft=None if maximum is None else (0, maximum),
        decimals=decimals,
        logarithmic=logarithmic,
    )


def _paired(title: str, about: str, fields: tuple[str, str], unit: str, label: str) -> PanelBuilder:
    """The median as a line and the worst as a dashed one, for each pathway."""
    usual, worst = fields
    dashed = [
        look.named(f"{name}_worst", f"{words}, {worst.rsplit('_', 2)[1]}", colour, look.DASHED)
        for name, words, colour in look.pathway_names()
    ]
    plain = [
        look.named(name, f"{words}, {usual.rsplit('_', 2)[1]}", colour) for name, words, colour in look.pathway_names()
    ]
    renamed = 'rename(fn: (column) => if column == "_time" then column else column + "_worst")'
    return panels.lines(
        title,
        about,
        flux.columns("health_pathway", usual, across="pathway", gaps=True),
        flux.columns(
            "health_pathway", worst, across="pathway", fn="max", join="max", gaps=True, then=f"  |> {renamed}"
        ),
        unit=unit,
        label=label,
        overrides=[*plain, *dashed],
        links=[_TO_COMMANDS] if worst.startswith("command") else [],
        logarithmic=True,
    )


def _acknowledged() -> PanelBuilder:
    return _paired(
        "Commands: asked until acknowledged",
        "Until the endpoint has taken the command; median, and dashed the 99th percentile.",
        ("command_ack_p50_ms", "command_ack_p99_ms"),
        look.MILLISECONDS,
        "since asked",
    )


def _verified() -> PanelBuilder:
    return _over_time(
        "Commands: asked until verified, p50",
        "Until the home's own meter agrees: what counts on the feeder.",
        "command_verified_p50_ms",
        look.MILLISECONDS,
        "since asked",
        logarithmic=True,
    )


def _ages() -> PanelBuilder:
    return _paired(
        "Age of the newest values",
        "Now minus measured; median over the devices, and dashed the oldest.",
        ("age_p50_s", "age_max_s"),
        look.SECONDS,
        "age",
    )


def _availability() -> PanelBuilder:
    return _over_time(
        "Availability",
        "Share of the pathway's endpoints that are online.",
        "availability",
        look.SHARE,
        "endpoints online",
        maximum=1,
        decimals=0,
    )


def _latency() -> PanelBuilder:
    return _paired(
        "Latency of messages",
        "Received minus published; median, and dashed the 99th percentile.",
        ("latency_p50_ms", "latency_p99_ms"),
        look.MILLISECONDS,
        "latency",
    )


def _messages() -> PanelBuilder:
    return _over_time(
        "Messages",
        "Telemetry messages taken per second.",
        "messages_per_s",
        look.PER_SECOND,
        "messages",
    )


def _kept() -> PanelBuilder:
    return _over_time(
        "Promises kept",
        "Share of devices whose newest value is as young as the pathway promises.",
        "within_promise_share",
        look.SHARE,
        "share of devices",
        maximum=1,
        decimals=1,
    )


def _refused() -> PanelBuilder:
    return panels.lines(
        "Refused or repeated",
        "New dead letters per window; the twin's own dashboard says why they were refused.",
        flux.columns(
            "health_pathway",
            "dead_letters",
            across="pathway",
            fn="last",
            join="last",
            then='  |> difference(columns: ["oem", "gateway", "hems"], nonNegative: true)',
        ),
        unit=look.COUNT,
        label="dead letters",
        overrides=look.pathways(),
        links=[Link(title="Is the twin itself well?", uid=links.TWIN_UID)],
        minimum=0,
        bars=True,
        interval="30s",
    )
