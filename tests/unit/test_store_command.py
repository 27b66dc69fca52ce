"""`twin store`: on a real server when there is one; without, what it refuses and says."""

import pytest
from typer.testing import CliRunner, Result

from tests.influx_peer import running
from tests.influx_server import fresh_buckets
from twin.cli.main import app
from twin.clock import WallClock
from twin.store.influx.client import Influx
from twin.store.influx.layout import Retention
from twin.store.influx.setup import prepare_tasks, remove


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEARTHGRID_INFLUX_TOKEN_FILE", raising=False)
    monkeypatch.setenv("HEARTHGRID_INFLUX_TOKEN", "s3cret")


def said(*arguments: str) -> tuple[int, str]:
    result: Result = CliRunner().invoke(app, ["store", *arguments])
    return result.exit_code, " ".join(result.output.split())


def test_a_store_that_needs_no_preparing_is_refused() -> None:
    code, text = said("init", "--store", "duckdb:history.duckdb")

    assert (code, "only a store that begins with influx:" in text) == (2, True)


def test_without_a_token_it_says_where_one_belongs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEARTHGRID_INFLUX_TOKEN")

    code, text = said("init", "--store", "influx:http://127.0.0.1:1")

    assert (code, "set HEARTHGRID_INFLUX_TOKEN" in text) == (2, True)


def test_a_server_that_is_away_is_named() -> None:
    with running() as peer:
        url = peer.url

    code, text = said("init", "--store", f"influx:{url}")

    assert (code, f"InfluxDB at {url}, org 'hearthgrid' cannot be reached: is it running?" in text) == (2, True)
    assert "s3cret" not in text


def test_a_retention_too_short_for_the_server_is_refused() -> None:
    code, text = said("init", "--store", "influx:http://127.0.0.1:1", "--keep", "10m")

    assert (code, "too short to keep history; write at least 1h, or for-ever" in text) == (2, True)


def test_a_second_run_changes_nothing_and_a_third_only_what_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with fresh_buckets() as address:
        monkeypatch.setenv("HEARTHGRID_INFLUX_TOKEN", address.token)
        store = ("--store", f"influx:{address.url}?org={address.org}&bucket={address.bucket}")
        influx = Influx(address, WallClock())
        remove(influx)

        code, text = said("status", *store)
        assert (code, f"bucket {address.bucket}_15m is missing" in text) == (1, True)
        code, text = said("init", *store)
        assert code == 0
        assert f"created bucket {address.bucket}, kept 7 days" in text
        assert f"created task {address.bucket}_15m" in text
        assert {bucket.name: bucket.state for bucket in influx.buckets() if bucket.name.startswith(address.bucket)} == {
            address.bucket: 7 * 86_400,
            f"{address.bucket}_1m": 90 * 86_400,
            f"{address.bucket}_15m": 0,
            f"{address.bucket}_log": 0,
        }

        assert said("init", *store) == (0, f"{influx.address} is ready; nothing had to be changed")
        assert said("status", *store) == (0, f"{influx.address} is ready")

        code, text = said("init", *store, "--keep", "30d")
        assert text == f"changed bucket {address.bucket}: kept 30 days instead of 7 days {influx.address} is ready"
        code, text = said("status", *store)
        assert (code, f"bucket {address.bucket} keeps 30 days, not 7 days" in text) == (1, True)
        influx.close()


def test_a_task_that_someone_changed_is_brought_into_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with fresh_buckets(Retention()) as address:
        monkeypatch.setenv("HEARTHGRID_INFLUX_TOKEN", address.token)
        store = ("--store", f"influx:{address.url}?org={address.org}&bucket={address.bucket}")
        influx = Influx(address, WallClock())
        assert len(prepare_tasks(influx)) == 4
        (task,) = influx.tasks(f"{address.bucket}_1m")
        influx.change_task(task, str(task.state).replace("every: 1m", "every: 2m"))

        assert f"task {address.bucket}_1m is another" in said("status", *store)[1]
        assert said("init", *store) == (0, f"changed task {address.bucket}_1m {influx.address} is ready")
        assert influx.tasks(f"{address.bucket}_1m") == [task]
        assert said("init", *store) == (0, f"{influx.address} is ready; nothing had to be changed")
        influx.close()


def test_a_token_that_the_server_does_not_know_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with fresh_buckets() as address:
        monkeypatch.setenv("HEARTHGRID_INFLUX_TOKEN", "wr0ng")

        code, text = said("init", "--store", f"influx:{address.url}?org={address.org}&bucket={address.bucket}")

    assert (code, "does not know the token" in text, "wr0ng" in text) == (2, True, False)
