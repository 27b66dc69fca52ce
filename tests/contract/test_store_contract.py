"""What every history store promises, whichever database is behind it."""

import csv
import threading
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.contract.store_arms import SECOND, START, Open, battery, event, grid, report
from twin.model.telemetry import Quality
from twin.store.embedded import EmbeddedStore
from twin.store.port import Batch, Store, StoreError


def test_a_new_store_is_empty_and_answers(store: Store) -> None:
    assert store.rows() == 0
    assert list(store.latest()) == []
    assert list(store.recent_events(10)) == []
    assert list(store.device_series("h1-battery", "power_w", START, START + SECOND).times) == []
    store.write(Batch())
    assert store.rows() == 0


def test_what_was_written_is_there_after_the_next_start(open_store: Open) -> None:
    first = battery(0)
    open_store().write(Batch(reports=[first], grid=[grid(0)], events=[event(0)]))

    again = open_store()

    assert list(again.latest()) == [first]
    assert list(again.recent_events(5)) == [event(0)]
    assert list(again.grid_series("losses_w", START, START + SECOND).values) == [50.0]


def test_a_row_written_twice_is_one_row_and_the_first_stays(open_store: Open) -> None:
    batch = Batch(
        reports=[battery(0, 1.0), battery(1), battery(0, 2.0)], grid=[grid(0), grid(0)], events=[event(0)] * 2
    )
    store = open_store()
    store.write(batch)
    store.write(batch)
    store = open_store()
    store.write(batch)

    assert store.rows() == 2
    series = store.device_series("h1-battery", "power_w", START, START + 2 * SECOND)
    assert list(series.values) == [1.0, 1_000.0]
    assert len(store.grid_series("losses_w", START, START + SECOND).values) == 1
    assert len(store.recent_events(10)) == 1


def test_devices_that_measure_at_the_same_moment_keep_a_row_each(store: Store) -> None:
    store.write(Batch(reports=[battery(0), battery(0, device="h2-battery"), report("h1-meter", 0, voltage_v=231.0)]))

    assert store.rows() == 3
    assert [one.device for one in store.latest()] == ["h1-battery", "h1-meter", "h2-battery"]


def test_rows_that_come_late_take_their_place_and_do_not_become_the_latest(store: Store) -> None:
    store.write(Batch(reports=[battery(7_200, 3.0)]))
    store.write(Batch(reports=[battery(0, 1.0), battery(7_201, 4.0), battery(3_700, 2.0)]))
    store.write(Batch(reports=[battery(3_700, 9.0), battery(3_701, 2.5)]))

    series = store.device_series("h1-battery", "power_w", START, START + 7_202 * SECOND)

    assert list(series.values) == [1.0, 2.0, 2.5, 3.0, 4.0]
    assert store.latest()[0].measured_at == START + 7_201 * SECOND


def test_the_latest_report_comes_back_as_it_was(store: Store) -> None:
    old = report("h1-pv", 0, power_w=-10.0)
    new = report("h1-pv", 1.000001, quality=Quality.ESTIMATED, late_s=61.5, power_w=-2_000.125, active_power_limit=0.1)
    store.write(Batch(reports=[old, new]))

    assert list(store.latest()) == [new]


def test_a_series_has_the_rows_of_its_range_with_the_quantity(store: Store) -> None:
    reports = [battery(second, float(second)) for second in range(6)]
    store.write(Batch(reports=[*reports, report("h1-battery", 2.5, soc=0.6), battery(3, device="h2-battery")]))

    series = store.device_series("h1-battery", "power_w", START + SECOND, START + 4 * SECOND)

    assert list(series.times) == [START + second * SECOND for second in (1, 2, 3)]
    assert list(series.values) == [1.0, 2.0, 3.0]


def test_a_long_series_is_the_mean_of_equal_bins(store: Store) -> None:
    store.write(Batch(reports=[battery(second, float(second)) for second in range(1_200)]))

    series = store.device_series("h1-battery", "power_w", START, START + 1_200 * SECOND, points=4)

    assert list(series.times) == [START + second * SECOND for second in (0, 300, 600, 900)]
    assert list(series.values) == [149.5, 449.5, 749.5, 1_049.5]


def test_several_devices_at_one_go_are_each_as_if_asked_for_alone(store: Store) -> None:
    store.write(
        Batch(
            reports=[
                *(battery(second, float(second)) for second in range(100)),
                *(battery(second, 7.0, device="h2-battery") for second in range(0, 100, 50)),
                report("h1-meter", 1, voltage_v=231.0),
            ]
        )
    )
    devices = ["h2-battery", "h1-battery", "h1-meter"]

    found = store.devices_series(devices, "power_w", START, START + 100 * SECOND, points=4)

    alone = [store.device_series(one, "power_w", START, START + 100 * SECOND, points=4) for one in devices]
    assert [(list(one.times), list(one.values)) for one in found] == [
        (list(one.times), list(one.values)) for one in alone
    ]
    assert [list(one.values) for one in found] == [[7.0, 7.0], [12.0, 37.0, 62.0, 87.0], []]
    assert list(store.devices_series([], "power_w", START, START + SECOND)) == []


