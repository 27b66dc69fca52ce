"""`twin stack`: the pilot as containers, prepared and looked after. compose.yaml starts and stops them."""

import json as json_
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from twin.cli.api import Refused
from twin.clock import WallClock
from twin.pilot import PilotError, load_pilot
from twin.stack import layout
from twin.stack.doctor import diagnose
from twin.stack.findings import Diagnosis
from twin.stack.grants import StackError
from twin.stack.look import look
from twin.stack.prepare import Prepared, Wanted, prepare

app = typer.Typer(
    help="The pilot as containers: prepare compose.yaml's files, and say how it is.", no_args_is_help=True
)

PilotFile = Annotated[Path, typer.Argument(help="Pilot file, for instance pilots/elm-street.yaml", show_default=False)]
Folder = Annotated[Path, typer.Option(help="Folder of the prepared files")]
Compose = Annotated[Path, typer.Option(help="The compose file; .env is written beside it")]
_FOLDER = Path("var/stack")
_COMPOSE = Path("compose.yaml")


@app.command("prepare")
def prepare_(
    pilot: PilotFile,
    *,
    folder: Folder = _FOLDER,
    compose: Compose = _COMPOSE,
    name: Annotated[
        list[str] | None,
        typer.Option(help="Host name or address under which live devices reach the broker; may be repeated"),
    ] = None,
    rotate: Annotated[
        list[str] | None,
        typer.Option(
            help="Make anew: passwords, certificates, all (both), servers, or an endpoint's id; may be repeated"
        ),
    ] = None,
    user: Annotated[
        str | None, typer.Option(help="UID:GID of the containers and files; yours when left out", metavar="UID:GID")
    ] = None,
) -> None:
    """Make passwords, certificates and access list from a pilot; a second run keeps what is there."""
    if not compose.is_file():
        raise Refused(f"there is no {compose}; run this in the project's folder, or name it with --compose", code=2)
    wanted = Wanted(
        pilot_file=pilot,
        folder=folder,
        settings=compose.parent / layout.SETTINGS,
        owner=_owner(user),
        names=name,
        rotate=frozenset(rotate or ()),
    )
    try:
        done = prepare(load_pilot(pilot), wanted, clock=WallClock())
    except (PilotError, StackError) as error:
        raise Refused(str(error), code=2) from error
    typer.echo(_told(done, rotated=frozenset(rotate or ())))


@app.command()
def handout(
    endpoint: Annotated[str, typer.Argument(help="Endpoint id, for instance hems-h03", show_default=False)],
    *,
    folder: Folder = _FOLDER,
) -> None:
    """Print all that an endpoint's far side needs: address, user, password, topics and authority."""
    path = folder / layout.ENDPOINTS / f"{endpoint}.json"
    try:
        typer.echo(path.read_text(encoding="utf-8"), nl=False)
    except OSError as error:
        raise Refused(f"no hand-out for endpoint {endpoint!r}: {path}: {error.strerror}", code=2) from error


@app.command()
def doctor(
    *,
    compose: Compose = _COMPOSE,
    profile: Annotated[
        str | None, typer.Option(help="sim or live; the one that is up when left out", show_default=False)
    ] = None,
    project: Annotated[
        str | None, typer.Option(help="Name of the compose project; that of the compose file when left out")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON")] = False,
) -> None:
    """Say what of the stack is up, unhealthy or misconfigured, and what to do; exit code 1 when something is wrong."""
    if profile not in {None, "sim", "live"}:
        raise typer.BadParameter(f"{profile!r} is no profile; write sim or live", param_hint="--profile")
    try:
        found = diagnose(look(compose, clock=WallClock(), environment=os.environ, profile=profile, project=project))
    except StackError as error:
        raise Refused(str(error), code=2) from error
    typer.echo(json_.dumps({"well": found.well, **asdict(found)}, indent=2) if json else _diagnosis(found))
    if not found.well:
        raise typer.Exit(1)


def _diagnosis(found: Diagnosis) -> str:
    lines = [f"profile {found.profile}" + (f", engine {found.engine}" if found.engine else "")]
    lines += [f"  {line.service:<16}{line.state}" for line in found.services]
    for finding in found.findings:
        lines += [f"{finding.severity}: {finding.subject}: {finding.what}", f"    do: {finding.do}"]
    lines.append("all is well" if found.well else "not well")
    return "\n".join(lines)


def _owner(text: str | None) -> layout.Owner:
    if text is None:
        return layout.default_owner()
    uid, colon, gid = text.partition(":")
    if not colon or not uid.isdigit() or not gid.isdigit() or "0" in {uid, gid}:
        raise typer.BadParameter(
            f"{text!r} is not a user; write UID:GID in digits, and not root's", param_hint="--user"
        )
    return layout.Owner(uid=int(uid), gid=int(gid))


def _told(done: Prepared, *, rotated: frozenset[str]) -> str:
    lines = [
        f"{done.folder}: {len(done.changed)} files written, {len(done.removed)} removed",
        f"{done.endpoints} endpoints, {done.simulated} of them simulated; the broker is named {', '.join(done.names)}",
    ]
    if "servers" in rotated:
        lines.append("InfluxDB and Grafana keep their old secrets on volumes that they have begun: see docs/stack.md")
    if rotated:
        lines.append("restart what reads the changed files: docker compose --profile sim up -d --force-recreate")
    lines.append("next: docker compose --profile sim up -d --build   (or --profile live), then: twin stack doctor")
    return "\n".join(lines)
