"""Which rows are there already: what keeps the first of two rows that are the same, where InfluxDB keeps the last.

A row newer than all of its key's rows cannot be there. Only late and repeated rows are looked up, hour by hour, and
only in the one field that every row has. One writer is assumed, as everywhere in history.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TypeAlias

from twin.store.columns import microseconds, moment
from twin.store.influx import flux
from twin.store.influx.answers import Row
from twin.store.influx.client import Influx
from twin.store.influx.layout import HEALTH, RECEIVED, as_tag, of_tag
from twin.store.influx.lines import Point, feeder_key, sample_key
from twin.store.influx.moments import SAMPLES

Times: TypeAlias = dict[str, int]  # microseconds since 1970, by key

_HOUR_US = 3_600_000_000
_NAMED_AT_ONCE = 50  # keys that a question names; of more it asks for all
_INSTANT = timedelta(microseconds=1)


class Present:
    """What one pilot's bucket of raw rows holds, by key and time."""

    def __init__(self, influx: Influx, bucket: str, pilot: str) -> None:
        self._influx = influx
        self._bucket = bucket
        self._pilot = flux.is_("pilot", as_tag(pilot))

    def newest(self) -> Times:
        """The newest time of every key."""
        ever = (flux.BEGINNING, flux.END)
        rows = flux.rows(self._bucket, *ever, self._pilot, f'r._field == "{RECEIVED}"')
        samples = flux.rows(self._bucket, *ever, self._pilot, SAMPLES)
        found: Times = {}
        for question in (
            f'{rows}\n  |> last()\n  |> keep(columns: ["_time", "device", "feeder"])',
            f'{samples}\n  |> last()\n  |> drop(columns: ["_value", "_start", "_stop", "_field"])',
        ):
            for key, at_us in map(_placed, self._influx.ask(question)):
                found[key] = max(found.get(key, at_us), at_us)
        return found

    def rows(self) -> int:
        """How many reports there are."""
        rows = flux.rows(self._bucket, flux.BEGINNING, flux.END, self._pilot, f'r._field == "{RECEIVED}"')
        question = f'{rows}\n  |> filter(fn: (r) => exists r.device)\n  |> count()\n  |> keep(columns: ["_value"])'
        return sum(row["_value"] for row in self._influx.ask(question))

    def absent(self, points: Iterable[Point], newest: Times) -> tuple[list[Point], Times]:
        """Those of `points` that are not there, the first of each; and the newest times with them."""
        after = dict(newest)
        kept: list[Point] = []
        late: list[Point] = []
        for point in points:
            known = after.get(point.key)
            if known is None or point.at_us > known:
                after[point.key] = point.at_us
                kept.append(point)
            else:
                late.append(point)
        if late:
            there = {(point.key, point.at_us) for point in kept}
            there.update(self._there([point for point in late if point.at_us <= newest.get(point.key, -1)]))
            for point in late:
                if (point.key, point.at_us) not in there:
                    there.add((point.key, point.at_us))
                    kept.append(point)
        return kept, after

    def _there(self, points: Sequence[Point]) -> Iterator[tuple[str, int]]:
        hours: dict[tuple[bool, int], list[Point]] = {}
        for point in points:
            sampled = point.key.startswith("sample:")
            hours.setdefault((sampled, point.at_us // _HOUR_US), []).append(point)
        for (sampled, _), some in sorted(hours.items(), key=lambda hour: hour[0]):
            times = [point.at_us for point in some]
            if sampled:
                conditions = [self._pilot, SAMPLES]
            else:
                conditions = [self._pilot, f'r._field == "{RECEIVED}"', *_named({point.key for point in some})]
            rows = flux.rows(self._bucket, moment(min(times)), moment(max(times)) + _INSTANT, *conditions)
            yield from map(_placed, self._influx.ask(f'{rows}\n  |> drop(columns: ["_value", "_start", "_stop"])'))


def _named(keys: set[str]) -> Iterator[str]:
    if len(keys) <= _NAMED_AT_ONCE:
        feeders = sorted(key.removeprefix(feeder_key("")) for key in keys if key.startswith(feeder_key("")))
        devices = sorted(as_tag(key) for key in keys if not key.startswith(feeder_key("")))
        yield " or ".join(filter(None, (flux.any_of("device", devices), flux.any_of("feeder", feeders))))


def _placed(row: Row) -> tuple[str, int]:
    """Whose row it is, and when."""
    return _key(row), int(microseconds([row["_time"]], 1)[0])


def _key(row: Mapping[str, str]) -> str:
    if "feeder" in row:
        return feeder_key(row["feeder"])
    measurement = row.get("_measurement", "")
    if measurement.startswith(HEALTH):
        scope = measurement.removeprefix(HEALTH)
        return sample_key(scope, of_tag(row[scope]))
    return of_tag(row["device"])
