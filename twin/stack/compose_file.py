"""Reads of compose.yaml what the doctor compares the engine with, `${NAME}` and `${NAME:-default}` filled in.

No full reader: `docker compose config` is that. What it does not understand it refuses.
"""

import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from twin.stack.grants import StackError
from twin.stack.snapshot import Published, Service

_VARIABLE: Final = re.compile(r"\$\{([A-Z_a-z][A-Z_a-z0-9]*)(?::?([-?])((?:[^{}])*))?\}")
_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to knock for these
_KNOCK_S: Final = 0.5


def read(path: Path, variables: Mapping[str, str]) -> tuple[str, tuple[Service, ...]]:
    """The project's name and its services. Raises StackError."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        services = document["services"]
        found = tuple(_service(name, entry, variables) for name, entry in services.items())
        return str(document.get("name") or path.resolve().parent.name), found
    except OSError as error:
        raise StackError(f"{path}: {error.strerror}; run this in the project's folder, or give --compose") from error
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise StackError(
            f"{path} is no compose file that can be read: {error}; `docker compose config` says more"
        ) from error


def filled(text: str, variables: Mapping[str, str]) -> str:
    """`text` with its variables; an empty one takes its default, as `:-` means."""

    def value(found: re.Match[str]) -> str:
        return variables.get(found[1], "") or (found[3] if found[2] == "-" else "")

    return _VARIABLE.sub(value, text)


def _service(name: str, entry: Mapping[str, Any], variables: Mapping[str, str]) -> Service:
    return Service(
        name=name,
        profiles=frozenset(entry.get("profiles", ())),
        image=filled(entry["image"], variables),
        built="build" in entry,
        one_shot=entry.get("restart") == "no",
        networks=frozenset(entry.get("networks", ())),
        published=tuple(_published(port, variables) for port in entry.get("ports", ())),
    )


def _published(text: str, variables: Mapping[str, str]) -> Published:
    host, _, _ = filled(text, variables).rpartition(":")
    address, _, port = host.rpartition(":")
    return Published(address=address, port=int(port), taken=_listens(address.strip("[]"), int(port)))


def _listens(address: str, port: int) -> bool:
    try:
        with socket.create_connection((_ANYWHERE.get(address, address), port), timeout=_KNOCK_S):
            return True
    except OSError:
        return False
