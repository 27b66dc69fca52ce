"""Search: homes, devices, endpoints and pages by what people type."""

from typing import Annotated

from fastapi import APIRouter, Query

from twin.console.api.known import Known
from twin.console.api.schema import FoundOut

router = APIRouter(tags=["search"])


@router.get("/search")
async def get_search(
    views: Known,
    q: Annotated[str, Query(max_length=100, description="Words; each must be in the name or beside it")],
    limit: Annotated[int, Query(ge=1, le=100)] = 12,
) -> list[FoundOut]:
    """What fits, names that begin with the words first; nothing for an empty question."""
    return [FoundOut.model_validate(found) for found in views.directory.find(q, limit)]
