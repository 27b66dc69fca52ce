"""The container engine: looks at the stack's containers, and hurts them where a test asks. The only importer of docker.

Every question has a time limit: a wedged engine is an answer too.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

import docker
from docker.errors import APIError, DockerException, NotFound
from docker.models.containers import Container as SdkContainer

from twin.stack.grants import StackError
from twin.stack.snapshot import Container, Engine, Volume

TIMEOUT_S: Final = 10
_PROJECT: Final = "com.docker.compose.project"
_SERVICE: Final = "com.docker.compose.service"
_FOLDER: Final = "com.docker.compose.project.working_dir"
_ONE_OFF: Final = "com.docker.compose.oneoff"
_WORDS: Final = 400  # characters of a log or a check's output
_LINES: Final = 5
_NEVER: Final = "0001-01-01"
_BLOCK_BYTES: Final = 1024
_FIELDS: Final = 6  # of a line of df -P: device, size, used, free, share, place

# What the SDK and the HTTP client below it raise when the engine is gone, wedged or in the way.
_FAILURES: Final = (DockerException, OSError)


class StackEngine:
    """The containers of one compose project, on the engine that DOCKER_HOST names, else the local one."""

    def __init__(self, project: str) -> None:
        self._project = project
        self._client: docker.DockerClient | None = None

    def look(self, images: Collection[str]) -> Engine:
        """Everything about the project, and which of `images` are there. Never raises: trouble is a finding."""
        try:
            client = self._connected()
            containers = [_container(found) for found in self._containers(client)]
            return Engine(
                version=str(client.version()["Version"]),
                containers=tuple(sorted(containers, key=lambda found: found.service)),
                images={name: found for name in images if (found := _image_id(client, name)) is not None},
                volumes=tuple(self._volumes(client)),
            )
        except _FAILURES as error:
            return Engine(trouble=_words(error), denied=_denied(error), images={})

    def close(self) -> None:
        """Let the engine go."""
        if self._client is not None:
            self._client.close()
            self._client = None

    # Faults, for tests and exercises

    def pause(self, service: str) -> None:
        """Freeze a service: its connections stay and nothing answers. Raises StackError, as all below."""
        self._do(service, lambda found: found.pause())

    def unpause(self, service: str) -> None:
        """Let a frozen service go on."""
        self._do(service, lambda found: found.unpause())

    def kill(self, service: str) -> None:
        """End a service at once. The engine takes this for its user's wish: no restart policy acts."""
        self._do(service, lambda found: found.kill())

    def start(self, service: str) -> None:
        """Start a service that has ended."""
        self._do(service, lambda found: found.start())

    def disconnect(self, service: str, network: str) -> None:
        """Take a service off one of the project's networks."""
        self._do(service, lambda found: self._network(network).disconnect(found, force=True))

    def connect(self, service: str, network: str) -> None:
        """Put a service back on one of the project's networks, under its name."""
        self._do(service, lambda found: self._network(network).connect(found, aliases=[service]))

    def run_in(self, service: str, command: list[str]) -> tuple[int, str]:
        """Run a command in a service's container: exit code and what it said."""
        said: list[tuple[int, str]] = []

        def run(found: SdkContainer) -> None:
            done = found.exec_run(command)
            said.append((int(done.exit_code), done.output.decode(errors="replace")))

        self._do(service, run)
        return said[0]

    # Below

    def _connected(self) -> docker.DockerClient:
        if self._client is None:
            self._client = docker.from_env(timeout=TIMEOUT_S)
        return self._client

    def _containers(self, client: docker.DockerClient) -> list[SdkContainer]:
        found = client.containers.list(all=True, filters={"label": f"{_PROJECT}={self._project}"}, ignore_removed=True)
        return [each for each in found if each.labels.get(_ONE_OFF, "False") != "True"]

    def _do(self, service: str, act: Callable[[SdkContainer], object]) -> None:
        try:
            found = [each for each in self._containers(self._connected()) if each.labels[_SERVICE] == service]
            if not found:
                raise StackError(f"there is no container of service {service!r} in project {self._project}")
            act(found[0])
        except _FAILURES as error:
            raise StackError(f"{service}: {_words(error)}") from error

    def _network(self, name: str) -> Any:  # noqa: ANN401 - the SDK has no types
        return self._connected().networks.get(f"{self._project}_{name}")

    def _volumes(self, client: docker.DockerClient) -> Iterator[Volume]:
        for container in self._containers(client):
            if container.status == "running":
                for mount in container.attrs["Mounts"]:
                    if mount["Type"] == "volume" and _PROJECT in _labels(client, mount["Name"]):
                        found = _filling(container, mount)
                        if found is not None:
                            yield found


