"""One InfluxDB server as the store uses it: lines in, rows out, buckets and tasks. The only user of influxdb_client.

Every failure becomes a StoreError that says what to do, and whether the same may succeed later. What the server asks
for is kept to: after `Retry-After` nothing is written until that long has passed, and a body that it calls too large
is halved. The token is in no message: what comes from the client library is not passed on whole.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import influxdb_client
from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.write_api import SYNCHRONOUS
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as LateError

from twin.clock import Clock
from twin.store.influx.address import TOKEN, TOKEN_FILE, Address
from twin.store.influx.answers import Row, rows
from twin.store.port import StoreError

_LINES_AT_ONCE = 5_000
_CONNECT_WITHIN_S = 3.0
_LONGEST_WAIT_S = 300.0  # that a server can ask for; a longer one would look like a stop
_TEXT_LIMIT = 300
_LIBRARY: Any = influxdb_client  # its types are not complete
_DIALECT = _LIBRARY.Dialect(
    header=True, delimiter=",", comment_prefix="#", annotations=["datatype"], date_time_format="RFC3339"
)


_AT_FAULT = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
_MENDED_BY_OPERATOR: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: f"does not know the token: set another in {TOKEN} or {TOKEN_FILE}",
    HTTPStatus.FORBIDDEN: "forbids this to the token: it needs read and write on its buckets",
    HTTPStatus.NOT_FOUND: "lacks a bucket: run `twin store init`",
}


class SetupError(StoreError):
    """The server answers, but not to this token, organisation or bucket: an operator must mend it."""

    def __init__(self, text: str) -> None:
        super().__init__(text, retryable=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long to wait for an answer."""

    write_s: float = 10.0
    ask_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A bucket or task as the server has it; `state` is the retention in seconds (0: for ever), or the Flux."""

    id: str
    name: str
    state: object


class Influx:
    """A connection; any number of threads may use it at a time."""

    def __init__(self, address: Address, clock: Clock, limits: Limits | None = None) -> None:
        limits = limits or Limits()
        self.address = address
        self._clock = clock
        self._not_before_s = -math.inf
        self._closed = False
        self._writing = _client(address, limits.write_s)
        self._asking = _client(address, limits.ask_s)
        self._write_api: Any = self._writing.write_api(write_options=SYNCHRONOUS)
        self._query_api: Any = self._asking.query_api()

    def write(self, bucket: str, lines: Sequence[str]) -> int:
        """Write points; gives how many were older than the bucket keeps, which the server leaves out.

        Raises StoreError: not retryable when a line is at fault; the other lines are then written all the same.
        """
        expired, faults = 0, list[StoreError]()
        for start in range(0, len(lines), _LINES_AT_ONCE):
            expired += self._write(bucket, lines[start : start + _LINES_AT_ONCE], faults)
        if faults:
            raise faults[0]
        return expired

    def _write(self, bucket: str, lines: Sequence[str], faults: list[StoreError]) -> int:
        wait_s = self._not_before_s - self._clock.monotonic_s()
        if wait_s > 0:
            raise StoreError(f"{self.address} asks to wait; {wait_s:.0f} s more", retryable=True)
        body = "\n".join(lines).encode()
        try:
            with self._explained():
                self._write_api.write(bucket, self.address.org, body, write_precision="ns")
        except _AnswerError as answer:
            if answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and len(lines) > 1:
                half = len(lines) // 2
                return self._write(bucket, lines[:half], faults) + self._write(bucket, lines[half:], faults)
            if (expired := answer.beyond_retention()) is not None:
                return expired
            if answer.retry_after_s:
                self._not_before_s = self._clock.monotonic_s() + min(answer.retry_after_s, _LONGEST_WAIT_S)
            fault = answer.meaning(bucket)
            if fault.retryable:
                raise fault from answer
            faults.append(fault)
        return 0

    def ask(self, question: str) -> Iterator[Row]:
        """Rows that answer a Flux script, over all of its tables."""
        with self._meant():
            with self._explained():
                response = self._query_api.query_raw(question, dialect=_DIALECT)
                text = response.data.decode()
            yield from rows(text)

    def buckets(self) -> Sequence[Found]:
        """Every bucket of the organisation."""
        with self._meant(), self._explained():
            found = self._asking.buckets_api().find_buckets_iter(org=self.address.org)
            return [Found(id=one.id, name=one.name, state=_retention_s(one)) for one in found]

    def create_bucket(self, name: str, retention: timedelta | None) -> None:
        """Make a bucket."""
        with self._meant(), self._explained():
            self._asking.buckets_api().create_bucket(
                bucket_name=name, retention_rules=_rules(retention), org=self.address.org
            )

    def keep_bucket(self, found: Found, retention: timedelta | None) -> None:
        """Give a bucket another retention."""
        with self._meant(), self._explained():
            api = self._asking.buckets_api()
            bucket = api.find_bucket_by_id(found.id)
            bucket.retention_rules = _rules(retention)
            api.update_bucket(bucket=bucket)

    def delete_bucket(self, found: Found) -> None:
        """Remove a bucket with all that is in it."""
        with self._meant(), self._explained():
            self._asking.buckets_api().delete_bucket(found.id)

    def tasks(self, name: str) -> Sequence[Found]:
        """Tasks of that name."""
        with self._meant(), self._explained():
            found = self._asking.tasks_api().find_tasks(name=name, org=self.address.org)
            return [Found(id=one.id, name=one.name, state=one.flux) for one in found]

    def create_task(self, flux: str) -> None:
        """Make a task; its script says name and period."""
        with self._meant(), self._explained():
            request = _LIBRARY.TaskCreateRequest(flux=flux, org=self.address.org, status="active")
            self._asking.tasks_api().create_task(task_create_request=request)

    def change_task(self, found: Found, flux: str) -> None:
        """Give a task another script."""
        with self._meant(), self._explained():
            request = _LIBRARY.TaskUpdateRequest(flux=flux)  # with anything else the server lays the script out anew
            self._asking.tasks_api().update_task_request(found.id, task_update_request=request)

    def delete_task(self, found: Found) -> None:
        """Remove a task."""
        with self._meant(), self._explained():
            self._asking.tasks_api().delete_task(found.id)

    def close(self) -> None:
        """Let go of the connections; what is asked later is refused."""
        self._closed = True
        for client in (self._writing, self._asking):
            client.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """The client library's errors as ours."""
        if self._closed:
            raise StoreError(f"{self.address} is closed", retryable=True)
        try:
            yield
        except InfluxDBError as error:
            if not getattr(error, "status", None):
                raise StoreError(f"{self.address} cannot be reached safely: {_short(error)}", retryable=True) from None
            raise _AnswerError(self.address, error) from None
        except (NewConnectionError, ConnectTimeoutError) as error:
            raise StoreError(
                f"{self.address} cannot be reached: is it running? {_short(error)}", retryable=True
            ) from None
        except LateError as error:
            raise StoreError(f"{self.address} does not answer in time: {_short(error)}", retryable=True) from None
        except (HTTPError, OSError) as error:
            raise StoreError(f"{self.address} broke the connection off: {_short(error)}", retryable=True) from None

    @contextmanager
    def _meant(self) -> Iterator[None]:
        try:
            yield
        except _AnswerError as answer:
            raise answer.meaning() from answer


