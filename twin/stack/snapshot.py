"""What was found at one moment: engine, containers, images, volumes, prepared files. Facts, no verdicts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container of the stack. `health` is healthy, unhealthy, starting, or empty without a health check."""

    id: str
    service: str
    state: str  # created, running, paused, restarting, removing, exited, dead
    health: str = ""
    health_said: str = ""  # the last failed check's output
    exit_code: int = 0
    out_of_memory: bool = False
    restarts: int = 0
    started_at: datetime | None = None
    image_id: str = ""
    networks: tuple[str, ...] = ()
    project_folder: str = ""
    last_words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """How full the file system of a volume is, seen from inside the container that has it."""

    name: str
    service: str
    used_share: float
    free_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """The container engine, or why it cannot be asked. `images` maps names to ids; missing images are left out."""

    trouble: str = ""
    denied: bool = False  # there is one, and we may not speak to it
    version: str = ""
    containers: tuple[Container, ...] = ()
    images: Mapping[str, str]
    volumes: tuple[Volume, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A port that a service offers to this machine."""

    address: str
    port: int
    taken: bool = False  # something listens there now


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service of the compose file, its variables filled in. `one_shot` services end by design."""

    name: str
    profiles: frozenset[str]
    image: str
    built: bool
    one_shot: bool
    networks: frozenset[str]
    published: tuple[Published, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One prepared file that is there."""

    place: str
    mode: int
    uid: int
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """The prepared folder; `trouble` says why it cannot be judged."""

    folder: str
    trouble: str = ""
    files: tuple[File, ...] = ()
    uid: int | None = None  # as whom the containers run
    certificate_ends_at: datetime | None = None
    authority_ends_at: datetime | None = None
    pilot_changed: bool = False  # the access list is no longer that of the pilot file
    simulated: tuple[str, ...] = ()  # endpoints that have a simulated device


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything that the doctor judges."""

    at: datetime
    project: str
    project_folder: str
    profile: str | None  # asked for, else None
    services: tuple[Service, ...]
    engine: Engine
    prepared: Prepared
