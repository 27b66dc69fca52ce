"""The spool: batches on disk from the moment the bus may be acknowledged until the store has them.

A folder of append-only segments of frames: length, rows and CRC-32 (little-endian, 32 bits each), then the batch as
JSON. Appending hands the frame to the operating system, so a killed process loses nothing; `sync` is for power cuts.
A torn tail, left by a kill or a full disk, is cut off when the folder is opened. Refuses a folder that another process
uses, and more bytes than its limit: then nothing is acknowledged, and the broker keeps what has not been taken.
"""

import fcntl
import os
import struct
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zlib import crc32

from twin.store.codec import decode, encode
from twin.store.port import Batch, StoreError

_HEADER = struct.Struct("<III")
_SUFFIX = ".spool"
_REFUSED = ".refused"


@dataclass(slots=True, kw_only=True, eq=False)
class Segment:
    """One file of the spool. `batches` is what it holds, or None when that must be read from the disk."""

    path: Path
    rows: int = 0
    bytes: int = 0
    synced_bytes: int = 0
    batches: list[Batch] | None = field(default_factory=list)


def rows_in(batch: Batch) -> int:
    """How many rows of any kind `batch` carries."""
    parts = (batch.reports, batch.grid, batch.commands, batch.events, batch.dead_letters, batch.samples)
    return sum(map(len, parts))


