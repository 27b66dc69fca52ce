"""Which circuit of a home's smart panel feeds which of its devices.

Refuses: a second panel, a circuit where there is no panel, a circuit for what is on none, two devices on one circuit,
and more devices than leave a circuit for lights and sockets.
"""

from collections.abc import Collection, Sequence

from twin.model.device import ON_CIRCUITS, DeviceKind
from twin.model.quantity import CIRCUITS
from twin.pilot.problem import Place
from twin.pilot.schema import DeviceEntry
from twin.pilot.source import Source

Devices = Sequence[tuple[DeviceEntry, Place]]


def circuits_of_home(source: Source, home: str, devices: Devices) -> Sequence[int | None]:
    """The circuit of each device, None for what is on none; what cannot be is noted in `source`."""
    panels = [place for device, place in devices if device.kind is DeviceKind.SMART_PANEL]
    fed = [index for index, (device, _) in enumerate(devices) if device.kind in ON_CIRCUITS]
    if len(panels) > 1:
        source.problem(panels[1], f"home {home!r} has two smart panels; one is allowed")
    taken: dict[int, int] = {}
    for index, (device, place) in enumerate(devices):
        if device.circuit is None:
            continue
        problem = _problem(home, device, has_panel=bool(panels), taken=taken)
        if problem:
            source.problem((*place, "circuit"), problem)
        else:
            taken[device.circuit] = index
    if panels and len(fed) >= len(CIRCUITS):
        most = len(CIRCUITS) - 1
        text = f"{len(fed)} devices are on circuits; at most {most} can be, one circuit is for lights and sockets"
        source.problem(panels[0], text)
        return [None] * len(devices)
    if panels:
        free = (number for number in CIRCUITS if number not in taken)
        taken |= {next(free): index for index in fed if index not in taken.values()}
    circuit_of = {index: number for number, index in taken.items()}
    return [circuit_of.get(index) for index in range(len(devices))]


def _problem(home: str, device: DeviceEntry, *, has_panel: bool, taken: Collection[int]) -> str:
    if device.kind not in ON_CIRCUITS:
        return f"a {device.kind} is on no circuit of a panel; {', '.join(ON_CIRCUITS)} are"
    if not has_panel:
        return f"home {home!r} has no smart panel; give it a device of kind smart_panel"
    return f"circuit {device.circuit} stands twice; a device has one of its own" if device.circuit in taken else ""
