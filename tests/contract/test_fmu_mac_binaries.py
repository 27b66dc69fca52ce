"""The FMUs' binaries for macOS, as far as they can be examined without one: they are read, not run.

What its loader requires is checked by hand: the header, a 64-bit library for the right processor, the exported
functions of the standard, no library beyond the system's, and for ARM, where unsigned code is killed, an ad-hoc
signature whose hashes are those of the file. Formats: Apple's mach-o/loader.h and cs_blobs.h.
"""

import hashlib
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fmu.build import DIST

MAGIC_64, DYLIB = 0xFEEDFACF, 6
PROCESSORS = {"x86_64-darwin": 0x01000007, "darwin64": 0x01000007, "aarch64-darwin": 0x0100000C}
LC_SYMTAB, LC_LOAD_DYLIB, LC_CODE_SIGNATURE = 0x2, 0xC, 0x1D
SUPER_BLOB, CODE_DIRECTORY, ADHOC, SHA256 = 0xFADE0CC0, 0xFADE0C02, 0x2, 2
NEEDED = {
    2: {"fmi2Instantiate", "fmi2DoStep", "fmi2GetReal", "fmi2SetReal", "fmi2FreeInstance", "fmi2SerializeFMUstate"},
    3: {
        "fmi3InstantiateCoSimulation",
        "fmi3DoStep",
        "fmi3GetFloat64",
        "fmi3SetFloat64",
        "fmi3SetUInt64",
        "fmi3FreeInstance",
        "fmi3SerializeFMUState",
    },
}

BINARIES = [
    pytest.param(path, name, id=f"{path.name}-{name.split('/')[1]}")
    for path in sorted(DIST.glob("*.fmu"))
    for name in zipfile.ZipFile(path).namelist()
    if name.endswith(".dylib")
]


def commands(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Load commands: number and bytes."""
    count = struct.unpack_from("<I", content, 16)[0]
    at = 32
    for _ in range(count):
        number, size = struct.unpack_from("<II", content, at)
        yield number, content[at : at + size]
        at += size


def exported(content: bytes) -> set[str]:
    """Names that are defined for others, without the underscore that the platform puts before them."""
    (table,) = (command for number, command in commands(content) if number == LC_SYMTAB)
    symbols, count, strings, _ = struct.unpack_from("<IIII", table, 8)
    names = set()
    for k in range(count):
        name, kind, section = struct.unpack_from("<IBB", content, symbols + 16 * k)
        if kind & 0x01 and section:  # external, and in a section of this file
            start = strings + name
            names.add(content[start : content.index(b"\0", start)].decode().removeprefix("_"))
    return names


@pytest.mark.parametrize(("path", "name"), BINARIES)
def test_a_mac_library_is_one_that_its_loader_takes(path: Path, name: str) -> None:
    content = zipfile.ZipFile(path).read(name)
    magic, processor, _, kind = struct.unpack_from("<IIII", content)
    assert (magic, kind) == (MAGIC_64, DYLIB)
    assert processor == PROCESSORS[name.split("/")[1]]
    assert NEEDED[int(path.stem[-1])] <= exported(content)
    libraries = {
        command[struct.unpack_from("<I", command, 8)[0] :].rstrip(b"\0").decode()
        for number, command in commands(content)
        if number == LC_LOAD_DYLIB
    }
    assert libraries <= {"/usr/lib/libSystem.B.dylib"}


@pytest.mark.parametrize(("path", "name"), [one for one in BINARIES if "aarch64" in str(one.values[1])])
def test_a_library_for_arm_macs_carries_a_true_ad_hoc_signature(path: Path, name: str) -> None:
    content = zipfile.ZipFile(path).read(name)
    (command,) = (command for number, command in commands(content) if number == LC_CODE_SIGNATURE)
    start, _ = struct.unpack_from("<II", command, 8)
    magic, _, blobs = struct.unpack_from(">III", content, start)
    assert magic == SUPER_BLOB
    assert blobs >= 1
    directory = start + struct.unpack_from(">II", content, start + 12)[1]
    magic, _, _, flags, hashes, _, _, slots, limit = struct.unpack_from(">IIIIIIIII", content, directory)
    size, algorithm, _, page_log2 = struct.unpack_from(">BBBB", content, directory + 36)
    assert (magic, algorithm, size) == (CODE_DIRECTORY, SHA256, 32)
    assert flags & ADHOC
    assert limit == start  # everything before the signature is signed
    page = 1 << page_log2
    assert slots == -(-limit // page)
    for slot in range(slots):
        at = directory + hashes + slot * size
        signed = content[slot * page : min((slot + 1) * page, limit)]
        assert content[at : at + size] == hashlib.sha256(signed).digest(), f"page {slot}"
