"""Homes and devices: reported beside desired, and their history."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from pydantic import AwareDatetime

from twin.console.api.convert import device_out, home_out, home_row_out, series_out
from twin.console.api.known import Known
from twin.console.api.schema import DeviceOut, HomeOut, HomeRowOut, Refused, SeriesOut
from twin.model.device import KINDS

_DAY = timedelta(hours=24)
_MISSING: dict[int | str, dict[str, Any]] = {404: {"model": Refused}}

router = APIRouter(tags=["homes and devices"])


@router.get("/homes")
async def get_homes(views: Known) -> list[HomeRowOut]:
    """Every home, with its power and how fresh it is."""
    return [home_row_out(row) for row in views.homes.get()]


@router.get("/homes/{home}", responses=_MISSING)
def get_home(views: Known, home: str) -> HomeOut:
    """One home with its devices."""
    if home not in views.sources.pilot.home:
        raise HTTPException(404, f"there is no home {home!r}; see /api/v1/homes")
    return home_out(views.home(home))


@router.get("/devices")
def get_devices(views: Known) -> list[DeviceOut]:
    """Every device, in the order of the pilot file."""
    now = views.sources.clock.now()
    return [device_out(twin, now) for twin in views.sources.state.devices.values()]


@router.get("/devices/{device}", responses=_MISSING)
def get_device(views: Known, device: str) -> DeviceOut:
    """One device: reported beside desired."""
    _known(views, device)
    return device_out(views.sources.state.device(device), views.sources.clock.now())


@router.get("/devices/{device}/series", responses=_MISSING)
def get_series(
    views: Known,
    device: str,
    quantity: Annotated[str, Query(description="One of those that the device's kind reports")] = "power_w",
    start: Annotated[AwareDatetime | None, Query(description="First moment; a day before the end if left out")] = None,
    end: Annotated[AwareDatetime | None, Query(description="Moment after the last; now if left out")] = None,
    points: Annotated[int, Query(ge=1, le=10_000, description="Most points; beyond, means of bins")] = 600,
) -> SeriesOut:
    """One quantity of a device over time."""
    _known(views, device)
    reports = KINDS[views.sources.pilot.device[device].kind].reports
    if quantity not in reports:
        raise HTTPException(422, f"{device} does not report {quantity!r}; allowed: {', '.join(reports)}")
    last = end or views.sources.clock.now()
    first = start or last - _DAY
    if first >= last:
        raise HTTPException(422, f"start {first.isoformat()} must be before end {last.isoformat()}")
    series = views.sources.history.device_series(device, quantity, first, last, points=points)
    return series_out(device, quantity, series, first, last)


def _known(views: Known, device: str) -> None:
    if device not in views.sources.pilot.device:
        raise HTTPException(404, f"there is no device {device!r}; see /api/v1/devices")
