"""The commands of `twin stack`, as they are typed."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from twin.cli.stack import app

ROOT = Path(__file__).parents[2]
PILOT = str(ROOT / "tests" / "data" / "pilots" / "valid-two-homes.yaml")
RUN = CliRunner()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the compose file, which is where the command is run; no engine answers."""
    shutil.copy(ROOT / "compose.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    return tmp_path


def test_prepare_says_what_it_did_and_what_comes_next(project: Path) -> None:
    done = RUN.invoke(app, ["prepare", PILOT, "--name", "broker.lab.example"])
    assert done.exit_code == 0, done.output
    assert "2 endpoints, 2 of them simulated; the broker is named broker.lab.example, mosquitto" in done.output
    assert "docker compose --profile sim up -d --build" in done.output
    assert (project / "var" / "stack" / "secrets" / "broker_acl").is_file()
    assert (project / ".env").is_file()


def test_the_hand_out_of_an_endpoint_is_all_that_its_far_side_needs(project: Path) -> None:
    RUN.invoke(app, ["prepare", PILOT, "--name", "broker.lab.example"])
    sheet = json.loads(RUN.invoke(app, ["handout", "gateway-h01"]).output)
    assert sheet["broker"] == "mqtts://broker.lab.example:8883"
    assert sheet["subscribe"] == ["hg/1/two-homes/gateway-h01/command"]
    assert sheet["authority"].startswith("-----BEGIN CERTIFICATE-----")
    assert set(sheet) == {"pilot", "endpoint", "broker", "user", "password", "publish", "subscribe", "authority"}
    unknown = RUN.invoke(app, ["handout", "gateway-h09"])
    assert unknown.exit_code == 2
    assert project.is_dir()


@pytest.mark.parametrize("user", ["0:0", "1000", "me:me"])
@pytest.mark.usefixtures("project")
def test_containers_are_nobodys_root(user: str) -> None:
    assert RUN.invoke(app, ["prepare", PILOT, "--user", user]).exit_code == 2


def test_away_from_the_compose_file_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert RUN.invoke(app, ["prepare", PILOT]).exit_code == 2
    assert RUN.invoke(app, ["doctor"]).exit_code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("project")
def test_the_doctor_is_read_by_people_and_by_programs() -> None:
    told = RUN.invoke(app, ["doctor"])
    assert told.exit_code == 1
    assert "error: prepared files: nothing is prepared\n    do: twin stack prepare PILOT" in told.output
    assert told.output.endswith("not well\n")
    RUN.invoke(app, ["prepare", PILOT])
    found = json.loads(RUN.invoke(app, ["doctor", "--json"]).output)
    assert (found["well"], found["profile"]) == (False, "sim")
    assert [finding["subject"] for finding in found["findings"]] == ["engine"]


@pytest.mark.usefixtures("project")
def test_after_the_pilot_has_changed_the_doctor_asks_for_a_new_access_list(tmp_path: Path) -> None:
    pilot = tmp_path / "pilot.yaml"
    shutil.copy(PILOT, pilot)
    RUN.invoke(app, ["prepare", str(pilot)])
    pilot.write_text(pilot.read_text().replace("id: h02", "id: h03"))
    found = json.loads(RUN.invoke(app, ["doctor", "--json"]).output)
    assert [finding["subject"] for finding in found["findings"]] == ["engine", "access list"]
    pilot.unlink()
    found = json.loads(RUN.invoke(app, ["doctor", "--json"]).output)
    assert "pilot.yaml" in found["findings"][0]["what"]
