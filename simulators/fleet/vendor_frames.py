"""Frames between the world and the processes that run vendors' FMUs: a JSON head and an array of numbers.

Refuses frames that are larger than any fleet needs, and a side that is gone. The world's end is a `Line`, which never
waits longer than it is told, even when the other side is paused in the middle of a frame; the processes may wait.
"""

import select
import socket
import struct
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

Frame = tuple[dict[str, Any], bytes]

_LENGTHS = struct.Struct("<II")
_MOST_BYTES = 256 * 1024 * 1024
_AT_ONCE = 1 << 20


class FrameError(Exception):
    """The other side is gone or does not speak in frames."""


class Line:
    """The world's end of a connection: what does not go or come at once, goes or comes at a later call."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)  # noqa: FBT003 - the standard library's own signature
        self._connection = connection
        self._going = bytearray()
        self._come = bytearray()

    def send(self, head: dict[str, Any], body: bytes | NDArray[np.float64] = b"") -> None:
        """Put a frame on its way; raises FrameError when the other side is gone."""
        self._going += _packed(head, body)
        self._push()

    def poll(self, wait_s: float) -> Frame | None:
        """The next frame, or None when it is not whole yet; returns early when a part of it has come."""
        self._push()
        try:
            select.select([self._connection], [self._connection] if self._going else [], [], wait_s)
            while True:
                part = self._connection.recv(_AT_ONCE)
                if not part:
                    break
                self._come += part
        except BlockingIOError:
            return self._whole()
        except OSError as error:
            raise FrameError(f"is gone: {error}") from error
        last = self._whole()  # the other side has ended; its last words still count
        if last is None:
            raise FrameError("has closed the connection")
        return last

    def close(self) -> None:
        """Cut the connection."""
        self._connection.close()

    def _push(self) -> None:
        try:
            while self._going:
                del self._going[: self._connection.send(self._going)]
        except BlockingIOError:
            return
        except OSError as error:
            raise FrameError(f"is gone: {error}") from error

    def _whole(self) -> Frame | None:
        if len(self._come) < _LENGTHS.size:
            return None
        head, body = _lengths(self._come)
        end = _LENGTHS.size + head + body
        if len(self._come) < end:
            return None
        text, content = self._come[_LENGTHS.size : end - body], bytes(self._come[end - body : end])
        del self._come[:end]
        return _head(text), content


def send(connection: socket.socket, head: dict[str, Any], body: bytes | NDArray[np.float64] = b"") -> None:
    """Send one frame and wait until it is sent; raises FrameError when the other side is gone."""
    try:
        connection.sendall(_packed(head, body))
    except OSError as error:
        raise FrameError(f"is gone: {error}") from error


def receive(connection: socket.socket) -> Frame:
    """The next frame, however long that takes; raises FrameError when the other side is gone."""
    try:
        start = _exactly(connection, _LENGTHS.size)
        head, body = _lengths(start)
        return _head(_exactly(connection, head)), _exactly(connection, body)
    except OSError as error:
        raise FrameError(f"is gone: {error}") from error


def _packed(head: dict[str, Any], body: bytes | NDArray[np.float64]) -> bytes:
    text = orjson.dumps(head)
    content = body if isinstance(body, bytes) else body.tobytes()
    return _LENGTHS.pack(len(text), len(content)) + text + content


def _lengths(start: bytes | bytearray) -> tuple[int, int]:
    head, body = _LENGTHS.unpack_from(start)
    if head + body > _MOST_BYTES:
        raise FrameError("answers with more than any fleet needs")
    return head, body


def _head(text: bytes | bytearray) -> dict[str, Any]:
    try:
        head: dict[str, Any] = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise FrameError(f"does not speak in frames: {error}") from error
    return head


def _exactly(connection: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = connection.recv(size - len(parts))
        if not part:
            raise FrameError("has closed the connection")
        parts += part
    return bytes(parts)
