"""The spool keeps what it was given, in order, whatever happened to its files."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from twin.model.event import Event, Severity
from twin.store.port import Batch, StoreError
from twin.store.spool import Spool

START = datetime(2026, 3, 1, tzinfo=UTC)


def batch(number: int, rows: int = 2) -> Batch:
    return Batch(
        events=tuple(
            Event(
                at=START + timedelta(seconds=number),
                severity=Severity.INFORMATION,
                kind="number-seen",
                subject=str(row),
                text=f"number {number}",
            )
            for row in range(rows)
        )
    )


def taken(spool: Spool) -> list[Batch]:
    """Everything in the spool, oldest first; the spool is empty after that."""
    found: list[Batch] = []
    while (segment := spool.oldest()) is not None:
        found += spool.read(segment)
        spool.drop(segment)
    return found


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.spool"))


def test_batches_come_out_in_the_order_they_went_in(tmp_path: Path) -> None:
    spool = Spool(tmp_path, segment_rows=6)
    given = [batch(number) for number in range(10)]
    for one in given:
        spool.append(one)

    assert spool.pending_rows == 20
    assert spool.size_bytes == sum(path.stat().st_size for path in files(tmp_path))
    assert len(files(tmp_path)) == 4
    assert taken(spool) == given
    assert (spool.pending_rows, spool.size_bytes, files(tmp_path)) == (0, 0, [])


def test_an_empty_batch_leaves_no_trace(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(Batch())

    assert spool.oldest() is None
    assert files(tmp_path) == []


def test_what_was_not_dropped_is_there_for_the_next_process(tmp_path: Path) -> None:
    first = Spool(tmp_path, segment_rows=4)
    for number in range(5):
        first.append(batch(number))
    segment = first.oldest()
    assert segment is not None
    first.drop(segment)
    first.append(batch(5))
    first.close()

    second = Spool(tmp_path)
    second.append(batch(6))

    assert second.truncated_bytes == 0
    assert taken(second) == [batch(number) for number in range(2, 7)]


def test_beyond_the_memory_limit_batches_are_read_from_the_disk(tmp_path: Path) -> None:
    spool = Spool(tmp_path, segment_rows=4, memory_rows=5)
    given = [batch(number) for number in range(8)]
    for one in given:
        spool.append(one)

    held = [segment.batches is not None for segment in spool._segments]
    assert held == [True, False, False, False]
    assert taken(spool) == given
    spool.append(batch(9))
    assert spool._segments[0].batches == [batch(9)]


@pytest.mark.parametrize("cut", [1, 5, 12, 40])
def test_a_torn_tail_is_cut_off_and_all_before_it_kept(tmp_path: Path, cut: int) -> None:
    spool = Spool(tmp_path)
    for number in range(3):
        spool.append(batch(number))
    spool.close()
    (path,) = files(tmp_path)
    os.truncate(path, path.stat().st_size - cut)

    again = Spool(tmp_path)

    assert again.truncated_bytes > 0
    assert again.size_bytes == path.stat().st_size
    assert taken(again) == [batch(0), batch(1)]


@pytest.mark.parametrize("tail", [bytes(64), b"\xff" * 64, b"\x01\x00\x00\x00"])
def test_noise_after_the_last_frame_is_cut_off(tmp_path: Path, tail: bytes) -> None:
    spool = Spool(tmp_path)
    spool.append(batch(0))
    spool.close()
    with files(tmp_path)[0].open("ab") as file:
        file.write(tail)

    again = Spool(tmp_path)

    assert again.truncated_bytes == len(tail)
    assert taken(again) == [batch(0)]


def test_a_full_spool_refuses_for_now_and_takes_again_when_there_is_room(tmp_path: Path) -> None:
    spool = Spool(tmp_path, limit_bytes=1_000)
    kept = 0
    while spool.size_bytes < 700:
        spool.append(batch(kept))
        kept += 1
    with pytest.raises(StoreError, match=r"is full .* of 1000 bytes") as refused:
        spool.append(batch(kept, rows=5))
    assert refused.value.retryable
    assert 0 < spool.size_bytes <= 1_000

    assert taken(spool) == [batch(number) for number in range(kept)]
    spool.append(batch(kept))
    assert taken(spool) == [batch(kept)]


def test_what_is_refused_for_good_is_set_aside(tmp_path: Path) -> None:
    spool = Spool(tmp_path, segment_rows=2)
    spool.append(batch(0))
    spool.append(batch(1))
    segment = spool.oldest()
    assert segment is not None

    kept = spool.refuse(segment)

    assert kept.read_bytes().find(b"number 0") > 0
    assert taken(spool) == [batch(1)]


def test_two_processes_cannot_share_a_spool(tmp_path: Path) -> None:
    first = Spool(tmp_path)
    with pytest.raises(StoreError, match="in use by another process") as refused:
        Spool(tmp_path)
    assert refused.value.retryable
    first.close()
    Spool(tmp_path).close()


def test_a_closed_spool_takes_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.close()
    spool.close()
    with pytest.raises(StoreError, match="closed"):
        spool.append(batch(0))


def test_a_folder_that_cannot_be_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file"):
        Spool(tmp_path / "file")


def test_syncing_touches_each_byte_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path, segment_rows=4)
    for number in range(3):
        spool.append(batch(number))
    spool.sync()

    assert [segment.synced_bytes == segment.bytes for segment in spool._segments] == [True, True]
    spool.append(batch(3))
    assert spool._segments[-1].synced_bytes < spool._segments[-1].bytes
