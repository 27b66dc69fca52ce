"""What is kept of history as it grows old, on a real server: means of minutes and quarters, and one series of all."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.builders import small_pilot
from tests.influx_server import fresh_buckets
from twin.clock import WallClock
from twin.model.sample import Sample
from twin.model.telemetry import GridReport, Report
from twin.store.influx import flux
from twin.store.influx.address import Address
from twin.store.influx.client import Influx
from twin.store.influx.layout import Buckets, Layout
from twin.store.influx.lines import Lines
from twin.store.influx.setup import tasks
from twin.store.influx.store import InfluxStore
from twin.store.port import Batch

pytestmark = pytest.mark.integration

CLOCK = WallClock()
PILOT = small_pilot()
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def address() -> Iterator[Address]:
    with fresh_buckets() as address:
        yield address


def report(at: datetime, **values: float) -> Report:
    return Report(device="h1-battery", measured_at=at, published_at=at, received_at=at, values=values)


def rows(influx: Influx, bucket: str, measurement: str) -> dict[str, list[tuple[datetime, object]]]:
    """Everything that a bucket has of a measurement, by field."""
    found: dict[str, list[tuple[datetime, object]]] = {}
    question = flux.rows(bucket, flux.BEGINNING, flux.END, flux.is_("_measurement", measurement))
    for row in influx.ask(question):
        found.setdefault(row["_field"], []).append((row["_time"], row["_value"]))
    return found


def test_tasks_keep_means_of_figures_and_the_last_of_registers_and_counters(address: Address) -> None:
    minute = CLOCK.now().replace(second=0, microsecond=0) - 25 * MINUTE
    quarter = minute.replace(minute=minute.minute // 15 * 15)
    store, influx = InfluxStore(address, PILOT, CLOCK), Influx(address, CLOCK)
    grid = GridReport(
        feeder=0,
        measured_at=minute,
        received_at=minute,
        head_power_w=(1.0, 2.0, 3.0),
        head_reactive_power_var=(0.0, 0.0, 0.0),
        losses_w=5.0,
        transformer_loading=0.5,
        line_loading=0.5,
        v_min_pu=0.98,
        v_max_pu=1.0,
        node_voltage_pu=((1.0, 1.0, 0.99),),
    )
    figures = {"messages": 7.0, "lag_p99_ms": 4.0}
    store.write(
        Batch(
            reports=[
                report(minute + n * SECOND, power_w=float(n), energy_import_wh=100.0 + n, soc=0.5) for n in range(60)
            ],
            grid=[grid],
            samples=[
                Sample(
                    at=minute + at * SECOND,
                    scope="twin",
                    subject="small",
                    values={k: v * at for k, v in figures.items()},
                )
                for at in (10, 20)
            ],
        )
    )

    buckets = Buckets.of(address.bucket)
    for name, script in tasks(buckets).items():
        assert list(influx.ask(script)) != [] or "late" not in name

    for bucket, at in ((buckets.minutes, minute), (buckets.quarters, quarter)):
        assert rows(influx, bucket, "battery") == {
            "power_w": [(at, 29.5)],
            "energy_import_wh": [(at, 159.0)],
            "soc": [(at, 0.5)],
        }
        assert rows(influx, bucket, "health_twin") == {"messages": [(at, 140.0)], "lag_p99_ms": [(at, 60.0)]}
        assert rows(influx, bucket, "feeder")["head_power_w"] == [(at, 6.0)]
        assert rows(influx, bucket, "node")["voltage_c_pu"] == [(at, 0.99)]
    for script in tasks(buckets).values():
        list(influx.ask(script))
    assert rows(influx, buckets.minutes, "battery")["power_w"] == [(minute, 29.5)]
    influx.close()
    store.close()


def test_a_history_that_is_filled_in_at_once_reaches_the_means_too(address: Address) -> None:
    hour = CLOCK.now().replace(minute=0, second=0, microsecond=0)
    start = hour - timedelta(hours=24)
    store, influx = InfluxStore(address, PILOT, CLOCK), Influx(address, CLOCK)
    store.write(Batch(reports=[report(start + n * MINUTE, power_w=float(n)) for n in range(24 * 60)]))

    buckets = Buckets.of(address.bucket)
    scripts = tasks(buckets)
    for name in (f"{buckets.minutes}_late", f"{buckets.quarters}_late"):
        list(influx.ask(scripts[name]))

    minutes, quarters = (rows(influx, bucket, "battery")["power_w"] for bucket in (buckets.minutes, buckets.quarters))
    assert minutes == [(start + n * MINUTE, float(n)) for n in range(24 * 60)]
    assert quarters == [(start + 15 * n * MINUTE, 15 * n + 7.0) for n in range(24 * 4)]
    influx.close()
    store.close()


def test_a_series_goes_back_through_the_minutes_to_the_quarters(address: Address) -> None:
    start = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    store, influx = InfluxStore(address, PILOT, CLOCK), Influx(address, CLOCK)
    buckets, lines = Buckets.of(address.bucket), Lines(Layout(PILOT))

    def put(bucket: str, *powers: tuple[datetime, float]) -> None:
        influx.write(
            bucket, [point.line for point in lines.reports([report(at, power_w=power) for at, power in powers])]
        )

    put(buckets.quarters, *((start + 15 * n * MINUTE, 1.0) for n in range(8)))
    put(buckets.minutes, *((start + n * MINUTE, 2.0) for n in range(60, 120)))
    store.write(Batch(reports=[report(start + 90 * MINUTE + n * SECOND, power_w=3.0) for n in range(1_800)]))

    end = start + 120 * MINUTE
    whole = store.device_series("h1-battery", "power_w", start, end, points=10_000)
    assert list(whole.times) == sorted(whole.times)
    assert list(whole.values) == [1.0] * 4 + [2.0] * 30 + [3.0] * 1_800
    binned = store.device_series("h1-battery", "power_w", start, end, points=8)
    assert list(binned.values) == [1.0] * 4 + [2.0] * 2 + [3.0] * 2
    assert list(binned.times) == [start + 15 * n * MINUTE for n in range(8)]
    influx.close()
    store.close()
