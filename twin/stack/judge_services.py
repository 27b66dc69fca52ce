"""Judges one service of the stack: its container, image, ports, networks, and the files that it started with."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Final

from twin.stack import layout
from twin.stack.findings import Finding, error, up, warning
from twin.stack.snapshot import Container, Service, Snapshot

RESTARTS_WARNING: Final = 3


def judge_service(snapshot: Snapshot, service: Service, container: Container | None, profile: str) -> Iterator[Finding]:
    """What is wrong with `service`, whose container may be missing."""
    if container is None or container.state not in {"running", "paused", "restarting"}:
        yield from _obstacles(snapshot, service)
    if container is None:
        if snapshot.engine.containers:
            yield error(service.name, "has no container", up(profile, service.name))
        return
    found = _STATES.get(container.state, _unknown)(service, container)
    if found is not None:
        yield found
    if container.state == "created":
        yield error(service.name, "was made and never started", f"mend what it waits for, then {up(profile)}")
    if container.state == "running":
        yield from _running(snapshot, service, container)
    if container.out_of_memory:
        yield error(
            service.name,
            "ran out of its memory limit and was killed",
            "raise deploy.resources.limits.memory in compose.yaml, or give the pilot fewer homes",
        )


def _obstacles(snapshot: Snapshot, service: Service) -> Iterator[Finding]:
    if service.image not in snapshot.engine.images:
        yield error(
            service.name,
            f"image {service.image} is not there",
            f"docker compose {'build' if service.built else 'pull'} {service.name}",
        )
    for port in service.published:
        if port.taken:
            yield error(
                service.name,
                f"port {port.port} on {port.address} is taken by something else",
                "end what listens there, or set another port: HEARTHGRID_CONSOLE_PORT, HEARTHGRID_GRAFANA_PORT, "
                "HEARTHGRID_BROKER_PORT",
            )


def _paused(service: Service, _container: Container) -> Finding:
    return error(service.name, "is paused", f"docker compose unpause {service.name}")


def _restarting(service: Service, container: Container) -> Finding:
    return error(
        service.name,
        f"ends and is started again ({container.restarts} times), exit code {container.exit_code}: "
        f"{container.last_words or 'it says nothing'}",
        f"docker compose logs {service.name}",
    )


def _ended(service: Service, container: Container) -> Finding | None:
    if service.one_shot and container.exit_code == 0 and container.state == "exited":
        return None
    return error(
        service.name,
        f"has ended with exit code {container.exit_code}: {container.last_words or 'it says nothing'}",
        f"docker compose start {service.name}; if it ends again: docker compose logs {service.name}",
    )


def _well(_service: Service, _container: Container) -> None:
    return None


def _unknown(service: Service, container: Container) -> Finding:
    return warning(service.name, f"is {container.state}", f"docker compose ps {service.name}; wait, then look again")


_STATES: Final[dict[str, Callable[[Service, Container], Finding | None]]] = {
    "running": _well,
    "paused": _paused,
    "restarting": _restarting,
    "exited": _ended,
    "dead": _ended,
    "created": _well,
}


def _running(snapshot: Snapshot, service: Service, container: Container) -> Iterator[Finding]:
    name = service.name
    if container.health == "unhealthy":
        yield error(
            name,
            f"runs and is not well: {container.health_said or 'its health check says nothing'}",
            f"docker compose logs {name}; docker compose restart {name} when the cause is mended",
        )
    elif container.health == "starting":
        yield warning(name, "is starting", "wait, then look again")
    if container.restarts >= RESTARTS_WARNING:
        yield warning(name, f"was started again {container.restarts} times", f"docker compose logs {name}")
    missing = sorted(_names(service.networks, snapshot.project) - set(container.networks))
    if missing:
        yield error(
            name,
            f"is cut off from network {', '.join(missing)}",
            f"docker compose up -d --force-recreate {name}, or docker network connect --alias {name} "
            f"{missing[0]} {container.id}",
        )
    newest = snapshot.engine.images.get(service.image)
    if newest is not None and newest != container.image_id:
        yield warning(
            name, f"runs an older image than {service.image} now is", f"docker compose up -d {name} replaces it"
        )
    yield from _outdated_files(snapshot, service, container)


def _outdated_files(snapshot: Snapshot, service: Service, container: Container) -> Iterator[Finding]:
    if container.started_at is None:
        return
    reads = _READS.get(service.name, ())
    newer = [
        file.place
        for file in snapshot.prepared.files
        if file.place in reads and file.changed_at > container.started_at + _CLOCK_GRAIN
    ]
    if newer:
        yield warning(
            service.name,
            f"started before {', '.join(newer)} changed, and still uses what was there",
            f"docker compose restart {service.name}",
        )


_CLOCK_GRAIN: Final = timedelta(seconds=2)
_READS: Final = {
    "mosquitto": layout.BROKER_READS,
    "mosquitto-live": layout.BROKER_READS,
    "twin": (layout.TWIN_PASSWORD, layout.AUTHORITY),
    "simulators": (layout.WORLD_PASSWORD, layout.AUTHORITY),
}


def _names(networks: frozenset[str], project: str) -> set[str]:
    return {f"{project}_{network}" for network in networks}


def state(service: Service, container: Container | None) -> str:
    """How a service is, in a word or two."""
    if container is None:
        return "absent"
    if container.state == "running":
        return f"up, {container.health}" if container.health else "up"
    if service.one_shot and container.state == "exited" and container.exit_code == 0:
        return "done"
    return container.state
