"""Has a vendor's FMU checked by whoever can read one, if somebody is installed who can.

The twin reads no FMU itself: the simulated world registers a checker as an entry point. Without one, as in a pilot of
live devices only, a `model` is taken as it stands, because nothing will run it.
"""

from collections.abc import Callable, Sequence
from importlib.metadata import entry_points

from twin.model.device import DeviceKind
from twin.model.topology import VendorModel
from twin.pilot.problem import Place

ENTRY_POINT_GROUP = "hearthgrid.models"
"""Checkers register here: a function that takes kind and model and returns what is wrong, each with its place."""

VendorProblems = Sequence[tuple[Place, str]]


def vendor_problems(kind: DeviceKind, model: VendorModel) -> VendorProblems:
    """What is wrong with `model` for a device of `kind`; the places count from the model's entry in the file."""
    found: list[tuple[Place, str]] = []
    for entry_point in entry_points(group=ENTRY_POINT_GROUP):
        check: Callable[[DeviceKind, VendorModel], VendorProblems] = entry_point.load()
        found += check(kind, model)
    return found
