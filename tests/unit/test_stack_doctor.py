"""What the doctor says of a stack: nothing when all is well, and for each fault what it is and what to do."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from twin.stack import compose_file, layout
from twin.stack.doctor import diagnose
from twin.stack.findings import Diagnosis, Finding
from twin.stack.grants import StackError
from twin.stack.snapshot import Container, Engine, File, Prepared, Snapshot, Volume

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
COMPOSE = Path(__file__).parents[2] / "compose.yaml"
SETTINGS = {
    "HEARTHGRID_STACK": "/srv/stack",
    "HEARTHGRID_UID": "1000",
    "HEARTHGRID_ADDRESS": "127.0.0.1",
    "HEARTHGRID_CONSOLE_PORT": "1",  # nothing listens on port 1 of this machine
    "HEARTHGRID_GRAFANA_PORT": "1",
    "HEARTHGRID_BROKER_PORT": "1",
}
PROJECT, SERVICES = compose_file.read(COMPOSE, SETTINGS)
SERVICE = {service.name: service for service in SERVICES}


def container(service: str, **changes: object) -> Container:
    """A container as it is when all is well."""
    described = SERVICE[service]
    well = Container(
        id=f"id-{service}",
        service=service,
        state="exited" if described.one_shot else "running",
        health="" if described.one_shot else "healthy",
        started_at=NOW - timedelta(hours=1),
        image_id=f"sha256:{described.image}",
        networks=tuple(f"{PROJECT}_{network}" for network in described.networks),
        project_folder="/srv/hearthgrid",
    )
    return replace(well, **changes)  # type: ignore[arg-type]


def snapshot(
    profile: str = "sim",
    *,
    without: str | None = None,
    instead: tuple[Container, ...] = (),
    images: Mapping[str, str] | None = None,
) -> Snapshot:
    """A stack on which all is well, but for what is taken out or put in."""
    replaced = {each.service for each in instead} | {without}
    well = [container(s.name) for s in SERVICES if profile in s.profiles and s.name not in replaced]
    return Snapshot(
        at=NOW,
        project=PROJECT,
        project_folder="/srv/hearthgrid",
        profile=None,
        services=SERVICES,
        engine=Engine(
            version="28.0.0",
            containers=(*well, *instead),
            images={s.image: f"sha256:{s.image}" for s in SERVICES} if images is None else images,
        ),
        prepared=Prepared(
            folder="/srv/stack",
            files=tuple(
                File(place=place, mode=0o600, uid=1000, changed_at=NOW - timedelta(days=1)) for place in layout.NEEDED
            ),
            uid=1000,
            certificate_ends_at=NOW + timedelta(days=300),
            authority_ends_at=NOW + timedelta(days=3_000),
        ),
    )


def the_only(diagnosis: Diagnosis) -> Finding:
    assert len(diagnosis.findings) == 1, diagnosis.findings
    return diagnosis.findings[0]


def test_a_stack_that_is_well_has_no_finding() -> None:
    found = diagnose(snapshot())
    assert found.well
    assert found.findings == ()
    assert found.engine == "28.0.0"
    assert {line.service: line.state for line in found.services} == {
        "volumes": "done",
        "mosquitto": "up, healthy",
        "influxdb": "up, healthy",
        "buckets": "done",
        "grafana": "up, healthy",
        "twin": "up, healthy",
        "simulators": "up, healthy",
    }


def test_a_live_stack_is_known_by_its_broker_and_needs_no_simulators() -> None:
    found = diagnose(snapshot("live"))
    assert found.profile == "live"
    assert found.well
    assert "simulators" not in {line.service for line in found.services}


def test_before_anything_was_started_every_missing_image_is_named_once_by_how_to_get_it() -> None:
    empty = replace(snapshot(), engine=Engine(version="28.0.0", images={}))
    found = diagnose(empty)
    assert found.findings[0].what == "nothing is up"
    assert found.findings[0].do == "docker compose --profile sim up -d --build"
    remedies = {finding.subject: finding.do for finding in found.findings[1:]}
    assert remedies["influxdb"] == "docker compose --profile sim pull influxdb"
    assert remedies["twin"] == "docker compose --profile sim build twin"
    assert not found.well


def test_an_engine_that_does_not_answer_is_one_finding_and_files_are_judged_all_the_same() -> None:
    silent = replace(snapshot(), engine=Engine(trouble="connection refused", images={}))
    found = diagnose(replace(silent, prepared=replace(silent.prepared, certificate_ends_at=NOW - timedelta(days=1))))
    assert [finding.subject for finding in found.findings] == ["certificate of the broker", "engine"]
    assert "DOCKER_HOST" in found.findings[1].do
    denied = replace(silent, engine=Engine(trouble="permission denied", denied=True, images={}))
    assert "group docker" in the_only(diagnose(denied)).do


@pytest.mark.parametrize(
    ("changes", "what", "do"),
    [
        ({"state": "paused"}, "is paused", "docker compose --profile sim unpause influxdb"),
        (
            {"state": "created"},
            "was made and never started",
            "mend what it waits for, then docker compose --profile sim up -d",
        ),
        (
            {"state": "exited", "exit_code": 137, "last_words": "killed"},
            "has ended with exit code 137: killed",
            "docker compose --profile sim start influxdb; if it ends again: docker compose --profile sim logs influxdb",
        ),
        (
            {"state": "restarting", "restarts": 7, "exit_code": 1},
            "ends and is started again (7 times), exit code 1: it says nothing",
            "docker compose --profile sim logs influxdb",
        ),
        (
            {"health": "unhealthy", "health_said": "curl: (28) timed out"},
            "runs and is not well: curl: (28) timed out",
            (
                "docker compose --profile sim logs influxdb; when the cause is mended: "
                "docker compose --profile sim restart influxdb"
            ),
        ),
    ],
)
def test_a_service_in_trouble_is_an_error_with_its_remedy(changes: dict[str, object], what: str, do: str) -> None:
    finding = the_only(diagnose(snapshot(instead=(container("influxdb", **changes),))))
    assert (finding.severity, finding.subject, finding.what, finding.do) == ("error", "influxdb", what, do)


def test_a_service_that_ran_out_of_memory_is_told_apart_from_a_crash() -> None:
    killed = container("twin", state="exited", exit_code=137, out_of_memory=True)
    assert [finding.what for finding in diagnose(snapshot(instead=(killed,))).findings] == [
        "has ended with exit code 137: it says nothing",
        "ran out of its memory limit and was killed",
    ]


def test_a_service_without_container_is_missed() -> None:
    finding = the_only(diagnose(snapshot(without="grafana")))
    assert (finding.what, finding.do) == ("has no container", "docker compose --profile sim up -d grafana")


def test_a_service_cut_off_from_its_network_is_seen_while_it_looks_healthy() -> None:
    cut_off = container("twin", networks=(f"{PROJECT}_front", f"{PROJECT}_store"))
    finding = the_only(diagnose(snapshot(instead=(cut_off,))))
    assert finding.what == "is cut off from network hearthgrid_bus"
    assert "docker network connect --alias twin hearthgrid_bus id-twin" in finding.do


def test_volumes_that_could_not_be_given_away_are_an_error_and_done_ones_are_not() -> None:
    failed = container("volumes", exit_code=1, last_words="chown: Operation not permitted")
    assert "Operation not permitted" in the_only(diagnose(snapshot(instead=(failed,)))).what


def test_starting_and_often_restarted_services_are_warnings_and_the_stack_is_well() -> None:
    found = diagnose(snapshot(instead=(container("twin", health="starting"), container("grafana", restarts=3))))
    assert [(finding.severity, finding.what) for finding in found.findings] == [
        ("warning", "was started again 3 times"),
        ("warning", "is starting"),
    ]
    assert found.well


def test_an_image_built_anew_is_not_yet_what_runs() -> None:
    images = {service.image: f"sha256:{service.image}" for service in SERVICES}
    images[SERVICE["grafana"].image] = "sha256:newer"
    finding = the_only(diagnose(snapshot(images=images)))
    assert finding.subject == "grafana"
    assert finding.do == "docker compose --profile sim up -d grafana"


def test_a_taken_port_is_named_where_its_service_is_not_up() -> None:
    free = snapshot(without="twin")
    taken = replace(SERVICE["twin"].published[0], port=8080, taken=True)
    services = tuple(replace(s, published=(taken,)) if s.name == "twin" else s for s in SERVICES)
    found = diagnose(replace(free, services=services))
    assert "port 8080 on 127.0.0.1 is taken by something else" in [finding.what for finding in found.findings]
    assert diagnose(replace(snapshot(), services=services)).well  # our own twin listens there


def test_both_profiles_at_once_would_put_two_brokers_on_one_volume() -> None:
    found = diagnose(snapshot(instead=(container("mosquitto-live"),)))
    finding = next(finding for finding in found.findings if finding.subject == "stack")
    assert finding.severity == "error"
    assert finding.do.startswith("docker compose --profile sim --profile live down")


def test_containers_of_an_older_compose_file_and_of_another_folder_are_named() -> None:
    old = replace(container("twin"), service="chronograf", project_folder="/srv/old")
    found = diagnose(snapshot(instead=(old,)))
    assert [finding.what for finding in found.findings] == [
        "containers of an older compose file: chronograf",
        "containers were started from /srv/old, not from /srv/hearthgrid",
    ]


def test_a_broker_older_than_its_passwords_still_uses_the_old_ones() -> None:
    well = snapshot()
    rotated = tuple(
        replace(file, changed_at=NOW) if file.place == layout.PASSWORDS else file for file in well.prepared.files
    )
    finding = the_only(diagnose(replace(well, prepared=replace(well.prepared, files=rotated))))
    assert finding.what == "started before secrets/broker_passwords changed, and still uses what was there"
    assert finding.do == "docker compose --profile sim restart mosquitto"


@pytest.mark.parametrize(
    ("share", "severity"), [(0.84, None), (0.86, "warning"), (0.96, "error")], ids=["room", "filling", "full"]
)
def test_a_volume_is_told_of_before_it_is_full(share: float, severity: str | None) -> None:
    volume = Volume(name="hearthgrid_influxdb", service="influxdb", used_share=share, free_bytes=300 << 20)
    well = snapshot()
    found = diagnose(replace(well, engine=replace(well.engine, volumes=(volume,))))
    assert [finding.severity for finding in found.findings] == ([severity] if severity else [])


def judged(**changes: object) -> Finding:
    """The only finding on a stack that is well but for its prepared files."""
    well = snapshot()
    return the_only(diagnose(replace(well, prepared=replace(well.prepared, **changes))))  # type: ignore[arg-type]


def test_prepared_files_are_judged_by_being_there_by_mode_and_by_owner() -> None:
    files = snapshot().prepared.files
    missing = judged(files=tuple(file for file in files if file.place != layout.GRAFANA_PASSWORD))
    assert missing.what == "missing in /srv/stack: secrets/grafana_password"
    opened = judged(files=tuple(replace(file, mode=0o644) if file.place == layout.KEY else file for file in files))
    assert opened.what == "others can read secrets/broker_key (0644)"
    foreign = judged(files=tuple(replace(file, uid=0) if file.place == layout.KEY else file for file in files))
    assert foreign.what == "secrets/broker_key not owned by user 1000, as whom the containers run"
    assert judged(trouble="nothing is prepared").do == "twin stack prepare PILOT"


@pytest.mark.parametrize(
    ("days", "severity", "what"),
    [(29, "warning", "ends on 2026-12-22, in 29 days"), (-1, "error", "ended on 2026-11-22: nobody can connect")],
)
def test_certificates_are_judged_by_their_end(days: int, severity: str, what: str) -> None:
    end = NOW + timedelta(days=days)
    finding = judged(certificate_ends_at=end)
    assert (finding.severity, finding.what) == (severity, what)
    assert "every live device needs the new authority" in judged(authority_ends_at=end).do


def test_a_pilot_that_has_changed_needs_a_new_access_list() -> None:
    assert judged(pilot_changed=True).severity == "warning"


def test_simulated_endpoints_in_the_live_profile_have_nobody_who_speaks_for_them() -> None:
    live = snapshot("live")
    endpoints = tuple(f"gw-h{number}" for number in range(1, 6))
    finding = the_only(diagnose(replace(live, prepared=replace(live.prepared, simulated=endpoints))))
    assert finding.what == "nobody speaks for 5 endpoints with simulated devices (gw-h1, gw-h2, gw-h3, ...)"
    sim = snapshot()
    assert diagnose(replace(sim, prepared=replace(sim.prepared, simulated=endpoints))).findings == ()


# What it reads of compose.yaml


def test_variables_are_filled_in_as_compose_does() -> None:
    assert compose_file.filled("${A:-x}/${B:-y}/${C:?why}", {"B": "b", "C": "c"}) == "x/b/c"
    assert compose_file.filled("${A:-x}", {"A": ""}) == "x"


def test_only_console_and_grafana_are_published_and_only_to_this_machine() -> None:
    _, services = compose_file.read(COMPOSE, {})
    published = {(s.name, port.address, port.port) for s in services if "sim" in s.profiles for port in s.published}
    assert published == {("twin", "127.0.0.1", 8080), ("grafana", "127.0.0.1", 3000)}


def test_every_prepared_secret_is_one_of_compose_and_no_secret_stands_in_it() -> None:
    text = COMPOSE.read_text()
    for place in layout.NEEDED:
        assert f"/{place}" in text, place


@pytest.mark.parametrize("text", ["services: [", "name: x\n", "services:\n  a: {}\n"])
def test_a_file_that_is_no_compose_file_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(text)
    with pytest.raises(StackError, match="is no compose file that can be read"):
        compose_file.read(tmp_path / "compose.yaml", {})


def test_no_service_but_the_one_that_gives_volumes_away_runs_as_root_or_writes_its_own_files() -> None:
    text = COMPOSE.read_text()
    assert text.count('user: "0:0"') == 1
    assert text.count("read_only: true") == 2  # that of all services, and that of `volumes`
