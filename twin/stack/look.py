"""Takes the snapshot that the doctor judges: compose file, engine and prepared folder, all at one moment."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from twin.clock import Clock
from twin.stack import compose_file, folder, layout
from twin.stack.engine import StackEngine
from twin.stack.snapshot import Snapshot


def look(
    compose: Path,
    *,
    clock: Clock,
    environment: Mapping[str, str],
    profile: str | None = None,
    project: str | None = None,
) -> Snapshot:
    """How the stack of the file `compose` is now. Raises StackError when there is no such file, or it is none.

    `environment` goes before the settings beside the file, as with compose. `profile` None takes the one that is up,
    `project` None the compose file's name.
    """
    settings = layout.read_settings(compose.parent / layout.SETTINGS)
    name, services = compose_file.read(compose, {**settings, **environment})
    name = project or environment.get("COMPOSE_PROJECT_NAME") or name
    with closing(StackEngine(name)) as engine:
        containers = engine.look({service.image for service in services})
    return Snapshot(
        at=clock.now(),
        project=name,
        project_folder=str(compose.resolve().parent),
        profile=profile,
        services=services,
        engine=containers,
        prepared=folder.look(settings),
    )
