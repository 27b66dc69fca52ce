"""What is particular to the embedded store: its file, and who else may have it."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.builders import small_pilot
from twin.model.command import Command, CommandRecord, CommandState, CommandStep, advance
from twin.model.event import DeadLetter, Reason
from twin.model.sample import Sample
from twin.model.telemetry import Report
from twin.store import schema
from twin.store.embedded import EmbeddedStore
from twin.store.port import Batch, StoreError

START = datetime(2026, 3, 1, tzinfo=UTC)


def opened(folder: Path) -> EmbeddedStore:
    return EmbeddedStore(folder / "history.duckdb", small_pilot())


def report(second: int) -> Report:
    at = START + timedelta(seconds=second)
    return Report(device="h1-meter", measured_at=at, published_at=at, received_at=at, values={"power_w": 1.0})


def record(name: str, asked_s: int = 0) -> CommandRecord:
    asked = START + timedelta(seconds=asked_s)
    return CommandRecord(
        command=Command(
            id=name,
            device="h1-battery",
            quantity="power_setpoint_w",
            value=-1_500.0,
            requested_at=asked,
            expires_at=asked + timedelta(minutes=5),
            priority=3,
            origin="operator",
        ),
        steps=(CommandStep(state=CommandState.REQUESTED, at=asked),),
    )


def test_a_command_grows_by_the_steps_that_are_new(tmp_path: Path) -> None:
    store = opened(tmp_path)
    first, second = record("one"), record("two", 60)
    grown = advance(first, CommandStep(state=CommandState.SENT, at=START + timedelta(milliseconds=3)))
    ended = advance(
        grown, CommandStep(state=CommandState.REFUSED, at=START + timedelta(hours=30), reason="soc at its reserve")
    )
    for batch in ([first], [grown, second], [grown], [ended]):
        store.write(Batch(commands=batch))

    assert list(store.recent_commands(10)) == [second, ended]
    assert list(store.recent_commands(1)) == [second]
    store.close()


def test_dead_letters_keep_their_bytes(tmp_path: Path) -> None:
    letters = [
        DeadLetter(at=START + timedelta(seconds=n), topic="hg/1", reason=Reason.NOT_JSON, detail="?", excerpt=excerpt)
        for n, excerpt in enumerate((b"\x00\xff{", b""))
    ]
    store = opened(tmp_path)
    store.write(Batch(dead_letters=letters))

    assert list(store.recent_dead_letters(5)) == letters[::-1]
    store.close()


def test_a_file_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    opened(tmp_path).close()
    with duckdb.connect(tmp_path / "history.duckdb") as connection:
        connection.execute("INSERT INTO schema_version VALUES (99)")

    with pytest.raises(StoreError, match=r"newer program \(schema 99, this one knows up to 1\)") as refused:
        opened(tmp_path)
    assert not refused.value.retryable


def test_a_quantity_that_came_later_gets_its_column(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.write(Batch(reports=[report(0)]))
    store.close()
    with duckdb.connect(tmp_path / "history.duckdb") as connection:
        connection.execute("ALTER TABLE telemetry DROP COLUMN setpoint_tank_degc")

    store = opened(tmp_path)

    assert list(store.device_series("h1-meter", "setpoint_tank_degc", START, START + timedelta(days=1)).values) == []
    assert list(store.latest()) == [report(0)]
    store.close()


def test_a_file_of_before_the_nodes_and_samples_gains_their_tables(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.write(Batch(reports=[report(0)]))
    store.close()
    with duckdb.connect(tmp_path / "history.duckdb") as connection:
        connection.execute("DROP TABLE nodes; DROP TABLE samples")

    store = opened(tmp_path)
    store.write(Batch(samples=[Sample(at=START, scope="twin", subject="small", values={"steps": 1.0})]))

    assert list(store.known_at(START)) == [report(0)]
    assert list(store.grids_known_at(START)) == []
    assert list(store.sample_series("twin", "small", "steps", START, START + timedelta(seconds=1)).values) == [1.0]
    store.close()


def test_what_was_received_comes_piece_by_piece(tmp_path: Path) -> None:
    store = opened(tmp_path)
    hour = timedelta(hours=1)
    given = [report(second) for second in range(6_000)] + [report(86_400 * 30)]
    store.write(Batch(reports=given))

    pieces = list(store.reports_received(START, START + 24 * 31 * hour))

    assert [one for piece in pieces for one in piece] == given
    assert max(map(len, pieces)) <= 5_000
    store.close()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "history.duckdb").write_text("hello" * 5_000)

    with pytest.raises(StoreError, match="no DuckDB file.*move it away") as refused:  # noqa: RUF043
        opened(tmp_path)
    assert not refused.value.retryable
    assert (tmp_path / "history.duckdb").read_text().startswith("hello")


def test_a_place_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "history.duckdb").mkdir()

    with pytest.raises(StoreError, match="choose another --store") as refused:
        opened(tmp_path)
    assert not refused.value.retryable


@pytest.mark.integration
def test_a_file_that_another_process_has_is_refused_for_now(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import duckdb, sys; keep = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()",
            str(tmp_path / "history.duckdb"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(StoreError, match="in use by another process") as refused:
            opened(tmp_path)
        assert refused.value.retryable
    finally:
        holder.communicate(timeout=10)
    opened(tmp_path).close()


def test_every_table_is_ordered_by_a_time_in_its_key() -> None:
    for name, table in schema.TABLES.items():
        assert table.time in table.key, name
        assert set(table.key) <= set(table.columns), name
