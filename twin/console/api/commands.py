"""Commands: ask for one, and follow its life."""

from fastapi import APIRouter, HTTPException

from twin.console.api.convert import command_out
from twin.console.api.known import Known
from twin.console.api.schema import CommandIn, CommandOut, Refused

router = APIRouter(tags=["commands"])


@router.post("/commands", status_code=201, responses={404: {"model": Refused}, 422: {"model": Refused}})
def post_command(views: Known, wish: CommandIn) -> CommandOut:
    """Ask a device for a value; the answer is the command's life so far, to be followed by its id."""
    if wish.device not in views.sources.pilot.device:
        raise HTTPException(404, f"there is no device {wish.device!r}; see /api/v1/devices")
    desk = views.sources.commands
    try:
        record = desk.request(**wish.model_dump(), origin="api")
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    return command_out(record)


@router.get("/commands")
def get_commands(views: Known) -> list[CommandOut]:
    """Every command still remembered, newest first."""
    return [command_out(record) for record in views.sources.commands.records()]


@router.get("/commands/{command}", responses={404: {"model": Refused}})
def get_command(views: Known, command: str) -> CommandOut:
    """One command and every step it has taken."""
    record = views.sources.commands.record(command)
    if record is None:
        raise HTTPException(404, f"there is no command {command!r}; see /api/v1/commands")
    return command_out(record)
