"""The command `twin`: run a pilot, check a pilot file, ask a running twin, set a device, export history."""

from twin.cli.main import main

__all__ = ["main"]
