"""The HTTP API under /api/v1, described by OpenAPI at /api/v1/openapi.json.

Refuses an unknown id with 404 and a text that says what there is, and a bad request with 422 and what is allowed.
Handlers that may take long run on threads, so that the pages stay live meanwhile.
"""

from fastapi import FastAPI

from twin.console.api import alarms, commands, compare, devices, export, incident, pilot, search
from twin.console.views import Views

PREFIX = "/api/v1"


def build_api(views: Views) -> FastAPI:
    """The application that answers for one pilot."""
    title = f"Hearthgrid: {views.sources.pilot.title}"
    api = FastAPI(title=title, version="1", openapi_url=f"{PREFIX}/openapi.json", docs_url=None, redoc_url=None)
    for part in (pilot, devices, commands, alarms, search, export, incident, compare):
        api.include_router(part.router, prefix=PREFIX)
    api.state.views = views
    return api
