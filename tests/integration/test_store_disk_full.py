"""A full disk is an alarm, not the end: work goes on when there is room, and nothing is lost or doubled.

A limit on the size of the files that a child process may write stands in for the full disk.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

COMMON = """
import resource, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tests.builders import small_pilot
from twin.model.telemetry import Report
from twin.store.embedded import EmbeddedStore
from twin.store.port import Batch, StoreError
from twin.store.spool import Spool

folder = Path(sys.argv[1])
start = datetime(2026, 3, 1, tzinfo=UTC)

def batch(number, rows=500):
    times = [start + timedelta(seconds=number * rows + row) for row in range(rows)]
    return Batch(reports=[
        Report(device="h1-meter", measured_at=at, published_at=at, received_at=at, values={"power_w": 0.1 * number})
        for at in times
    ])

def largest_file(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

def until_full(take):
    for number in range(10_000):
        try:
            take(batch(number))
        except StoreError as error:
            assert error.retryable, error
            print(error, flush=True)
            return number
    raise AssertionError("the disk never filled up")
"""

STORE = """
store = EmbeddedStore(folder / "history.duckdb", small_pilot())
largest_file(1 << 20)
full = until_full(store.write)
largest_file(4_096)  # opening the file anew may have made some room
for _ in range(3):
    try:
        store.write(batch(full))
    except StoreError as error:
        assert error.retryable, error
    else:
        raise AssertionError("written to a full disk")
largest_file(resource.RLIM_INFINITY)
for number in range(full, full + 3):
    store.write(batch(number))
assert store.rows() == (full + 3) * 500, (store.rows(), full)
store.close()
store = EmbeddedStore(folder / "history.duckdb", small_pilot())
assert store.rows() == (full + 3) * 500, (store.rows(), full)
store.close()
"""

SPOOL = """
spool = Spool(folder / "spool", segment_rows=10**9)
largest_file(1 << 18)
full = until_full(spool.append)
assert spool.size_bytes == next((folder / "spool").glob("*.spool")).stat().st_size
largest_file(resource.RLIM_INFINITY)
spool.append(batch(full))
spool.close()
spool = Spool(folder / "spool")
assert spool.truncated_bytes == 0
segment = spool.oldest()
assert list(spool.read(segment)) == [
    Batch(reports=tuple(batch(number).reports)) for number in range(full + 1)
]
spool.close()
"""


@pytest.mark.parametrize(
    ("program", "says"), [(STORE, "the disk is full: make room"), (SPOOL, "make room")], ids=["store", "spool"]
)
def test_a_full_disk_is_survived(tmp_path: Path, program: str, says: str) -> None:
    root = Path(__file__).parents[2]

    child = subprocess.run(
        [sys.executable, "-c", COMMON + program, str(tmp_path)],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert child.returncode == 0, child.stderr[-3_000:]
    assert says in child.stdout
