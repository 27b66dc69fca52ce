"""Looks at the prepared folder: which files are there, whose, and until when; whether the pilot has changed since."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

from twin.pilot import PilotError, load_pilot
from twin.stack import certificates, layout, mosquitto
from twin.stack.grants import StackError, grants, simulated
from twin.stack.snapshot import File, Prepared


def look(settings: Mapping[str, str]) -> Prepared:
    """The folder that the settings beside compose.yaml name. What cannot be found out is told in `trouble`."""
    if not settings.get("HEARTHGRID_STACK"):
        return Prepared(folder="", trouble="nothing is prepared")
    folder = Path(settings["HEARTHGRID_STACK"])
    uid = settings.get("HEARTHGRID_UID", "")
    try:
        files = tuple(_file(folder, place) for place in layout.NEEDED if (folder / place).is_file())
        return Prepared(
            folder=str(folder),
            files=files,
            uid=int(uid) if uid.isdigit() else None,
            certificate_ends_at=_end(folder / layout.CERTIFICATE),
            authority_ends_at=_end(folder / layout.AUTHORITY),
            **_pilot(folder, settings),
        )
    except (StackError, PilotError, OSError) as error:
        return Prepared(folder=str(folder), trouble=str(error))


def _file(folder: Path, place: str) -> File:
    found = (folder / place).stat()
    return File(
        place=place,
        mode=found.st_mode & 0o777,
        uid=found.st_uid,
        changed_at=datetime.fromtimestamp(found.st_mtime, UTC),
    )


def _end(path: Path) -> datetime | None:
    return certificates.ends_at(path) if path.is_file() else None


def _pilot(folder: Path, settings: Mapping[str, str]) -> "_PilotFacts":
    pilot = load_pilot(Path(settings.get("HEARTHGRID_PILOT_FOLDER", "")) / settings.get("HEARTHGRID_PILOT", ""))
    there = folder / layout.ACCESS_LIST
    return _PilotFacts(
        pilot_changed=there.is_file() and there.read_text(encoding="utf-8") != mosquitto.access_list(grants(pilot)),
        simulated=simulated(pilot),
    )


class _PilotFacts(TypedDict):
    pilot_changed: bool
    simulated: tuple[str, ...]
