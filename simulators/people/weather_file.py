"""A weather record as plain arrays, and the reader for the user's own CSV file.

Refuses, with file, row, column, value and what is allowed: unknown or missing columns, times without an offset or out
of step, anything that is not a finite number, and values outside what the atmosphere can do.
"""

import csv
import itertools
import math
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
TimeArray = NDArray[np.datetime64]

QUANTITY_RANGES: dict[str, tuple[float, float]] = {
    "ghi_w_m2": (0.0, 1700.0),  # cloud-edge enhancement reaches about 1.6 kW/m2 at sea level
    "dni_w_m2": (0.0, 1400.0),  # solar constant with the Earth at perihelion
    "dhi_w_m2": (0.0, 1000.0),
    "temperature_degc": (-90.0, 60.0),
    "wind_speed_m_s": (0.0, 100.0),
}
DEW_POINT = "dew_point_degc"
SKY = {
    "infrared_w_m2": (50.0, 700.0),  # a body of -100 degC, a body of 60 degC
    "sky_cover": (0.0, 1.0),
}
"""What a record may say of the sky, also in some of its rows only."""
_OPTIONAL: dict[str, tuple[float, float]] = {DEW_POINT: (-90.0, 40.0), **SKY}
_RANGES = {**QUANTITY_RANGES, **_OPTIONAL}
_COLUMNS = ("time", *QUANTITY_RANGES)
_YEAR_S = 365 * 86_400


