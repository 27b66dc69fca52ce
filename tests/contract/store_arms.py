"""The stores that the contract is held against, and what the tests write into them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.influx_server import fresh_buckets
from twin.clock import WallClock
from twin.model.event import Event, Severity
from twin.model.telemetry import GridReport, Quality, Report
from twin.model.topology import Pilot
from twin.store.embedded import EmbeddedStore
from twin.store.influx.store import InfluxStore
from twin.store.port import Store

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)

Open = Callable[[], Store]
Opener = Callable[[Pilot], Store]


@contextmanager
def embedded(folder: Path) -> Iterator[Opener]:
    yield lambda pilot: EmbeddedStore(folder / "history.duckdb", pilot)


@contextmanager
def influx(_folder: Path) -> Iterator[Opener]:
    """On a real server, when there is one."""
    with fresh_buckets() as address:
        yield lambda pilot: InfluxStore(address, pilot, WallClock())


STORES: dict[str, Callable[[Path], AbstractContextManager[Opener]]] = {"embedded": embedded, "influx": influx}


def report(
    device: str, second: float, *, quality: Quality = Quality.GOOD, late_s: float = 0.25, **values: float
) -> Report:
    at = START + second * SECOND
    return Report(
        device=device,
        measured_at=at,
        published_at=at + late_s * SECOND,
        received_at=at + 2 * late_s * SECOND,
        values=values,
        quality=quality,
    )


def battery(second: float, power_w: float = 1_000.0, device: str = "h1-battery") -> Report:
    return report(device, second, power_w=power_w, soc=0.5)


def grid(second: float, feeder: int = 0, **changes: float) -> GridReport:
    given = {"losses_w": 50.0, "transformer_loading": 0.4, "line_loading": 0.3, "v_min_pu": 0.97, "v_max_pu": 1.02}
    at = START + second * SECOND
    return GridReport(
        feeder=feeder,
        measured_at=at,
        received_at=at + SECOND,
        head_power_w=(1_000.0, 2_000.0, 3_000.0),
        head_reactive_power_var=(10.0, 20.0, 30.0),
        node_voltage_pu=((1.0, 1.0, 1.0),),
        **(given | changes),
    )


def event(second: float, text: str = "back again") -> Event:
    return Event(at=START + second * SECOND, severity=Severity.WARNING, kind="endpoint-lost", subject="acme", text=text)
