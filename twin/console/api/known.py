"""How a route gets at the pilot it answers for."""

from typing import Annotated

from fastapi import Depends, Request

from twin.console.views import Views


def views_of(request: Request) -> Views:
    """The views that the application was built over."""
    views: Views = request.app.state.views
    return views


Known = Annotated[Views, Depends(views_of)]
"""A parameter of every route."""
