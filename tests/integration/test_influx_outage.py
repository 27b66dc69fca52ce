"""A real history server that is killed under load: nothing lost, nothing doubled, and the twin goes on meanwhile."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.builders import small_pilot
from tests.integration.influx_process import InfluxProcess, own_influx
from twin.app import Twin
from twin.bus.memory import MemoryBroker
from twin.clock import DrivenClock, WallClock
from twin.model.command import Command, CommandRecord, CommandState, CommandStep
from twin.model.telemetry import Report
from twin.store.influx.store import InfluxStore
from twin.store.port import Batch, StoreError
from twin.store.spool import Spool
from twin.store.writer import HistoryWriter

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
CLOCK = WallClock()
PILOT = small_pilot(homes=50)
DEVICES = [device.id for device in PILOT.devices]


def second_of(number: int) -> Batch:
    """What 50 homes report in one second: a row of each of their 300 devices."""
    at = START + number * SECOND
    return Batch(
        reports=[
            Report(
                device=device,
                measured_at=at,
                published_at=at,
                received_at=at,
                values={"power_w": float(number), "reactive_power_var": 1.0, "energy_import_wh": 5.5},
            )
            for device in DEVICES
        ]
    )


def all_rows(server: InfluxProcess, seconds: int) -> None:
    """Every row is there, once, as the server itself counts them, and every value is its own."""
    store = InfluxStore(server.address, PILOT, CLOCK)
    assert store.rows() == seconds * len(DEVICES)
    for device in (DEVICES[0], DEVICES[-1]):
        series = store.device_series(device, "power_w", START, START + seconds * SECOND, points=seconds)
        assert list(series.values) == [float(number) for number in range(seconds)]
    store.close()


def test_ten_minutes_without_the_server_under_load_lose_and_double_nothing(tmp_path: Path) -> None:
    """50 homes at a row a second of each device: a minute, the outage's ten minutes, and a minute after it.

    The seconds are sent as fast as they are taken; the pauses between tries, which a real ten minutes would stretch,
    stay as they are. The server is killed in the middle of a write, and again while it takes what had waited.
    """
    seconds, away, back = 720, 60, 660
    with own_influx(tmp_path / "server") as server:
        store = InfluxStore(server.address, PILOT, CLOCK)
        spool = Spool(tmp_path / "spool")
        writer = HistoryWriter(store, spool, CLOCK)
        writer.start()
        most_in_memory = 0
        for number in range(seconds):
            if number == away:
                server.kill()
            if number == back:
                assert writer.health().pending >= (back - away) * len(DEVICES)
                server.start()
            writer.submit(second_of(number))
            most_in_memory = max(most_in_memory, spool._memory)
        waiting = writer.health().pending
        deadline_s = CLOCK.monotonic_s() + 120
        while writer.health().pending > waiting // 2 and CLOCK.monotonic_s() < deadline_s:
            CLOCK.sleep(0.05)
        server.kill()
        server.start()
        writer.flush(240)

        assert writer.health().failing_since is None
        assert most_in_memory <= 60_000  # of 180,000 and more that waited
        writer.close()
        store.close()
        all_rows(server, seconds)


def test_a_twin_starts_without_its_server_and_takes_up_history_when_it_is_back(tmp_path: Path) -> None:
    with own_influx(tmp_path / "server") as server:
        earlier = InfluxStore(server.address, PILOT, CLOCK)
        asked = Command(
            id="c1",
            device="h1-battery",
            quantity="power_setpoint_w",
            value=500.0,
            requested_at=START,
            expires_at=START + timedelta(hours=1),
            priority=5,
            origin="operator",
        )
        steps = (CommandStep(state=CommandState.REQUESTED, at=START), CommandStep(state=CommandState.SENT, at=START))
        earlier.write(second_of(0))
        earlier.write(Batch(commands=[CommandRecord(command=asked, steps=steps)]))
        earlier.close()
        left = Spool(tmp_path / "spool")
        left.append(second_of(1))
        left.close()
        server.kill()

        clock = DrivenClock(START + 2 * SECOND)
        bus = MemoryBroker(clock=clock).client("twin")
        store = InfluxStore(server.address, PILOT, CLOCK)
        twin = Twin(PILOT, bus=bus, clock=clock, store=store, spool=Spool(tmp_path / "spool"))
        twin.start()
        assert twin.state.device("h1-battery").measured_at is None
        assert twin.health().store.pending == len(DEVICES)
        assert "cannot be reached: is it running?" in twin.health().store.last_error
        with pytest.raises(StoreError, match="is it running"):
            store.latest()

        server.start()
        twin.writer.flush(60)
        twin.catch_up()

        assert twin.state.device("h1-battery").measured_at == START + SECOND
        assert [record.command.id for record in twin.dispatcher.records()] == ["c1"]
        assert twin.state.device("h1-battery").desired["power_setpoint_w"].value == 500.0
        twin.stop()
        all_rows(server, 2)
