"""Rows as InfluxDB's line protocol, written by hand: one string a point, made of what does not change and numbers.

Everything but numbers and times is put together once a device. A figure that is not finite is left out, as a gap.
Texts that one moment and one set of tags may hold several of (events, dead letters) differ in the nanoseconds below
the microsecond, which come from the text itself: so the same text written again is the same point, and another is not.
Refuses a quantity that is not in twin.model.quantity.
"""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from math import isfinite

from twin.model.command import CommandRecord
from twin.model.event import DeadLetter, Event
from twin.model.quantity import QUANTITIES
from twin.model.sample import SCOPES, Sample
from twin.model.telemetry import GridReport, Report
from twin.store.columns import microseconds
from twin.store.influx.layout import (
    AHEAD,
    COMMAND,
    DEAD_LETTER,
    EVENT,
    NODES,
    PROMPT,
    PUBLISHED,
    QUALITY,
    RECEIVED,
    STRAGGLER,
    Layout,
    Place,
    as_tag,
)
from twin.store.port import StoreError

_PROMPT_US, _AHEAD_US = (int(span.total_seconds() * 1e6) for span in (PROMPT, AHEAD))
_TAG = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ "})
_TEXT = str.maketrans({"\\": "\\\\", '"': '\\"'})
_DIGITS = 1_000  # nanoseconds below a microsecond
_GRID = ("losses_w", "transformer_loading", "line_loading", "v_min_pu", "v_max_pu")


@dataclass(frozen=True, slots=True)
class Point:
    """A line, and what makes its row the same row: who it is of, and when (microseconds since 1970)."""

    key: str
    at_us: int
    line: str
    beside: tuple[str, ...] = ()  # lines that go where this one goes
    counted: bool = False  # a row of telemetry

    def lines(self) -> tuple[str, ...]:
        """All that is to be written."""
        return (self.line, *self.beside)


def feeder_key(feeder: int | str) -> str:
    """The key of a feeder's grid reports, which no device has."""
    return f"feeder:{feeder}"


