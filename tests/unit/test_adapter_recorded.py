"""Each recorded message becomes what its far side's units and signs, worked out by hand, say it must."""

import pytest

from tests.adapter_cases import RECEIVED_AT, Case, all_cases, built, decoded
from twin.adapters.port import Answer, Presence, Readings


@pytest.mark.parametrize("case", all_cases(), ids=str)
def test_a_recorded_message_becomes_what_was_worked_out_by_hand(case: Case) -> None:
    made = decoded(built(case.adapter), case.topic, case.payload)
    expect = case.expect
    assert made.endpoint == expect["endpoint"]
    if isinstance(made, Presence):
        assert made.online is expect["online"]
        assert (made.session, made.software) == (expect.get("session"), expect.get("software"))
    elif isinstance(made, Answer):
        assert (made.command, made.outcome, made.reason) == (expect["command"], expect["outcome"], expect["reason"])
        assert made.published_at == expect["published_at"]
    else:
        assert (made.session, made.sequence) == (expect["session"], expect["sequence"])
        assert made.published_at == expect["published_at"]
        assert {report.device: report.values for report in made.reports} == {
            device: pytest.approx(values, abs=1e-9) for device, values in expect["reports"].items()
        }
        assert [refusal.reason.value for refusal in made.refusals] == expect["refusals"]


@pytest.mark.parametrize("case", [case for case in all_cases() if "reports" in case.expect], ids=str)
def test_each_report_carries_its_three_times_and_its_quality(case: Case) -> None:
    made = decoded(built(case.adapter), case.topic, case.payload)
    assert isinstance(made, Readings)
    for report in made.reports:
        assert report.measured_at == case.expect["measured_at"]
        assert report.measured_at.utcoffset() is not None
        assert report.published_at == case.expect["published_at"]
        assert report.received_at == RECEIVED_AT
        assert report.quality.value == case.expect.get("qualities", {}).get(report.device, "good")


def test_minus_zero_never_reaches_the_twin() -> None:
    payload = (
        b'{"home":"h2","time":"2026-06-01T12:00:00Z","sent":"2026-06-01T12:00:00Z","boot":"b","count":1,'
        b'"solar":[{"power":0.0}]}'
    )
    made = decoded(built("hems_home"), "hems/small/hems-h2/state", payload)
    assert isinstance(made, Readings)
    assert str(made.reports[0].values["power_w"]) == "0.0"
