"""An incident archive: a stretch of a pilot's history with all that is needed to look at it elsewhere, as one zip file.

    manifest.json           what it is, of when, by which versions, and every other file's SHA-256, size and rows
    pilot.json              the pilot as it was understood, network included: nothing else is needed to open it
    pilot.yaml              the pilot file as it was written, where it was at hand
    settings.json           how the twin was started, without passwords
    tables/*.parquet        telemetry, grid, nodes, commands, events, dead_letters, samples: see twin.store.cut

It is opened by twin.store.incident_reader.
"""

import hashlib
import json
import platform
import re
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Annotated, Final, Literal

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from twin.model.topology import Pilot
from twin.store import cut
from twin.store.embedded import EmbeddedStore
from twin.store.port import Batch, Store
from twin.store.schema import TABLES, VERSION

FORMAT: Final = "hearthgrid-incident"
FORMAT_VERSION = 1
LEAD = timedelta(minutes=5)
"""How much is kept from before the stretch, so that rates and latencies at its first moment can be told."""

TABLE_FILES = tuple(f"tables/{name}.parquet" for name in TABLES)
OTHER_FILES = ("pilot.json", "pilot.yaml", "settings.json")
_SAMPLE = timedelta(seconds=10)
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*")
PILOT = TypeAdapter(Pilot)


class IncidentError(ValueError):
    """The archive cannot be written or read: which file, what is wrong, what is allowed."""


class Entry(BaseModel):
    """What the manifest says of one file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=0)]
    rows: Annotated[int, Field(ge=0)] | None = None


class Manifest(BaseModel):
    """What stands in manifest.json. The stretch is [start, end) by time of receipt."""

    model_config = ConfigDict(frozen=True)

    format: Literal["hearthgrid-incident"]
    version: int
    store_version: int
    pilot: str
    title: str
    start: AwareDatetime
    end: AwareDatetime
    known_from: AwareDatetime
    written_at: AwareDatetime
    packages: Mapping[str, str]
    files: Mapping[str, Entry]


def write(
    target: Path,
    store: Store,
    pilot: Pilot,
    *,
    start: datetime,
    end: datetime,
    written_at: datetime,
    pilot_file: Path | None = None,
    settings: Mapping[str, object] | None = None,
) -> Manifest:
    """Write the stretch [start, end) into the file `target`, which appears only when it is whole.

    Raises IncidentError for an empty stretch or a disk that cannot be written, StoreError when the store is silent.
    """
    if start >= end:
        raise IncidentError(f"an incident from {start.isoformat()} to {end.isoformat()} has no length")
    known_from = start - LEAD
    partial = target.with_name(f".{target.name}.partial")
    with tempfile.TemporaryDirectory(prefix="hearthgrid-incident-") as name:
        folder = Path(name)
        try:
            rows = _tables(store, pilot, folder, known_from, end)
            (folder / "pilot.json").write_bytes(
                orjson.dumps(pilot, default=_plain, option=orjson.OPT_PASSTHROUGH_DATACLASS)
            )
            if pilot_file is not None:
                shutil.copyfile(pilot_file, folder / "pilot.yaml")
            (folder / "settings.json").write_text(json.dumps(dict(settings or {}), indent=2, default=str))
            files = [file for file in (*OTHER_FILES, *TABLE_FILES) if (folder / file).is_file()]
            manifest = Manifest(
                format=FORMAT,
                version=FORMAT_VERSION,
                store_version=VERSION,
                pilot=pilot.name,
                title=pilot.title,
                start=start,
                end=end,
                known_from=known_from,
                written_at=written_at,
                packages=_packages(),
                files={file: _entry(folder / file, rows.get(Path(file).name)) for file in files},
            )
            target.parent.mkdir(parents=True, exist_ok=True)
            with zipfile.ZipFile(partial, "w") as archive:
                archive.writestr("manifest.json", manifest.model_dump_json(indent=2), zipfile.ZIP_DEFLATED)
                for file in files:
                    packed = zipfile.ZIP_STORED if file.endswith(".parquet") else zipfile.ZIP_DEFLATED
                    archive.write(folder / file, file, packed)
            partial.replace(target)
        except OSError as error:
            raise IncidentError(f"cannot write {target}: {error.strerror or error}") from error
        finally:
            partial.unlink(missing_ok=True)
    return manifest


def _tables(store: Store, pilot: Pilot, folder: Path, start: datetime, end: datetime) -> dict[str, int]:
    if isinstance(store, EmbeddedStore):
        return store.cut(folder / "tables", start, end)
    with tempfile.TemporaryDirectory(prefix="hearthgrid-copy-") as name:
        copy = EmbeddedStore(Path(name) / "history.duckdb", pilot)
        try:
            _copy(store, copy, start, end)
            return copy.cut(folder / "tables", start, end)
        finally:
            copy.close()


def _copy(store: Store, into: EmbeddedStore, start: datetime, end: datetime) -> None:
    """What any store can tell of a stretch, through the questions that all stores answer."""
    before = start - timedelta(microseconds=1)
    into.write(
        Batch(
            reports=store.known_at(before),
            grid=store.grids_known_at(before),
            commands=store.recent_commands(10 * cut.REMEMBERED, until=end),
            events=store.recent_events(10 * cut.REMEMBERED, until=end),
            dead_letters=store.recent_dead_letters(10 * cut.REMEMBERED, until=end),
        )
    )
    for reports in store.reports_received(start, end):
        into.write(Batch(reports=reports))
    for grid in store.grids_received(start, end):
        into.write(Batch(grid=grid))
    at = start
    while at < end:
        at += _SAMPLE
        into.write(Batch(samples=store.samples_at(at, within_s=_SAMPLE.total_seconds())))


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}  # not what it has cached beside them
    raise TypeError(f"{type(value).__name__} has no place in a pilot")


def _entry(file: Path, rows: int | None) -> Entry:
    with file.open("rb") as content:
        return Entry(sha256=hashlib.file_digest(content, "sha256").hexdigest(), bytes=file.stat().st_size, rows=rows)


def _packages() -> dict[str, str]:
    """This program, what it is built on, and Python; those that are installed."""
    found = {"python": platform.python_version()}
    with suppress(PackageNotFoundError):
        found["hearthgrid"] = version("hearthgrid")
        for requirement in requires("hearthgrid") or ():
            name = _NAME.match(requirement)
            if name is not None:
                with suppress(PackageNotFoundError):
                    found[name[0]] = version(name[0])
    return found
