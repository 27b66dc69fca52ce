"""The figures that the twin takes of itself: what each is made of, and what is left out."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.builders import small_pilot
from twin.clock import DrivenClock
from twin.model.command import Command, CommandRecord, CommandState, CommandStep
from twin.model.device import Pathway
from twin.model.health import IngestHealth, Percentiles, StoreHealth, TwinHealth, WorldHealth
from twin.model.sample import SCOPES, Sample
from twin.model.telemetry import Report
from twin.state.device_twin import Desired
from twin.state.registry import PilotState
from twin.state.sampling import Commands, Sampler

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NONE = Commands(records=(), counts={})


def state() -> PilotState:
    return PilotState(small_pilot(), DrivenClock(NOW))


def report(device: str, age_s: float = 0.0, power_w: float = 100.0) -> Report:
    at = NOW - timedelta(seconds=age_s)
    return Report(device=device, measured_at=at, published_at=at, received_at=at, values={"power_w": power_w})


def health(world: WorldHealth | None = None, store: StoreHealth | None = None) -> TwinHealth:
    return TwinHealth(
        at=NOW,
        bus_connected=True,
        ingest=IngestHealth(messages=7, dead_letters={"not-json": 2, "replayed": 1}, queue=3, queue_limit=10_000),
        store=store or StoreHealth(rows=5, pending=1, write_ms=Percentiles(p50=1.0, p99=9.0, max=11.0)),
        world=world,
        mode="live",
        backfill_until=None,
    )


def world(spoke: datetime) -> WorldHealth:
    return WorldHealth(
        published_at=spoke,
        steps=60,
        missed_deadlines=2,
        lag_ms=Percentiles(p50=1.0, p99=2.0, max=3.0),
        backfill_s=None,
        outbox=0,
        grid_nodes=4,
        energy_balance_error=1e-9,
        v_min_pu=0.98,
        v_max_pu=1.01,
        transformer_loading_max=0.5,
        losses_w=10.0,
    )


def taken(
    pilot_state: PilotState, commands: Commands = NONE, given: TwinHealth | None = None
) -> dict[tuple[str, str], Sample]:
    sampler = Sampler(pilot_state.pilot)
    found = sampler.samples(pilot_state, given or health(), commands, NOW, memory_bytes=1e6)
    assert {sample.scope for sample in found} <= set(SCOPES)
    assert {sample.at for sample in found} == {NOW}
    return {(sample.scope, sample.subject): sample for sample in found}


def test_the_twin_says_how_it_is() -> None:
    values = taken(state())["twin", "small"].values

    assert values["bus_connected"] == 1.0
    assert values["dead_letters"] == 3.0
    assert values["store_write_p99_ms"] == 9.0
    assert values["store_failing_s"] == 0.0
    assert values["memory_bytes"] == 1e6
    assert "world_up" not in values  # an all-live pilot has no world


def test_a_failing_store_and_a_silent_world_show() -> None:
    given = health(
        world=world(spoke=NOW - timedelta(seconds=31)), store=StoreHealth(failing_since=NOW - timedelta(seconds=90))
    )

    values = taken(state(), given=given)["twin", "small"].values

    assert values["store_failing_s"] == 90.0
    assert values["world_up"] == 0.0
    assert values["missed_deadlines"] == 2.0
    assert taken(state(), given=health(world=world(NOW)))["twin", "small"].values["world_up"] == 1.0


def test_a_home_is_fresh_when_nothing_in_it_is_older_than_promised() -> None:
    pilot_state = state()
    pilot_state.restore([report("h1-meter", power_w=250.0), report("h1-pv", 60.0), report("h3-meter", 60.0)])

    found = taken(pilot_state)

    assert found["home", "h1"].values == {"fresh": 0.0, "power_w": 250.0}
    assert found["home", "h2"].values == {"fresh": 0.0}  # not heard of yet
    assert found["home", "h3"].values == {"fresh": 1.0, "power_w": 100.0}  # a cloud promises five minutes
    assert found["twin", "small"].values["homes_stale"] == 2.0


def test_an_endpoint_is_on_or_off_only_once_heard_of() -> None:
    pilot_state = state()
    pilot_state.take_presence("gw-h1", online=True)
    pilot_state.take_presence("hems-h2", online=False)

    found = taken(pilot_state)

    assert found["endpoint", "gw-h1"].values["online"] == 1.0
    assert found["endpoint", "hems-h2"].values["online"] == 0.0
    assert "online" not in found["endpoint", "acme"].values
    assert found["pathway", "gateway"].values["availability"] == 1.0
    assert found["twin", "small"].values["endpoints_offline"] == 2.0


def test_commands_count_for_the_pathway_that_they_went_over() -> None:
    def record(device: str, *steps: tuple[CommandState, float]) -> CommandRecord:
        return CommandRecord(
            command=Command(
                id=device,
                device=device,
                quantity="power_setpoint_w",
                value=1.0,
                requested_at=NOW - timedelta(seconds=60),
                expires_at=NOW + timedelta(seconds=60),
                priority=5,
                origin="operator",
            ),
            steps=tuple(
                CommandStep(state=reached, at=NOW + timedelta(seconds=after_s - 60)) for reached, after_s in steps
            ),
        )

    asked = (CommandState.REQUESTED, 0.0)
    records = [
        record("h1-battery", asked, (CommandState.ACKNOWLEDGED, 0.2), (CommandState.VERIFIED, 3.0)),
        record("h2-battery", asked),
        record("gone-battery", asked, (CommandState.ACKNOWLEDGED, 50.0)),
    ]
    counts = {Pathway.GATEWAY: {CommandState.REQUESTED: 4, CommandState.VERIFIED: 1, CommandState.EXPIRED: 2}}

    found = taken(state(), Commands(records=records, counts=counts))

    gateway, hems = found["pathway", "gateway"].values, found["pathway", "hems"].values
    assert gateway["command_ack_p50_ms"] == pytest.approx(200.0)
    assert gateway["command_verified_p50_ms"] == pytest.approx(3_000.0)
    assert (gateway["commands"], gateway["commands_verified"], gateway["commands_failed"]) == (4.0, 1.0, 2.0)
    assert hems["commands"] == 0.0
    assert "command_ack_p50_ms" not in hems


def test_a_device_is_sampled_while_something_is_asked_of_it() -> None:
    pilot_state = state()
    wish = Desired(value=1_500.0, command_id="one", until=NOW + timedelta(seconds=60), priority=5)
    pilot_state.desire("h1-battery", "power_setpoint_w", wish)
    asking = CommandRecord(
        command=Command(
            id="one",
            device="h1-battery",
            quantity="power_setpoint_w",
            value=1_500.0,
            requested_at=NOW,
            expires_at=wish.until,
            priority=5,
            origin="operator",
        ),
        steps=(CommandStep(state=CommandState.REQUESTED, at=NOW),),
    )

    found = taken(pilot_state, Commands(records=[asking], counts={}))

    assert found["device", "h1-battery"].values == {"desired_power_setpoint_w": 1_500.0}
    assert [scope for scope, _ in found].count("device") == 1
