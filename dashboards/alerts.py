"""When Grafana calls an operator: six rules, each for as long as it takes to be no accident, saying what to do.

Whom they reach is the operator's choice: no contact point is made here. A rule leads to the panel that shows why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import alerting, expr
from grafana_foundation_sdk.models.alerting import RelativeTimeRange
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards import feeder, flux, pilot, twin_health
from dashboards.board import panel_ids
from dashboards.source import UID
from twin.console.conditions import FULL_LOAD
from twin.console.drawing import VOLTAGE_HIGH_PU, VOLTAGE_LOW_PU

FOLDER = "Hearthgrid"
GROUP = "hearthgrid"
EVERY = "30s"
LOOKED_BACK_S = 300
_EXPRESSION = "__expr__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One rule: fires when the newest value of a series of `query` is over or under `limit` for `lasting`.

    `query` gives one series per label set with `_time` and `_value`; its labels tell the alerts of a rule apart.
    `no_data` is what silence means: for most rules nothing, as one rule calls when nothing is written at all.
    """

    uid: str
    title: str
    severity: str
    query: str
    comparison: str  # gt or lt
    limit: float
    lasting: str
    summary: str
    action: str
    board: Dashboard
    panel: str
    no_data: str = "OK"
    looked_back_s: int = LOOKED_BACK_S


def _samples(measurement: str, field: str, *labels: str, then: Sequence[str] = ()) -> str:
    kept = ", ".join(f'"{name}"' for name in ("_time", "_value", "pilot", *labels))
    grouped = ", ".join(f'"{name}"' for name in ("pilot", *labels))
    return f"""from(bucket: v.defaultBucket)
  |> {flux.RANGE}
  |> filter(fn: (r) => r._measurement == "{measurement}")
  |> filter(fn: (r) => r._field == "{field}")
  |> keep(columns: [{kept}])
  |> group(columns: [{grouped}])
  |> sort(columns: ["_time"]){"".join(f"{chr(10)}  |> {call}" for call in then)}
"""


def _outside_band() -> str:
    return f"""from(bucket: v.defaultBucket)
  |> {flux.RANGE}
  |> filter(fn: (r) => r._measurement == "feeder")
  |> filter(fn: (r) => r._field == "v_min_pu" or r._field == "v_max_pu")
  |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
  |> map(fn: (r) => ({{r with _value: if r.v_min_pu < {VOLTAGE_LOW_PU} then {VOLTAGE_LOW_PU} - r.v_min_pu else
       if r.v_max_pu > {VOLTAGE_HIGH_PU} then r.v_max_pu - {VOLTAGE_HIGH_PU} else 0.0}}))
  |> keep(columns: ["_time", "_value", "pilot", "feeder"])
  |> group(columns: ["pilot", "feeder"])
  |> sort(columns: ["_time"])
"""


