"""Opens an incident archive, wherever it comes from.

Refuses whatever is not exactly what `twin.store.incident` writes: other names (so nothing leaves the folder), wrong
sums, more bytes or rows than a limit, a newer version, a pilot whose parts do not fit. Nothing of the archive is
written outside the folder given.
"""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from twin.feeder import FeederError, check_network
from twin.model.topology import Pilot
from twin.store import cut
from twin.store.database import Database
from twin.store.incident import FORMAT_VERSION, OTHER_FILES, PILOT, TABLE_FILES, Entry, IncidentError, Manifest
from twin.store.port import StoreError
from twin.store.schema import VERSION

_LIMITS: Mapping[str, int] = MappingProxyType(
    {"manifest.json": 1 << 20, **dict.fromkeys(OTHER_FILES, 64 << 20), **dict.fromkeys(TABLE_FILES, 4 << 30)}
)
_TOTAL_LIMIT = 6 << 30
_ROWS_PER_BYTE = 200  # Parquet of constant columns is dense, but a table of ours is never denser
_CHUNK = 1 << 20
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """An archive that was opened: the pilot, its history in a file of its own, and of when it is."""

    manifest: Manifest
    pilot: Pilot
    database: Path


def read(source: Path, folder: Path) -> Incident:
    """Open the archive `source`, putting its history into `folder`. Raises IncidentError for what is none."""
    tables = folder / "tables"
    try:
        tables.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(source) as archive:
            manifest = _manifest(source, archive)
            for name, entry in manifest.files.items():
                _extract(source, archive, name, entry, folder / name)
        pilot = _pilot(source, folder / "pilot.json")
        return Incident(manifest=manifest, pilot=pilot, database=_joined(source, manifest, folder))
    except _BROKEN as error:
        raise IncidentError(f"{source} is no incident archive: {error}") from error
    except OSError as error:
        raise IncidentError(f"{source} cannot be read: {error.strerror or error}") from error
    except StoreError as error:
        raise IncidentError(f"{source}: tables: {error}") from error
    except (RuntimeError, NotImplementedError) as error:  # encrypted, or packed in a way that zipfile does not know
        raise IncidentError(f"{source} cannot be unpacked: {error}") from error


def is_archive(path: Path) -> bool:
    """True when `path` is a zip file, and so to be read as an archive rather than as a pilot file."""
    return path.is_file() and zipfile.is_zipfile(path)


def _manifest(source: Path, archive: zipfile.ZipFile) -> Manifest:
    members = _members(source, archive)
    try:
        content: Any = json.loads(archive.read("manifest.json"))
        if isinstance(content, dict):
            _refuse_newer(source, content.get("version"), content.get("store_version"))
        manifest = Manifest.model_validate(content)
    except (ValueError, RecursionError) as error:
        raise IncidentError(f"{source}: manifest.json: {_first(error)}") from error
    listed, there = set(manifest.files), set(members) - {"manifest.json"}
    if listed != there:
        odd = ", ".join(sorted(listed ^ there))[:200]
        raise IncidentError(f"{source}: its manifest and its files do not agree on {odd}")
    if "pilot.json" not in there:
        raise IncidentError(f"{source} lacks pilot.json")
    return manifest


def _members(source: Path, archive: zipfile.ZipFile) -> Mapping[str, zipfile.ZipInfo]:
    members = {member.filename: member for member in archive.infolist()}
    if len(members) != len(archive.infolist()):
        raise IncidentError(f"{source}: a file stands twice in it")
    if "manifest.json" not in members:
        raise IncidentError(f"{source} is no incident archive: it has no manifest.json")
    for name, member in members.items():
        if name not in _LIMITS:
            allowed = ", ".join(_LIMITS)
            raise IncidentError(f"{source}: {name[:100]!r} has no place in an incident archive; allowed: {allowed}")
        if member.file_size > _LIMITS[name]:
            raise IncidentError(f"{source}: {name} has {member.file_size:,} bytes; at most {_LIMITS[name]:,} are read")
    total = sum(member.file_size for member in members.values())
    if total > _TOTAL_LIMIT:
        raise IncidentError(f"{source} unpacks to {total:,} bytes; at most {_TOTAL_LIMIT:,} are read")
    return members


def _refuse_newer(source: Path, version: object, store_version: object) -> None:
    for what, found, known in (("archive", version, FORMAT_VERSION), ("tables", store_version, VERSION)):
        if isinstance(found, int) and found > known:
            raise IncidentError(
                f"{source} was written by a newer program ({what} {found}, this one knows up to {known}): "
                "use that program"
            )


def _extract(source: Path, archive: zipfile.ZipFile, name: str, entry: Entry, target: Path) -> None:
    digest, length = hashlib.sha256(), 0
    with suppress(*_BROKEN), archive.open(name) as content, target.open("wb") as file:  # then the sum differs
        while chunk := content.read(_CHUNK):
            length += len(chunk)
            if length > entry.bytes:
                break
            digest.update(chunk)
            file.write(chunk)
    if length != entry.bytes or digest.hexdigest() != entry.sha256:
        raise IncidentError(f"{source}: {name} is damaged: its content is not what the manifest says")


def _pilot(source: Path, file: Path) -> Pilot:
    try:
        pilot = PILOT.validate_json(file.read_bytes())
        check_network(pilot.network)
        _check(pilot)
    except (ValidationError, FeederError, KeyError) as error:
        raise IncidentError(f"{source}: pilot.json does not describe a pilot: {_first(error)}") from error
    return pilot


def _check(pilot: Pilot) -> None:
    """Every reference leads somewhere. Raises KeyError."""
    for device in pilot.devices:
        _ = pilot.endpoint[device.endpoint], pilot.home[device.home]
    for home in pilot.homes:
        _ = pilot.network.connection_point[home.connection_point], [pilot.device[device] for device in home.devices]
        if not 0 <= home.feeder < pilot.feeders:
            raise KeyError(f"feeder {home.feeder + 1} of home {home.id}")
    for endpoint in pilot.endpoints:
        _ = [pilot.home[home] for home in endpoint.homes]


def _joined(source: Path, manifest: Manifest, folder: Path) -> Path:
    path = folder / "history.duckdb"
    path.unlink(missing_ok=True)
    database = Database(path)
    try:
        for name in (name for name in TABLE_FILES if name in manifest.files):
            entry = manifest.files[name]
            rows = cut.length(database, folder / name)
            if rows != entry.rows or rows > _ROWS_PER_BYTE * entry.bytes:
                raise IncidentError(f"{source}: {name} claims {rows:,} rows in {entry.bytes:,} bytes")
        cut.join(database, folder / "tables")
    finally:
        database.close()
    return path


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        one = error.errors()[0]
        return f"{'.'.join(map(str, one['loc']))}: {one['msg']}"
    return str(error)[:300]
