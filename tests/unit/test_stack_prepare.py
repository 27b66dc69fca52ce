"""What `twin stack prepare` makes of a pilot: who may say what, and files that a second run leaves alone."""

import json
import ssl
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.builders import small_pilot
from twin.bus.broker import password_is
from twin.clock import DrivenClock
from twin.model.device import DeviceKind
from twin.model.topology import Pilot
from twin.stack import certificates, layout, mosquitto
from twin.stack.grants import HEALTH, TWIN, WORLD, Grant, StackError, grants
from twin.stack.prepare import Prepared, Wanted, prepare

KINDS = (DeviceKind.METER, DeviceKind.BATTERY)
PILOT = small_pilot(kinds=KINDS)
Prepare = Callable[..., Prepared]


@pytest.fixture
def run(tmp_path: Path) -> Prepare:
    """Prepares into one folder, as often as it is called."""

    def prepare_(pilot: Pilot = PILOT, *, at: datetime | None = None, **changes: object) -> Prepared:
        wanted = Wanted(
            pilot_file=tmp_path / "pilots" / "small.yaml",
            folder=tmp_path / "stack",
            settings=tmp_path / ".env",
            owner=layout.default_owner(),
        )
        clock = DrivenClock(at or datetime.now(UTC))
        return prepare(pilot, replace(wanted, **changes), clock=clock)  # type: ignore[arg-type]

    return prepare_


