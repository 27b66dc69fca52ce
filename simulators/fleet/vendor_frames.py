"""Frames between the world and the processes that run vendors' FMUs: a JSON head and an array of numbers.

Refuses frames that are cut off or larger than any fleet needs. Reading never waits longer than it is told.
"""

import select
import socket
import struct
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

_LENGTHS = struct.Struct("<II")
_MOST_BYTES = 256 * 1024 * 1024
_REST_WITHIN_S = 2.0  # once a frame has begun, its rest is on its way


class FrameError(Exception):
    """The other side is gone, silent, or does not speak in frames."""


def send(connection: socket.socket, head: dict[str, Any], body: bytes | NDArray[np.float64] = b"") -> None:
    """Send one frame; raises FrameError when the other side is gone or does not take it in time."""
    text = orjson.dumps(head)
    content = body if isinstance(body, bytes) else body.tobytes()
    try:
        connection.settimeout(_REST_WITHIN_S)
        connection.sendall(_LENGTHS.pack(len(text), len(content)) + text + content)
    except OSError as error:
        raise FrameError(f"cannot be told anything: {error}") from error


def receive(connection: socket.socket, within_s: float | None) -> tuple[dict[str, Any], bytes]:
    """The next frame; raises FrameError when none begins within `within_s`, None to wait for ever."""
    try:
        if not select.select([connection], [], [], within_s)[0]:
            raise FrameError(f"gives no answer within {within_s:g} s")
        connection.settimeout(_REST_WITHIN_S)
        head, body = _LENGTHS.unpack(_exactly(connection, _LENGTHS.size))
        if head + body > _MOST_BYTES:
            raise FrameError("answers with more than any fleet needs")
        return orjson.loads(_exactly(connection, head)), _exactly(connection, body)
    except OSError as error:
        raise FrameError(f"is gone: {error}") from error
    except orjson.JSONDecodeError as error:
        raise FrameError(f"does not speak in frames: {error}") from error


def _exactly(connection: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = connection.recv(size - len(parts))
        if not part:
            raise FrameError("has closed the connection")
        parts += part
    return bytes(parts)
