"""What is wrong, and how far people have dealt with it (after ISA-18.2: raised, acknowledged, cleared)."""

from dataclasses import dataclass
from datetime import datetime

from twin.model.event import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One thing that is wrong at this moment, judged from the present state alone.

    `kind` is in kebab-case and, with `subject`, says whether it is the same thing as a moment ago; `text` says what
    is seen, `advice` what to do about it, `page` where the console shows it.
    """

    kind: str
    subject: str
    severity: Severity
    text: str
    advice: str
    page: str

    @property
    def id(self) -> str:
        """The same for as long as the same thing is wrong."""
        return f"{self.kind}:{self.subject}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A condition with its life. `condition` is as last seen; the times are None until they come."""

    condition: Condition
    raised_at: datetime
    cleared_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    comment: str = ""

    @property
    def id(self) -> str:
        """That of its condition."""
        return self.condition.id

    @property
    def waits(self) -> bool:
        """True until somebody has acknowledged it."""
        return self.acknowledged_at is None
