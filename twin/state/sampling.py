"""Figures of the twin about itself, taken now and then, so that history can say how the twin and its pathways were.

Pure: of the state, the twin's health, its commands and the time. Homes are figured on the columns of the state, not
one by one; only endpoints, and devices of which something is asked, are looked at singly.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from math import isnan, nan

import numpy as np
from numpy.typing import NDArray

from twin.model.command import CommandRecord, CommandState
from twin.model.device import Pathway
from twin.model.health import TwinHealth
from twin.model.sample import Sample
from twin.model.topology import Pilot
from twin.state.aggregate import PathwayRow, pathway_table
from twin.state.columns import Columns
from twin.state.registry import PilotState

_WORLD_SPEAKS_WITHIN = timedelta(seconds=30)
_FAILED = (CommandState.REFUSED, CommandState.EXPIRED, CommandState.UNREACHABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """What is known of commands: the latest with all their steps, and how many reached each state, by pathway."""

    records: Sequence[CommandRecord] = ()
    counts: Mapping[Pathway, Mapping[CommandState, int]]


class Sampler:
    """Takes samples of one pilot; it keeps nothing but where each home's devices stand in the columns."""

    def __init__(self, pilot: Pilot) -> None:
        self._pilot = pilot
        number = {home.id: index for index, home in enumerate(pilot.homes)}
        row = {device.id: index for index, device in enumerate(pilot.devices)}
        self._home_of = np.array([number[device.home] for device in pilot.devices], dtype=np.intp)
        self._metered = [home.id for home in pilot.homes if home.id in pilot.meter_of]
        self._meters = np.array([row[pilot.meter_of[home]] for home in self._metered], dtype=np.intp)

    def samples(
        self,
        state: PilotState,
        health: TwinHealth,
        commands: Commands,
        now: datetime,
        *,
        memory_bytes: float | None = None,
    ) -> Sequence[Sample]:
        """One sample each of the twin, its pathways, endpoints and homes, and of devices that are asked something."""
        fresh = self._fresh_homes(state.columns, now)
        table = pathway_table(state, now)
        twin = _twin(health, now) | self._field(state, table, fresh, now)
        if memory_bytes is not None:
            twin["memory_bytes"] = memory_bytes
        figures: Iterator[tuple[str, str, Mapping[str, float]]] = chain(
            [("twin", self._pilot.name, twin)],
            (("pathway", row.pathway.value, _pathway(row) | _commands(self._pilot, row, commands)) for row in table),
            (("endpoint", endpoint.id, _endpoint(state, endpoint.id)) for endpoint in self._pilot.endpoints),
            self._homes(state.columns, fresh),
            _desired(state, commands.records, now),
        )
        return [Sample(at=now, scope=scope, subject=subject, values=values) for scope, subject, values in figures]

    def _fresh_homes(self, columns: Columns, now: datetime) -> NDArray[np.float64]:
        """By home: 1 when its devices that have reported are all within their promised age, 0 when not or none has."""
        ages_s, homes = columns.age_s(now), len(self._pilot.homes)
        known = np.bincount(self._home_of[~np.isnan(ages_s)], minlength=homes)
        stale = np.bincount(self._home_of[ages_s > columns.max_age_s], minlength=homes)
        return np.where((known > 0) & (stale == 0), 1.0, 0.0)

    def _homes(self, columns: Columns, fresh: NDArray[np.float64]) -> Iterator[tuple[str, str, Mapping[str, float]]]:
        power_w = dict(zip(self._metered, columns.power_w[self._meters].tolist(), strict=True))
        for home, is_fresh in zip(self._pilot.homes, fresh.tolist(), strict=True):
            metered_w = power_w.get(home.id, nan)
            yield (
                "home",
                home.id,
                {"fresh": is_fresh} if isnan(metered_w) else {"fresh": is_fresh, "power_w": metered_w},
            )

    def _field(
        self, state: PilotState, table: Sequence[PathwayRow], fresh: NDArray[np.float64], now: datetime
    ) -> dict[str, float]:
        within = state.columns.fresh(now)
        return {
            "fresh_share": float(np.mean(within)) if within.size else 0.0,
            "homes_stale": float(np.count_nonzero(fresh == 0)),
            "endpoints_offline": float(sum(row.endpoints - row.endpoints_online for row in table)),
            "devices_reporting": float(sum(row.devices_reporting for row in table)),
        }