def every() -> Sequence[Alert]:
    """All rules, in the order in which an operator would want to know."""
    health, grid, twin = pilot.build(), feeder.build(), twin_health.build()
    return (
        Alert(
            uid="hearthgrid-store-not-writing",
            title="Store not writing",
            severity="critical",
            query=_samples("health_twin", "store_failing_s"),
            comparison="gt",
            limit=60,
            lasting="1m",
            no_data="Alerting",
            looked_back_s=120,
            summary="Nothing the twin measures is reaching history.",
            action="If samples are missing altogether, check that the twin runs and that InfluxDB answers. Else read"
            " the last error on the console's page Twin health: a full disk, a wrong token, a bucket that is gone."
            " The spool keeps everything meanwhile; watch how much room it has.",
            board=twin,
            panel="Waiting for the store",
        ),
        Alert(
            uid="hearthgrid-transformer-overloaded",
            title="Transformer over 100 %",
            severity="critical",
            query=_samples("feeder", "transformer_loading", "feeder"),
            comparison="gt",
            limit=FULL_LOAD,
            lasting="5m",
            summary="The service transformer of feeder {{ $labels.feeder }} carries more than its rating.",
            action="See by phase and by kind of device what draws it. Ask chargers and heat pumps on this feeder for"
            " less, or batteries for more; tell the grid's operation when it lasts longer than the transformer's"
            " short-time rating allows.",
            board=grid,
            panel="Transformer and line loading",
        ),
        Alert(
            uid="hearthgrid-voltage-out-of-band",
            title="Voltage out of band",
            severity="critical",
            query=_outside_band(),
            comparison="gt",
            limit=0,
            lasting="2m",
            summary="A node of feeder {{ $labels.feeder }} is outside"
            f" {VOLTAGE_LOW_PU:.2f} to {VOLTAGE_HIGH_PU:.2f} pu.",
            action="Find the node and its phase on the voltage map. Low: ask the devices behind it for less. High:"
            " check that volt-var and volt-watt are on, then limit generation. EN 50160 tolerates 0.90 to 1.10 pu.",
            board=grid,
            panel="Lowest and highest voltage",
        ),
        Alert(
            uid="hearthgrid-missed-deadlines",
            title="Missed deadlines",
            severity="warning",
            query=_samples(
                "health_twin",
                "missed_deadlines",
                then=("difference(nonNegative: true)", "cumulativeSum()"),
            ),
            comparison="gt",
            limit=0,
            lasting="1m",
            summary="Steps of the simulated world come later than their whole length.",
            action="Look for what else uses the machine, and at the lag: if its median has grown too, the pilot is too"
            " big for the machine; if only its maximum, something held it up for a moment.",
            board=twin,
            panel="Lag of the world's steps",
        ),
        Alert(
            uid="hearthgrid-endpoint-offline",
            title="Endpoint offline",
            severity="warning",
            query=_samples("health_endpoint", "online", "endpoint"),
            comparison="lt",
            limit=1,
            lasting="2m",
            summary="Endpoint {{ $labels.endpoint }} is offline; its homes are neither seen nor reached over it.",
            action="Check the endpoint's own status page or box, then its credentials at the broker. Commands to its"
            " devices end as unreachable until it is back; it fills in what it buffered.",
            board=health,
            panel="Endpoints, worst first",
        ),
        Alert(
            uid="hearthgrid-home-stale",
            title="Stale home",
            severity="warning",
            query=_samples("health_home", "fresh", "home"),
            comparison="lt",
            limit=1,
            lasting="10m",
            summary="Home {{ $labels.home }} has values older than its pathway promises.",
            action="Open the home to see which device is silent. If the whole endpoint is offline, deal with that"
            " first. One device alone: its own connection or its maker's cloud.",
            board=health,
            panel="Homes, stale first",
        ),
    )


def provisioning() -> dict[str, object]:
    """The rules as Grafana reads them at its start."""
    return {
        "apiVersion": 1,
        "groups": [
            {
                "orgId": 1,
                "name": GROUP,
                "folder": FOLDER,
                "interval": EVERY,
                "rules": [_rule(alert) for alert in every()],
            }
        ],
    }


def _rule(alert: Alert) -> Mapping[str, object]:
    looked_back = RelativeTimeRange(from_val=alert.looked_back_s, to=0)
    asked = alerting.Query("A").datasource_uid(UID).model(flux.Flux(alert.query)).relative_time_range(looked_back)
    newest = expr.TypeReduce().ref_id("B").expression("A").reducer("last").datasource(_expressions())
    evaluator = expr.ExprTypeThresholdConditionsEvaluator().params([alert.limit])
    evaluator.type("gt" if alert.comparison == "gt" else "lt")
    passed = expr.TypeThreshold().ref_id("C").expression("B").datasource(_expressions())
    passed.conditions([expr.ExprTypeThresholdConditions().evaluator(evaluator)])
    number = panel_ids(alert.board)[alert.panel]
    rule = (
        alerting.Rule(alert.title)
        .uid(alert.uid)
        .condition("C")
        .queries([asked, *(_expression(name, model) for name, model in (("B", newest), ("C", passed)))])
        .for_val(alert.lasting)
        .no_data_state("Alerting" if alert.no_data == "Alerting" else "OK")
        .exec_err_state("Error")
        .labels({"severity": alert.severity, "service": "hearthgrid"})
        .annotations(
            {
                "summary": alert.summary,
                "description": alert.action,
                "__dashboardUid__": alert.board.uid or "",
                "__panelId__": str(number),
            }
        )
    ).build()
    built = rule.to_json()
    kept = ("uid", "title", "condition", "data", "noDataState", "execErrState", "for", "annotations", "labels")
    return {**{name: built[name] for name in kept}, "dashboardUid": alert.board.uid, "panelId": number}


def _expression(name: str, model: expr.TypeReduce | expr.TypeThreshold) -> alerting.Query:
    return alerting.Query(name).datasource_uid(_EXPRESSION).model(model)


def _expressions() -> DataSourceRef:
    return DataSourceRef(type_val=_EXPRESSION, uid=_EXPRESSION)
