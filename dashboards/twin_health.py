"""Is the twin itself well? Whether what the other dashboards show can be trusted."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards import flux, links, look, panels, variables
from dashboards.board import PanelBuilder, board, row
from twin.console.pages.health import BALANCE, LAG_P99_MS, UPDATE_P99_MS


def build() -> Dashboard:
    """The dashboard."""
    return board(
        uid=links.TWIN_UID,
        question="Is the twin itself well?",
        reading="Whether to trust the other dashboards: does the twin hear, keep time, keep up and write? Silent lights"
        " mean that no sample reached the store in the last minute and a half of the range.",
        variables=[variables.pilot()],
        rows=[
            row(
                4, (4, _bus()), (4, _writing()), (4, _missed()), (4, _lag_now()), (4, _update_now()), (4, _queue_now())
            ),
            row(8, (8, _lag()), (8, _update()), (8, _queue())),
            row(8, (8, _store()), (8, _dead_letters()), (8, _memory())),
            row(8, (10, _letters()), (7, _messages()), (7, _balance())),
        ],
    )


def _newest(*fields: str, then: str = "") -> str:
    return flux.newest("health_twin", *fields, then=then)


def _bus() -> PanelBuilder:
    return panels.figure(
        "Bus",
        "Whether the twin is connected to the broker.",
        _newest("bus_connected"),
        unit=look.COUNT,
        mappings=[look.words({"1": ("connected", look.GOOD), "0": ("away", look.BAD)})],
        limits=look.YES_OR_NO,
        filled=True,
    )


def _writing() -> PanelBuilder:
    return panels.figure(
        "Store failing for",
        "How long the store has refused what the twin wants to write; the spool on disk keeps it meanwhile.",
        _newest("store_failing_s"),
        unit=look.SECONDS,
        limits=look.limits((1, look.WARN), (60, look.BAD)),
        decimals=0,
        filled=True,
    )


def _missed() -> PanelBuilder:
    return panels.figure(
        "Missed deadlines in the range",
        "Steps of the simulated world that came later than their whole length. None in an all-live pilot.",
        flux.history(
            "health_twin",
            "missed_deadlines",
            fn="last",
            then=flux.steps('sort(columns: ["_time"])', "difference(nonNegative: true)", "sum()"),
        ),
        unit=look.COUNT,
        limits=look.NONE_WRONG,
        filled=True,
        silent="no world",
    )


def _lag_now() -> PanelBuilder:
    return panels.figure(
        "Lag of a step, p99",
        f"How late the world's steps are; the aim is under {LAG_P99_MS:.0f} ms.",
        _newest("lag_p99_ms"),
        unit=look.MILLISECONDS,
        limits=look.limits((LAG_P99_MS, look.WARN), (1_000, look.BAD)),
        decimals=1,
        filled=True,
        silent="no world",
    )


def _update_now() -> PanelBuilder:
    return panels.figure(
        "Wire to state, p99",
        f"From a message's arrival until the state shows it; the aim is under {UPDATE_P99_MS:.0f} ms.",
        _newest("update_latency_p99_ms"),
        unit=look.MILLISECONDS,
        limits=look.limits((UPDATE_P99_MS, look.WARN), (10 * UPDATE_P99_MS, look.BAD)),
        decimals=1,
        filled=True,
    )


def _queue_now() -> PanelBuilder:
    return panels.figure(
        "Queue of the ingest",
        "Messages that wait, as a share of what the queue takes before messages are refused.",
        _newest(
            "ingest_queue",
            "ingest_queue_limit",
            then=flux.steps(
                "map(fn: (r) => ({filled: if r.ingest_queue_limit > 0.0 then r.ingest_queue / r.ingest_queue_limit else"
                " 0.0}))"
            ),
        ),
        unit=look.SHARE,
        limits=look.limits((0.5, look.WARN), (0.8, look.BAD)),
        decimals=0,
        filled=True,
    )


def _history(*fields: str, fn: str = "mean") -> str:
    return flux.columns("health_twin", *fields, fn=fn, join=fn, gaps=True)


def _lag() -> PanelBuilder:
    return panels.lines(
        "Lag of the world's steps",
        "Over the latest steps. A step as late as its whole length misses its deadline.",
        _history("lag_p50_ms", "lag_p99_ms", "lag_max_ms", fn="max"),
        unit=look.MILLISECONDS,
        label="lag",
        limits=look.limits((LAG_P99_MS, look.WARN)),
        overrides=[
            look.named("lag_p50_ms", "p50", look.ACCENT),
            look.named("lag_p99_ms", "p99", look.WARN),
            look.named("lag_max_ms", "max", look.BAD, look.DASHED),
        ],
        logarithmic=True,
    )


def _update() -> PanelBuilder:
    return panels.lines(
        "Wire to state",
        "From a message's arrival in the twin until the state shows it.",
        _history("update_latency_p50_ms", "update_latency_p99_ms", fn="max"),
        unit=look.MILLISECONDS,
        label="latency",
        limits=look.limits((UPDATE_P99_MS, look.WARN)),
        overrides=[
            look.named("update_latency_p50_ms", "p50", look.ACCENT),
            look.named("update_latency_p99_ms", "p99", look.WARN),
        ],
        minimum=0,
    )


def _queue() -> PanelBuilder:
    return panels.lines(
        "Queue of the ingest, against its limit",
        "At the limit messages are refused as overflow and counted among the dead letters.",
        _history("ingest_queue", "ingest_queue_limit", fn="max"),
        unit=look.COUNT,
        label="messages",
        overrides=[
            look.named("ingest_queue", "waiting", look.ACCENT, ("custom.fillOpacity", 20)),
            look.named("ingest_queue_limit", "limit", look.BAD, look.DASHED),
        ],
        minimum=0,
    )


def _store() -> PanelBuilder:
    return panels.lines(
        "Waiting for the store",
        "Rows safe in the spool and not yet in the store; on the right the spool's size on disk and how long a write"
        " takes, p99.",
        _history("store_pending", "store_spool_bytes", "store_write_p99_ms", fn="max"),
        unit=look.COUNT,
        label="rows",
        overrides=[
            look.named("store_pending", "rows waiting", look.ACCENT, ("custom.fillOpacity", 20)),
            look.named("store_spool_bytes", "spool on disk", look.MUTE, ("unit", look.BYTES), *look.right("on disk")),
            look.named(
                "store_write_p99_ms",
                "write, p99",
                look.WARN,
                ("unit", look.MILLISECONDS),
                *look.right("write"),
                look.DASHED,
            ),
        ],
        minimum=0,
    )


def _dead_letters() -> PanelBuilder:
    return panels.lines(
        "Dead letters, by reason",
        "Messages, or single readings in them, that were refused; the table below says what was wrong with each.",
        flux.log(
            "dead_letter",
            "detail",
            then=flux.steps(
                "map(fn: (r) => ({r with _value: 1}))",
                'group(columns: ["reason"])',
                'aggregateWindow(every: v.windowPeriod, fn: sum, createEmpty: true, timeSrc: "_start")',
            ),
        ),
        unit=look.COUNT,
        label="refused",
        name="${__field.labels.reason}",
        minimum=0,
        stacked=True,
        bars=True,
        interval="30s",
    )


def _memory() -> PanelBuilder:
    return panels.lines(
        "Memory of the twin",
        "Resident; it should be level once the pilot runs.",
        _history("memory_bytes", fn="max"),
        unit=look.BYTES,
        label="resident",
        overrides=[look.named("memory_bytes", "memory", look.ACCENT)],
        minimum=0,
    )


def _letters() -> PanelBuilder:
    return panels.rows(
        "Latest dead letters",
        "What was refused, where it came from and why. The console keeps their first bytes.",
        flux.log(
            "dead_letter",
            "topic",
            "detail",
            then=flux.steps(
                'pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")',
                "group()",
                'sort(columns: ["_time"], desc: true)',
                "limit(n: 100)",
                'keep(columns: ["_time", "reason", "topic", "detail"])',
            ),
        ),
        order=("_time", "reason", "topic", "detail"),
        overrides=[
            look.named("_time", "Time", "", ("custom.width", 150)),
            look.named("reason", "Reason", look.WARN, ("custom.width", 130)),
            look.named("topic", "Topic"),
            look.named("detail", "What was wrong"),
        ],
    )


def _messages() -> PanelBuilder:
    counted = ("messages", "twin_updates", "duplicates")
    return panels.lines(
        "Messages and updates",
        "Per second: messages heard, updates of devices' twins, repeats dropped.",
        flux.columns(
            "health_twin",
            *counted,
            fn="last",
            join="last",
            then=flux.steps(
                "derivative(unit: 1s, nonNegative: true, columns: [" + ", ".join(f'"{name}"' for name in counted) + "])"
            ),
        ),
        unit="cps",
        label="per second",
        overrides=[
            look.named("messages", "messages", look.ACCENT),
            look.named("twin_updates", "updates of twins", "#67b2ec"),
            look.named("duplicates", "repeats", look.MUTE),
        ],
        minimum=0,
    )


def _balance() -> PanelBuilder:
    return panels.lines(
        "Energy balance error",
        f"Energy at the feeder head against meters and losses, relative; the aim is under {BALANCE:.0e}.",
        _history("energy_balance_error", fn="max"),
        unit="sci",
        label="relative",
        limits=look.limits((BALANCE, look.BAD)),
        overrides=[look.named("energy_balance_error", "error", look.ACCENT)],
        minimum=0,
    )
