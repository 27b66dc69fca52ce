"""The numeric write path against a server that anyone can install: VictoriaMetrics takes InfluxDB's writes.

It keeps numbers by milliseconds, makes 0 of texts, and has neither Flux nor buckets, so that only what is written in
numbers is read back, in its own words. Skipped where Debian's `victoria-metrics` is not on PATH.
"""

import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import orjson
import pytest

from tests.builders import small_pilot
from twin.bus.broker import free_port
from twin.clock import WallClock
from twin.model.sample import Sample
from twin.model.telemetry import GridReport, Report
from twin.store.influx.address import Address
from twin.store.influx.client import Influx
from twin.store.influx.layout import Layout
from twin.store.influx.lines import Lines

pytestmark = pytest.mark.integration

CLOCK = WallClock()
ANY = "any"  # it asks for none
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    program = shutil.which("victoria-metrics")
    if program is None:
        pytest.skip("no victoria-metrics on PATH")
    port = free_port()
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            [
                program,
                f"-httpListenAddr=127.0.0.1:{port}",
                f"-storageDataPath={tmp_path / 'data'}",
                "-retentionPeriod=100y",
                "-memory.allowedBytes=128MB",
            ],
            stdout=log,
            stderr=log,
        )
    address = f"http://127.0.0.1:{port}"
    give_up_s = CLOCK.monotonic_s() + 30
    try:
        while not answers(address):
            assert server.poll() is None, (tmp_path / "log").read_text()
            assert CLOCK.monotonic_s() < give_up_s, "the server does not come up"
            CLOCK.sleep(0.05)
        yield address
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(20)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").status_code == 200
    except httpx.HTTPError:
        return False


def written(url: str, lines: list[str]) -> None:
    influx = Influx(Address(url=url, org="any", bucket="any", token=ANY), CLOCK)
    influx.write("any", lines)
    influx.close()
    httpx.get(f"{url}/internal/force_flush").raise_for_status()


def series(url: str, name: str, **tags: str) -> list[tuple[int, float]]:
    """Milliseconds and values of the one series of that name and those tags."""
    chosen = ",".join([f'__name__="{name}"', *(f'{tag}="{value}"' for tag, value in tags.items())])
    answer = httpx.get(f"{url}/api/v1/export", params={"match[]": f"{{{chosen}}}"}).raise_for_status()
    (found,) = [orjson.loads(line) for line in answer.text.splitlines()]
    return list(zip(found["timestamps"], found["values"], strict=True))


def test_what_is_written_in_numbers_can_be_read_back(url: str) -> None:
    pilot = small_pilot()
    lines = Lines(Layout(pilot))
    powers = {"h1-battery": -1_234.5678, "h2-pv": 1e-9, "h3-meter": 98_765.4321}
    reports = [
        Report(
            device=device,
            measured_at=START + n * SECOND,
            published_at=START + n * SECOND,
            received_at=START + (n + 1) * SECOND,
            values={"power_w": power + n, "reactive_power_var": 7.0},
        )
        for n in range(1_000)
        for device, power in powers.items()
    ]
    grid = GridReport(
        feeder=1,
        measured_at=START,
        received_at=START,
        head_power_w=(1.0, 2.0, 3.5),
        head_reactive_power_var=(0.0, 0.0, 0.0),
        losses_w=5.0,
        transformer_loading=0.5,
        line_loading=0.5,
        v_min_pu=0.98,
        v_max_pu=1.01,
        node_voltage_pu=((1.0, 1.01, 0.99),),
    )
    sample = Sample(at=START, scope="pathway", subject="oem", values={"availability": 0.875})

    written(
        url,
        [
            *(point.line for point in lines.reports(reports)),
            *(line for point in lines.grid([grid]) for line in point.lines()),
            *(point.line for point in lines.samples([sample])),
        ],
    )

    start_ms = int(START.timestamp() * 1e3)
    for device, power in powers.items():
        place = lines._layout.device(device)
        found = series(url, f"{place.measurement}_power_w", **place.tags)
        assert [at_ms for at_ms, _ in found] == [start_ms + 1_000 * n for n in range(1_000)]
        # It keeps decimal numbers of its own, so that the last digits of a double may differ.
        assert [value for _, value in found] == pytest.approx([power + n for n in range(1_000)], rel=1e-12)
    received = series(url, "battery_received_us", device="h1-battery")
    assert received[0] == (start_ms, START.timestamp() * 1e6 + 1e6)
    assert series(url, "feeder_head_power_w", feeder="1") == [(start_ms, 6.5)]
    assert series(url, "node_voltage_c_pu", feeder="1", node="mv") == [(start_ms, 0.99)]
    assert series(url, "health_pathway_availability", pathway="oem") == [(start_ms, 0.875)]
