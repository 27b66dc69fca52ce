"""The pilot's state: every device and endpoint twin, the feeders, events and dead letters.

One writer at a time (a short lock inside); readers get immutable values and never wait for a writer's work.
Reports change what was reported, commands change what is desired, and neither ever touches the other.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from twin.clock import Clock
from twin.model.device import Pathway
from twin.model.event import DeadLetter, Event, Reason, Refusal, Severity
from twin.model.health import ModelFault, WorldHealth, fault_text
from twin.model.telemetry import GridReport, Report
from twin.model.topology import Pilot, Source
from twin.state.columns import Columns
from twin.state.device_twin import Desired, DeviceTwin, apply, desire
from twin.state.endpoint_twin import EndpointTrack, EndpointTwin
from twin.state.gate import EndpointReadings, TimeFrame, passed
from twin.state.notes import Notes
from twin.state.pathway import PathwayTrack

_REPEATS_ALLOWED = timedelta(seconds=60)
_SINGLY = 3  # more devices of one endpoint than this make one event together


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What came of a message: reports that changed the state, valid ones that came late, and what was refused.

    `came_online` is True when the message proves that its endpoint, thought offline, is back.
    """

    news: Sequence[Report] = ()
    late: Sequence[Report] = ()
    duplicates: int = 0
    refusals: Sequence[Refusal] = ()
    came_online: bool = False


