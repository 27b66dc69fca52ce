"""What every history store promises of a past moment: what was known then, and what came in which order."""

from dataclasses import replace
from datetime import datetime

import pytest

from tests.contract.store_arms import SECOND, START, event, grid
from twin.model.command import Command, CommandRecord, CommandState, CommandStep, advance
from twin.model.event import DeadLetter, Reason
from twin.model.sample import Sample
from twin.model.telemetry import Report
from twin.store.port import Batch, Store, StoreError


def late(second: float, received: float, power_w: float, device: str = "h1-battery") -> Report:
    """Measured at `second`, and received only at `received`."""
    return Report(
        device=device,
        measured_at=START + second * SECOND,
        published_at=START + received * SECOND - SECOND,
        received_at=START + received * SECOND,
        values={"power_w": power_w},
    )


def at(second: float) -> datetime:
    return START + second * SECOND


def test_what_was_known_at_a_moment_is_what_had_been_received_by_then(store: Store) -> None:
    prompt, cached, overtaken = late(10, 11, 1.0), late(30, 200, 2.0), late(20, 210, 3.0)
    store.write(Batch(reports=[prompt, late(5, 6, 9.0, "h2-battery")]))
    store.write(Batch(reports=[cached, overtaken]))

    assert list(store.known_at(at(5))) == []
    assert [one.values["power_w"] for one in store.known_at(at(199))] == [1.0, 9.0]
    assert [one.values["power_w"] for one in store.known_at(at(200))] == [2.0, 9.0]
    assert [one.values["power_w"] for one in store.known_at(at(1_000))] == [2.0, 9.0]
    assert store.known_at(at(199))[0] == prompt


def test_a_device_that_has_long_been_silent_is_still_known(store: Store) -> None:
    month_s = 30 * 86_400
    store.write(Batch(reports=[late(0, 1, 1.0), late(month_s - 7_200, month_s - 7_199, 2.0, "h2-battery")]))
    store.write(Batch(reports=[late(month_s, month_s + 1, 3.0, "h3-battery")]))

    assert [one.values["power_w"] for one in store.known_at(at(month_s + 60))] == [1.0, 2.0, 3.0]


def test_what_was_known_of_a_feeder_has_the_last_picture_of_its_nodes(store: Store) -> None:
    pictured, plain = grid(0), replace(grid(2, losses_w=60.0), node_voltage_pu=())
    newer = replace(grid(3, losses_w=70.0), node_voltage_pu=((0.98765, 1.0, 1.01),))
    store.write(Batch(grid=[pictured, plain, newer, grid(0, 1), grid(50, 1)]))

    assert list(store.grids_known_at(at(0.5))) == []
    assert list(store.grids_known_at(at(3))) == [replace(plain, node_voltage_pu=pictured.node_voltage_pu), grid(0, 1)]
    assert list(store.grids_known_at(at(4))) == [newer, grid(0, 1)]


def test_what_was_received_comes_in_the_order_of_receipt(store: Store) -> None:
    given = [late(0, 10, 1.0), late(9, 10, 2.0), late(1, 300, 3.0), late(299, 299.5, 4.0), late(4_000, 4_001, 5.0)]
    store.write(Batch(reports=given, grid=[grid(0), replace(grid(5, 1), node_voltage_pu=()), grid(20_000)]))

    def powers(start: float, end: float) -> list[float]:
        return [one.values["power_w"] for piece in store.reports_received(at(start), at(end)) for one in piece]

    assert powers(0, 10_000) == [1.0, 2.0, 4.0, 3.0, 5.0]
    assert powers(10, 300) == [1.0, 2.0, 4.0]
    assert powers(301, 400) == []
    grids = [one for piece in store.grids_received(at(0), at(20_001)) for one in piece]
    assert grids == [grid(0), replace(grid(5, 1), node_voltage_pu=())]


