"""Makers' models that fail in the world: one event for an operator when it happens, when nothing more is tried, and
when it is over."""

from dataclasses import replace

from tests.builders import small_pilot
from tests.ingest_stage import START
from twin.clock import DrivenClock
from twin.model.event import Event, Severity
from twin.model.health import ModelFault, Percentiles, WorldHealth
from twin.state.registry import PilotState

HEALTH = WorldHealth(
    published_at=START,
    steps=1,
    missed_deadlines=0,
    lag_ms=Percentiles(),
    backfill_s=None,
    outbox=0,
    grid_nodes=1,
    energy_balance_error=0.0,
    v_min_pu=1.0,
    v_max_pu=1.0,
    transformer_loading_max=0.0,
    losses_w=0.0,
)
FAULT = ModelFault(devices=("h1-pv",), model="Sun.fmu", reason="its process is gone", restarts=0, given_up=False)


def events(*said: tuple[ModelFault, ...]) -> list[Event]:
    """What the state notes, oldest first, while the world says this of itself."""
    state = PilotState(small_pilot(homes=5), DrivenClock(START))
    for faults in said:
        state.take_world(replace(HEALTH, model_faults=faults))
    return list(reversed(state.events))


def test_a_failed_model_is_an_alarm_once_and_its_recovery_is_said() -> None:
    failed, recovered = events((), (FAULT,), (FAULT,), (replace(FAULT, restarts=3),), ())
    assert (failed.kind, failed.severity, failed.subject) == ("device-model-failed", Severity.ALARM, "h1-pv")
    assert failed.text == "Sun.fmu: its process is gone; it is being restarted (restart 1)"
    assert (recovered.kind, recovered.severity) == ("device-model-recovered", Severity.INFORMATION)
    assert "gives values again" in recovered.text


def test_giving_up_is_an_alarm_of_its_own() -> None:
    given_up = replace(FAULT, restarts=10, given_up=True)
    first, second = events((FAULT,), (given_up,), (given_up,))
    assert first.kind == second.kind == "device-model-failed"
    assert "given up after 10 restarts; mend the model and start the world again" in second.text


def test_many_devices_of_one_endpoint_are_one_event_and_strangers_none() -> None:
    pilot = small_pilot(homes=5)
    endpoint = next(e.id for e in pilot.endpoints if len(pilot.endpoint_devices[e.id]) > 1)
    own = tuple(device.id for device in pilot.endpoint_devices[endpoint])
    found = events((replace(FAULT, devices=(*own, "not-of-this-pilot")),))
    assert "not-of-this-pilot" not in {event.subject for event in found}
    assert len(found) == (1 if len(own) > 3 else len(own))


def test_the_first_word_of_a_world_may_be_a_fault() -> None:
    assert [event.kind for event in events((FAULT,))] == ["device-model-failed"]
