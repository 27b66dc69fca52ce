"""The pilot as a whole: what is in it, how it is, its pathways, feeders, events and dead letters."""

import dataclasses
from collections import Counter
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query

from twin.console.api.convert import dead_letter_out, feeder_out, grid_out
from twin.console.api.known import Known
from twin.console.api.schema import (
    ConditionOut,
    DeadLettersOut,
    EndpointOut,
    EventOut,
    GridDetailOut,
    GridOut,
    OverviewOut,
    PathwayOut,
    PilotOut,
    Refused,
)
from twin.model.health import TwinHealth

Limit = Annotated[int, Query(ge=1, le=1_000, description="How many, newest first")]

router = APIRouter(tags=["pilot"])


@router.get("/pilot")
def get_pilot(views: Known) -> PilotOut:
    """Who and what is in the pilot."""
    pilot = views.sources.pilot
    return PilotOut(
        name=pilot.name,
        title=pilot.title,
        network=pilot.network.name,
        nodes=len(pilot.network.nodes),
        feeders=pilot.feeders,
        homes=len(pilot.homes),
        devices=len(pilot.devices),
        endpoints=len(pilot.endpoints),
        seed=pilot.seed,
    )


@router.get("/overview")
async def get_overview(views: Known) -> OverviewOut:
    """The whole pilot at a glance, with what is wrong now."""
    wrong = tuple(ConditionOut.model_validate(one) for one in views.conditions.get())
    return OverviewOut.model_validate(views.overview.get()).model_copy(update={"wrong_now": wrong})


@router.get("/health")
async def get_health(views: Known) -> TwinHealth:
    """How well the twin itself is."""
    return views.health.get()


@router.get("/summary")
def get_summary(views: Known) -> dict[str, Any]:
    """The run in figures, as `twin run --summary` writes them."""
    return dict(views.sources.summary())


@router.get("/pathways")
async def get_pathways(views: Known) -> list[PathwayOut]:
    """The pathways side by side, as measured."""
    counts = {row.pathway: Counter[str]() for row in views.pathways.get()}
    for record in views.commands.get():
        counts[views.sources.pilot.pathway(record.command.device)][record.state] += 1
    return [
        PathwayOut.model_validate(row).model_copy(update={"commands": counts[row.pathway]})
        for row in views.pathways.get()
    ]


@router.get("/endpoints")
def get_endpoints(views: Known) -> list[EndpointOut]:
    """Every endpoint: there or not, how much it says, how late."""
    state = views.sources.state
    return [EndpointOut.model_validate(state.endpoint(endpoint.id)) for endpoint in views.sources.pilot.endpoints]


@router.get("/grid")
def get_grid(views: Known) -> list[GridOut]:
    """The newest power flow of every feeder that has one."""
    return [feeder_out(report) for _, report in sorted(views.sources.state.grids.items())]


@router.get("/grid/{feeder}", responses={404: {"model": Refused}})
def get_feeder(views: Known, feeder: int) -> GridDetailOut:
    """One feeder with the voltage of every node."""
    feeders = views.sources.pilot.feeders
    if not 1 <= feeder <= feeders:
        raise HTTPException(404, f"there is no feeder {feeder}; this pilot has 1 to {feeders}")
    report = views.sources.state.grid(feeder - 1)
    if report is None:
        raise HTTPException(404, f"feeder {feeder} has no power flow yet")
    return grid_out(report, views.sources.pilot.network)


@router.get("/events")
def get_events(views: Known, limit: Limit = 100) -> list[EventOut]:
    """The latest events of this run, newest first; when there are fewer, older ones of history follow."""
    events = list(views.sources.state.events[:limit])
    if len(events) < limit:
        known = {dataclasses.astuple(event) for event in events}
        older = views.sources.history.recent_events(limit)
        events += [event for event in older if dataclasses.astuple(event) not in known]
    return [EventOut.model_validate(event) for event in events[:limit]]


@router.get("/dead-letters")
def get_dead_letters(views: Known, limit: Limit = 100) -> DeadLettersOut:
    """Messages that could not be taken."""
    recent = tuple(dead_letter_out(letter) for letter in views.sources.state.dead_letters[:limit])
    return DeadLettersOut(counts=views.sources.state.dead_letter_counts, recent=recent)
