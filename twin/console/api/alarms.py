"""Alarms: what stands, and that somebody has seen it."""

from contextlib import suppress

from fastapi import APIRouter, HTTPException

from twin.console.api.convert import alarm_out
from twin.console.api.known import Known
from twin.console.api.schema import AcknowledgeIn, AlarmOut, AlarmsOut, Refused

router = APIRouter(tags=["alarms"])


@router.get("/alarms")
def get_alarms(views: Known) -> AlarmsOut:
    """Alarms that stand or wait to be seen, and the latest that are over."""
    desk = views.sources.alarms
    if desk is None:
        return AlarmsOut(open=(), ended=())
    return AlarmsOut(open=tuple(map(alarm_out, desk.open())), ended=tuple(map(alarm_out, desk.ended())))


@router.post("/alarms/{alarm}/acknowledge", responses={404: {"model": Refused}})
def acknowledge(views: Known, alarm: str, given: AcknowledgeIn) -> AlarmOut:
    """Note that somebody has seen it; a second time changes nothing."""
    desk = views.sources.alarms
    if desk is not None:
        with suppress(KeyError):
            now = views.sources.clock.now()
            return alarm_out(desk.acknowledge(alarm, by=given.by, comment=given.comment, now=now))
    raise HTTPException(404, f"no alarm {alarm!r} is open; see /api/v1/alarms")
