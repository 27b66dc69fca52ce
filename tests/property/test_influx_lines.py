"""Whatever the twin may say of the world, its lines say the same, to a reader that knows the grammar alone."""

from dataclasses import replace
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import small_pilot
from tests.influx_peer import Point, lines, parsed
from tests.property.test_spool_codec import EVENTS, GRIDS, NUMBERS, RECORDS, REPORTS, TEXTS, TIMES
from twin.model.event import DeadLetter, Event, Reason
from twin.model.sample import SCOPES, Sample
from twin.model.telemetry import GridReport, Quality, Report
from twin.store.columns import microseconds
from twin.store.influx import flux
from twin.store.influx.layout import Layout, of_tag
from twin.store.influx.lines import Lines
from twin.store.port import StoreError

PILOT = small_pilot()
NAMES = TEXTS.filter(bool)
KNOWN = st.sampled_from([device.id for device in PILOT.devices]) | NAMES


def writer() -> Lines:
    return Lines(Layout(PILOT))


def us(at: object) -> int:
    return int(microseconds([at], 1)[0])  # type: ignore[list-item]


def read(*given: str) -> list[Point]:
    return [parsed(line) for line in lines("\n".join(given))]


@given(REPORTS, KNOWN)
def test_a_report_is_one_line_with_its_values_and_three_times(report: Report, device: str) -> None:
    report = replace(report, device=device)

    (written,) = writer().reports([report])
    (point,) = read(written.line)

    assert of_tag(point.tags["device"]) == device == written.key
    assert point.at_ns == 1_000 * us(report.measured_at) == 1_000 * written.at_us
    assert point.fields["received_us"] == us(report.received_at)
    assert point.fields["published_us"] == us(report.published_at)
    assert Quality(str(point.fields["quality"])) is report.quality
    values = {name: value for name, value in point.fields.items() if isinstance(value, float)}
    assert values == report.values
    late = not -10_000_000 <= us(report.received_at) - us(report.measured_at) <= 120_000_000
    assert point.fields.get("straggler_us") == (us(report.received_at) if late else None)


@given(GRIDS)
def test_a_grid_report_is_a_line_of_its_feeder_and_one_of_each_node(grid: GridReport) -> None:
    (written,) = writer().grid([grid])
    feeder, *nodes = read(*written.lines())

    assert feeder.tags == {"pilot": "small", "feeder": str(grid.feeder)}
    assert feeder.fields["head_power_b_w"] == grid.head_power_w[1]
    assert feeder.fields["received_us"] == us(grid.received_at)
    assert feeder.fields.get("nodes", 0) == len(grid.node_voltage_pu) == len(nodes)
    assert [point.fields["voltage_c_pu"] for point in nodes] == [c for _, _, c in grid.node_voltage_pu]
    assert [point.tags["node"] for point in nodes] == ["mv", "lv", "n1"][: len(nodes)]


@given(
    st.builds(Sample, at=TIMES, scope=st.sampled_from(SCOPES), subject=NAMES, values=st.dictionaries(NAMES, NUMBERS))
)
def test_a_sample_is_a_line_of_its_subject(sample: Sample) -> None:
    written = list(writer().samples([sample]))

    assert len(written) == bool(sample.values)
    for point in read(*(one.line for one in written)):
        assert of_tag(point.tags[sample.scope]) == sample.subject
        assert {of_tag(name): value for name, value in point.fields.items()} == sample.values


@given(st.lists(RECORDS, max_size=3))
def test_every_step_of_a_command_is_a_line(records: list[object]) -> None:
    points = read(*writer().commands(records))  # type: ignore[arg-type]

    expected = [(record.command, number, step) for record in records for number, step in enumerate(record.steps)]  # type: ignore[attr-defined]
    assert len(points) == len(expected)
    for point, (command, number, step) in zip(points, expected, strict=True):
        assert of_tag(point.tags.get("id", "")) == command.id
        assert (point.tags["state"], point.fields["step"], point.fields["reason"]) == (step.state, number, step.reason)
        assert (point.fields["value"], point.fields["origin"]) == (command.value, command.origin)
        assert point.at_ns == 1_000 * us(step.at)


@given(st.lists(EVENTS, max_size=4))
def test_every_event_keeps_its_text_and_its_microsecond(events: list[Event]) -> None:
    points = read(*writer().events(events))

    assert [point.fields["text"] for point in points] == [event.text for event in events]
    assert [point.at_ns // 1_000 for point in points] == [us(event.at) for event in events]
    assert [of_tag(point.tags.get("subject", "")) for point in points] == [event.subject for event in events]


@given(EVENTS, st.lists(TEXTS, unique=True, max_size=50))
def test_texts_of_one_moment_are_a_point_each_and_the_same_points_again(event: Event, texts: list[str]) -> None:
    events = [replace(event, text=text) for text in texts]

    points = read(*writer().events([*events, *events]))

    assert len({(point.series, point.at_ns) for point in points}) == len(texts)
    assert points[: len(texts)] == points[len(texts) :]


def test_a_hundred_dead_letters_of_one_message_are_a_hundred_points() -> None:
    letter = DeadLetter(at=flux.BEGINNING, topic="hg/a", reason=Reason.OUT_OF_RANGE, detail="", excerpt=b'\x00\n"\\')

    points = read(*writer().dead_letters(replace(letter, detail=f"reading {n}") for n in range(100)))

    assert len({point.at_ns for point in points}) == 100


@given(REPORTS)
def test_a_number_that_is_none_is_left_out(report: Report) -> None:
    report = replace(report, values={**report.values, "power_w": float("nan"), "soc": float("-inf")})

    (written,) = writer().reports([report])
    (point,) = read(written.line)

    assert not {"power_w", "soc"} & point.fields.keys()
    assert all(isfinite(value) for value in point.fields.values() if not isinstance(value, str))


def test_an_unknown_quantity_is_refused_by_name() -> None:
    at = flux.BEGINNING
    report = Report(device="h1-pv", measured_at=at, published_at=at, received_at=at, values={"flux": 1.0})

    with pytest.raises(StoreError, match="'flux'; known: power_w") as refused:
        writer().reports([report])
    assert not refused.value.retryable


@given(TEXTS)
def test_no_text_ends_its_literal_in_a_question(text: str) -> None:
    literal = flux.text(text)

    inside = literal[1:-1].replace("\\\\", "").replace('\\"', "")
    assert literal[0] == literal[-1] == '"'
    assert '"' not in inside
    assert "${" not in literal
    assert "\n" not in literal
