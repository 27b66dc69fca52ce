"""Judges a snapshot of the stack: what is wrong, and what to do about each. Pure: no engine, no files, no clock."""

from collections.abc import Iterator
from typing import Final

from twin.stack.findings import Diagnosis, Finding, Line, error, up, warning
from twin.stack.judge_files import judge_files, judge_pilot
from twin.stack.judge_services import judge_service, state
from twin.stack.snapshot import Container, Snapshot

VOLUME_WARNING, VOLUME_ERROR = 0.85, 0.95  # shares in use
_SIM: Final = "sim"
_LIVE: Final = "live"
_MIB: Final = 1 << 20


def diagnose(snapshot: Snapshot) -> Diagnosis:
    """All findings, errors first."""
    profile = snapshot.profile or _profile(snapshot)
    here = {container.service: container for container in snapshot.engine.containers}
    expected = [service for service in snapshot.services if profile in service.profiles]
    findings = list(judge_files(snapshot))
    if snapshot.engine.trouble:
        findings.append(_engine(snapshot))
    else:
        findings += _whole(snapshot, here, profile)
        for service in expected:
            findings += judge_service(snapshot, service, here.get(service.name), profile)
        findings += _volumes(snapshot)
    findings += judge_pilot(snapshot.prepared, profile)
    findings.sort(key=lambda finding: finding.severity)
    lines = [Line(service=service.name, state=state(service, here.get(service.name))) for service in expected]
    return Diagnosis(
        profile=profile,
        engine=snapshot.engine.version,
        services=() if snapshot.engine.trouble else tuple(lines),
        findings=tuple(findings),
    )


def _profile(snapshot: Snapshot) -> str:
    """The profile that is up, by the services that only it has; `sim` when none is."""
    for container in snapshot.engine.containers:
        for service in snapshot.services:
            if service.name == container.service and service.profiles == {_LIVE} and container.state == "running":
                return _LIVE
    return _SIM


def _engine(snapshot: Snapshot) -> Finding:
    do = "start it (systemctl start docker), or name another by DOCKER_HOST"
    if snapshot.engine.denied:
        do = "become a member of the group docker, or use sudo"
    return error("engine", f"does not answer: {snapshot.engine.trouble}", do)


def _whole(snapshot: Snapshot, here: dict[str, Container], profile: str) -> Iterator[Finding]:
    known = {service.name for service in snapshot.services}
    if not here:
        yield error("stack", "nothing is up", up(profile, "--build"))
    orphans = sorted(set(here) - known)
    if orphans:
        yield warning(
            "stack",
            f"containers of an older compose file: {', '.join(orphans)}",
            up(profile, "--remove-orphans"),
        )
    both = [each for each in snapshot.services if len(each.profiles) == 1 and each.name in here]
    others = [each.name for each in both if profile not in each.profiles and here[each.name].state == "running"]
    if others:
        yield error(
            "stack",
            f"profile {profile} is up, and of the other profile {', '.join(others)}",
            f"docker compose --profile sim --profile live down, then {up(profile)}",
        )
    elsewhere = sorted({each.project_folder for each in here.values()} - {snapshot.project_folder, ""})
    if elsewhere:
        yield warning(
            "stack",
            f"containers were started from {', '.join(elsewhere)}, not from {snapshot.project_folder}",
            f"look there, or take the stack over: {up(profile, '--force-recreate')}",
        )


def _volumes(snapshot: Snapshot) -> Iterator[Finding]:
    for volume in snapshot.engine.volumes:
        if volume.used_share >= VOLUME_WARNING:
            severe = volume.used_share >= VOLUME_ERROR
            yield (error if severe else warning)(
                f"volume {volume.name}",
                f"its file system is {volume.used_share:.0%} full, {volume.free_bytes // _MIB} MiB are left",
                "make room there (docker system df shows who uses it), or move the engine's files to a larger disk",
            )
