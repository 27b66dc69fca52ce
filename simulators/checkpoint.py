"""The devices' state on disk, so that a world that is started again goes on where it was.

Written on whole minutes of live time. A file of another pilot, of other FMUs, or damaged, is as good as none.
"""

import hashlib
import logging
import struct
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import orjson

from twin.model.topology import Pilot

_log = logging.getLogger(__name__)
_LENGTH = struct.Struct("<I")
_EVERY_S = 60


class Saveable(Protocol):
    """Something whose state can be taken and put back, whole."""

    def save(self) -> bytes:
        """The state as bytes."""
        ...

    def restore(self, blob: bytes) -> None:
        """Put a state back. Raises an exception when it is not one of its own."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """States by name at one moment (Unix seconds)."""

    utc_s: int
    states: Mapping[str, bytes]


class Checkpoint:
    """The one checkpoint file of a pilot."""

    def __init__(self, path: Path, pilot: Pilot, *, builds: Sequence[str] = ()) -> None:
        """`builds` names the builds of all FMUs whose states it keeps: another build's state is none."""
        self._path = path
        self._writing: threading.Thread | None = None
        inventory = [(device.id, device.kind, sorted(device.ratings.items())) for device in pilot.devices]
        frequency_hz = pilot.network.frequency_hz  # a state holds a frequency's limits
        known = (pilot.name, pilot.seed, frequency_hz, inventory, list(builds))
        self._pilot = hashlib.sha256(repr(known).encode()).hexdigest()

    def is_due(self, utc_s: float) -> bool:
        """True on whole minutes."""
        return utc_s % _EVERY_S == 0

    def write(self, utc_s: float, parts: Mapping[str, Saveable]) -> None:
        """Replace the file by the state of now; the old one stays whole until the new one is.

        The state is taken at once; the disk, which may take seconds, is waited for by a thread. While that has not
        finished with the last state, a further one is left out.
        """
        if self._writing is not None and self._writing.is_alive():
            return
        states = {name: part.save() for name, part in parts.items()}
        head = {
            "pilot": self._pilot,
            "utc_s": int(utc_s),
            "parts": {name: len(state) for name, state in states.items()},
        }
        content = orjson.dumps(head)
        self._writing = threading.Thread(target=self._put, args=(content, states), name="checkpoint", daemon=True)
        self._writing.start()

    def finish(self, within_s: float = 2.0) -> None:
        """Wait until the last state is on disk."""
        if self._writing is not None:
            self._writing.join(within_s)

    def _put(self, content: bytes, states: Mapping[str, bytes]) -> None:
        fresh = self._path.with_suffix(".new")
        try:
            with fresh.open("wb") as file:
                file.write(_LENGTH.pack(len(content)))
                file.write(content)
                file.writelines(states.values())
            fresh.replace(self._path)
        except OSError as error:
            _log.warning("the world's state is not saved: %s", error)

    def read(self) -> Saved | None:
        """What the file holds, or None."""
        try:
            content = self._path.read_bytes()
            (length,) = _LENGTH.unpack_from(content)
            head = orjson.loads(content[_LENGTH.size : _LENGTH.size + length])
            if head["pilot"] != self._pilot:
                return None
            states, at = {}, _LENGTH.size + length
            for name, size in head["parts"].items():
                states[name] = content[at : at + size]
                at += size
            return Saved(utc_s=head["utc_s"], states=states) if at == len(content) else None
        except (OSError, struct.error, orjson.JSONDecodeError, KeyError, TypeError):
            return None