def test_notes_and_commands_are_those_of_then(store: Store) -> None:
    asked = CommandRecord(
        command=Command(
            id="one",
            device="h1-battery",
            quantity="power_setpoint_w",
            value=500.0,
            requested_at=at(10),
            expires_at=at(310),
            priority=5,
            origin="operator",
        ),
        steps=(CommandStep(state=CommandState.REQUESTED, at=at(10)), CommandStep(state=CommandState.SENT, at=at(11))),
    )
    applied = advance(asked, CommandStep(state=CommandState.APPLIED, at=at(60)))
    letter = DeadLetter(at=at(30), topic="hg/x", reason=Reason.NOT_JSON, detail="?", excerpt=b"{")
    store.write(Batch(commands=[applied], events=[event(20), event(40, "again")], dead_letters=[letter]))

    assert list(store.recent_commands(5, until=at(9))) == []
    assert list(store.recent_commands(5, until=at(59))) == [asked]
    assert list(store.recent_commands(5, until=at(60))) == [applied]
    assert list(store.recent_events(5, until=at(20))) == [event(20)]
    assert list(store.recent_events(1, until=at(99))) == [event(40, "again")]
    assert list(store.recent_dead_letters(5, until=at(29))) == []
    assert list(store.recent_dead_letters(5, until=at(30))) == [letter]


def sample(second: float, subject: str = "oem", **values: float) -> Sample:
    return Sample(at=at(second), scope="pathway", subject=subject, values=values)


def test_a_figure_of_the_samples_is_a_series(store: Store) -> None:
    store.write(
        Batch(
            samples=[
                *(sample(10 * n, availability=1.0, age_p50_s=float(n)) for n in range(4)),
                sample(0, "hems", age_p50_s=9.0),
                sample(5, age_max_s=7.0),
            ]
        )
    )
    store.write(Batch(samples=[sample(0, age_p50_s=99.0)]))

    def series(subject: str, name: str, points: int = 600) -> list[tuple[datetime, float]]:
        found = store.sample_series("pathway", subject, name, START, at(40), points=points)
        return list(zip(found.times, found.values, strict=True))

    assert series("oem", "age_p50_s") == [(at(10 * n), float(n)) for n in range(4)]
    assert series("oem", "age_p50_s", points=2) == [(at(0), 0.5), (at(20), 2.5)]
    assert series("hems", "age_p50_s") == [(at(0), 9.0)]
    assert series("gateway", "age_p50_s") == []
    assert series("oem", "flux") == []
    with pytest.raises(StoreError, match="known: twin, pathway"):
        store.sample_series("planet", "oem", "age_p50_s", START, at(40))


def test_the_samples_of_a_moment_are_the_newest_of_every_subject(store: Store) -> None:
    old, gone, newer = (
        sample(0, availability=0.5, commands=1.0),
        sample(20, "gone", steps=1.0),
        sample(60, messages=3.0),
    )
    store.write(Batch(samples=[old, gone, newer, sample(61, "hems", messages=4.0), sample(95, messages=9.0)]))

    assert list(store.samples_at(at(90))) == [sample(61, "hems", messages=4.0), newer]
    assert list(store.samples_at(at(60))) == [gone, newer]
    assert list(store.samples_at(at(59.5), within_s=600)) == [gone, old]
    assert list(store.samples_at(at(-1))) == []


def test_a_series_as_it_was_known_then_lacks_what_came_later(store: Store) -> None:
    store.write(Batch(reports=[late(0, 1, 1.0), late(10, 200, 2.0), late(20, 21, 3.0)], grid=[grid(0), grid(30)]))

    def powers(received_by: float) -> list[float]:
        found = store.device_series("h1-battery", "power_w", START, at(60), received_by=at(received_by))
        return list(found.values)

    assert powers(0.5) == []
    assert powers(100) == [1.0, 3.0]
    assert powers(200) == [1.0, 2.0, 3.0]
    assert len(store.grid_series("losses_w", START, at(60), received_by=at(30.5)).values) == 1
    assert len(store.grid_series("losses_w", START, at(60), received_by=at(31)).values) == 2


def test_the_span_is_from_the_first_to_the_last_measurement(store: Store) -> None:
    assert store.span() is None
    store.write(Batch(reports=[late(100, 500, 1.0), late(7, 800, 1.0)], grid=[grid(9_000)]))

    assert store.span() == (at(7), at(100))
