"""Buckets, retention and downsampling tasks of a server, brought to what history needs: `twin store init`.

Run again it changes nothing and says so; a retention or a task that differs is brought into line. Nothing is removed.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from twin.store.influx import flux
from twin.store.influx.client import Influx
from twin.store.influx.layout import Buckets, Retention

_DAY_S = 86_400

# Registers and counters stand for what was reached by then; everything else is a mean.
_LAST = (
    "r._field =~ /^energy_|_energy_wh$/ or "
    "r._field =~ /^(messages|messages_total|telemetry_messages|twin_updates|duplicates|"
    "dead_letters|missed_deadlines|steps|store_rows|commands|commands_verified|commands_failed)$/"
)
_NUMBERS = "r._field !~ /^(quality|nodes|.*_us)$/"


def prepare(influx: Influx, retention: Retention | None = None) -> list[str]:
    """Create or bring into line whatever is not as it should be; what was done, one line each."""
    return [*prepare_buckets(influx, retention or Retention()), *prepare_tasks(influx)]


def prepare_buckets(influx: Influx, retention: Retention) -> list[str]:
    """Create the buckets, or bring their retention into line; what was done."""
    return list(_keep_buckets(influx, _wanted(Buckets.of(influx.address.bucket), retention)))


def prepare_tasks(influx: Influx) -> list[str]:
    """Create the downsampling tasks, or bring their scripts into line; what was done."""
    buckets, done = Buckets.of(influx.address.bucket), list[str]()
    for name, script in tasks(buckets).items():
        found = [task for task in influx.tasks(name) if task.name == name]
        if not found:
            influx.create_task(script)
            done.append(f"created task {name}")
        elif not _same(found[0].state, script):
            influx.change_task(found[0], script)
            done.append(f"changed task {name}")
    return done


def differences(influx: Influx, retention: Retention | None = None) -> list[str]:
    """What `prepare` would do, without doing it."""
    buckets = Buckets.of(influx.address.bucket)
    there = {bucket.name: bucket.state for bucket in influx.buckets()}
    said = []
    for name, kept in _wanted(buckets, retention or Retention()).items():
        if name not in there:
            said.append(f"bucket {name} is missing")
        elif there[name] != _seconds(kept):
            said.append(f"bucket {name} keeps {_spoken(there[name])}, not {_spoken(_seconds(kept))}")
    for name, script in tasks(buckets).items():
        found = [task for task in influx.tasks(name) if task.name == name]
        if not found or not _same(found[0].state, script):
            said.append(f"task {name} is {'another' if found else 'missing'}")
    return said


def remove(influx: Influx) -> None:
    """Take away the tasks, and the buckets with all that is in them; no task should be running then."""
    buckets = Buckets.of(influx.address.bucket)
    for name in tasks(buckets):
        for task in influx.tasks(name):
            influx.delete_task(task)
    wanted = _wanted(buckets, Retention())
    for bucket in influx.buckets():
        if bucket.name in wanted:
            influx.delete_bucket(bucket)


def tasks(buckets: Buckets) -> Mapping[str, str]:
    """The script of every task, by name.

    Rows come late: a minute or so from a vendor's cloud, hours after a link was down, a day's worth when a simulated
    history is filled in. Four times a day the means of the last day and more are therefore made again, which changes
    nothing where nothing came. What comes later than thirty hours stays in the raw bucket alone.
    """
    raw, minutes, quarters = buckets.raw, buckets.minutes, buckets.quarters
    return {
        minutes: _task(minutes, "1m", "15s", raw, minutes, bin_="1m", back="5m"),
        f"{minutes}_late": _task(f"{minutes}_late", "6h", "5m", raw, minutes, bin_="1m", back="30h"),
        quarters: _task(quarters, "15m", "1m", minutes, quarters, bin_="15m", back="1h"),
        f"{quarters}_late": _task(f"{quarters}_late", "6h", "30m", minutes, quarters, bin_="15m", back="36h"),
    }


def _task(name: str, every: str, offset: str, source: str, target: str, *, bin_: str, back: str) -> str:
    return f"""import "date"

option task = {{name: {flux.text(name)}, every: {every}, offset: {offset}}}

end = date.truncate(t: now(), unit: {bin_})

rows = from(bucket: {flux.text(source)})
  |> range(start: date.sub(d: {back}, from: end), stop: end)
  |> filter(fn: (r) => {_NUMBERS})

rows
  |> filter(fn: (r) => {_LAST})
  |> aggregateWindow(every: {bin_}, fn: last, createEmpty: false, timeSrc: "_start")
  |> to(bucket: {flux.text(target)})

rows
  |> filter(fn: (r) => not ({_LAST}))
  |> aggregateWindow(every: {bin_}, fn: mean, createEmpty: false, timeSrc: "_start")
  |> to(bucket: {flux.text(target)})
"""


def _same(script: object, other: str) -> bool:
    """Apart from its layout, which an edit in the server's own pages changes."""
    return "".join(str(script).split()) == "".join(other.split())


def _wanted(buckets: Buckets, retention: Retention) -> Mapping[str, timedelta | None]:
    return {
        buckets.raw: retention.raw,
        buckets.minutes: retention.minutes,
        buckets.quarters: retention.quarters,
        buckets.log: None,
    }


def _keep_buckets(influx: Influx, wanted: Mapping[str, timedelta | None]) -> Iterator[str]:
    there = {bucket.name: bucket for bucket in influx.buckets()}
    for name, kept in wanted.items():
        found = there.get(name)
        if found is None:
            influx.create_bucket(name, kept)
            yield f"created bucket {name}, kept {_spoken(_seconds(kept))}"
        elif found.state != _seconds(kept):
            influx.keep_bucket(found, kept)
            yield f"changed bucket {name}: kept {_spoken(_seconds(kept))} instead of {_spoken(found.state)}"


def _seconds(kept: timedelta | None) -> int:
    return int(kept.total_seconds()) if kept else 0


def _spoken(seconds: object) -> str:
    if not isinstance(seconds, int) or not seconds:
        return "for ever"
    return f"{seconds // _DAY_S} days" if seconds % _DAY_S == 0 else f"{seconds} s"
