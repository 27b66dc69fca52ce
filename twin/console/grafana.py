"""Marks alarms and warnings in a Grafana through its API, for charts that do not ask our history. Off by default.

The only user of grafana_api. Reads events from history, on a thread of its own, and never stands in the twin's way: a
Grafana that is away, slow or refuses is asked again later, and what happened meanwhile is marked then, at its own time.
Every mark carries an id made of its event, so that nothing is marked twice over any number of restarts.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from grafana_api.grafana_api import GrafanaException
from grafana_api.grafana_face import GrafanaFace

from twin.model.event import Event, Severity
from twin.state.alarms import CLEARED

TOKEN = "HEARTHGRID_GRAFANA_TOKEN"  # noqa: S105 - the variable's name
TOKEN_FILE = "HEARTHGRID_GRAFANA_TOKEN_FILE"  # noqa: S105 - the variable's name
TAG = "hearthgrid"
EVENTS_READ = 500

_log = logging.getLogger(__name__)
_EVERY_S = 5.0
_LONGEST_PAUSE_S = 60.0
_ANSWERS_WITHIN_S = 5.0
_AT_ONCE = 50  # marks written in one round; the others follow in the next
_REMEMBERED = 5_000
_ASKED_FOR = 1_000
_TAG_LENGTH = 80  # Grafana keeps no more than 100 characters of a tag

Failure = (GrafanaException, OSError, ValueError)
"""What a Grafana that is away, refuses or answers nonsense raises; the exceptions of requests are OSErrors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One annotation as it stands in Grafana; `until_ms` is None while what it marks goes on or has no end."""

    number: int
    at_ms: int
    until_ms: int | None
    subject: str
    text: str
    tags: tuple[str, ...]


def connect(url: str, environment: Mapping[str, str]) -> GrafanaFace:
    """A client for the Grafana at `url`, with the token of `environment`. ValueError says what is wrong."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
        raise ValueError("the address of Grafana is http://HOST:PORT, with a path when it is served under one")
    token = environment.get(TOKEN, "")
    if not token and TOKEN_FILE in environment:
        try:
            token = Path(environment[TOKEN_FILE]).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ValueError(f"{TOKEN_FILE} names a file that cannot be read: {error.strerror}") from error
    if not token:
        raise ValueError(f"Grafana wants a token: set {TOKEN} or {TOKEN_FILE} to one of a service account (Editor)")
    path = parts.path.strip("/")
    return GrafanaFace(
        auth=token,
        host=f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname,
        port=parts.port,
        url_path_prefix=f"{path}/" if path else "",
        protocol=parts.scheme,
        timeout=_ANSWERS_WITHIN_S,
    )


class Marker:
    """Keeps a Grafana's annotations up to date with history."""

    def __init__(self, grafana: GrafanaFace, pilot: str, events: Callable[[], Sequence[Event]]) -> None:
        """`events` gives the newest events, newest first; it may give none while history cannot be asked."""
        self._grafana: Any = grafana
        self._pilot = pilot
        self._events = events
        self._marks: dict[str, Mark] | None = None  # by id; None until Grafana has said what it has
        self._stopping = threading.Event()
        self._pause_s = _EVERY_S
        self._thread = threading.Thread(target=self._run, name="grafana", daemon=True)

    def start(self) -> None:
        """Begin to mark."""
        self._thread.start()

    def close(self) -> None:
        """Stop; a request that is under way is not waited for."""
        self._stopping.set()

    def version(self) -> str:
        """The Grafana's version; raises one of Failure when it does not answer."""
        return str(self._grafana.api.GET("/health")["version"])

    def mark(self) -> int:
        """Write what is missing, at most 50 marks at a time; how many. Raises one of Failure, and loses nothing."""
        if self._marks is None:
            self._marks = self._standing()
        written = 0
        for event in reversed(self._events()):
            if written == _AT_ONCE:
                break
            if event.kind == CLEARED:
                written += self._end(event, self._marks)
            elif event.severity is not Severity.INFORMATION and (name := identity(event)) not in self._marks:
                self._marks[name] = self._write(event, name)
                written += 1
        while len(self._marks) > _REMEMBERED:
            del self._marks[next(iter(self._marks))]
        return written

    def _run(self) -> None:
        while not self._stopping.wait(self._pause_s):
            try:
                self.mark()
            except Failure as error:
                if self._pause_s == _EVERY_S:
                    _log.warning("Grafana is not marked: %s; it is asked again", error)
                self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
            else:
                self._pause_s = _EVERY_S

    def _standing(self) -> dict[str, Mark]:
        """What earlier runs have marked, oldest first."""
        tags = [quote(TAG, safe=""), quote(f"pilot:{self._pilot}", safe="")]
        found = self._grafana.annotations.get_annotation(tags=tags, limit=_ASKED_FOR)
        marks = {}
        for one in sorted(found, key=lambda item: int(item["time"])):
            words = dict(tag.split(":", 1) for tag in one["tags"] if ":" in tag)
            if "id" in words:
                until = int(one.get("timeEnd") or 0)
                marks[words["id"]] = Mark(
                    number=int(one["id"]),
                    at_ms=int(one["time"]),
                    until_ms=until if until > int(one["time"]) else None,
                    subject=words.get("subject", ""),
                    text=str(one["text"]),
                    tags=tuple(one["tags"]),
                )
        return marks

    def _write(self, event: Event, name: str) -> Mark:
        tags = (
            TAG,
            f"pilot:{self._pilot}",
            f"severity:{event.severity}",
            f"kind:{event.kind}",
            f"subject:{_short(event.subject)}",
            f"id:{name}",
        )
        at_ms, text = _ms(event), event.text
        answer = self._grafana.annotations.add_annotation(time_from=at_ms, tags=list(tags), text=text)
        return Mark(
            number=int(answer["id"]), at_ms=at_ms, until_ms=None, subject=_short(event.subject), text=text, tags=tags
        )

    def _end(self, event: Event, marks: dict[str, Mark]) -> int:
        """Let the mark of the alarm that has cleared reach until now."""
        until_ms = _ms(event)
        for name, mark in reversed(marks.items()):
            if mark.subject == _short(event.subject) and mark.at_ms <= until_ms:
                if mark.until_ms is not None:
                    return 0
                self._grafana.annotations.partial_update_annotation(
                    mark.number, time_from=mark.at_ms, time_to=until_ms, tags=list(mark.tags), text=mark.text
                )
                marks[name] = Mark(
                    number=mark.number,
                    at_ms=mark.at_ms,
                    until_ms=until_ms,
                    subject=mark.subject,
                    text=mark.text,
                    tags=mark.tags,
                )
                return 1
        return 0


def identity(event: Event) -> str:
    """What tells an event from every other: the same for the same event read again."""
    spelt = "\n".join((event.at.isoformat(), event.severity, event.kind, event.subject, event.text))
    return blake2b(spelt.encode(), digest_size=8).hexdigest()


def _short(subject: str) -> str:
    return subject[:_TAG_LENGTH]


def _ms(event: Event) -> int:
    return int(event.at.timestamp() * 1e3)
