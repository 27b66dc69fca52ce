"""What the ingest needs of others and is given: somewhere safe for history, somebody who follows the commands."""

from collections.abc import Sequence
from typing import Protocol

from twin.adapters.port import Answer
from twin.model.command import CommandRecord
from twin.model.event import Refusal
from twin.model.telemetry import Report
from twin.store.port import Batch


class History(Protocol):
    """Where batches become safe."""

    def submit(self, batch: Batch) -> None:
        """Return when `batch` survives a kill of this process. Raises StoreError."""
        ...


class Commands(Protocol):
    """What the ingest tells whoever follows the commands (twin.dispatch.Dispatcher)."""

    def answered(self, answer: Answer) -> Refusal | None:
        """An endpoint answered."""
        ...

    def reported(self, reports: Sequence[Report], *, session: str | None) -> None:
        """An endpoint's devices reported something new."""
        ...

    def came_online(self, endpoint: str) -> None:
        """An endpoint is there again."""
        ...

    def tick(self) -> None:
        """Time went on."""
        ...

    def unsaved(self) -> Sequence[CommandRecord]:
        """Commands that took a step since the last call."""
        ...