def by_user(pilot: Pilot) -> dict[str, Grant]:
    return {grant.user: grant for grant in grants(pilot)}


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def sheet(folder: Path, endpoint: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((folder / "endpoints" / f"{endpoint}.json").read_text())
    return found


def test_an_endpoint_may_say_and_hear_what_is_its_own_in_its_far_sides_words() -> None:
    granted = by_user(PILOT)
    assert granted["gw-h1"].publish == tuple(
        f"hg/1/small/gw-h1/{channel}" for channel in ("birth", "status", "telemetry", "response")
    )
    assert granted["gw-h1"].read == ("hg/1/small/gw-h1/command",)
    assert set(granted["acme"].publish) == {
        "oem/acme/small/acme/service",
        "oem/acme/small/acme/sites",
        "oem/acme/small/acme/receipts",
    }
    assert granted["acme"].read == ("oem/acme/small/acme/commands",)
    assert granted["hems-h2"].read == ("hems/small/hems-h2/set",)
    assert granted[HEALTH].publish == ()


def test_the_twin_hears_every_endpoint_and_says_only_commands_and_its_pace() -> None:
    twin = by_user(PILOT)[TWIN]
    assert set(twin.publish) == {
        "hg/1/small/+/command",
        "hems/small/+/set",
        "oem/acme/small/+/commands",
        "hg/1/small/pace",
    }
    assert {"hg/1/small/+/telemetry", "hems/small/+/state", "oem/acme/small/+/sites"} < set(twin.read)
    assert {"hg/1/small/clock", "hg/1/small/world", "hg/1/small/world-status", "hg/1/small/grid/+"} < set(twin.read)


def test_the_world_speaks_for_simulated_endpoints_and_for_no_live_one() -> None:
    live = small_pilot(homes=6, kinds=KINDS, live={"h1-meter", "h1-battery"})
    world = by_user(live)[WORLD]
    said = {topic for topic in world.publish if topic.startswith("hg/1/small/") and topic.endswith("telemetry")}
    assert said == {"hg/1/small/gw-h4/telemetry"}  # gw-h1 is live
    assert "hg/1/small/gw-h4/command" in world.read
    assert "hg/1/small/gw-h1/command" not in world.read
    assert "hems/small/+/state" in world.publish  # all of these are simulated


def test_the_access_list_denies_what_it_does_not_name() -> None:
    text = mosquitto.access_list([Grant(user="a", publish=("x/a/up",), read=("x/a/down",))])
    assert text == "user a\ntopic write x/a/up\ntopic read x/a/down\n"


def test_a_second_run_keeps_every_secret_and_writes_nothing(run: Prepare, tmp_path: Path) -> None:
    first = run()
    before = contents(tmp_path / "stack")
    again = run()
    assert first.endpoints == first.simulated == 3
    assert again.changed == ()
    assert again.removed == ()
    assert contents(tmp_path / "stack") == before


def test_only_the_owner_can_read_what_was_prepared(run: Prepare, tmp_path: Path) -> None:
    run()
    files = [path for path in (tmp_path / "stack").rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in [*files, tmp_path / ".env"]} == {0o600}
    (tmp_path / "stack" / layout.KEY).chmod(0o644)
    run()
    assert (tmp_path / "stack" / layout.KEY).stat().st_mode & 0o777 == 0o600


def test_everything_that_compose_reads_is_made(run: Prepare, tmp_path: Path) -> None:
    run()
    assert all((tmp_path / "stack" / place).is_file() for place in layout.NEEDED)
    settings = layout.read_settings(tmp_path / ".env")
    assert settings["HEARTHGRID_STACK"] == str(tmp_path / "stack")
    assert settings["HEARTHGRID_PILOT_FOLDER"] == str(tmp_path / "pilots")
    assert settings["HEARTHGRID_PILOT"] == "small.yaml"
    assert settings["HEARTHGRID_UID"] != "0"


def test_secrets_are_not_guessable_and_no_two_are_alike(run: Prepare, tmp_path: Path) -> None:
    run()
    folder = tmp_path / "stack"
    said = [sheet(folder, endpoint)["password"] for endpoint in ("gw-h1", "hems-h2", "acme")]
    said += [(folder / place).read_text().strip() for place in layout.NEEDED if place.endswith(("_password", "_token"))]
    assert len(set(said)) == len(said) == 8
    assert min(len(secret) for secret in said) >= 40


def test_the_password_file_holds_the_hashes_of_what_was_handed_out(run: Prepare, tmp_path: Path) -> None:
    run()
    lines = (tmp_path / "stack" / layout.PASSWORDS).read_text().splitlines()
    line = next(line for line in lines if line.startswith("gw-h1:"))
    assert line.startswith("gw-h1:$7$")
    assert password_is(line, sheet(tmp_path / "stack", "gw-h1")["password"])
    assert not password_is(line, sheet(tmp_path / "stack", "acme")["password"])


def test_rotating_one_endpoint_leaves_all_others_their_passwords(run: Prepare, tmp_path: Path) -> None:
    run()
    before = contents(tmp_path / "stack")
    done = run(rotate=frozenset({"gw-h1"}))
    assert set(done.changed) == {"endpoints/gw-h1.json", layout.PASSWORDS}
    after = contents(tmp_path / "stack")
    assert sheet(tmp_path / "stack", "gw-h1")["password"] not in before["endpoints/gw-h1.json"]
    old, new = (set(each[layout.PASSWORDS].splitlines()) for each in (before, after))
    assert len(old & new) == len(old) - 1


@pytest.mark.parametrize(
    ("word", "anew"),
    [
        ("passwords", {layout.PASSWORDS, layout.TWIN_PASSWORD, layout.WORLD_PASSWORD, layout.HEALTH_CLIENT}),
        ("certificates", {layout.AUTHORITY, layout.AUTHORITY_KEY, layout.CERTIFICATE, layout.KEY}),
        (
            "all",
            {layout.PASSWORDS, layout.TWIN_PASSWORD, layout.WORLD_PASSWORD, layout.HEALTH_CLIENT}
            | {layout.AUTHORITY, layout.AUTHORITY_KEY, layout.CERTIFICATE, layout.KEY},
        ),
        ("servers", {layout.INFLUXDB_PASSWORD, layout.INFLUXDB_TOKEN, layout.GRAFANA_PASSWORD}),
    ],
)
def test_rotation_makes_anew_what_is_named_and_nothing_else(word: str, anew: set[str], run: Prepare) -> None:
    run()
    done = run(rotate=frozenset({word}))
    assert {place for place in done.changed if not place.startswith("endpoints/")} == anew


def test_rotating_somebody_unknown_is_refused_with_what_is_allowed(run: Prepare) -> None:
    with pytest.raises(StackError, match=r"cannot rotate gw-h9: allowed are all, certificates"):
        run(rotate=frozenset({"gw-h9"}))


def test_an_endpoint_that_left_the_pilot_loses_its_password(run: Prepare, tmp_path: Path) -> None:
    run()
    done = run(small_pilot(homes=2, kinds=KINDS))
    assert done.removed == ("endpoints/acme.json",)
    assert "acme:" not in (tmp_path / "stack" / layout.PASSWORDS).read_text()


def test_the_folder_of_another_pilot_is_refused_and_stays_as_it_is(run: Prepare, tmp_path: Path) -> None:
    run()
    before = contents(tmp_path)
    with pytest.raises(StackError, match=r"belongs to pilot small, .* give pilot other a folder of its own"):
        run(small_pilot(name="other", kinds=KINDS))
    assert contents(tmp_path) == before


def test_a_damaged_hand_out_is_refused_by_name(run: Prepare, tmp_path: Path) -> None:
    run()
    (tmp_path / "stack" / "endpoints" / "gw-h1.json").write_text('{"pilot": "small"')
    with pytest.raises(
        StackError, match=r"gw-h1\.json is damaged .* delete it, which gives the endpoint a new password"
    ):
        run()


def test_settings_that_are_not_ours_are_not_overwritten(run: Prepare, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SOMETHING=else\n")
    with pytest.raises(StackError, match="not from `twin stack prepare`"):
        run()
    assert (tmp_path / ".env").read_text() == "SOMETHING=else\n"


def test_a_path_that_compose_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="neither quote nor line break"):
        layout.write_settings(tmp_path / ".env", {"HEARTHGRID_STACK": "/srv/o'neill"})


def test_the_brokers_certificate_is_the_authoritys_and_carries_the_names(run: Prepare, tmp_path: Path) -> None:
    run(names=("broker.pilot.example", "192.0.2.7"))
    folder = tmp_path / "stack"
    authority, certificate = folder / layout.AUTHORITY, folder / layout.CERTIFICATE
    names = ("broker.pilot.example", "192.0.2.7", "mosquitto", "localhost", "127.0.0.1")
    assert certificates.is_for(certificate, names, authority=authority)
    assert not certificates.is_for(certificate, ("elsewhere.example",), authority=authority)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, folder / layout.KEY)
    strict = ssl.create_default_context(cafile=authority)
    assert [found["subject"] for found in strict.get_ca_certs()] == [((("commonName", "Hearthgrid small"),),)]
    assert sheet(folder, "gw-h1")["broker"] == "mqtts://broker.pilot.example:8883"