class Spool:
    """A queue on disk, for any number of appending threads and one that takes."""

    def __init__(
        self,
        folder: Path,
        *,
        limit_bytes: int = 1 << 30,
        segment_rows: int = 10_000,
        memory_rows: int = 60_000,
    ) -> None:
        """Open or create `folder`. At most `memory_rows` rows are also kept in memory; a segment has `segment_rows`."""
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._segment_rows = segment_rows
        self._memory_rows = memory_rows
        self._lock = threading.Lock()
        self._file: int | None = None  # of the last segment, while it is open for appending
        self.truncated_bytes = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._guard: int | None = _guard(folder)
            self._segments = [self._recovered(path) for path in sorted(folder.glob(f"*{_SUFFIX}"))]
        except OSError as error:
            raise _explanation(folder, error) from error
        self._next = 1 + max((int(segment.path.stem) for segment in self._segments), default=0)
        self._rows = sum(segment.rows for segment in self._segments)
        self._bytes = sum(segment.bytes for segment in self._segments)
        self._memory = 0
        self._settled = 0

    @property
    def pending_rows(self) -> int:
        """Rows in the spool."""
        return self._rows

    @property
    def size_bytes(self) -> int:
        """Bytes that the spool takes on disk."""
        return self._bytes

    @property
    def settled_rows(self) -> int:
        """Rows that have left the spool since it was opened."""
        return self._settled

    def append(self, batch: Batch) -> None:
        """Keep `batch`; StoreError (retryable) when spool or disk is full, and then nothing of it is kept."""
        rows = rows_in(batch)
        if not rows:
            return
        body = encode(batch)
        frame = _HEADER.pack(len(body), rows, _checksum(rows, body)) + body
        with self._lock:
            if self._bytes + len(frame) > self._limit_bytes:
                raise StoreError(
                    f"the spool {self._folder} is full ({self._bytes} of {self._limit_bytes} bytes) "
                    "because the store does not write: see the store's error",
                    retryable=True,
                )
            try:
                segment = self._appended(frame)
            except OSError as error:
                raise _explanation(self._folder, error) from error
            segment.rows += rows
            segment.bytes += len(frame)
            self._rows += rows
            self._bytes += len(frame)
            self._remember(segment, batch, rows)
            if segment.rows >= self._segment_rows:
                self._seal()

    def oldest(self) -> Segment | None:
        """The segment to be written next, closed for appending; None when the spool is empty."""
        with self._lock:
            if not self._segments:
                return None
            if len(self._segments) == 1:
                self._seal()
            return self._segments[0]

    def read(self, segment: Segment) -> Sequence[Batch]:
        """What `segment` holds, from memory or from the disk, oldest first."""
        if segment.batches is not None:
            return segment.batches
        try:
            return [decode(body) for _, body in _frames(segment.path.read_bytes())]
        except OSError as error:
            raise _explanation(segment.path, error) from error

    def drop(self, segment: Segment) -> None:
        """Forget `segment`: the store has it."""
        self._remove(segment, None)

    def refuse(self, segment: Segment) -> Path:
        """Set `segment` aside, because no store will ever take it; gives the file that keeps it."""
        kept = segment.path.with_suffix(_REFUSED)
        self._remove(segment, kept)
        return kept

    def sync(self) -> None:
        """Force what was appended onto the disk, for as long as the store does not take it."""
        with self._lock:
            unsafe = [(segment, segment.bytes) for segment in self._segments if segment.synced_bytes < segment.bytes]
        try:
            for segment, length in unsafe:
                file = os.open(segment.path, os.O_RDONLY)
                try:
                    os.fdatasync(file)
                finally:
                    os.close(file)
                segment.synced_bytes = length
        except OSError as error:
            raise _explanation(self._folder, error) from error

    def close(self) -> None:
        """Let go of the folder; what is in it stays."""
        with self._lock:
            self._seal()
            if self._guard is not None:
                os.close(self._guard)
                self._guard = None

    def _appended(self, frame: bytes) -> Segment:
        """Write `frame` to the end of the open segment; when that fails the segment is as it was before."""
        if self._guard is None:
            raise StoreError(f"the spool {self._folder} is closed", retryable=False)
        if self._file is None:
            segment = Segment(path=self._folder / f"{self._next:012d}{_SUFFIX}")
            self._file = os.open(segment.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o644)
            self._next += 1
            self._segments.append(segment)
        segment = self._segments[-1]
        written = 0
        try:
            while written < len(frame):
                written += os.write(self._file, memoryview(frame)[written:])
        except OSError:
            os.ftruncate(self._file, segment.bytes)
            raise
        return segment

    def _remember(self, segment: Segment, batch: Batch, rows: int) -> None:
        if segment.batches is None:
            return
        if self._memory + rows <= self._memory_rows:
            segment.batches.append(batch)
            self._memory += rows
        else:
            self._memory -= segment.rows - rows
            segment.batches = None

    def _seal(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _remove(self, segment: Segment, kept: Path | None) -> None:
        with self._lock:
            try:
                if kept is None:
                    segment.path.unlink(missing_ok=True)
                else:
                    segment.path.rename(kept)
            except OSError as error:
                raise _explanation(segment.path, error) from error
            self._segments.remove(segment)
            self._rows -= segment.rows
            self._settled += segment.rows
            self._bytes -= segment.bytes
            if segment.batches is not None:
                self._memory -= segment.rows

    def _recovered(self, path: Path) -> Segment:
        """A segment of an earlier process, without the frame it was writing when it was killed."""
        content = path.read_bytes()
        rows = whole = 0
        for count, body in _frames(content):
            rows += count
            whole += _HEADER.size + len(body)
        if whole < len(content):
            self.truncated_bytes += len(content) - whole
            os.truncate(path, whole)
        return Segment(path=path, rows=rows, bytes=whole, synced_bytes=whole, batches=None)


def _checksum(rows: int, body: bytes) -> int:
    return crc32(body, rows)


def _frames(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Rows and body of every whole frame, up to the first that is not."""
    at = 0
    while at + _HEADER.size <= len(content):
        length, rows, checksum = _HEADER.unpack_from(content, at)
        body = content[at + _HEADER.size : at + _HEADER.size + length]
        if not rows or len(body) < length or _checksum(rows, body) != checksum:
            return
        yield rows, body
        at += _HEADER.size + length


def _guard(folder: Path) -> int:
    """A lock on the folder that the operating system takes back when this process ends, however it ends."""
    guard = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(guard)
        raise StoreError(
            f"the spool {folder} is in use by another process: stop it, or choose another --store", retryable=True
        ) from error
    return guard


def _explanation(path: Path, error: OSError) -> StoreError:
    return StoreError(f"{path}: {error.strerror}: make room, or choose another --store", retryable=True)
