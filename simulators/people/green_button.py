"""Green Button files: the customer's interval readings as an Atom feed of NAESB REQ.21 (ESPI) resources.

Reads delivered electric energy: reading types with uom 72 (Wh), flow direction 1 (or unsaid) and interval (delta)
values. Other reading types - reverse energy, cost, gas - are left aside. Readings of one usage point, from one or
more blocks, make one series, called by the last part of the usage point's own link. Refuses any DOCTYPE (the way to
entity expansion), malformed XML, files without usable readings, and broken readings.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from xml.etree import ElementTree as ET

from simulators.people.readings import MeterDataError, Reading, Readings

_ESPI = "{http://naesb.org/espi}"
_ATOM = "{http://www.w3.org/2005/Atom}"
_WATT_HOUR = 72
_DELIVERED = 1
_CONSUMPTION_KINDS = {None, 4, 9}  # accumulation behaviour unsaid, delta or summation of the interval
_MAX_BYTES = 256_000_000  # a year of one-minute readings of one meter is half of this
_MULTIPLIERS = range(-12, 13)
_TOO_LARGE = 10**15


@dataclass(frozen=True, slots=True, kw_only=True)
class _ReadingType:
    wanted: bool
    factor_wh: float


class _NoDoctype(ET.TreeBuilder):
    """Stops the parser at a DOCTYPE, before anything declared in it is read."""

    def __init__(self, file: str) -> None:
        super().__init__()
        self._file = file

    def doctype(self, name: str, _public: str | None, _system: str | None) -> NoReturn:
        """Called by the parser at the start of a document type declaration."""
        raise MeterDataError(
            self._file, where="DOCTYPE", value=name, allowed="a feed without a document type declaration"
        )


def read_green_button(path: Path) -> Mapping[str, Readings]:
    """The series of every usage point in the file, by the usage point's id. Raises MeterDataError."""
    name = path.name
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise MeterDataError(name, value=f"{path.stat().st_size} bytes", allowed=f"at most {_MAX_BYTES} bytes")
        root = ET.parse(path, parser=ET.XMLParser(target=_NoDoctype(name))).getroot()  # noqa: S314 - no DOCTYPE, no entities
    except ET.ParseError as error:
        raise MeterDataError(name, where=f"line {error.position[0]}", allowed=f"well-formed XML ({error})") from error
    except OSError as error:
        raise MeterDataError(str(path), allowed=f"a readable file ({error.strerror})") from error
    types, type_of_meter = _reading_types(name, root)
    found: dict[str, list[Reading]] = defaultdict(list)
    for number, entry in enumerate(root.iter(f"{_ATOM}entry"), start=1):
        blocks = list(entry.iter(f"{_ESPI}IntervalBlock"))
        if not blocks:
            continue
        link = _link(entry, "self") or _link(entry, "up")
        reading_type = _type_of_block(name, number, link, types, type_of_meter)
        if reading_type.wanted:
            for block in blocks:
                found[_usage_point(link)].extend(_readings(name, number, block, reading_type))
    if not found:
        raise MeterDataError(
            name, allowed="an IntervalBlock whose ReadingType is delivered energy: uom 72, flowDirection 1"
        )
    return {
        point: Readings.of(name, sorted(readings, key=lambda reading: reading.start_s))
        for point, readings in found.items()
    }


def _reading_types(name: str, root: ET.Element) -> tuple[Mapping[str, _ReadingType], Mapping[str, str]]:
    """Reading types by their link, and the reading type's link of each meter reading by its own link."""
    types: dict[str, _ReadingType] = {}
    type_of_meter: dict[str, str] = {}
    for number, entry in enumerate(root.iter(f"{_ATOM}entry"), start=1):
        element = entry.find(f".//{_ESPI}ReadingType")
        if element is not None:
            where = f"entry {number} ReadingType"
            kind = _integer(name, where, element, "accumulationBehaviour")
            flow = _integer(name, where, element, "flowDirection")
            power_of_ten = _integer(name, where, element, "powerOfTenMultiplier") or 0
            if power_of_ten not in _MULTIPLIERS:
                allowed = f"{_MULTIPLIERS[0]} to {_MULTIPLIERS[-1]}"
                raise MeterDataError(name, where=f"{where} powerOfTenMultiplier", value=power_of_ten, allowed=allowed)
            energy = _integer(name, where, element, "uom") == _WATT_HOUR
            types[_link(entry, "self")] = _ReadingType(
                wanted=energy and flow in {None, _DELIVERED} and kind in _CONSUMPTION_KINDS,
                factor_wh=10.0**power_of_ten,
            )
        elif entry.find(f".//{_ESPI}MeterReading") is not None:
            for link in entry.iter(f"{_ATOM}link"):
                if link.get("rel") == "related" and "/ReadingType/" in "/" + link.get("href", ""):
                    type_of_meter[_link(entry, "self")] = link.get("href", "")
    return types, type_of_meter


def _type_of_block(
    name: str, number: int, link: str, types: Mapping[str, _ReadingType], type_of_meter: Mapping[str, str]
) -> _ReadingType:
    meter = link.partition("/IntervalBlock")[0]
    found = types.get(type_of_meter.get(meter, ""))
    if found is None and len(types) == 1:
        return next(iter(types.values()))  # many exporters leave the links out when there is nothing to confuse
    if found is None:
        raise MeterDataError(
            name,
            where=f"entry {number} IntervalBlock",
            value=link,
            allowed="a link to a MeterReading with a ReadingType",
        )
    return found


def _readings(name: str, number: int, block: ET.Element, reading_type: _ReadingType) -> Iterator[Reading]:
    for index, element in enumerate(block.iter(f"{_ESPI}IntervalReading"), start=1):
        where = f"entry {number} IntervalReading {index}"
        start = _required(name, where, element, f"timePeriod/{_ESPI}start")
        length = _required(name, where, element, f"timePeriod/{_ESPI}duration")
        value = _required(name, where, element, "value")
        if length <= 0:
            raise MeterDataError(name, where=f"{where} timePeriod/duration", value=length, allowed="at least 1 s")
        yield Reading(
            start_s=start, length_s=length, power_w=value * reading_type.factor_wh * 3600.0 / length, where=where
        )


def _required(name: str, where: str, element: ET.Element, tag: str) -> int:
    found = _integer(name, where, element, tag)
    if found is None:
        raise MeterDataError(name, where=where, allowed=f"an element {tag.replace(_ESPI, '')}")
    return found


def _integer(name: str, where: str, element: ET.Element, tag: str) -> int | None:
    text = element.findtext(f"{_ESPI}{tag}")
    if text is None or not text.strip():
        return None
    try:
        number = int(text)
    except ValueError:
        number = _TOO_LARGE
    if abs(number) >= _TOO_LARGE:
        short = tag.replace(_ESPI, "")
        allowed = f"a whole number within {_TOO_LARGE:.0e} either way"
        raise MeterDataError(name, where=f"{where} {short}", value=text[:40], allowed=allowed)
    return number


def _link(entry: ET.Element, rel: str) -> str:
    return next((link.get("href", "") for link in entry.iter(f"{_ATOM}link") if link.get("rel") == rel), "")


def _usage_point(link: str) -> str:
    """The id in .../UsagePoint/{id}/...; a feed without links has one usage point with an empty id."""
    return link.partition("UsagePoint/")[2].partition("/")[0]
