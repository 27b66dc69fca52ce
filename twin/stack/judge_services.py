"""Judges one service of the stack: its container, image, ports, networks, and the files that it started with."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from twin.stack import layout
from twin.stack.findings import Finding, compose, error, up, warning
from twin.stack.snapshot import Container, Service, Snapshot

RESTARTS_WARNING: Final = 3


_ENDED: Final = frozenset({"exited", "dead"})
_CLOCK_GRAIN: Final = timedelta(seconds=2)
_READS: Final = {
    "mosquitto": layout.BROKER_READS,
    "mosquitto-live": layout.BROKER_READS,
    "twin": (layout.TWIN_PASSWORD, layout.AUTHORITY),
    "simulators": (layout.WORLD_PASSWORD, layout.AUTHORITY),
}


def judge_service(snapshot: Snapshot, service: Service, container: Container | None, profile: str) -> Iterator[Finding]:
    """What is wrong with `service`, whose container may be missing."""
    if container is None or container.state not in {"running", "paused", "restarting"}:
        yield from _obstacles(snapshot, service, profile)
    if container is not None:
        yield from _Case(snapshot, service, container, profile).findings()
    elif snapshot.engine.containers:
        yield error(service.name, "has no container", up(profile, service.name))


def _obstacles(snapshot: Snapshot, service: Service, profile: str) -> Iterator[Finding]:
    if service.image not in snapshot.engine.images:
        yield error(
            service.name,
            f"image {service.image} is not there",
            compose(profile, "build" if service.built else "pull", service.name),
        )
    for port in service.published:
        if port.taken:
            yield error(
                service.name,
                f"port {port.port} on {port.address} is taken by something else",
                "end what listens there, or set another port: HEARTHGRID_CONSOLE_PORT, HEARTHGRID_GRAFANA_PORT, "
                "HEARTHGRID_BROKER_PORT",
            )


@dataclass(frozen=True, slots=True)
class _Case:
    """One service that has a container."""

    snapshot: Snapshot
    service: Service
    container: Container
    profile: str

    def findings(self) -> Iterator[Finding]:
        container, name = self.container, self.service.name
        said = container.last_words or "it says nothing"
        if container.state == "running":
            yield from self._running()
        elif container.state == "paused":
            yield error(name, "is paused", self._do("unpause"))
        elif container.state == "created":
            yield error(name, "was made and never started", f"mend what it waits for, then {up(self.profile)}")
        elif container.state == "restarting":
            what = f"ends and is started again ({container.restarts} times), exit code {container.exit_code}: {said}"
            yield error(name, what, self._do("logs"))
        elif container.state not in _ENDED:
            yield warning(name, f"is {container.state}", "wait, then look again")
        elif not (self.service.one_shot and container.exit_code == 0):
            do = f"{self._do('start')}; if it ends again: {self._do('logs')}"
            yield error(name, f"has ended with exit code {container.exit_code}: {said}", do)
        if container.out_of_memory:
            yield error(
                name,
                "ran out of its memory limit and was killed",
                "raise deploy.resources.limits.memory in compose.yaml, or give the pilot fewer homes",
            )

    def _running(self) -> Iterator[Finding]:
        container, name = self.container, self.service.name
        if container.health == "unhealthy":
            what = f"runs and is not well: {container.health_said or 'its health check says nothing'}"
            yield error(name, what, f"{self._do('logs')}; when the cause is mended: {self._do('restart')}")
        elif container.health == "starting":
            yield warning(name, "is starting", "wait, then look again")
        if container.restarts >= RESTARTS_WARNING:
            yield warning(name, f"was started again {container.restarts} times", self._do("logs"))
        yield from self._cut_off()
        newest = self.snapshot.engine.images.get(self.service.image)
        if newest is not None and newest != container.image_id:
            yield warning(name, f"runs an older image than {self.service.image} now is", up(self.profile, name))
        yield from self._outdated()

    def _cut_off(self) -> Iterator[Finding]:
        wanted = {f"{self.snapshot.project}_{network}" for network in self.service.networks}
        missing = sorted(wanted - set(self.container.networks))
        if missing:
            name = self.service.name
            connect = f"docker network connect --alias {name} {missing[0]} {self.container.id}"
            do = f"{up(self.profile, '--force-recreate', name)}, or {connect}"
            yield error(name, f"is cut off from network {', '.join(missing)}", do)

    def _outdated(self) -> Iterator[Finding]:
        if self.container.started_at is None:
            return
        since = self.container.started_at + _CLOCK_GRAIN
        reads = _READS.get(self.service.name, ())
        newer = [file.place for file in self.snapshot.prepared.files if file.place in reads and file.changed_at > since]
        if newer:
            what = f"started before {', '.join(newer)} changed, and still uses what was there"
            yield warning(self.service.name, what, self._do("restart"))

    def _do(self, verb: str) -> str:
        return compose(self.profile, verb, self.service.name)


def state(service: Service, container: Container | None) -> str:
    """How a service is, in a word or two."""
    if container is None:
        return "absent"
    if container.state == "running":
        return f"up, {container.health}" if container.health else "up"
    if service.one_shot and container.state == "exited" and container.exit_code == 0:
        return "done"
    return container.state
