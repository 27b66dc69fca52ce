"""Answers a container's health check: `python -m twin.stack.probe twin` or `... world FOLDER`. Standard library only.

Exit code 0 when well, 1 with the reason when not. The twin is well when its API answers and it has the broker; the
world when it has written its state lately, which it does every minute once it is live.
"""

import json
import sys
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from twin.clock import Clock, WallClock

STATE_WITHIN_S: Final = 180.0
_HEALTH: Final = "http://127.0.0.1:8080/api/v1/health"
_TIMEOUT_S: Final = 5.0
_ARGUMENTS: Final = 2


def twin_trouble(url: str = _HEALTH) -> str | None:
    """Why the twin behind `url` is not well, None when it is."""
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - the caller's own machine
            health = json.load(answer)
    except (OSError, ValueError) as error:
        return f"the twin's API does not answer: {error}"
    return None if health.get("bus_connected") else "the twin has no connection to the broker"


def world_trouble(folder: Path, clock: Clock) -> str | None:
    """Why the world that keeps its state in `folder` is not well, None when it is."""
    written = [path.stat().st_mtime for path in folder.glob("world*") if path.is_file()]
    if not written:
        return "the world is not live yet: it has written no state"
    age_s = (clock.now() - datetime.fromtimestamp(max(written), UTC)).total_seconds()
    if age_s > STATE_WITHIN_S:
        return f"the world has written no state for {age_s:.0f} s; it does so every minute while it is well"
    return None


def main(arguments: Sequence[str]) -> int:
    """Judge what `arguments` name."""
    if list(arguments) == ["twin"]:
        trouble = twin_trouble()
    elif len(arguments) == _ARGUMENTS and arguments[0] == "world":
        trouble = world_trouble(Path(arguments[1]), WallClock())
    else:
        trouble = "write: probe twin, or probe world FOLDER"
    sys.stdout.write(f"{trouble or 'well'}\n")
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
