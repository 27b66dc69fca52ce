"""What is wrong right now, in words, with what to do and where to look: what alarms are raised from.

Judged from the present state, not from the list of events: a thing that has healed is gone from here.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from twin.console.drawing import VOLTAGE_HIGH_PU, VOLTAGE_LOW_PU
from twin.console.words import PATHWAY_NAMES, age, milliseconds, moment, percent, plural
from twin.model.alarm import Condition
from twin.model.device import Pathway
from twin.model.event import Severity
from twin.model.health import TwinHealth, fault_text
from twin.state.aggregate import Overview, PathwayRow
from twin.state.columns import PATHWAY_CODES
from twin.state.registry import PilotState

FULL_LOAD = 1.0
_NAMED = 3  # up to so many stale devices or lost endpoints of a pathway are named one by one
_LATE_MS = 500.0  # half a step of one second: the world has no room left


def conditions(
    state: PilotState,
    now: Overview,
    pathways: Sequence[PathwayRow],
    health: TwinHealth,
    *,
    judge_ages: bool = True,
) -> Sequence[Condition]:
    """Everything that is wrong now, alarms first. Ages say nothing while time runs faster than the devices report."""
    found = [
        *_twin(health),
        *_grid(now),
        *_lines(state),
        *_endpoints(state, pathways),
        *(_stale(state, now) if judge_ages else ()),
    ]
    return sorted(found, key=lambda one: one.severity is not Severity.ALARM)


def _twin(health: TwinHealth) -> Iterator[Condition]:
    if not health.bus_connected:
        yield Condition(
            kind="bus-lost",
            severity=Severity.ALARM,
            subject="Bus",
            text="no broker answers; the twin keeps trying",
            advice="See that the broker runs and that its address, certificate and credentials are right.",
            page="/health",
        )
    if health.store.failing_since is not None:
        since = moment(health.store.failing_since)
        yield Condition(
            kind="store-failing",
            severity=Severity.ALARM,
            subject="Store",
            text=f"not writing since {since} UTC: {health.store.last_error}",
            advice="Mend what the message names; what comes meanwhile waits on disk and is written afterwards.",
            page="/health",
        )
    if health.world is not None and health.world.lag_ms.p99 > _LATE_MS:
        yield Condition(
            kind="world-late",
            severity=Severity.WARNING,
            subject="World",
            text=f"the simulated world lags {milliseconds(health.world.lag_ms.p99)} (p99) behind the clock",
            advice="Free the processor, run fewer homes, or lower --speed.",
            page="/health",
        )
    for fault in (health.world.model_faults if health.world is not None else ())[:_NAMED]:
        yield Condition(
            kind="device-model-failed",
            severity=Severity.ALARM if fault.given_up else Severity.WARNING,
            subject=", ".join(fault.devices[:_NAMED]) + (" …" if len(fault.devices) > _NAMED else ""),
            text=fault_text(fault),
            advice="The devices report nothing meanwhile; look at the maker's model with `twin fmu check`.",
            page="/health",
        )


def _grid(now: Overview) -> Iterator[Condition]:
    if now.transformer_loading is not None and now.transformer_loading > FULL_LOAD:
        yield Condition(
            kind="transformer-overloaded",
            severity=Severity.ALARM,
            subject="Transformer",
            text=f"loaded to {percent(now.transformer_loading)} of its rating",
            advice="Shed or shift load on this feeder: batteries to discharge, chargers to a lower limit.",
            page="/feeder",
        )
    if now.v_min_pu is not None and now.v_min_pu < VOLTAGE_LOW_PU:
        yield Condition(
            kind="voltage-low",
            severity=Severity.ALARM,
            subject="Voltage",
            text=f"lowest {now.v_min_pu:.3f} pu is under {VOLTAGE_LOW_PU:.2f}",
            advice="Find the node on the feeder's picture; lower demand on its phase.",
            page="/feeder",
        )
    if now.v_max_pu is not None and now.v_max_pu > VOLTAGE_HIGH_PU:
        yield Condition(
            kind="voltage-high",
            severity=Severity.ALARM,
            subject="Voltage",
            text=f"highest {now.v_max_pu:.3f} pu is over {VOLTAGE_HIGH_PU:.2f}",
            advice="Find the node on the feeder's picture; limit solar or charge batteries on its phase.",
            page="/feeder",
        )


def _lines(state: PilotState) -> Iterator[Condition]:
    loading = max((grid.line_loading for grid in state.grids.values()), default=0.0)
    if loading > FULL_LOAD:
        yield Condition(
            kind="line-overloaded",
            severity=Severity.WARNING,
            subject="Line",
            text=f"the most loaded one carries {percent(loading)} of its rating",
            advice="See which homes send or draw most; limit solar or charging there if it lasts.",
            page="/feeder",
        )


def _endpoints(state: PilotState, pathways: Sequence[PathwayRow]) -> Iterator[Condition]:
    advice = "Look at the endpoint's page: when it was last heard, and whether its session or its credentials changed."
    for row in pathways:
        missing = row.endpoints - row.endpoints_online
        if not missing:
            continue
        lost = [
            endpoint.id
            for endpoint in state.pilot.endpoints
            if endpoint.pathway is row.pathway and not state.online(endpoint.id)
        ]
        if row.messages and len(lost) <= _NAMED:
            for endpoint in lost:
                yield Condition(
                    kind="endpoint-offline",
                    severity=Severity.WARNING,
                    subject=endpoint,
                    text=f"{PATHWAY_NAMES[row.pathway]} endpoint is offline"
                    if state.online(endpoint) is False
                    else f"nothing heard yet from this {PATHWAY_NAMES[row.pathway]} endpoint",
                    advice=advice,
                    page=f"/endpoints/{endpoint}",
                )
            continue
        of = plural(row.endpoints, "endpoint")
        yield Condition(
            kind="endpoints-offline",
            severity=Severity.WARNING,
            subject=PATHWAY_NAMES[row.pathway],
            text=f"{missing} of {of} offline" if row.messages else f"nothing heard yet from {of}",
            advice="Look at the pathway's endpoints: many lost at once share a cause, such as a network or a cloud.",
            page="/pathways",
        )


def _stale(state: PilotState, now: Overview) -> Iterator[Condition]:
    columns = state.columns
    ages_s = columns.age_s(now.at)
    stale = ages_s > columns.max_age_s
    for pathway in Pathway:
        rows = np.flatnonzero(stale & (columns.pathway == PATHWAY_CODES[pathway]))
        if rows.size > _NAMED:
            oldest = age(float(ages_s[rows].max()))
            yield Condition(
                kind="devices-stale",
                severity=Severity.WARNING,
                subject=PATHWAY_NAMES[pathway],
                text=f"{rows.size} devices older than promised, the oldest {oldest}",
                advice="See whether the pathway's endpoints are online, and how old what they send is.",
                page="/pathways",
            )
            continue
        for row in rows:
            device = columns.ids[row]
            yield Condition(
                kind="device-stale",
                severity=Severity.WARNING,
                subject=device,
                text=f"measured {age(float(ages_s[row]))} ago; promised within {age(float(columns.max_age_s[row]))}",
                advice="See whether its endpoint still speaks for it; the device may be off or unreachable on site.",
                page=f"/homes/{state.pilot.device[device].home}",
            )
