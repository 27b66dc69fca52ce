"""Judges the prepared files: there, ours alone, in force, and of the pilot as it is now."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from twin.stack import layout
from twin.stack.findings import Finding, error, warning
from twin.stack.snapshot import Prepared, Snapshot

RENEW_BEFORE: Final = timedelta(days=30)
_NAMED: Final = 3  # endpoints that a finding names


def judge_files(snapshot: Snapshot) -> Iterator[Finding]:
    """What is wrong with the folder of `twin stack prepare`."""
    prepared = snapshot.prepared
    if prepared.trouble:
        yield error("prepared files", prepared.trouble, "twin stack prepare PILOT")
        return
    missing = sorted(set(layout.NEEDED) - {file.place for file in prepared.files})
    if missing:
        yield error(
            "prepared files",
            f"missing in {prepared.folder}: {', '.join(missing)}",
            "twin stack prepare PILOT, which keeps what is there",
        )
    open_ones = [file for file in prepared.files if file.mode & 0o077]
    if open_ones:
        yield error(
            "prepared files",
            f"others can read {', '.join(f'{file.place} ({file.mode:04o})' for file in open_ones)}",
            f"twin stack prepare PILOT sets {layout.FILE_MODE:04o}; if strangers use this machine, add --rotate all",
        )
    foreign = [file for file in prepared.files if prepared.uid is not None and file.uid != prepared.uid]
    if foreign:
        yield error(
            "prepared files",
            f"{', '.join(file.place for file in foreign)} not owned by user {prepared.uid}, as whom the containers run",
            f"chown {prepared.uid} the files, or twin stack prepare PILOT as root or as that user",
        )
    yield from _certificates(snapshot)


def _certificates(snapshot: Snapshot) -> Iterator[Finding]:
    for name, end, do in (
        ("certificate of the broker", snapshot.prepared.certificate_ends_at, "twin stack prepare PILOT"),
        ("authority", snapshot.prepared.authority_ends_at, "twin stack prepare PILOT --rotate certificates"),
    ):
        if end is None:
            continue
        do_all = f"{do}, then restart the broker" + (
            "; every live device needs the new authority" if name == "authority" else ""
        )
        if end <= snapshot.at:
            yield error(name, f"ended on {end:%Y-%m-%d}: nobody can connect", do_all)
        elif end - snapshot.at < RENEW_BEFORE:
            yield warning(name, f"ends on {end:%Y-%m-%d}, in {(end - snapshot.at).days} days", do_all)


def judge_pilot(prepared: Prepared, profile: str) -> Iterator[Finding]:
    """Whether files and profile are those of the pilot as it is now."""
    if prepared.pilot_changed:
        yield warning(
            "access list",
            "the pilot file has changed since the access list was made: new endpoints are refused",
            "twin stack prepare PILOT, then restart the broker and the twin",
        )
    if profile == "live" and prepared.simulated:
        some = ", ".join(prepared.simulated[:_NAMED]) + (", ..." if len(prepared.simulated) > _NAMED else "")
        yield warning(
            "profile live",
            f"nobody speaks for {len(prepared.simulated)} endpoints with simulated devices ({some})",
            "say `source: live` in the pilot file for devices that are there, or use --profile sim",
        )