class Lines:
    """Writes the rows of one pilot."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._prefixes: dict[str, str] = {}

    def reports(self, given: Sequence[Report]) -> list[Point]:
        """One point a report."""
        measured = _microseconds([report.measured_at for report in given])
        published = _microseconds([report.published_at for report in given])
        received = _microseconds([report.received_at for report in given])
        known = QUANTITIES.keys()
        points = []
        for report, at, out, come in zip(given, measured, published, received, strict=True):
            values = report.values
            if not values.keys() <= known:
                unknown = next(name for name in values if name not in known)
                raise StoreError(f"no field for quantity {unknown!r}; known: {', '.join(known)}", retryable=False)
            numbers = _numbers(values)
            late = f",{STRAGGLER}={come}i" if not -_AHEAD_US <= come - at <= _PROMPT_US else ""
            points.append(
                Point(
                    report.device,
                    at,
                    f"{self._device(report.device)} {numbers}{PUBLISHED}={out}i,{RECEIVED}={come}i,"
                    f'{QUALITY}="{report.quality}"{late} {at}000',
                    counted=True,
                )
            )
        return points

    def _device(self, device: str) -> str:
        prefix = self._prefixes.get(device)
        if prefix is None:
            prefix = self._prefixes[device] = series(self._layout.device(device))
        return prefix

    def grid(self, given: Sequence[GridReport]) -> Iterator[Point]:
        """One point a report, and beside it one for each node whose voltage came with it."""
        for report in given:
            at, come = _microseconds([report.measured_at, report.received_at])
            values = {name: getattr(report, name) for name in _GRID}
            powers = (
                ("head_power", "w", report.head_power_w),
                ("head_reactive_power", "var", report.head_reactive_power_var),
            )
            for name, unit, phases in powers:
                values |= {f"{name}_{phase}_{unit}": value for phase, value in zip("abc", phases, strict=True)}
                values[f"{name}_{unit}"] = sum(phases)
            late = f",{STRAGGLER}={come}i" if not -_AHEAD_US <= come - at <= _PROMPT_US else ""
            nodes = f",{NODES}={len(report.node_voltage_pu)}i" if report.node_voltage_pu else ""
            prefix = series(self._layout.feeder(report.feeder))
            line = f"{prefix} {_numbers(values)}{RECEIVED}={come}i{nodes}{late} {at}000"
            yield Point(feeder_key(report.feeder), at, line, tuple(self._nodes(report, at)))

    def _nodes(self, report: GridReport, at_us: int) -> Iterator[str]:
        for number, phases in enumerate(report.node_voltage_pu):
            numbers = _numbers({f"voltage_{phase}_pu": value for phase, value in zip("abc", phases, strict=True)})
            if numbers:
                yield f"{series(self._layout.node(report.feeder, number))} {numbers[:-1]} {at_us}000"

    def samples(self, given: Iterable[Sample]) -> Iterator[Point]:
        """One point a sample that has a figure."""
        for sample in given:
            if sample.scope not in SCOPES:
                raise StoreError(f"unknown scope {sample.scope!r}; known: {', '.join(SCOPES)}", retryable=False)
            (at,) = _microseconds([sample.at])
            fields = {_tag(name): value for name, value in sample.values.items()}
            if numbers := _numbers(fields):
                prefix = series(self._layout.sample(sample.scope, sample.subject))
                yield Point(sample_key(sample.scope, sample.subject), at, f"{prefix} {numbers[:-1]} {at}000")

    def commands(self, given: Iterable[CommandRecord]) -> Iterator[str]:
        """One point for each step that a command has taken."""
        for record in given:
            command = record.command
            requested, expires = _microseconds([command.requested_at, command.expires_at])
            tags = self._layout.device(command.device).tags
            place = {name: tags[name] for name in ("pilot", "device", "home", "pathway") if name in tags}
            for number, step in enumerate(record.steps):
                (at,) = _microseconds([step.at])
                prefix = series(
                    Place(
                        measurement=COMMAND,
                        tags={**place, "quantity": command.quantity, "state": step.state.value, "id": command.id},
                    )
                )
                yield (
                    f"{prefix} {_numbers({'value': command.value})}step={number}i,reason={_quoted(step.reason)},"
                    f"requested_us={requested}i,expires_us={expires}i,priority={command.priority}i,"
                    f"origin={_quoted(command.origin)},since_requested_ms={(at - requested) / 1e3!r} {at}000"
                )

    def events(self, given: Iterable[Event]) -> Iterator[str]:
        """One point an event."""
        taken: dict[tuple[str, int], str] = {}
        for event in given:
            (at,) = _microseconds([event.at])
            tags = {"severity": event.severity.value, "kind": event.kind, "subject": event.subject}
            prefix = series(Place(measurement=EVENT, tags={"pilot": self._layout.pilot, **tags}))
            key, at_ns = _spread(taken, prefix, at, event.text)
            yield f"{prefix} text={_quoted(event.text)},key={_quoted(key)} {at_ns}"

    def dead_letters(self, given: Iterable[DeadLetter]) -> Iterator[str]:
        """One point a dead letter; its first bytes as base64."""
        taken: dict[tuple[str, int], str] = {}
        for letter in given:
            (at,) = _microseconds([letter.at])
            excerpt = b64encode(letter.excerpt).decode("ascii")
            prefix = series(
                Place(measurement=DEAD_LETTER, tags={"pilot": self._layout.pilot, "reason": letter.reason.value})
            )
            key, at_ns = _spread(taken, prefix, at, f"{letter.topic}\0{letter.detail}\0{excerpt}")
            yield (
                f"{prefix} topic={_quoted(letter.topic)},detail={_quoted(letter.detail)},"
                f"excerpt={_quoted(excerpt)},key={_quoted(key)} {at_ns}"
            )


def sample_key(scope: str, subject: str) -> str:
    """The key of a subject's samples, which no device has."""
    return f"sample:{scope}:{subject}"


@lru_cache(maxsize=1 << 14)
def _tag(value: str) -> str:
    return as_tag(value).translate(_TAG)


def series(place: Place) -> str:
    """Measurement and tags, in the order that the server likes best; a tag without a value is left out."""
    tags = "".join(f",{name}={_tag(value)}" for name, value in sorted(place.tags.items()) if value)
    return f"{place.measurement}{tags}"


def _numbers(values: Mapping[str, float]) -> str:
    """Fields of figures, each with a comma after it."""
    if isfinite(sum(values.values())):
        return "".join([f"{name}={float(value)!r}," for name, value in values.items()])
    return "".join([f"{name}={float(value)!r}," for name, value in values.items() if isfinite(value)])


def _quoted(text: str) -> str:
    return f'"{text.translate(_TEXT)}"'


def _spread(taken: dict[tuple[str, int], str], prefix: str, at_us: int, content: str) -> tuple[str, int]:
    """A key made of the content, and the nanosecond of `at_us` that the content has, or the next that is free."""
    digest = blake2b(content.encode(), digest_size=8).digest()
    key, slot = digest.hex(), int.from_bytes(digest, "big") % _DIGITS
    for place in (*range(slot, _DIGITS), *range(slot)):
        at_ns = at_us * _DIGITS + place
        if taken.setdefault((prefix, at_ns), key) == key:
            return key, at_ns
    return key, at_us * _DIGITS + slot


def _microseconds(times: Sequence[object]) -> list[int]:
    found: list[int] = microseconds(times, len(times)).tolist()  # type: ignore[arg-type]
    return found
