"""The command line on what people get wrong: one clear sentence, exit code 2, no traceback."""

import socket
from pathlib import Path

import pytest

from tests.integration.stack import ELM_STREET, twin

pytestmark = pytest.mark.integration

INVALID = Path(__file__).parents[1] / "data" / "pilots" / "invalid-phase-not-there.yaml"


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_refused_pilot_ends_with_2_and_its_line(command: str) -> None:
    done = twin(command, str(INVALID))

    assert done.returncode == 2
    assert f"{INVALID}:18: homes[0].phase" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_good_pilot_is_said_to_be_good() -> None:
    done = twin("check", str(ELM_STREET))

    assert done.returncode == 0
    assert "55 homes, 198 devices, 37 endpoints" in done.stdout


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--speed", "fast"], "write max, or a number"),
        (["--for", "a while"], "is not a duration"),
        (["--start", "yesterday"], "is not a time"),
        (["--store", "paper:notes"], "unknown store"),
        (["--broker", "http://broker"], "mqtt://"),
    ],
)
def test_options_that_make_no_sense_are_refused_with_what_is_allowed(
    options: list[str], expected: str, tmp_path: Path
) -> None:
    done = twin("run", str(ELM_STREET), "--folder", str(tmp_path), "--port", "18431", *options)

    assert done.returncode == 2
    assert expected in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr


def test_history_that_is_not_there_is_not_invented(tmp_path: Path) -> None:
    done = twin("export", str(ELM_STREET), str(tmp_path / "out"), "--folder", str(tmp_path / "nowhere"))

    assert done.returncode == 2
    assert "there is no history at" in done.stderr
    assert not (tmp_path / "nowhere").exists()


def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = twin("run", str(ELM_STREET), "--port", str(port))

    assert done.returncode == 2
    assert f"port {port} is taken" in done.stderr


def test_without_a_twin_the_question_says_how_to_start_one() -> None:
    done = twin("status", "--url", "http://127.0.0.1:9")

    assert done.returncode == 1
    assert "start one with `twin run PILOT`" in done.stderr


def test_help_names_every_command() -> None:
    done = twin("--help")

    assert done.returncode == 0
    for command in ("run", "serve", "check", "status", "devices", "set", "export"):
        assert command in done.stdout
