"""Hostile messages among good ones: no good one is lost, each bad one is counted, memory stays bounded."""

import psutil

from tests.hostile import KINDS_OF_BAD, Stream
from tests.ingest_stage import Stage
from twin.model.event import Reason

ROUNDS = 300
MEGABYTE = 1_000_000


def test_hostile_messages_cost_no_good_one_and_are_counted_by_reason() -> None:
    stage = Stage()
    stream = Stream(stage.pilot, stage.clock)
    process = psutil.Process()
    before = 0
    for number in range(ROUNDS):
        for topic, payload in stream.round(number, start=stage.at(0)):
            stage.clock.drive(stage.at(number * 0.01))
            stage.far_bus.publish(topic, payload)
            stage.ingest.pump()
        if number == ROUNDS // 3:
            before = process.memory_info().rss
    grown = process.memory_info().rss - before

    good = [(report.device, report.values["power_w"]) for report in stage.history.reports]
    assert good == stream.good
    assert dict(stage.state.dead_letter_counts) == {reason: count * ROUNDS for reason, count in KINDS_OF_BAD.items()}
    assert len(stage.state.dead_letters) == 1_000
    assert all(len(letter.excerpt) <= 200 for letter in stage.state.dead_letters)
    assert grown < 30 * MEGABYTE


def test_a_dead_letter_says_where_from_why_and_how_it_began() -> None:
    stage = Stage()
    stage.publish("telemetry", b"{ not json " + b"x" * 1_000)
    letter = stage.state.dead_letters[0]
    assert letter.reason is Reason.NOT_JSON
    assert letter.topic == "hg/1/small/gw-h1/telemetry"
    assert letter.excerpt.startswith(b"{ not json ")
    assert [each.reason for batch in stage.history.batches for each in batch.dead_letters] == [Reason.NOT_JSON]


def test_a_flood_is_counted_in_full_and_history_gets_a_sample() -> None:
    stage = Stage()
    for _ in range(1_000):
        stage.far_bus.publish("hg/1/small/gw-h1/telemetry", b"[]")
    stage.ingest.pump()
    assert stage.state.dead_letter_counts == {Reason.WRONG_SHAPE: 1_000}
    assert 0 < sum(len(batch.dead_letters) for batch in stage.history.batches) <= 64 * len(stage.history.batches)
