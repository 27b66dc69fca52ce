"""Two periods of one quantity side by side."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import AwareDatetime, ConfigDict

from twin.console.api.known import Known
from twin.console.api.schema import Out, Refused
from twin.console.comparison import compare
from twin.console.periods import GRID_QUANTITIES, ask, known_quantities

router = APIRouter(tags=["history"])
_LONGEST_S = 31 * 86_400.0


class FiguresOut(Out):
    """Of one period; null where there are no values. `covered_s` is how much of the time has no gap."""

    values: int
    mean: float | None
    minimum: float | None
    maximum: float | None
    energy_wh: float | None
    covered_s: float


class SideOut(Out):
    """One period: `elapsed_s[i]` since its start has `values[i]`."""

    start: AwareDatetime
    elapsed_s: tuple[float, ...]
    values: tuple[float | None, ...]
    figures: FiguresOut


class CompareOut(Out):
    """Two periods of the same length; `difference` is B minus A."""

    model_config = ConfigDict(from_attributes=True)

    quantity: str
    device: str | None
    duration_s: float
    a: SideOut
    b: SideOut
    difference: dict[str, float | None]


@router.get("/compare", responses={404: {"model": Refused}, 422: {"model": Refused}})
def get_compare(
    views: Known,
    start_a: Annotated[AwareDatetime, Query(description="First moment of period A")],
    start_b: Annotated[AwareDatetime, Query(description="First moment of period B")],
    duration_s: Annotated[float, Query(gt=0, le=_LONGEST_S, description="Length of both periods")] = 86_400.0,
    quantity: Annotated[str, Query(description="A grid quantity, or one that the device reports")] = "head_power_w",
    device: Annotated[str | None, Query(description="Device id; the grid when left out")] = None,
    points: Annotated[int, Query(ge=1, le=10_000, description="Most points a side; beyond, means of bins")] = 600,
) -> CompareOut:
    """One quantity in two periods, aligned on the time since each began, with figures and their differences."""
    pilot = views.sources.pilot
    if device is not None and device not in pilot.device:
        raise HTTPException(404, f"there is no device {device!r}; see /api/v1/devices")
    allowed = known_quantities(pilot, device)
    if quantity not in allowed:
        of = "the grid" if device is None else device
        raise HTTPException(422, f"{of} has no {quantity!r}; allowed: {', '.join(allowed or GRID_QUANTITIES)}")
    length = timedelta(seconds=duration_s)
    a, b = (ask(views.sources.history, device, quantity, start, length, points) for start in (start_a, start_b))
    result = compare(a.series, b.series, quantity)
    shown = [
        SideOut(
            start=side.start,
            elapsed_s=tuple((at - side.start).total_seconds() for at in side.series.times),
            values=tuple(None if value != value else value for value in side.series.values),  # noqa: PLR0124 - NaN
            figures=FiguresOut.model_validate(figures),
        )
        for side, figures in ((a, result.a), (b, result.b))
    ]
    names = ("mean", "minimum", "maximum", "energy_wh")
    return CompareOut(
        quantity=quantity,
        device=device,
        duration_s=duration_s,
        a=shown[0],
        b=shown[1],
        difference={name: getattr(result, name) for name in names},
    )
