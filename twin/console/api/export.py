"""History as files over HTTP: while a twin runs, it alone has the store open."""

import json
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse
from pydantic import AwareDatetime
from starlette.background import BackgroundTask

from twin.console.api.known import Known

router = APIRouter(tags=["history"])
ROWS_HEADER = "hearthgrid-rows"


@router.get("/export", response_class=FileResponse)
def get_export(
    views: Known,
    form: Annotated[Literal["parquet", "csv"], Query(alias="format")] = "parquet",
    start: AwareDatetime | None = None,
    end: AwareDatetime | None = None,
) -> FileResponse:
    """Every table of history in [start, end) as one zip archive; rows by file name in the header `hearthgrid-rows`."""
    folder = Path(tempfile.mkdtemp(prefix="hearthgrid-export-"))
    try:
        rows = views.sources.history.export(folder / "tables", form=form, start=start, end=end)
        archive = folder / "history.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED if form == "parquet" else zipfile.ZIP_DEFLATED) as target:
            for name in rows:
                target.write(folder / "tables" / name, name)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return FileResponse(
        archive,
        media_type="application/zip",
        filename=f"{views.sources.pilot.name}-history.zip",
        headers={ROWS_HEADER: json.dumps(rows)},
        background=BackgroundTask(shutil.rmtree, folder, ignore_errors=True),
    )