@contextmanager
def paused(engine: StackEngine, service: str) -> Iterator[None]:
    """A service frozen for as long as the block runs."""
    engine.pause(service)
    try:
        yield
    finally:
        engine.unpause(service)


def _container(found: SdkContainer) -> Container:
    state = found.attrs["State"]
    health = state.get("Health") or {}
    checks = health.get("Log") or []
    failed = checks[-1]["Output"] if checks and checks[-1]["ExitCode"] else ""
    ended = state["Status"] in {"exited", "dead", "restarting"}
    return Container(
        id=found.short_id,
        service=found.labels[_SERVICE],
        state=state["Status"],
        health="" if health.get("Status") in {None, "none"} else health["Status"],
        health_said=_short(failed),
        exit_code=state.get("ExitCode", 0),
        out_of_memory=bool(state.get("OOMKilled")),
        restarts=found.attrs.get("RestartCount", 0),
        started_at=_moment(state.get("StartedAt", _NEVER)),
        image_id=found.attrs["Image"],
        networks=tuple(sorted(found.attrs["NetworkSettings"]["Networks"])),
        project_folder=found.labels.get(_FOLDER, ""),
        last_words=_short(found.logs(tail=_LINES).decode(errors="replace")) if ended else "",
    )


def _image_id(client: docker.DockerClient, name: str) -> str | None:
    try:
        return str(client.images.get(name).id)
    except NotFound:
        return None


def _labels(client: docker.DockerClient, volume: str) -> Mapping[str, str]:
    try:
        return client.volumes.get(volume).attrs.get("Labels") or {}
    except NotFound:
        return {}


def _filling(container: SdkContainer, mount: Mapping[str, Any]) -> Volume | None:
    """As `df` in the container tells it: the engine may be on another machine. None where it tells nothing."""
    try:
        done = container.exec_run(["df", "-P", "-k", mount["Destination"]])
    except APIError:  # it has ended meanwhile
        return None
    filled = None if done.exit_code else use_of(done.output.decode(errors="replace"))
    if filled is None:
        return None
    return Volume(name=mount["Name"], service=container.labels[_SERVICE], used_share=filled[0], free_bytes=filled[1])


def use_of(df: str) -> tuple[float, int] | None:
    """Share in use and free bytes, of what `df -P -k` says of one place; None when it says something else.

    What the file system keeps back for root counts neither as used nor as free.
    """
    lines = df.splitlines()
    fields = lines[-1].split() if lines else []
    if len(fields) < _FIELDS or not fields[2].isdigit() or not fields[3].isdigit():
        return None
    used, free = int(fields[2]), int(fields[3])
    return used / max(used + free, 1), free * _BLOCK_BYTES


def _moment(text: str) -> datetime | None:
    """RFC 3339 with nanoseconds, as the engine writes it."""
    if text.startswith(_NEVER):
        return None
    return datetime.fromisoformat(f"{text[:19]}+00:00")


def _short(text: str) -> str:
    return text.strip()[-_WORDS:]


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:_WORDS]


def _denied(error: BaseException) -> bool:
    return "permission denied" in str(error).lower()
