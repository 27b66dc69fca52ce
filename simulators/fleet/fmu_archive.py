"""Whether a file can be an FMU at all: a whole zip archive of bearable size with a model description in it.

Looks at the archive's directory only, so that a truncated or hostile file costs nothing and is refused in plain words.
"""

import zipfile
from pathlib import Path
from typing import Final

MOST_BYTES: Final = 2 * 1024**3  # unpacked; the largest FMUs that tools export are some hundred megabytes
MOST_DESCRIPTION_BYTES: Final = 64 * 1024**2
DESCRIPTION: Final = "modelDescription.xml"


def archive_fault(path: Path) -> str | None:
    """What keeps the file from being read as an FMU, or None."""
    if not path.exists():
        return "there is no such file"
    if not path.is_file():
        return "is a folder; an FMU is one file, a zip archive"
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
    except zipfile.BadZipFile as error:
        return f"is no whole zip archive, perhaps cut off: {error}, at {path.stat().st_size} bytes"
    except OSError as error:
        return f"cannot be opened: {error.strerror}"
    return _content_fault(sizes)


def _content_fault(sizes: dict[str, int]) -> str | None:
    if DESCRIPTION not in sizes:
        return f"has no {DESCRIPTION} at its top level; there is: {', '.join(list(sizes)[:5]) or 'nothing'}"
    if sizes[DESCRIPTION] > MOST_DESCRIPTION_BYTES:
        return f"has a {DESCRIPTION} of {sizes[DESCRIPTION]} bytes; at most {MOST_DESCRIPTION_BYTES} are read"
    total = sum(sizes.values())
    if total > MOST_BYTES:
        return f"unpacks to {total} bytes; at most {MOST_BYTES} are taken"
    return None
