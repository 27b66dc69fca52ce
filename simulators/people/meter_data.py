"""The user's interval-meter data as the base load of the homes.

CSV columns `time,home,energy_wh` or `time,home,power_w`: `time` is RFC 3339 with an offset and opens the interval,
`home` is the home's id in the pilot, the value is the interval's energy or mean power. Each home's rows follow each
other in equal intervals of any length. A .xml file is Green Button (`green_button`); a folder holds one Green Button
file per home, named after it.

Power is held over each interval, so that its energy is exact. Beyond the measured time a series repeats in whole
weeks, so that weekdays stay weekdays: a year's file every 364 days, a shorter one every whole number of weeks that it
holds, one of less than a week every whole number of days. Refuses unknown columns, unreadable values, gaps, and homes
without readings.
"""

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulators.people.green_button import read_green_button
from simulators.people.readings import FloatArray, MeterDataError, Reading, Readings

_COLUMNS = ({"time", "home", "energy_wh"}, {"time", "home", "power_w"})
_DAY_S, _WEEK_S, _YEAR_S = 86_400, 7 * 86_400, 364 * 86_400
_MINUTE_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Series that share their times: cumulative energy in watt-seconds at interval ends, shape (intervals + 1, k)."""

    columns: NDArray[np.intp]
    start_s: int
    step_s: int
    energy_ws: FloatArray

    @property
    def length_s(self) -> int:
        """Whole minutes measured."""
        return int(self.energy_ws.shape[0] - 1) * self.step_s // _MINUTE_S * _MINUTE_S

    @property
    def period_s(self) -> int:
        """After how long the series repeats."""
        if self.length_s >= _YEAR_S:
            return _YEAR_S
        unit = _WEEK_S if self.length_s >= _WEEK_S else _DAY_S
        return self.length_s // unit * unit

    def demand_w(self, minutes: NDArray[np.int64]) -> FloatArray:
        """Mean power over each minute that begins at the Unix second, repeated beyond what was measured."""
        at = minutes - self.start_s
        late = np.maximum(at - self.length_s + self.period_s, 0) // self.period_s
        early = np.maximum(-at + self.period_s - 1, 0) // self.period_s
        at = at + (early - late) * self.period_s
        result: FloatArray = (self._energy(at + _MINUTE_S) - self._energy(at)) / _MINUTE_S
        return result

    def _energy(self, seconds: NDArray[np.int64]) -> FloatArray:
        interval = np.minimum(seconds // self.step_s, self.energy_ws.shape[0] - 2)
        share = ((seconds - interval * self.step_s) / self.step_s)[:, None]
        result: FloatArray = self.energy_ws[interval] * (1 - share) + self.energy_ws[interval + 1] * share
        return result


class MeterData:
    """Base load from readings, one series per home. Satisfies `DemandSource`."""

    def __init__(self, series: Sequence[Readings]) -> None:
        """Take one series per home, in the homes' order; series with the same times are served together."""
        self._count = len(series)
        alike: dict[tuple[int, int, int], list[int]] = defaultdict(list)
        for column, readings in enumerate(series):
            alike[readings.start_s, readings.step_s, readings.power_w.size].append(column)
        self._groups = []
        for (start_s, step_s, size), columns in alike.items():
            energy = np.zeros((size + 1, len(columns)))
            powers = np.stack([series[column].power_w for column in columns], axis=1)
            np.cumsum(powers * step_s, axis=0, out=energy[1:])
            self._groups.append(_Group(columns=np.array(columns), start_s=start_s, step_s=step_s, energy_ws=energy))

    @property
    def count(self) -> int:
        """Number of homes."""
        return self._count

    def demand_w(self, start: np.datetime64, count: int) -> FloatArray:
        """Power in `count` minutes from the UTC minute `start`: shape (count, n)."""
        first = int(start.astype("datetime64[m]").astype(np.int64))
        minutes = (first + np.arange(count, dtype=np.int64)) * _MINUTE_S
        result = np.empty((count, self._count))
        for group in self._groups:
            result[:, group.columns] = group.demand_w(minutes)
        return result


