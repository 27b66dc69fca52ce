"""Where the prepared files of the stack lie, and the settings beside compose.yaml, which names the same files.

Every file belongs to the user that the containers run as, and only that user can read it.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from twin.stack.grants import StackError

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700
SETTINGS: Final = ".env"
CONTAINER_USER: Final = 10_001  # of the containers when root prepares the stack: they do not run as root

CONFIGURATION: Final = "mosquitto.conf"
AUTHORITY_KEY: Final = "authority.key"
ACCESS_LIST: Final = "secrets/broker_acl"
PASSWORDS: Final = "secrets/broker_passwords"
AUTHORITY: Final = "secrets/broker_ca"
CERTIFICATE: Final = "secrets/broker_certificate"
KEY: Final = "secrets/broker_key"
TWIN_PASSWORD: Final = "secrets/twin_password"  # noqa: S105 - a path
WORLD_PASSWORD: Final = "secrets/world_password"  # noqa: S105 - a path
HEALTH_CLIENT: Final = "secrets/mosquitto_sub"
INFLUXDB_PASSWORD: Final = "secrets/influxdb_password"  # noqa: S105 - a path
INFLUXDB_TOKEN: Final = "secrets/influxdb_token"  # noqa: S105 - a path
GRAFANA_PASSWORD: Final = "secrets/grafana_password"  # noqa: S105 - a path
ENDPOINTS: Final = "endpoints"

NEEDED: Final = (
    *(CONFIGURATION, ACCESS_LIST, PASSWORDS, AUTHORITY, CERTIFICATE, KEY, TWIN_PASSWORD, WORLD_PASSWORD),
    *(HEALTH_CLIENT, INFLUXDB_PASSWORD, INFLUXDB_TOKEN, GRAFANA_PASSWORD),
)
BROKER_READS: Final = (CONFIGURATION, ACCESS_LIST, PASSWORDS, CERTIFICATE, KEY)
"""What the broker reads when it starts."""

_OURS: Final = "# Written by `twin stack prepare`"
_LINE: Final = re.compile(r"^([A-Z_][A-Z0-9_]*)='([^'\n]*)'$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whom the files belong to, and as whom the containers run."""

    uid: int
    gid: int


def default_owner() -> Owner:
    """Whoever prepares the stack; for root a user of the containers' own."""
    if os.geteuid() == 0:
        return Owner(uid=CONTAINER_USER, gid=CONTAINER_USER)
    return Owner(uid=os.geteuid(), gid=os.getegid())


def read_settings(path: Path) -> Mapping[str, str]:
    """The settings file that `write_settings` wrote; empty when there is none. Raises StackError for another's."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise StackError(f"{path}: {error}") from error
    if not text.startswith(_OURS):
        raise StackError(f"{path} is there and not from `twin stack prepare`; move its lines elsewhere, then try again")
    return {found[1]: found[2] for line in text.splitlines() if (found := _LINE.match(line))}


def write_settings(path: Path, settings: Mapping[str, str]) -> bool:
    """Write what compose.yaml takes from its surroundings; True when that changed. Raises StackError."""
    read_settings(path)
    for name, value in settings.items():
        if set(value) & set("'\n\r\0"):
            raise StackError(f"{name}={value!r}: neither quote nor line break may stand in a setting of compose")
    lines = [f"{_OURS}; a change here is lost at the next run of it."]
    lines += [f"{name}='{value}'" for name, value in settings.items()]
    return write(path, "\n".join(lines) + "\n", owner=None)


def write(path: Path, text: str, *, owner: Owner | None) -> bool:
    """Replace a file in one step, readable by its owner alone; True when its content changed.

    A file with that content stays, and only its mode and owner are set right.
    """
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        settle(path, owner=owner)
        return False
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "w", encoding="utf-8") as file:
        file.write(text)
    settle(new, owner=owner)
    new.replace(path)
    return True


def settle(path: Path, *, owner: Owner | None) -> None:
    """Set mode and, where we may, owner of a file or folder."""
    path.chmod(FOLDER_MODE if path.is_dir() else FILE_MODE)
    if owner is not None and os.geteuid() == 0:
        os.chown(path, owner.uid, owner.gid)
