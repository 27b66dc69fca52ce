"""Flux as text, in the few shapes that panels need; the layout of the buckets is that of the InfluxDB store.

Every query names no bucket of its own: it takes the data source's default bucket and its fellows (`_1m`, `_15m`,
`_log`), and the pilot from the variable `pilot`. Values are never put into a query from Python; Grafana puts them in.
"""

from collections.abc import Sequence

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery

from dashboards.source import SOURCE

RANGE = "range(start: v.timeRangeStart, stop: v.timeRangeStop)"
AS_OF_END = "range(start: date.sub(d: 90s, from: v.timeRangeStop), stop: v.timeRangeStop)"
"""The newest samples at the end of the time range: a twin that has gone silent shows as no value, not as an old one."""
LOG = 'v.defaultBucket + "_log"'
PILOT = 'r.pilot == "${pilot}"'

_BY_AGE = """age = int(v: now()) - int(v: v.timeRangeStart)
bucket = if age > int(v: 90d1h) then v.defaultBucket + "_15m" else
  if age > int(v: 7d1h) then v.defaultBucket + "_1m" else v.defaultBucket
"""


class FluxQuery(Dataquery):
    """One target of a panel: a Flux script against the data source."""

    def __init__(self, text: str, ref_id: str) -> None:
        self.text = text
        self.ref_id = ref_id

    def to_json(self) -> dict[str, object]:
        """As Grafana's InfluxDB data source keeps it."""
        return {"refId": self.ref_id, "datasource": SOURCE.to_json(), "query": self.text}


class Flux(Builder[Dataquery]):
    """Builds a `FluxQuery`."""

    def __init__(self, text: str, ref_id: str = "A") -> None:
        self._query = FluxQuery(text.strip() + "\n", ref_id)

    def build(self) -> Dataquery:
        """The target."""
        return self._query


def history(
    measurement: str | Sequence[str],
    *fields: str,
    where: Sequence[str] = (),
    fn: str = "mean",
    by: Sequence[str] = (),
    gaps: bool = False,
    then: str = "",
) -> str:
    """One value per window of the panel and per series, grouped by the columns `by`; with `gaps`, silence is no value.

    The bucket follows the age of the range: raw for a week, minutes for ninety days, quarters of an hour before.
    """
    return _script(
        _BY_AGE + "from(bucket: bucket)",
        RANGE,
        *_filters(_names(measurement), fields, where),
        _window(fn, empty=gaps),
        f"group(columns: [{_quoted(by)}])",
        then=then,
    )


def columns(
    measurement: str | Sequence[str],
    *fields: str,
    where: Sequence[str] = (),
    fn: str = "mean",
    across: str = "_field",
    join: str = "mean",
    gaps: bool = False,
    hold: bool = False,
    then: str = "",
) -> str:
    """History as one table with a column per value of `across`; `join` unites the series that fall into one column.

    With `hold`, a series keeps its value until the next one, so that sums do not dip where somebody reports rarely.
    """
    return _script(
        _BY_AGE + "from(bucket: bucket)",
        RANGE,
        *_filters(_names(measurement), fields, where),
        _window(fn, empty=hold),
        *(["fill(usePrevious: true)"] if hold else []),
        f'group(columns: ["{across}"])',
        _window(join, empty=gaps),
        f'keep(columns: ["_time", "_value", "{across}"])',
        "group()",
        f'pivot(rowKey: ["_time"], columnKey: ["{across}"], valueColumn: "_value")',
        'sort(columns: ["_time"])',
        then=then,
    )


def newest(measurement: str, *fields: str, where: Sequence[str] = (), by: Sequence[str] = (), then: str = "") -> str:
    """The newest sample at the end of the range, one row per combination of `by` with a column per field."""
    return _script(
        'import "date"\n\nfrom(bucket: v.defaultBucket)',
        AS_OF_END,
        *_filters((measurement,), fields, where),
        "last()",
        f"keep(columns: [{_quoted(('_field', '_value', *by))}])",
        *([] if by else ['set(key: "of", value: "all")']),
        "group()",
        f'pivot(rowKey: [{_quoted(by or ("of",))}], columnKey: ["_field"], valueColumn: "_value")',
        then=then,
    )


def log(measurement: str, *fields: str, where: Sequence[str] = (), then: str = "") -> str:
    """What happened in the range: commands, events or dead letters."""
    return _script(f"from(bucket: {LOG})", RANGE, *_filters((measurement,), fields, where), then=then)


def steps(*calls: str) -> str:
    """Calls piped one into the next, to go after a query."""
    return _script("", *calls)


def any_of(column: str, names: Sequence[str]) -> str:
    """The condition that `column` is one of `names`."""
    return " or ".join(f'r.{column} == "{name}"' for name in names)


def _script(source: str, *calls: str, then: str = "") -> str:
    lines = [*([source] if source else []), *(f"  |> {call}" for call in calls), *([then] if then else [])]
    return "\n".join(lines)


def _filters(measurements: Sequence[str], fields: Sequence[str], where: Sequence[str]) -> list[str]:
    conditions = [PILOT, any_of("_measurement", measurements), *([any_of("_field", fields)] if fields else []), *where]
    return [f"filter(fn: (r) => {condition})" for condition in conditions]


def _window(fn: str, *, empty: bool) -> str:
    # stamped with its start, so that a second window over the first one's result falls onto the same moments
    created = "true" if empty else "false"
    return f'aggregateWindow(every: v.windowPeriod, fn: {fn}, createEmpty: {created}, timeSrc: "_start")'


def _names(measurement: str | Sequence[str]) -> Sequence[str]:
    return (measurement,) if isinstance(measurement, str) else measurement


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
