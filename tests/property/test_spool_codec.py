"""Whatever the twin may say of the world, the spool gives it back as it was."""

from datetime import UTC, datetime, timedelta
from math import isnan, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.model.command import Command, CommandRecord, CommandState, CommandStep
from twin.model.event import DeadLetter, Event, Reason, Severity
from twin.model.quantity import QUANTITIES
from twin.model.sample import SCOPES, Sample
from twin.model.telemetry import GridReport, Quality, Report
from twin.store.codec import decode, encode
from twin.store.columns import microseconds, moment
from twin.store.port import Batch, StoreError

TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2106, 2, 7), timezones=st.just(UTC))  # noqa: DTZ001
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
TRIPLES = st.tuples(NUMBERS, NUMBERS, NUMBERS)

REPORTS = st.builds(
    Report,
    device=TEXTS,
    measured_at=TIMES,
    published_at=TIMES,
    received_at=TIMES,
    values=st.dictionaries(st.sampled_from(sorted(QUANTITIES)), NUMBERS),
    quality=st.sampled_from(Quality),
)
GRIDS = st.builds(
    GridReport,
    feeder=st.integers(0, 1_000),
    measured_at=TIMES,
    received_at=TIMES,
    head_power_w=TRIPLES,
    head_reactive_power_var=TRIPLES,
    losses_w=NUMBERS,
    transformer_loading=NUMBERS,
    line_loading=NUMBERS,
    v_min_pu=NUMBERS,
    v_max_pu=NUMBERS,
    node_voltage_pu=st.lists(TRIPLES, max_size=3).map(tuple),
)
COMMANDS = st.builds(
    Command,
    id=TEXTS,
    device=TEXTS,
    quantity=st.sampled_from(sorted(QUANTITIES)),
    value=NUMBERS,
    requested_at=TIMES,
    expires_at=TIMES,
    priority=st.integers(-100, 100),
    origin=TEXTS,
)
STEPS = st.builds(CommandStep, state=st.sampled_from(CommandState), at=TIMES, reason=TEXTS)
RECORDS = st.builds(CommandRecord, command=COMMANDS, steps=st.lists(STEPS, min_size=1, max_size=3).map(tuple))
EVENTS = st.builds(Event, at=TIMES, severity=st.sampled_from(Severity), kind=TEXTS, subject=TEXTS, text=TEXTS)
LETTERS = st.builds(
    DeadLetter, at=TIMES, topic=TEXTS, reason=st.sampled_from(Reason), detail=TEXTS, excerpt=st.binary(max_size=20)
)
SAMPLES = st.builds(
    Sample, at=TIMES, scope=st.sampled_from(SCOPES), subject=TEXTS, values=st.dictionaries(TEXTS, NUMBERS, max_size=3)
)
BATCHES = st.builds(
    Batch,
    reports=st.lists(REPORTS, max_size=3).map(tuple),
    grid=st.lists(GRIDS, max_size=2).map(tuple),
    commands=st.lists(RECORDS, max_size=2).map(tuple),
    events=st.lists(EVENTS, max_size=2).map(tuple),
    dead_letters=st.lists(LETTERS, max_size=2).map(tuple),
    samples=st.lists(SAMPLES, max_size=2).map(tuple),
)


@given(BATCHES)
def test_a_batch_comes_back_exactly(batch: Batch) -> None:
    assert decode(encode(batch)) == batch


@given(TIMES)
def test_a_time_survives_as_microseconds(at: datetime) -> None:
    assert moment(int(microseconds([at], 1)[0])) == at


def test_what_is_not_a_number_comes_back_as_not_a_number() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    report = Report(
        device="h1-meter", measured_at=at, published_at=at, received_at=at, values={"power_w": nan, "voltage_v": 230.0}
    )

    (back,) = decode(encode(Batch(reports=[report]))).reports

    assert isnan(back.values["power_w"])
    assert back.values["voltage_v"] == 230.0


@pytest.mark.parametrize("line", [b"", b"[]", b'{"reports":[{}]}', b'{"reports":[{"values":1}]}', b"\x00\x01"])
def test_bytes_of_another_program_are_refused(line: bytes) -> None:
    with pytest.raises(StoreError, match="another program") as refused:
        decode(line)
    assert not refused.value.retryable


def test_text_that_is_not_unicode_is_refused() -> None:
    event = Event(
        at=datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=1),
        severity=Severity.ALARM,
        kind="endpoint-lost",
        subject="\ud800",
        text="",
    )
    with pytest.raises(StoreError, match="surrogates"):
        encode(Batch(events=[event]))
