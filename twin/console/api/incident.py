"""An incident archive over HTTP: a stretch of history with all that is needed to look at it elsewhere."""

import shutil
import tempfile
from pathlib import Path

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse
from pydantic import AwareDatetime
from starlette.background import BackgroundTask

from twin.console.api.known import Known
from twin.console.api.schema import Refused

router = APIRouter(tags=["history"])


@router.get("/incident", response_class=FileResponse, responses={404: {"model": Refused}, 422: {"model": Refused}})
def get_incident(views: Known, start: AwareDatetime, end: AwareDatetime) -> FileResponse:
    """What was received in [start, end) and known at its start, as one zip file that `twin replay` opens anywhere."""
    sources = views.sources
    if sources.incident is None:
        raise HTTPException(404, "this console writes no incident archives")
    if start >= end:
        raise HTTPException(422, f"start {start.isoformat()} must be before end {end.isoformat()}")
    folder = Path(tempfile.mkdtemp(prefix="hearthgrid-incident-"))
    name = f"{sources.pilot.name}-{start:%Y%m%dT%H%M%SZ}.zip"
    try:
        sources.incident(folder / name, start, end)
    except ValueError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise HTTPException(422, str(error)) from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return FileResponse(
        folder / name,
        media_type="application/zip",
        filename=name,
        background=BackgroundTask(shutil.rmtree, folder, ignore_errors=True),
    )
