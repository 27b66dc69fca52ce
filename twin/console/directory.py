"""Everything in the console that has a page, found by what people type: homes, devices, endpoints, pages."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from twin.console.words import KIND_NAMES, PATHWAY_NAMES
from twin.model.topology import Pilot

PAGES = (
    ("/", "Overview"),
    ("/alarms", "Alarms"),
    ("/feeder", "Feeder"),
    ("/homes", "Homes"),
    ("/pathways", "Pathways"),
    ("/commands", "Commands"),
    ("/compare", "Compare"),
    ("/events", "Events"),
    ("/dead-letters", "Dead letters"),
    ("/health", "Twin health"),
)
"""The pages of the rail: address and name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One thing with a page: what it is, its name, words beside it, and the page's address."""

    what: str
    name: str
    beside: str
    page: str


class Directory:
    """All of one pilot, ready to be searched; a few thousand entries take about a millisecond."""

    def __init__(self, pilot: Pilot) -> None:
        self._entries = tuple(_entries(pilot))
        self._texts = tuple(f"{entry.name} {entry.beside} {entry.what}".lower() for entry in self._entries)

    def find(self, asked: str, limit: int) -> Sequence[Found]:
        """At most `limit` that have every word, those whose name begins with what was asked first."""
        words = asked.lower().split()
        if not words:
            return []
        fitting = [
            entry for entry, text in zip(self._entries, self._texts, strict=True) if all(word in text for word in words)
        ]
        begin = " ".join(words)
        return sorted(fitting, key=lambda entry: not entry.name.lower().startswith(begin))[:limit]


def _entries(pilot: Pilot) -> Iterator[Found]:
    for page, name in PAGES:
        yield Found(what="Page", name=name, beside="", page=page)
    for home in pilot.homes:
        beside = f"feeder {home.feeder + 1}, {home.connection_point}"
        yield Found(what="Home", name=home.id, beside=beside, page=f"/homes/{home.id}")
    for endpoint in pilot.endpoints:
        beside = f"{PATHWAY_NAMES[endpoint.pathway]}, {endpoint.variant}"
        yield Found(what="Endpoint", name=endpoint.id, beside=beside, page=f"/endpoints/{endpoint.id}")
    for device in pilot.devices:
        kind = KIND_NAMES.get(device.kind, device.kind)
        yield Found(what="Device", name=device.id, beside=kind, page=f"/homes/{device.home}")
