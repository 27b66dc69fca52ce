"""What a doctor says: findings, each with its remedy, and the diagnosis they make together."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it should be. `error`: the stack does not do its work, or soon will not."""

    severity: Severity
    subject: str
    what: str
    do: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """How one service is, in a word or two."""

    service: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The verdict; well when there is no error."""

    profile: str
    engine: str  # its version, empty when it does not answer
    services: tuple[Line, ...]
    findings: tuple[Finding, ...]

    @property
    def well(self) -> bool:
        """True without an error."""
        return not any(finding.severity == "error" for finding in self.findings)


def up(profile: str, *more: str) -> str:
    """The command that brings a profile up."""
    return compose(profile, "up", "-d", *more)


def compose(profile: str, *words: str) -> str:
    """A command of compose. It always names the profile: without one, naming a service would wake those of both."""
    return " ".join(("docker compose --profile", profile, *words))


def error(subject: str, what: str, do: str) -> Finding:
    """The stack does not do its work, or soon will not."""
    return Finding(severity="error", subject=subject, what=what, do=do)


def warning(subject: str, what: str, do: str) -> Finding:
    """Worth knowing before it becomes an error."""
    return Finding(severity="warning", subject=subject, what=what, do=do)