def _twin(health: TwinHealth, now: datetime) -> dict[str, float]:
    ingest, store, world = health.ingest, health.store, health.world
    failing_s = 0.0 if store.failing_since is None else (now - store.failing_since).total_seconds()
    figures = {
        "bus_connected": float(health.bus_connected),
        "ingest_queue": float(ingest.queue),
        "ingest_queue_limit": float(ingest.queue_limit),
        "messages": float(ingest.messages),
        "telemetry_messages": float(ingest.telemetry_messages),
        "twin_updates": float(ingest.twin_updates),
        "duplicates": float(ingest.duplicates),
        "dead_letters": float(sum(ingest.dead_letters.values())),
        "update_latency_p50_ms": ingest.update_latency_ms.p50,
        "update_latency_p99_ms": ingest.update_latency_ms.p99,
        "update_latency_max_ms": ingest.update_latency_ms.max,
        "store_rows": float(store.rows),
        "store_pending": float(store.pending),
        "store_spool_bytes": float(store.spool_bytes),
        "store_write_p50_ms": store.write_ms.p50,
        "store_write_p99_ms": store.write_ms.p99,
        "store_write_max_ms": store.write_ms.max,
        "store_failing_s": max(0.0, failing_s),
    }
    if world is not None:
        figures |= {
            "world_up": float(now - world.published_at <= _WORLD_SPEAKS_WITHIN),
            "steps": float(world.steps),
            "missed_deadlines": float(world.missed_deadlines),
            "lag_p50_ms": world.lag_ms.p50,
            "lag_p99_ms": world.lag_ms.p99,
            "lag_max_ms": world.lag_ms.max,
            "world_outbox": float(world.outbox),
            "energy_balance_error": world.energy_balance_error,
        }
    return figures


def _pathway(row: PathwayRow) -> dict[str, float]:
    return {
        "homes": float(row.homes),
        "devices": float(row.devices),
        "devices_reporting": float(row.devices_reporting),
        "endpoints": float(row.endpoints),
        "endpoints_online": float(row.endpoints_online),
        "availability": row.endpoints_online / row.endpoints if row.endpoints else 0.0,
        "messages": float(row.messages),
        "messages_per_s": row.messages_per_s,
        "latency_p50_ms": row.latency_ms.p50,
        "latency_p99_ms": row.latency_ms.p99,
        "age_p50_s": row.age_p50_s,
        "age_max_s": row.age_max_s,
        "within_promise_share": row.within_promise_share,
        "duplicates": float(row.duplicates),
        "dead_letters": float(row.dead_letters),
    }


def _commands(pilot: Pilot, row: PathwayRow, commands: Commands) -> dict[str, float]:
    """How commands over a pathway fared: counts since the start, and how long the latest took, once any did."""
    counts = commands.counts.get(row.pathway, {})
    own = [
        record
        for record in commands.records
        if record.command.device in pilot.device and pilot.pathway(record.command.device) is row.pathway
    ]
    acknowledged_ms, verified_ms = _took_ms(own, CommandState.ACKNOWLEDGED), _took_ms(own, CommandState.VERIFIED)
    figures = {
        "commands": float(counts.get(CommandState.REQUESTED, 0)),
        "commands_verified": float(counts.get(CommandState.VERIFIED, 0)),
        "commands_failed": float(sum(counts.get(state, 0) for state in _FAILED)),
    }
    if acknowledged_ms:
        p50, p99 = np.quantile(acknowledged_ms, (0.5, 0.99)).tolist()
        figures |= {"command_ack_p50_ms": p50, "command_ack_p99_ms": p99}
    if verified_ms:
        figures["command_verified_p50_ms"] = float(np.median(verified_ms))
    return figures


def _took_ms(records: Sequence[CommandRecord], state: CommandState) -> list[float]:
    """From asked for until `state` was reached, of those records that reached it."""
    reached = ((record.command.requested_at, record.reached(state)) for record in records)
    return [(at - asked).total_seconds() * 1e3 for asked, at in reached if at is not None]


def _endpoint(state: PilotState, endpoint: str) -> dict[str, float]:
    twin = state.endpoint(endpoint)
    figures = {
        "messages": float(twin.messages),
        "messages_per_s": twin.messages_per_s,
        "latency_p99_ms": twin.latency_ms.p99,
        "age_p50_s": twin.age_p50_s,
        "age_max_s": twin.age_max_s,
        "dead_letters": float(twin.dead_letters),
    }
    if twin.online is not None:
        figures["online"] = float(twin.online)
    return figures


def _desired(
    state: PilotState, records: Sequence[CommandRecord], now: datetime
) -> Iterator[tuple[str, str, Mapping[str, float]]]:
    devices = dict.fromkeys(record.command.device for record in records if record.command.expires_at > now)
    for device in devices:
        if device in state.pilot.device and (desired := state.device(device).desired):
            yield "device", device, {f"desired_{name}": wish.value for name, wish in desired.items()}