def test_grid_quantities_are_those_of_the_whole_pilot(store: Store) -> None:
    store.write(
        Batch(
            grid=[
                grid(0, 0, losses_w=10.0, transformer_loading=0.5, v_min_pu=0.95, v_max_pu=1.01),
                grid(0, 1, losses_w=20.0, transformer_loading=0.7, v_min_pu=0.98, v_max_pu=1.05),
                grid(1, 0, losses_w=30.0, transformer_loading=0.1, v_min_pu=0.90, v_max_pu=1.00),
            ]
        )
    )

    def values(quantity: str, points: int = 600) -> list[float]:
        return list(store.grid_series(quantity, START, START + 2 * SECOND, points=points).values)

    assert values("losses_w") == [30.0, 30.0]
    assert values("head_power_w") == [12_000.0, 6_000.0]
    assert values("head_reactive_power_var") == [120.0, 60.0]
    assert values("transformer_loading") == [0.7, 0.1]
    assert values("v_min_pu") == [0.95, 0.90]
    assert values("v_max_pu") == [1.05, 1.00]
    assert values("head_power_w", points=1) == [9_000.0]
    assert values("v_min_pu", points=1) == [0.90]


def test_recent_events_are_the_newest_and_no_more_than_asked_for(store: Store) -> None:
    store.write(Batch(events=[event(second) for second in (2, 0, 1)]))

    assert list(store.recent_events(2)) == [event(2), event(1)]


def test_a_batch_with_an_unknown_quantity_is_refused_whole(store: Store) -> None:
    with pytest.raises(StoreError, match=r"flux_capacity.*known: power_w") as refused:
        store.write(Batch(reports=[battery(0), report("h1-battery", 1, flux_capacity=1.21)], events=[event(0)]))

    assert not refused.value.retryable
    assert store.rows() == 0
    assert list(store.recent_events(1)) == []
    store.write(Batch(reports=[battery(0)]))
    assert store.rows() == 1


@pytest.mark.parametrize("quantity", ["flux", "power_w; DROP TABLE telemetry"])
def test_a_series_of_an_unknown_quantity_is_refused(store: Store, quantity: str) -> None:
    with pytest.raises(StoreError, match="known: power_w"):
        store.device_series("h1-battery", quantity, START, START + SECOND)
    with pytest.raises(StoreError, match="known: head_power_w"):
        store.grid_series(quantity, START, START + SECOND)


def test_a_number_that_does_not_exist_leaves_a_gap(store: Store) -> None:
    store.write(
        Batch(reports=[report("h1-battery", 0, power_w=float("nan"), soc=0.5)], grid=[grid(0, v_min_pu=float("nan"))])
    )

    assert store.latest()[0].values == {"soc": 0.5}
    assert list(store.grid_series("v_min_pu", START, START + SECOND).values) == []


def test_a_device_that_left_the_pilot_keeps_its_history(store: Store) -> None:
    store.write(Batch(reports=[battery(0, device="gone-battery"), battery(0)]))
    store.write(Batch(reports=[battery(1, device="gone-battery"), battery(1, device="gone-too")]))

    assert store.rows() == 4
    assert len(store.device_series("gone-battery", "soc", START, START + 2 * SECOND).values) == 2


def test_export_writes_every_table_of_the_range(store: Store, tmp_path: Path) -> None:
    reports = [battery(second, float(second)) for second in range(10)]
    store.write(Batch(reports=reports, grid=[grid(0), grid(5)], events=[event(5)]))

    everything = store.export(tmp_path / "all", form="parquet", start=None, end=None)
    part = store.export(tmp_path / "o'part", form="csv", start=START + 2 * SECOND, end=START + 5 * SECOND)

    assert everything == {
        "telemetry.parquet": 10,
        "grid.parquet": 2,
        "nodes.parquet": 2,
        "commands.parquet": 0,
        "events.parquet": 1,
        "dead_letters.parquet": 0,
        "samples.parquet": 0,
    }
    assert part["telemetry.csv"] == 3
    assert part["grid.csv"] == 0
    table = pq.read_table(tmp_path / "all" / "telemetry.parquet")
    assert table.column("measured_at").to_pylist() == [one.measured_at for one in reports]
    assert set(table.column("pathway").to_pylist()) == {"gateway"}
    assert {path.name for path in (tmp_path / "all").iterdir()} == set(everything)
    with (tmp_path / "o'part" / "telemetry.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [line["power_w"] for line in lines] == ["2.0", "3.0", "4.0"]
    assert lines[0]["measured_at"] == "2026-03-01 12:00:02+00"
    assert (lines[0]["home"], lines[0]["kind"], lines[0]["endpoint"], lines[0]["source"]) == (
        "h1",
        "battery",
        "gw-h1",
        "simulated",
    )


def test_export_in_an_unknown_form_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="unknown form 'xlsx'; known: parquet, csv"):
        store.export(tmp_path, form="xlsx", start=None, end=None)


def test_many_may_ask_while_one_writes(store: Store) -> None:
    """Whole batches only are seen where the store has transactions; nothing that was there is ever missing."""
    batches, size = 20, 50
    seen: list[int] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            seen.append(store.rows())
            store.latest()

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    try:
        for number in range(batches):
            store.write(Batch(reports=[battery(number * size + second) for second in range(size)]))
    finally:
        done.set()
        for asker in askers:
            asker.join(10)

    assert store.rows() == batches * size
    assert (
        len(store.device_series("h1-battery", "soc", START, START + 9_999 * SECOND, points=9_999).values)
        == batches * size
    )
    assert seen
    assert not isinstance(store, EmbeddedStore) or {rows % size for rows in seen} == {0}


def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    store.close()

    with pytest.raises(StoreError, match="closed"):
        store.write(Batch(reports=[battery(0)]))
    with pytest.raises(StoreError, match="closed"):
        store.latest()