class WeatherError(ValueError):
    """A weather source that cannot be used: names the file, row, column, value and what is allowed."""

    def __init__(
        self, file: str, *, allowed: str, row: int | None = None, column: str | None = None, value: str | None = None
    ) -> None:
        where = file + (f", row {row}" if row is not None else "") + (f", column {column}" if column else "")
        what = f": {value!r}" if value is not None else ""
        super().__init__(f"{where}{what}; allowed: {allowed}")
        self.file, self.row, self.column, self.value, self.allowed = file, row, column, value, allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where the weather was measured; `utc_offset_h` is standard time, east of Greenwich positive."""

    latitude: float
    longitude: float
    elevation_m: float
    utc_offset_h: float

    def __post_init__(self) -> None:
        """Refuse a place that is not on Earth."""
        for name, low, high in (
            ("latitude", -90.0, 90.0),
            ("longitude", -180.0, 180.0),
            ("elevation_m", -500.0, 6000.0),
            ("utc_offset_h", -12.0, 14.0),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                msg = f"site {name}: {value!r}; allowed: {low:g} to {high:g}"
                raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WeatherRecord:
    """Equally spaced weather of one site.

    Irradiance row k is the mean over [k, k + 1) steps from the origin; temperature, dew point and wind belong to the
    instant `instant_s` after the start of that interval, and so do `infrared_w_m2`, the sky's long-wave radiation on a
    level surface, and `sky_cover`, the share of the sky behind opaque clouds, 0 to 1. What nobody measured is None; of
    the sky, rows may be NaN. `origin` is local standard time; None means 1 January of any year, and then the record is
    one whole 365-day year.
    """

    name: str
    site: Site
    step_s: float
    instant_s: float
    origin: np.datetime64 | None
    ghi_w_m2: FloatArray
    dni_w_m2: FloatArray
    dhi_w_m2: FloatArray
    temperature_degc: FloatArray
    wind_speed_m_s: FloatArray
    dew_point_degc: FloatArray | None = None
    infrared_w_m2: FloatArray | None = None
    sky_cover: FloatArray | None = None

    def __post_init__(self) -> None:
        """Refuse values that the atmosphere cannot have, whichever file format they came in."""
        for column, (low, high) in _RANGES.items():
            values: FloatArray | None = getattr(self, column)
            if values is None:
                continue
            wrong = ~((values >= low) & (values <= high))
            if column in SKY:
                wrong &= ~np.isnan(values)
            if wrong.any():
                row = int(np.argmax(wrong))
                raise WeatherError(
                    self.name,
                    row=row + 1,
                    column=column,
                    value=f"{values[row]:g}",
                    allowed=f"{low:g} to {high:g}, finite",
                )

    @property
    def length_s(self) -> float:
        """Length of the record."""
        return self.step_s * self.ghi_w_m2.size


def year_seconds(local: TimeArray) -> FloatArray:
    """Seconds since 1 January of a 365-day year; 29 February takes the weather of 28 February."""
    years = local.astype("datetime64[Y]")
    seconds = (local.astype("datetime64[s]") - years.astype("datetime64[s]")).astype(np.float64)
    number = years.astype(np.int64) + 1970
    leap = (number % 4 == 0) & ((number % 100 != 0) | (number % 400 == 0))
    result: FloatArray = np.where(leap & (seconds >= 59 * 86_400), seconds - 86_400, seconds)
    return result


def read_csv(path: Path, *, site: Site) -> WeatherRecord:
    """Read `time,ghi_w_m2,dni_w_m2,dhi_w_m2,temperature_degc,wind_speed_m_s`, in any order.

    Where they are known also `dew_point_degc`, `infrared_w_m2` and `sky_cover`, as in `WeatherRecord`.
    `time` is RFC 3339 with an offset and opens the interval whose means the row holds; rows are equally spaced. A file
    of at least 365 days serves every year by month, day and time; a shorter one serves its own days only.
    """
    times: list[int] = []
    rows: list[list[float]] = []
    name = path.name
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            header = reader.fieldnames or []
            columns_read = [column for column in _RANGES if column in header or column in QUANTITY_RANGES]
            if sorted(header) != sorted(["time", *columns_read]):
                allowed = "columns " + ",".join(_COLUMNS) + ", and where known " + ",".join(_OPTIONAL)
                raise WeatherError(name, row=1, value=",".join(header), allowed=allowed)
            for record in reader:
                line = reader.line_num
                times.append(_epoch_s(name, line, record["time"]))
                rows.append([_number(name, line, column, record[column]) for column in columns_read])
    except OSError as error:
        raise WeatherError(str(path), allowed=f"a readable file ({error.strerror})") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise WeatherError(name, allowed=f"UTF-8 comma-separated text ({error})") from error
    step_s = _regular_step(name, times)
    columns = np.array(rows, dtype=np.float64).T
    origin = np.datetime64(times[0], "s") + np.timedelta64(round(site.utc_offset_h * 3600), "s")
    if step_s * len(times) >= _YEAR_S and _YEAR_S % step_s == 0:
        per_year = _YEAR_S // step_s
        first = round(float(year_seconds(np.array([origin]))[0])) // step_s
        columns = np.roll(columns[:, :per_year], first, axis=1)
        return _record(name, site, step_s, None, dict(zip(columns_read, columns, strict=True)))
    return _record(name, site, step_s, origin, dict(zip(columns_read, columns, strict=True)))


def _record(
    name: str, site: Site, step_s: int, origin: np.datetime64 | None, columns: dict[str, FloatArray]
) -> WeatherRecord:
    return WeatherRecord(
        name=name,
        site=site,
        step_s=step_s,
        instant_s=step_s / 2,
        origin=origin,
        **columns,
    )


def _epoch_s(name: str, row: int, text: str | None) -> int:
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise WeatherError(
            name, row=row, column="time", value=text, allowed="RFC 3339 with an offset, 2025-01-31T13:00:00-05:00"
        )
    return round(time.timestamp())


def _number(name: str, row: int, column: str, text: str | None) -> float:
    low, high = _RANGES[column]
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise WeatherError(name, row=row, column=column, value=text, allowed=f"a number from {low:g} to {high:g}")
    return value


def _regular_step(name: str, times: list[int]) -> int:
    if len(times) < 2:  # noqa: PLR2004 - a step needs two rows
        raise WeatherError(name, allowed="at least two rows")
    step_s = times[1] - times[0]
    for index, (before, after) in enumerate(itertools.pairwise(times)):
        if step_s <= 0 or after - before != step_s:
            raise WeatherError(
                name,
                row=index + 3,
                column="time",
                value=f"{after - before} s after the row above",
                allowed="one equal step",
            )
    return step_s
