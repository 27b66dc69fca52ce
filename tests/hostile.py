"""A stream of good telemetry with every kind of bad message among it, and the count that each kind must lead to."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from twin.bus import codec, topics
from twin.clock import Clock
from twin.model.event import Reason
from twin.model.topology import Pilot

# What one round holds, by the reason it must be counted under.
KINDS_OF_BAD = {
    Reason.NOT_JSON: 2,
    Reason.NOT_FINITE: 1,
    Reason.TOO_LARGE: 1,
    Reason.WRONG_SHAPE: 2,
    Reason.UNKNOWN_DEVICE: 1,
    Reason.NOT_ITS_DEVICE: 1,
    Reason.UNKNOWN_QUANTITY: 1,
    Reason.OUT_OF_RANGE: 1,
    Reason.FROM_THE_FUTURE: 1,
    Reason.TOO_OLD: 1,
    Reason.REPLAYED: 1,
    Reason.WRONG_TOPIC: 1,
    Reason.UNKNOWN_ENDPOINT: 1,
    Reason.UNKNOWN_COMMAND: 1,
}
BAD_IN_A_ROUND = sum(KINDS_OF_BAD.values())
LARGE_BYTES = 10_000_000


class Stream:
    """Rounds of one good message and all kinds of bad ones; `good` are the readings that must arrive, in order."""

    def __init__(self, pilot: Pilot, clock: Clock) -> None:
        self._pilot = pilot.name
        self._clock = clock
        self.good: list[tuple[str, float]] = []

    def round(
        self, number: int, *, start: datetime | None = None, large: bytes = bytes(LARGE_BYTES)
    ) -> Iterator[tuple[str, bytes]]:
        """Topic and payload of each message. With `start` the time of measurement goes on by 10 ms a round."""
        now = self._clock.now() if start is None else start + timedelta(milliseconds=10 * number)
        good = self._message({"h1-meter": {"power_w": float(number)}}, now, number)
        self.good.append(("h1-meter", float(number)))
        bad = json.loads(good)
        topic = topics.endpoint(self._pilot, "gw-h1", topics.TELEMETRY)
        yield topic, b"\x00\xff not json"
        yield topic, good.replace(f"{float(number)}".encode(), b"NaN")
        yield topic, large
        yield topic, b"[" * 5_000
        yield topic, json.dumps(bad | {"readings": "none"}).encode()
        yield topic, json.dumps(bad | {"sequence": "7"}).encode()
        yield topic, self._message({"no-such-thing": {"power_w": 1.0}}, now, 10**6 + number)
        yield topic, self._message({"h2-meter": {"power_w": 1.0}}, now, 10**6 + number)
        yield topic, self._message({"h1-meter": {"horsepower": 1.0}}, now, 10**6 + number)
        yield topic, good
        yield topic, self._message({"h1-meter": {"voltage_v": -1.0}}, now, 10**6 + number)
        yield topic, self._message({"h1-meter": {"power_w": 1.0}}, now + timedelta(hours=1), 10**6 + number)
        yield topic, self._message({"h1-meter": {"power_w": 1.0}}, now - timedelta(days=8), 10**6 + number)
        yield topic, good
        yield topics.endpoint(self._pilot, "gw-h2", topics.TELEMETRY), good
        yield topics.endpoint(self._pilot, "gw-h77", topics.TELEMETRY), good
        yield topics.endpoint(self._pilot, "gw-h1", topics.RESPONSE), self._answer(now)

    def _message(self, values: dict[str, dict[str, float]], measured_at: datetime, sequence: int) -> bytes:
        return codec.encode_telemetry(
            endpoint="gw-h1",
            session="s",
            sequence=sequence,
            published_at=measured_at,
            readings=[codec.Reading(device, measured_at, of) for device, of in values.items()],
        )

    @staticmethod
    def _answer(now: datetime) -> bytes:
        answer = {"id": "never-asked", "endpoint": "gw-h1", "published_at": now.isoformat(), "outcome": "acknowledged"}
        return json.dumps(answer).encode()