class PilotState:
    """All twins of a pilot. Mutating methods may be called from any thread; each is short."""

    def __init__(self, pilot: Pilot, clock: Clock) -> None:
        self.pilot = pilot
        self.columns = Columns(pilot)
        self.pathways: Mapping[Pathway, PathwayTrack] = {pathway: PathwayTrack() for pathway in Pathway}
        self._clock = clock
        self._lock = threading.RLock()
        self._version = 0
        self._devices: dict[str, DeviceTwin] = {}
        for device in pilot.devices:
            endpoint = pilot.endpoint[device.endpoint]
            twin = DeviceTwin(device=device, pathway=endpoint.pathway, max_age_s=endpoint.max_age_s)
            self._devices[device.id] = twin
        self._tracks = {endpoint.id: EndpointTrack(endpoint) for endpoint in pilot.endpoints}
        self._grid: dict[int, GridReport] = {}
        self._world: WorldHealth | None = None
        self._notes = Notes()
        self._copy: tuple[int, Mapping[str, DeviceTwin]] = (-1, MappingProxyType({}))

    # Readers.

    @property
    def version(self) -> int:
        """Grows with every change: the same number, the same state."""
        return self._version

    def device(self, device: str) -> DeviceTwin:
        """One device's twin. Raises KeyError when the pilot has no such device."""
        return self._devices[device]

    @property
    def devices(self) -> Mapping[str, DeviceTwin]:
        """All device twins by id, in pilot order: one consistent, unchanging view."""
        version, copy = self._copy
        if version != self._version:
            with self._lock:
                copy = MappingProxyType(self._devices.copy())
                self._copy = (self._version, copy)
        return copy

    def endpoint(self, endpoint: str) -> EndpointTwin:
        """One endpoint's twin now. Raises KeyError when the pilot has no such endpoint."""
        return self._tracks[endpoint].view(self._clock.now())

    def online(self, endpoint: str) -> bool | None:
        """Whether an endpoint is there; None until it is first heard of. Raises KeyError."""
        return self._tracks[endpoint].online

    def grid(self, feeder: int) -> GridReport | None:
        """The newest power flow of a feeder, or None before the first."""
        return self._grid.get(feeder)

    @property
    def grids(self) -> Mapping[int, GridReport]:
        """The newest power flow of every feeder that has one, by feeder."""
        return MappingProxyType(self._grid.copy())

    @property
    def world(self) -> WorldHealth | None:
        """What the simulated world last said of itself."""
        return self._world

    @property
    def events(self) -> Sequence[Event]:
        """The latest events, newest first."""
        return self._notes.events()

    @property
    def dead_letters(self) -> Sequence[DeadLetter]:
        """The latest dead letters, newest first."""
        return self._notes.dead_letters()

    @property
    def dead_letter_counts(self) -> Mapping[Reason, int]:
        """How many things were refused since the start, by reason."""
        return self._notes.counts()

    # The way in.

    def restore(self, reports: Sequence[Report]) -> None:
        """Start from what history knows; silent. Reports of devices no longer in the pilot are left out."""
        with self._lock:
            for report in reports:
                if report.device in self._devices:
                    self._apply(report)
            self._version += 1

    def take(self, readings: EndpointReadings, frame: TimeFrame, *, redelivered: bool = False) -> Taken:
        """Let a decoded message in, reading by reading; what is not newer changes nothing.

        A message seen before is a duplicate when the broker says it is redelivering (`redelivered`) or when the
        endpoint or the bus has only just come back and may repeat what was not acknowledged; else it is replayed.
        """
        with self._lock:
            track = self._tracks.get(readings.endpoint)
            if track is not None and not self._is_new(track, readings):
                if redelivered or (track.repeats_until is not None and frame.now <= track.repeats_until):
                    track.duplicates += 1
                    self.pathways[track.endpoint.pathway].duplicates += 1
                    return Taken(duplicates=1)
                detail = f"{readings.endpoint} session {readings.session} sequence {readings.sequence} was seen before"
                return Taken(refusals=(Refusal(reason=Reason.REPLAYED, detail=detail),))
            entering = passed(self.pilot, readings, frame)
            refusals = (*readings.refusals, *entering.refusals)
            if track is None or not entering.reports:
                return Taken(refusals=refusals)
            return self._enter(track, readings, entering.reports, refusals)

    def take_presence(
        self, endpoint: str, *, online: bool | None, session: str | None = None, software: str | None = None
    ) -> bool:
        """Note that an endpoint came or went, or with None only what it says of itself.

        True when it has come (back) or has restarted. Raises KeyError when the pilot has no such endpoint.
        """
        with self._lock:
            track = self._tracks[endpoint]
            restarted = track.introduce(session=session, software=software)
            came = bool(online) and (restarted or track.online is not True)
            if online is not None:
                self._came_or_went(track, online=online, now=self._clock.now())
            self._version += 1
            return came

    def take_grid(self, report: GridReport) -> bool:
        """Take a feeder's power flow; False when it is not newer than the one known."""
        with self._lock:
            known = self._grid.get(report.feeder)
            if known is not None and report.measured_at <= known.measured_at:
                return False
            if known is not None and not report.node_voltage_pu:  # sent less often: keep the last picture of the nodes
                report = replace(report, node_voltage_pu=known.node_voltage_pu)
            self._grid[report.feeder] = report
            self._version += 1
            return True

    def take_world(self, health: WorldHealth) -> None:
        """Take what the simulated world says of itself; one event for each device whose model has failed or is back."""
        with self._lock:
            if self._world is not None or health.model_faults:
                self._note_model_faults(health)
            self._world = health
            self._version += 1

    def world_gone(self) -> None:
        """The simulated world vanished, and with it every endpoint that speaks for a simulated device."""
        with self._lock:
            now = self._clock.now()
            for endpoint, devices in self.pilot.endpoint_devices.items():
                if any(device.source is Source.SIMULATED for device in devices):
                    self._came_or_went(self._tracks[endpoint], online=False, now=now)
            self._version += 1

    def desire(self, device: str, quantity: str, wish: Desired | None, *, only_of: str | None = None) -> None:
        """Set or clear what is asked of a device; with `only_of` only when that command's wish stands there."""
        with self._lock:
            twin = self._devices[device]
            standing = twin.desired.get(quantity)
            if only_of is not None and (standing is None or standing.command_id != only_of):
                return
            self._devices[device] = desire(twin, quantity, wish)
            self._version += 1

    def bus_back(self) -> None:
        """The bus was gone and is back: for a while every endpoint may repeat what was not acknowledged."""
        with self._lock:
            until = self._clock.now() + _REPEATS_ALLOWED
            for track in self._tracks.values():
                track.repeats_until = until

    def begin_statistics_anew(self) -> None:
        """Forget latencies and ages so far: time now runs in another way."""
        with self._lock:
            for track in self._tracks.values():
                track.begin_statistics_anew()
            for pathway in self.pathways.values():
                pathway.begin_statistics_anew()

    def sweep(self, now: datetime) -> None:
        """Raise an event for what has become stale since the last sweep, and for what is fresh again; once each."""
        with self._lock:
            gone, back = self.columns.sweep(now)
            self._note_devices("stale", gone, now, Severity.WARNING, self._stale_text)
            self._note_devices(
                "fresh-again", back, now, Severity.INFORMATION, lambda _: "within its promised age again"
            )

    def note(self, severity: Severity, kind: str, subject: str, text: str) -> None:
        """Add an event."""
        with self._lock:
            self._notes.event(Event(at=self._clock.now(), severity=severity, kind=kind, subject=subject, text=text))
            self._version += 1

    def bury(self, letter: DeadLetter, endpoint: str | None = None) -> None:
        """Keep a dead letter and count it, also with its endpoint when that is known."""
        with self._lock:
            self._notes.dead_letter(letter)
            track = self._tracks.get(endpoint) if endpoint is not None else None
            if track is not None:
                track.dead_letters += 1
                self.pathways[track.endpoint.pathway].dead_letters += 1
            self._version += 1

    def unsaved(self) -> tuple[Sequence[Event], Sequence[DeadLetter]]:
        """Events and dead letters for history that came since the last call; at most a bounded number of each."""
        with self._lock:
            return self._notes.unsaved()

    # Inside; the lock is held.

    @staticmethod
    def _is_new(track: EndpointTrack, readings: EndpointReadings) -> bool:
        session, sequence = readings.session, readings.sequence
        return session is None or sequence is None or track.is_new(session, sequence)

    def _apply(self, report: Report) -> bool:
        twin = self._devices[report.device]
        newer = apply(twin, report)
        if newer is twin:
            return False
        self._devices[report.device] = newer
        self.columns.put(report)
        return True

    def _enter(
        self, track: EndpointTrack, readings: EndpointReadings, reports: Sequence[Report], refusals: Sequence[Refusal]
    ) -> Taken:
        published_at, received_at = readings.published_at, reports[0].received_at
        latency_ms = track.heard(
            session=readings.session, sequence=readings.sequence, published_at=published_at, reports=reports
        )
        pathway = self.pathways[track.endpoint.pathway]
        pathway.heard(received_at, latency_ms)
        came_online = track.proves_alive(published_at)
        if came_online:
            self._came_or_went(track, online=True, now=received_at)
        news: list[Report] = []
        late: list[Report] = []
        first: list[str] = []
        repeated = 0
        for report in reports:
            known = self._devices[report.device].measured_at
            if self._apply(report):
                news.append(report)
                if known is None:
                    first.append(report.device)
            elif known == report.measured_at:
                repeated += 1
            else:
                late.append(report)
        track.duplicates += repeated
        pathway.duplicates += repeated
        if first:
            self._note_devices(
                "first-seen", first, received_at, Severity.INFORMATION, lambda _: "reported for the first time"
            )
        if news:
            self._version += 1
        return Taken(news=news, late=late, duplicates=repeated, refusals=refusals, came_online=came_online)

    def _came_or_went(self, track: EndpointTrack, *, online: bool, now: datetime) -> None:
        before = track.online
        if not track.presence(online=online, now=now):
            return
        pathway = self.pathways[track.endpoint.pathway]
        pathway.endpoints_online += int(online) - int(before is True)
        if online and before is False:
            track.repeats_until = now + _REPEATS_ALLOWED
        event = Event(
            at=now,
            severity=Severity.INFORMATION if online else Severity.WARNING,
            kind="endpoint-online" if online else "endpoint-offline",
            subject=track.endpoint.id,
            text=f"{track.endpoint.pathway} endpoint, speaks for {len(track.endpoint.homes)} home(s)",
        )
        self._notes.event(event)

    def _note_model_faults(self, health: WorldHealth) -> None:
        before = {} if self._world is None else self._faults(self._world)
        after = self._faults(health)
        failed = [d for d, fault in after.items() if d not in before or (fault.given_up and not before[d].given_up)]
        now = self._clock.now()
        self._note_devices("model-failed", failed, now, Severity.ALARM, lambda device: fault_text(after[device]))
        back = [device for device in before if device not in after]
        self._note_devices(
            "model-recovered", back, now, Severity.INFORMATION, lambda d: f"{before[d].model} gives values again"
        )

    def _faults(self, health: WorldHealth) -> dict[str, ModelFault]:
        """Faults by device, of the pilot's devices."""
        return {d: fault for fault in health.model_faults for d in fault.devices if d in self._devices}

    def _stale_text(self, device: str) -> str:
        twin = self._devices[device]
        when = "never" if twin.measured_at is None else twin.measured_at.isoformat()
        return f"last measured {when}; its pathway promises {twin.max_age_s:g} s"

    def _note_devices(
        self, what: str, devices: Sequence[str], now: datetime, severity: Severity, text: Callable[[str], str]
    ) -> None:
        """One event a device, but one for all devices of an endpoint when many of them change at once."""
        if not devices:
            return
        of_endpoint: dict[str, list[str]] = {}
        for device in devices:
            of_endpoint.setdefault(self._devices[device].endpoint, []).append(device)
        for endpoint, members in of_endpoint.items():
            if len(members) > _SINGLY:
                self._notes.event(
                    Event(
                        at=now,
                        severity=severity,
                        kind=f"devices-{what}",
                        subject=endpoint,
                        text=f"{len(members)} devices, among them {members[0]}: {text(members[0])}",
                    )
                )
                continue
            for device in members:
                event = Event(at=now, severity=severity, kind=f"device-{what}", subject=device, text=text(device))
                self._notes.event(event)
        self._version += 1