class _AnswerError(Exception):
    """The server said no."""

    def __init__(self, address: Address, error: Any) -> None:  # noqa: ANN401
        self.address = address
        self.status = int(error.status)
        self.text = _short(error.message or error.reason)
        self.retry_after_s = _seconds(error.retry_after)
        super().__init__(f"{self.status}: {self.text}")

    def beyond_retention(self) -> int | None:
        """How many points were left out because they are older than the bucket keeps; None when that is not it."""
        if self.status not in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY):
            return None
        if "retention policy" not in self.text:
            return None
        count = self.text.rpartition("dropped=")[2].split()
        return int(count[0]) if count and count[0].isdigit() else 0

    def meaning(self, bucket: str = "") -> StoreError:
        """What an operator needs to know."""
        where, said = self.address, f"({self.status}: {self.text})"
        into = f" for bucket {bucket!r}" if bucket else ""
        if self.status in _MENDED_BY_OPERATOR:
            what = _MENDED_BY_OPERATOR[self.status]
            if self.status == HTTPStatus.NOT_FOUND and "organization" in self.text:
                what = "has no such organisation: look at org in the store's address"
            return SetupError(f"{where} {what} {said}")
        if self.status == HTTPStatus.TOO_MANY_REQUESTS:
            return StoreError(f"{where} has too much to do {said}", retryable=True)
        if self.status in _AT_FAULT:
            return StoreError(f"{where} refuses this{into} {said}", retryable=False)
        return StoreError(f"{where} fails{into} {said}", retryable=True)


def _client(address: Address, answer_s: float) -> Any:  # noqa: ANN401
    return _LIBRARY.InfluxDBClient(
        url=address.url,
        token=address.token,
        org=address.org,
        timeout=(_CONNECT_WITHIN_S * 1e3, answer_s * 1e3),
        connection_pool_maxsize=8,
    )


def _rules(retention: timedelta | None) -> list[Any]:
    return [
        _LIBRARY.BucketRetentionRules(type="expire", every_seconds=int(retention.total_seconds()) if retention else 0)
    ]


def _retention_s(bucket: Any) -> int:  # noqa: ANN401
    return sum(int(rule.every_seconds) for rule in bucket.retention_rules)


def _seconds(text: str | None) -> float:
    """Of a `Retry-After` header; 0 for none. InfluxDB sends seconds; a date is taken for none."""
    try:
        return max(0.0, float(text or 0.0))
    except ValueError:
        return 0.0


def _short(what: object) -> str:
    text = " ".join((what.decode(errors="replace") if isinstance(what, bytes) else str(what)).split())
    return text if len(text) <= _TEXT_LIMIT else f"{text[:_TEXT_LIMIT]}..."