def test_names_once_given_are_kept_and_new_ones_renew_the_brokers_certificate_alone(run: Prepare) -> None:
    run(names=("broker.pilot.example",))
    assert run().changed == ()
    changed = run(names=("other.example",)).changed
    assert {layout.CERTIFICATE, layout.KEY} < set(changed)
    assert layout.AUTHORITY not in changed


def test_a_certificate_that_is_about_to_end_is_renewed_under_the_same_authority(run: Prepare) -> None:
    run()
    soon = datetime.now(UTC) + timedelta(days=certificates.SERVER_DAYS - 20)
    assert set(run(at=soon).changed) == {layout.CERTIFICATE, layout.KEY}
    assert run(at=soon - timedelta(days=20)).changed == ()


def test_an_authority_without_its_key_is_replaced_with_its_certificate(run: Prepare, tmp_path: Path) -> None:
    run()
    (tmp_path / "stack" / layout.AUTHORITY_KEY).unlink()
    assert {layout.AUTHORITY, layout.AUTHORITY_KEY, layout.CERTIFICATE, layout.KEY} < set(run().changed)


def test_without_openssl_it_is_said_what_to_install(run: Prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(StackError, match=r"openssl is not on PATH; install it"):
        run()


def test_mosquittos_own_tool_makes_the_same_hash(tmp_path: Path) -> None:
    file = tmp_path / "passwords"
    try:
        subprocess.run(["mosquitto_passwd", "-b", "-c", str(file), "gw-h1", "s3cret"], check=True, timeout=30)
    except FileNotFoundError:
        pytest.skip("no mosquitto_passwd on this machine")
    line = file.read_text().strip()
    assert password_is(line, "s3cret")
    assert mosquitto.passwords({"gw-h1": "s3cret"}, before=line) == line + "\n"