def load_meter_data(path: Path, *, homes: Sequence[str]) -> MeterData:
    """Read a CSV file, a Green Button file, or a folder of Green Button files, for the homes' ids in their order.

    A Green Button file names its series by usage point; with one home and one usage point the names need not agree.
    Raises MeterDataError.
    """
    if path.is_dir():
        return MeterData([_only(home, path / f"{home}.xml") for home in homes])
    if path.suffix.lower() == ".xml":
        found = read_green_button(path)
        if len(homes) == len(found) == 1:
            return MeterData(list(found.values()))
    elif path.suffix.lower() == ".csv":
        found = _read_csv(path)
    else:
        raise MeterDataError(str(path), allowed="a .csv file, a Green Button .xml file, or a folder of such .xml files")
    missing = [home for home in homes if home not in found]
    if missing:
        raise MeterDataError(path.name, where="home", value=missing[0], allowed=_listed(found))
    return MeterData([found[home] for home in homes])


def _only(home: str, path: Path) -> Readings:
    found = read_green_button(path)
    if len(found) == 1:
        return next(iter(found.values()))
    if home not in found:
        raise MeterDataError(path.name, where="home", value=home, allowed=_listed(found))
    return found[home]


def _listed(found: Mapping[str, Readings], *, most: int = 5) -> str:
    if not found:
        return "readings for it; the file has none"
    names = sorted(found)
    return "readings for it; the file has " + ", ".join(names[:most]) + (", ..." if len(names) > most else "")


def _read_csv(path: Path) -> Mapping[str, Readings]:
    name = path.name
    rows: dict[str, list[tuple[int, float, int]]] = defaultdict(list)
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            header = reader.fieldnames or []
            if set(header) not in _COLUMNS:
                allowed = "columns time,home,energy_wh or time,home,power_w"
                raise MeterDataError(name, where="row 1", value=",".join(header), allowed=allowed)
            energy = "energy_wh" in header
            column = "energy_wh" if energy else "power_w"
            for record in reader:
                row = reader.line_num
                value = _number(name, row, column, record[column])
                rows[record["home"] or ""].append((_time_s(name, row, record["time"]), value, row))
    except OSError as error:
        raise MeterDataError(str(path), allowed=f"a readable file ({error.strerror})") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise MeterDataError(name, allowed=f"UTF-8 comma-separated text ({error})") from error
    return {home: _series(name, home, found, energy=energy) for home, found in rows.items()}


def _series(name: str, home: str, rows: Sequence[tuple[int, float, int]], *, energy: bool) -> Readings:
    if len(rows) < 2:  # noqa: PLR2004 - an interval needs two rows
        raise MeterDataError(name, where=f"row {rows[0][2]}", value=home, allowed="at least two rows per home")
    step_s = rows[1][0] - rows[0][0]
    if step_s <= 0:
        raise MeterDataError(name, where=f"row {rows[1][2]} time", value=f"{step_s} s later", allowed="rising times")
    factor = 3600.0 / step_s if energy else 1.0
    return Readings.of(
        name,
        [
            Reading(start_s=start_s, length_s=step_s, power_w=value * factor, where=f"row {row}")
            for start_s, value, row in rows
        ],
    )


def _time_s(name: str, row: int, text: str | None) -> int:
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        allowed = "RFC 3339 with an offset, 2025-01-31T13:00:00-05:00"
        raise MeterDataError(name, where=f"row {row} time", value=text, allowed=allowed)
    return round(time.timestamp())


def _number(name: str, row: int, column: str, text: str | None) -> float:
    try:
        return float(text or "")
    except ValueError:
        raise MeterDataError(name, where=f"row {row} {column}", value=text, allowed="a number") from None
