"""A short history to look back on: three homes, one a pathway, ten minutes, by hand and with every figure known.

The gateway reports every 10 s and arrives at once; the HEMS every 30 s; the cloud measures every 60 s and delivers what
it has cached four minutes later. The HEMS goes offline at 300 s and is back at 420 s.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from tests.builders import small_pilot
from twin.model.command import Command, CommandRecord, CommandState, CommandStep
from twin.model.event import DeadLetter, Event, Reason, Severity
from twin.model.sample import Sample
from twin.model.telemetry import GridReport, Report
from twin.model.topology import Pilot
from twin.store.port import Batch, Store

START = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
END_S = 600
CACHE_S = 240


def at(second: float) -> datetime:
    """So many seconds into the history."""
    return START + timedelta(seconds=second)


def pilot() -> Pilot:
    """Homes h1 (gateway), h2 (HEMS) and h3 (cloud)."""
    return small_pilot(homes=3)


def report(device: str, measured_s: float, received_s: float, **values: float) -> Report:
    """A report that left its far side just before it came."""
    return Report(
        device=device,
        measured_at=at(measured_s),
        published_at=at(received_s) - timedelta(milliseconds=200),
        received_at=at(received_s),
        values=values,
    )


def power_w(measured_s: float) -> float:
    """What every device measures: as many watts as seconds have gone."""
    return float(measured_s)


def reports() -> Iterator[Report]:
    """Every report of the history."""
    for second in range(0, END_S, 10):
        yield report("h1-meter", second, second, power_w=power_w(second), voltage_v=230.0)
        yield report("h1-battery", second, second, power_w=power_w(second), soc=0.5)
    for second in range(0, END_S, 30):
        if not 300 <= second < 420:
            yield report("h2-meter", second, second + 1, power_w=power_w(second))
    for second in range(0, END_S - CACHE_S, 60):
        yield report("h3-meter", second, second + CACHE_S, power_w=power_w(second))


def grids() -> Iterator[GridReport]:
    """A power flow every 10 s, with the voltage of every node once a minute."""
    for second in range(0, END_S, 10):
        yield GridReport(
            feeder=0,
            measured_at=at(second),
            received_at=at(second),
            head_power_w=(float(second), 0.0, 0.0),
            head_reactive_power_var=(0.0, 0.0, 0.0),
            losses_w=10.0,
            transformer_loading=0.1,
            line_loading=0.1,
            v_min_pu=0.98,
            v_max_pu=1.02,
            node_voltage_pu=((1.0, 1.0, 1.0 + second * 1e-5),) * 4 if second % 60 == 0 else (),
        )


def event(second: float, kind: str, subject: str) -> Event:
    """Something that happened."""
    return Event(at=at(second), severity=Severity.WARNING, kind=kind, subject=subject, text="as told")


def command() -> CommandRecord:
    """Asked at 120 s for five minutes, sent at once, applied at 130 s, expired at 420 s."""
    steps = ((CommandState.REQUESTED, 120), (CommandState.SENT, 120.5), (CommandState.ACKNOWLEDGED, 121),
             (CommandState.APPLIED, 130), (CommandState.EXPIRED, 420))  # fmt: skip
    return CommandRecord(
        command=Command(
            id="wish-1",
            device="h1-battery",
            quantity="power_setpoint_w",
            value=1_500.0,
            requested_at=at(120),
            expires_at=at(420),
            priority=5,
            origin="operator",
        ),
        steps=tuple(CommandStep(state=state, at=at(second)) for state, second in steps),
    )


def samples() -> Iterator[Sample]:
    """The twin's own figures, every 10 s: it counts a message a second."""
    for second in range(0, END_S, 10):
        yield Sample(
            at=at(second),
            scope="twin",
            subject="small",
            values={
                "bus_connected": 1.0,
                "messages": float(second),
                "steps": float(second),
                "ingest_queue": 2.0,
                "update_latency_max_ms": 12.5,
            },
        )
        yield Sample(at=at(second), scope="pathway", subject="gateway", values={"messages": float(second)})


def write(store: Store) -> None:
    """Put all of it into a store."""
    letter = DeadLetter(at=at(200), topic="hg/1/small/acme/telemetry", reason=Reason.NOT_JSON, detail="?", excerpt=b"{")
    store.write(
        Batch(
            reports=tuple(reports()),
            grid=tuple(grids()),
            commands=(command(),),
            events=(
                event(5, "endpoint-online", "gw-h1"),
                event(6, "endpoint-online", "hems-h2"),
                event(300, "endpoint-offline", "hems-h2"),
                event(420, "endpoint-online", "hems-h2"),
            ),
            dead_letters=(letter,),
            samples=tuple(samples()),
        )
    )
