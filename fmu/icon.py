"""The small picture of a model that importers show: drawn in characters, written as PNG and as SVG.

`models/<model>/icon.txt` holds 16 lines of 16 characters: `#` is ink, `.` is ground. Anything else is refused.
"""

import struct
import zlib

from fmu.model import MODELS, Model, TableError

SIDE = 16
SCALE = 4  # pixels per character: 64 x 64, the size of a block in most diagram editors
INK, GROUND = (0x1F, 0x3A, 0x5F), (0xFF, 0xFF, 0xFF)


def drawing(model: Model) -> tuple[str, ...] | None:
    """The lines of the model's drawing, or None if it has none; raises TableError for a wrong shape."""
    path = MODELS / model.name / "icon.txt"
    if not path.is_file():
        return None
    lines = tuple(path.read_text(encoding="ascii").splitlines())
    if len(lines) != SIDE or any(len(line) != SIDE or set(line) - {"#", "."} for line in lines):
        raise TableError(f"{model.name}: icon.txt must be {SIDE} lines of {SIDE} characters # and .")
    return lines


def png(lines: tuple[str, ...]) -> bytes:
    """A palette PNG of one bit per pixel. Stored without compression, so that every zlib gives the same bytes."""
    side = SIDE * SCALE
    rows = bytearray()
    for line in lines:
        bits = int("".join(("1" if mark == "#" else "0") * SCALE for mark in line), 2)
        rows += (b"\x00" + bits.to_bytes(side // 8, "big")) * SCALE
    stored = b"\x78\x01\x01" + struct.pack("<HH", len(rows), 0xFFFF - len(rows)) + bytes(rows)
    stored += struct.pack(">I", zlib.adler32(rows))
    head = struct.pack(">IIBBBBB", side, side, 1, 3, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"PLTE", bytes(GROUND + INK)), (b"IDAT", stored), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in chunks)


def svg(lines: tuple[str, ...]) -> str:
    """The same picture without pixels: one rectangle per run of ink."""
    marks = []
    for y, line in enumerate(lines):
        x = 0
        while x < SIDE:
            run = len(line[x:]) - len(line[x:].lstrip("#"))
            if run:
                marks.append(f"M{x} {y}h{run}v1h-{run}z")
            x += max(run, 1)
    colour = "#" + "".join(f"{part:02x}" for part in INK)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE}" width="64" height="64">'
        f'<path fill="{colour}" d="{"".join(marks)}"/></svg>\n'
    )


def terminals_and_icons() -> str:
    """`terminalsAndIcons/terminalsAndIcons.xml` (FMI 3.0): where in a diagram the icon stands."""
    return """<?xml version="1.0" encoding="UTF-8"?>
<fmiTerminalsAndIcons fmiVersion="3.0">
  <GraphicalRepresentation>
    <CoordinateSystem x1="-100" y1="-100" x2="100" y2="100" suggestedScalingFactorTo_mm="0.1"/>
    <Icon x1="-100" y1="-100" x2="100" y2="100"/>
  </GraphicalRepresentation>
</fmiTerminalsAndIcons>
"""


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
