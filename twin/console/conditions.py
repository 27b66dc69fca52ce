"""What is wrong right now, in words, with where to look: the open alarms of the pilot.

Judged from the present state, not from the list of events: a thing that has healed is gone from here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from twin.console.drawing import VOLTAGE_HIGH_PU, VOLTAGE_LOW_PU
from twin.console.words import PATHWAY_NAMES, age, moment, percent, plural
from twin.model.device import Pathway
from twin.model.event import Severity
from twin.model.health import TwinHealth
from twin.state.aggregate import Overview, PathwayRow
from twin.state.columns import PATHWAY_CODES
from twin.state.registry import PilotState

FULL_LOAD = 1.0
_NAMED = 3  # up to so many stale devices of a pathway are named one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One thing that is wrong: how urgent, what, in words what to make of it, and the page that shows it."""

    severity: Severity
    subject: str
    text: str
    page: str


def conditions(
    state: PilotState,
    now: Overview,
    pathways: Sequence[PathwayRow],
    health: TwinHealth,
    *,
    judge_ages: bool = True,
) -> Sequence[Condition]:
    """Everything that is wrong now, alarms first. Ages say nothing while time runs faster than the devices report."""
    found = [*_twin(health), *_grid(now), *_endpoints(pathways), *(_stale(state, now) if judge_ages else ())]
    return sorted(found, key=lambda one: one.severity is not Severity.ALARM)


def _twin(health: TwinHealth) -> Iterator[Condition]:
    if not health.bus_connected:
        yield Condition(
            severity=Severity.ALARM, subject="Bus", text="no broker answers; the twin keeps trying", page="/health"
        )
    if health.store.failing_since is not None:
        since = moment(health.store.failing_since)
        yield Condition(
            severity=Severity.ALARM,
            subject="Store",
            text=f"not writing since {since} UTC: {health.store.last_error}",
            page="/health",
        )


def _grid(now: Overview) -> Iterator[Condition]:
    if now.transformer_loading is not None and now.transformer_loading > FULL_LOAD:
        text = f"loaded to {percent(now.transformer_loading)} of its rating"
        yield Condition(severity=Severity.ALARM, subject="Transformer", text=text, page="/feeder")
    if now.v_min_pu is not None and now.v_min_pu < VOLTAGE_LOW_PU:
        text = f"lowest {now.v_min_pu:.3f} pu is under {VOLTAGE_LOW_PU:.2f}"
        yield Condition(severity=Severity.ALARM, subject="Voltage", text=text, page="/feeder")
    if now.v_max_pu is not None and now.v_max_pu > VOLTAGE_HIGH_PU:
        text = f"highest {now.v_max_pu:.3f} pu is over {VOLTAGE_HIGH_PU:.2f}"
        yield Condition(severity=Severity.ALARM, subject="Voltage", text=text, page="/feeder")


def _endpoints(pathways: Sequence[PathwayRow]) -> Iterator[Condition]:
    for row in pathways:
        missing = row.endpoints - row.endpoints_online
        if missing:
            of = plural(row.endpoints, "endpoint")
            text = f"{missing} of {of} offline" if row.messages else f"nothing heard yet from {of}"
            subject = PATHWAY_NAMES[row.pathway]
            yield Condition(severity=Severity.WARNING, subject=subject, text=text, page="/pathways")


def _stale(state: PilotState, now: Overview) -> Iterator[Condition]:
    columns = state.columns
    ages_s = columns.age_s(now.at)
    stale = ages_s > columns.max_age_s
    for pathway in Pathway:
        rows = np.flatnonzero(stale & (columns.pathway == PATHWAY_CODES[pathway]))
        if rows.size > _NAMED:
            oldest = age(float(ages_s[rows].max()))
            text = f"{rows.size} devices older than promised, the oldest {oldest}"
            yield Condition(severity=Severity.WARNING, subject=PATHWAY_NAMES[pathway], text=text, page="/pathways")
            continue
        for row in rows:
            device = columns.ids[row]
            text = f"measured {age(float(ages_s[row]))} ago; promised within {age(float(columns.max_age_s[row]))}"
            page = f"/homes/{state.pilot.device[device].home}"
            yield Condition(severity=Severity.WARNING, subject=device, text=text, page=page)
