"""A past moment in the place of now: the same sources for the same pages, made from history as it was known then.

Nothing can be asked of a past moment: commands are refused with the reason. Measurements that had not been received
are not there, neither in figures nor in charts; what was received late is there from when it came.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import NoReturn

from twin.clock import Clock, DrivenClock
from twin.console.history import History
from twin.console.sources import ConsoleSources
from twin.model.command import CommandRecord
from twin.model.event import DeadLetter, Event
from twin.model.health import IngestHealth, Percentiles, StoreHealth, TwinHealth, WorldHealth
from twin.model.sample import Sample
from twin.model.telemetry import GridReport, Report, Series
from twin.model.topology import Pilot
from twin.state.past import PastState

PAST, UNSAMPLED = "past", "past-unsampled"
"""How time runs there, as the twin's health says: not at all. Unsampled: no live twin took samples of itself then.

History that was filled in, or that a simulation drove, came in long steps; ages say little of it.
"""

REMEMBERED = 1_000  # events, dead letters and commands each, as the live twin keeps
_HEARD = 4_000  # reports that are heard anew, for latencies and rates, at most about so many
_LONGEST, _SHORTEST = timedelta(minutes=5), timedelta(seconds=2)


class Silent:
    """Commands as they were, and a refusal for whoever asks for one."""

    def __init__(self, why: str) -> None:
        self._why = why
        self._records: Sequence[CommandRecord] = ()

    def show(self, records: Sequence[CommandRecord]) -> None:
        """Take the commands of the moment, newest first."""
        self._records = tuple(records)

    def request(self, **_wish: object) -> NoReturn:
        """Refuse with ValueError."""
        raise ValueError(self._why)

    def records(self) -> Sequence[CommandRecord]:
        """The commands of the moment, newest first."""
        return self._records

    def record(self, command: str) -> CommandRecord | None:
        """One of them, or None."""
        return next((record for record in self._records if record.command.id == command), None)


class KnownHistory:
    """History as far as it was known at the time of `clock`."""

    def __init__(self, history: History, clock: Clock) -> None:
        self._history = history
        self._clock = clock

    def device_series(
        self,
        device: str,
        quantity: str,
        start: datetime,
        end: datetime,
        *,
        points: int = 600,
        received_by: datetime | None = None,
    ) -> Series:
        """See `History`; nothing that was received later than now."""
        by = self._by(received_by)
        return self._history.device_series(device, quantity, start, end, points=points, received_by=by)

    def devices_series(
        self,
        devices: Sequence[str],
        quantity: str,
        start: datetime,
        end: datetime,
        *,
        points: int = 600,
        received_by: datetime | None = None,
    ) -> Sequence[Series]:
        """See `History`; nothing that was received later than now."""
        by = self._by(received_by)
        return self._history.devices_series(devices, quantity, start, end, points=points, received_by=by)

    def grid_series(
        self, quantity: str, start: datetime, end: datetime, *, points: int = 600, received_by: datetime | None = None
    ) -> Series:
        """See `History`; nothing that was received later than now."""
        return self._history.grid_series(quantity, start, end, points=points, received_by=self._by(received_by))

    def sample_series(
        self, scope: str, subject: str, name: str, start: datetime, end: datetime, *, points: int = 600
    ) -> Series:
        """See `History`; nothing that was taken later than now."""
        return self._history.sample_series(scope, subject, name, start, min(end, self._clock.now()), points=points)

    def samples_at(self, at: datetime, *, within_s: float = 60.0) -> Sequence[Sample]:
        """See `History`."""
        return self._history.samples_at(self._by(at), within_s=within_s)

    def known_at(self, at: datetime) -> Sequence[Report]:
        """See `History`."""
        return self._history.known_at(self._by(at))

    def grids_known_at(self, at: datetime) -> Sequence[GridReport]:
        """See `History`."""
        return self._history.grids_known_at(self._by(at))

    def reports_received(self, start: datetime, end: datetime) -> Iterator[Sequence[Report]]:
        """See `History`."""
        return self._history.reports_received(start, self._by(end))

    def grids_received(self, start: datetime, end: datetime) -> Iterator[Sequence[GridReport]]:
        """See `History`."""
        return self._history.grids_received(start, self._by(end))

    def recent_events(self, limit: int, *, until: datetime | None = None) -> Sequence[Event]:
        """See `History`; nothing that happened later than now."""
        return self._history.recent_events(limit, until=self._by(until))

    def recent_dead_letters(self, limit: int, *, until: datetime | None = None) -> Sequence[DeadLetter]:
        """See `History`; nothing that happened later than now."""
        return self._history.recent_dead_letters(limit, until=self._by(until))

    def recent_commands(self, limit: int, *, until: datetime | None = None) -> Sequence[CommandRecord]:
        """See `History`; no step that was taken later than now."""
        return self._history.recent_commands(limit, until=self._by(until))

    def span(self) -> tuple[datetime, datetime] | None:
        """See `History`."""
        return self._history.span()

    def export(self, folder: Path, *, form: str, start: datetime | None, end: datetime | None) -> dict[str, int]:
        """See `History`: an export is of what history has, whatever moment is shown."""
        return self._history.export(folder, form=form, start=start, end=end)

    def _by(self, asked: datetime | None) -> datetime:
        now = self._clock.now()
        return now if asked is None else min(asked, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """Everything of one moment: the state, the commands with their steps of then, and how the twin was."""

    state: PastState
    commands: Sequence[CommandRecord]
    health: TwinHealth


def rebuild(pilot: Pilot, history: History, at: datetime) -> Rebuilt:
    """The pilot as it was known at `at`. Raises what history raises when it does not answer."""
    clock = DrivenClock(at)
    state = PastState(pilot, clock)
    heard_from = at - _listening(pilot)
    just_after = timedelta(microseconds=1)  # a moment itself belongs to it; ranges end before their end
    state.restore(history.known_at(heard_from))
    for piece in history.reports_received(heard_from + just_after, at + just_after):
        state.hear(piece)
    for grid in history.grids_known_at(at):
        state.take_grid(grid)
    commands = history.recent_commands(REMEMBERED, until=at)
    state.remember(history.recent_events(REMEMBERED, until=at), history.recent_dead_letters(REMEMBERED, until=at))
    samples = history.samples_at(at)
    state.count(samples)
    state.wish(commands, at)
    health = health_at(samples, state, at)
    if health.world is not None:
        state.take_world(health.world)
    return Rebuilt(state=state, commands=commands, health=health)


def past_sources(sources: ConsoleSources, at: datetime) -> ConsoleSources:
    """What the pages show in the place of `sources` when they show the moment `at`."""
    clock = DrivenClock(at)
    rebuilt = rebuild(sources.pilot, sources.history, at)
    desk = Silent("this is a past moment; go back to live to send a command")
    desk.show(rebuilt.commands)
    return replace(
        sources,
        state=rebuilt.state,
        history=KnownHistory(sources.history, clock),
        commands=desk,
        alarms=None,
        health=lambda: rebuilt.health,
        clock=clock,
    )


def _listening(pilot: Pilot) -> timedelta:
    """How far back reports are heard one by one: minutes, but seconds in a pilot that says very much."""
    per_s = sum(len(devices) / pilot.endpoint[name].interval_s for name, devices in pilot.endpoint_devices.items())
    return min(_LONGEST, max(_SHORTEST, timedelta(seconds=_HEARD / max(per_s, 1e-3))))


def health_at(samples: Sequence[Sample], state: PastState, at: datetime) -> TwinHealth:
    """The twin's health from its own sample; where none was taken, nothing is claimed and nothing wrong."""
    sample = next((sample for sample in samples if sample.scope == "twin"), None)
    figures = {} if sample is None else sample.values

    def count(name: str) -> int:
        return int(figures.get(name, 0))

    def spread(name: str, unit: str = "ms") -> Percentiles:
        p50, p99, highest = (figures.get(f"{name}_{part}_{unit}", 0.0) for part in ("p50", "p99", "max"))
        return Percentiles(p50=p50, p99=p99, max=highest)

    failing_s = figures.get("store_failing_s", 0.0)
    return TwinHealth(
        at=at,
        bus_connected=figures.get("bus_connected", 1.0) == 1.0,
        ingest=IngestHealth(
            messages=count("messages"),
            telemetry_messages=count("telemetry_messages"),
            twin_updates=count("twin_updates"),
            duplicates=count("duplicates"),
            dead_letters={reason.value: number for reason, number in state.dead_letter_counts.items()},
            queue=count("ingest_queue"),
            queue_limit=count("ingest_queue_limit"),
            update_latency_ms=spread("update_latency"),
        ),
        store=StoreHealth(
            rows=count("store_rows"),
            pending=count("store_pending"),
            spool_bytes=count("store_spool_bytes"),
            write_ms=spread("store_write"),
            failing_since=at - timedelta(seconds=failing_s) if failing_s else None,
            last_error="the store did not write; its words are not kept" if failing_s else "",
        ),
        world=None if sample is None or "steps" not in figures else _world(sample, state),
        mode=UNSAMPLED if sample is None else PAST,
        backfill_until=None,
    )


def _world(sample: Sample, state: PastState) -> WorldHealth:
    figures, grids = sample.values, list(state.grids.values())
    return WorldHealth(
        published_at=sample.at,
        steps=int(figures["steps"]),
        missed_deadlines=int(figures.get("missed_deadlines", 0)),
        lag_ms=Percentiles(
            p50=figures.get("lag_p50_ms", 0.0), p99=figures.get("lag_p99_ms", 0.0), max=figures.get("lag_max_ms", 0.0)
        ),
        backfill_s=None,
        outbox=int(figures.get("world_outbox", 0)),
        grid_nodes=len(state.pilot.network.nodes) * state.pilot.feeders,
        energy_balance_error=figures.get("energy_balance_error", 0.0),
        v_min_pu=min((grid.v_min_pu for grid in grids), default=1.0),
        v_max_pu=max((grid.v_max_pu for grid in grids), default=1.0),
        transformer_loading_max=max((grid.transformer_loading for grid in grids), default=0.0),
        losses_w=sum(grid.losses_w for grid in grids),
    )
