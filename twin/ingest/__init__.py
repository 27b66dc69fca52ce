"""From the bus to the state and to history: queue, decode, gate, apply, save, acknowledge."""

from twin.ingest.hooks import Commands, History
from twin.ingest.ingest import Ingest

__all__ = ["Commands", "History", "Ingest"]
