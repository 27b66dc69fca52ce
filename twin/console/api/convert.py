"""From the twin's objects to what the API sends."""

import math
from datetime import datetime

from twin.console.api.schema import (
    AlarmOut,
    CommandOut,
    ControlOut,
    DeadLetterOut,
    DesiredOut,
    DeviceOut,
    GridDetailOut,
    GridOut,
    HomeOut,
    HomeRowOut,
    SeriesOut,
    StepOut,
)
from twin.console.views import HomeRow
from twin.model.alarm import Alarm
from twin.model.command import CommandRecord
from twin.model.event import DeadLetter
from twin.model.network import Network
from twin.model.quantity import QUANTITIES
from twin.model.telemetry import GridReport, Series
from twin.state.aggregate import HomeView
from twin.state.device_twin import DeviceTwin, freshness


def device_out(twin: DeviceTwin, now: datetime) -> DeviceOut:
    """A device as it is at `now`."""
    fresh = freshness(twin, now)
    return DeviceOut(
        id=twin.id,
        kind=twin.kind,
        home=twin.home,
        endpoint=twin.endpoint,
        pathway=twin.pathway,
        source=twin.source,
        ratings=twin.device.ratings,
        reported=twin.reported,
        desired={name: DesiredOut.model_validate(wish) for name, wish in twin.desired.items()},
        controls={name: ControlOut.model_validate(QUANTITIES[name]) for name in twin.device.controls},
        quality=twin.quality,
        measured_at=twin.measured_at,
        published_at=twin.published_at,
        received_at=twin.received_at,
        age_s=None if fresh.never else fresh.age_s,
        promised_age_s=twin.max_age_s,
        stale=fresh.stale,
    )


def home_row_out(row: HomeRow) -> HomeRowOut:
    """A line of the list of homes."""
    return HomeRowOut(
        id=row.home.id,
        feeder=row.home.feeder + 1,
        connection_point=row.home.connection_point,
        phases=row.home.phases,
        pathways=row.pathways,
        power_w=row.power_w,
        age_s=row.age_s,
        fresh=row.fresh,
        stale=row.stale,
        waiting=row.waiting,
    )


def home_out(view: HomeView) -> HomeOut:
    """A home with its devices."""
    return HomeOut(
        id=view.home.id,
        feeder=view.home.feeder + 1,
        connection_point=view.home.connection_point,
        phases=view.home.phases,
        occupants=view.home.occupants,
        pathways=view.pathways,
        power_w=view.power_w,
        unmetered_w=view.unmetered_w,
        devices=tuple(device_out(one.twin, view.at) for one in view.devices),
    )


def series_out(device: str, quantity: str, series: Series, start: datetime, end: datetime) -> SeriesOut:
    """A series of one device; what is not a number is null."""
    return SeriesOut(
        device=device,
        quantity=quantity,
        unit=QUANTITIES[quantity].unit,
        start=start,
        end=end,
        times=tuple(series.times),
        values=tuple(value if math.isfinite(value) else None for value in series.values),
    )


def feeder_out(report: GridReport) -> GridOut:
    """A feeder without its nodes; feeders count from 1, as in the pilot file."""
    fields = {name: getattr(report, name) for name in GridOut.model_fields}
    return GridOut.model_validate({**fields, "feeder": report.feeder + 1})


def grid_out(report: GridReport, network: Network) -> GridDetailOut:
    """A feeder with its node voltages by node id."""
    nodes = (node.id for node in network.nodes)
    voltages = dict(zip(nodes, report.node_voltage_pu, strict=True)) if report.node_voltage_pu else {}
    return GridDetailOut(**feeder_out(report).model_dump(), node_voltage_pu=voltages)


def alarm_out(alarm: Alarm) -> AlarmOut:
    """An alarm with its condition's own words."""
    condition = alarm.condition
    return AlarmOut(
        id=alarm.id,
        severity=condition.severity,
        kind=condition.kind,
        subject=condition.subject,
        text=condition.text,
        advice=condition.advice,
        page=condition.page,
        raised_at=alarm.raised_at,
        cleared_at=alarm.cleared_at,
        acknowledged_at=alarm.acknowledged_at,
        acknowledged_by=alarm.acknowledged_by,
        comment=alarm.comment,
        waits=alarm.waits,
    )


def dead_letter_out(letter: DeadLetter) -> DeadLetterOut:
    """A dead letter with its first bytes as text."""
    return DeadLetterOut(
        at=letter.at,
        topic=letter.topic,
        reason=letter.reason,
        detail=letter.detail,
        excerpt=letter.excerpt.decode("utf-8", "backslashreplace"),
    )


def command_out(record: CommandRecord) -> CommandOut:
    """A command and its life."""
    command = record.command
    return CommandOut(
        id=command.id,
        device=command.device,
        quantity=command.quantity,
        value=command.value,
        requested_at=command.requested_at,
        expires_at=command.expires_at,
        priority=command.priority,
        origin=command.origin,
        state=record.state,
        open=record.open,
        steps=tuple(StepOut.model_validate(step) for step in record.steps),
    )
