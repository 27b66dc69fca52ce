"""Weather and people as a simulator: what drives every device from outside."""

import numpy as np

from simulators.cosim.base import Arrays, ArraySimulator
from simulators.cosim.control import BASE_ENERGISED
from simulators.cosim.sunlight import HouseSun
from simulators.layout import FloatArray, Layout
from simulators.people.climate import MOST_HUMID, humidity_ratio, indoor_wet_bulb_degc
from simulators.people.generator import HEAT_OF_DEMAND, People
from simulators.people.weather import Weather
from simulators.timeline import Timeline
from twin.model.device import DeviceKind

_PREPARE_STEPS = 600  # the next day's people are generated bit by bit over so many live steps, not all at midnight
_STRONGEST_WIND_M_S = 60.0  # that the house model takes
ROOM_DEGC = 20.0  # where a water heater stands in a home without a heated house of ours
_BLOCK_MINUTES = 60  # weather is computed an hour at a time and interpolated between its minutes


class SurroundingsSimulator(ArraySimulator):
    """Looks up the minute that the step lies in (people) and the middle of the step (weather)."""

    def __init__(self, *, timeline: Timeline, layout: Layout, weather: Weather, people: People) -> None:
        super().__init__(
            timeline=timeline,
            inputs=[BASE_ENERGISED],
            outputs=[
                "temperature_outdoor_degc",
                "wind_speed_m_s",
                "irradiance_global_w_m2",
                "irradiance_poa_w_m2",
                "temperature_mains_degc",
                "temperature_ground_degc",
                "humidity_ratio_outdoor",
                "temperature_wet_bulb_coil_degc",
                "temperature_wet_bulb_room_degc",
                "wind_speed_house_m_s",
                "solar_window_w",
                "solar_wall_w",
                "demand_w",
                "draw_l_min",
                "heat_gain_w",
                "plugged",
                "driving_power_w",
            ],
        )
        kinds = layout.kinds
        self._weather = weather
        self._people = people
        self._slice = max(1, layout.homes // _PREPARE_STEPS)
        self._tilt = kinds[DeviceKind.PV].rating("tilt_deg")
        self._azimuth = kinds[DeviceKind.PV].rating("azimuth_deg")
        houses = kinds[DeviceKind.HEAT_PUMP]
        self._house_sun = HouseSun(weather, houses)
        self._cooled_degc = houses.rating("setpoint_cool_degc")
        self._home = {kind: layout.kinds[kind].home for kind in DeviceKind}
        self._block_start: np.datetime64 | None = None
        self._block: dict[str, FloatArray] = {}

    def advance(self, t: int, length_s: int, inputs: Arrays) -> Arrays:
        """Everything outside the devices, for the time from t - length_s to `t`."""
        start_s = int(self.timeline.utc_s(t - length_s))
        found = dict(self._weather_at(start_s + length_s / 2))
        minute = np.datetime64(start_s - start_s % 60, "s")
        block = self._people.minutes(minute, 1)
        found["demand_w"] = block.demand_w[0]
        found["draw_l_min"] = block.draw_l_min[0][self._home[DeviceKind.WATER_HEATER]]
        without_power = 1.0 - inputs[BASE_ENERGISED]  # lights that a smart panel has switched off give no heat
        heat_gain = block.heat_gain_w[0] - HEAT_OF_DEMAND * np.maximum(block.demand_w[0], 0.0) * without_power
        found["heat_gain_w"] = heat_gain[self._home[DeviceKind.HEAT_PUMP]]
        found["plugged"] = block.vehicle_plugged[0][self._home[DeviceKind.EV_CHARGER]]
        found["driving_power_w"] = block.vehicle_driving_w[0][self._home[DeviceKind.EV_CHARGER]]
        if self.timeline.live:
            self._people.prepare(minute + np.timedelta64(1, "D"), budget_homes=self._slice)
        return found

    def _weather_at(self, now_s: float) -> Arrays:
        span_s = _BLOCK_MINUTES * 60
        start = np.datetime64(int(now_s // span_s) * span_s, "s")
        if start != self._block_start:
            self._block_start, self._block = start, self._weather_block(start)
        position = (now_s % span_s) / 60
        before = int(position)
        share = position - before
        return {name: values[before] * (1 - share) + values[before + 1] * share for name, values in self._block.items()}

    def _weather_block(self, start: np.datetime64) -> dict[str, FloatArray]:
        times = start + np.arange(_BLOCK_MINUTES + 1) * np.timedelta64(60, "s")
        sample = self._weather.sample(times)
        window_w, wall_w = self._house_sun.through_windows_and_on_walls(times)
        outdoor_degc, dew_point_degc = sample.temperature_degc, sample.dew_point_degc
        return {
            "temperature_ground_degc": self._weather.ground_degc(times),
            "humidity_ratio_outdoor": humidity_ratio(dew_point_degc, pressure_pa=self._weather.pressure_pa),
            "temperature_wet_bulb_coil_degc": indoor_wet_bulb_degc(
                outdoor_degc[:, None], dew_point_degc[:, None], self._cooled_degc[None, :], most_humid=MOST_HUMID
            ),
            "temperature_wet_bulb_room_degc": indoor_wet_bulb_degc(
                outdoor_degc, dew_point_degc, np.full_like(outdoor_degc, ROOM_DEGC)
            ),
            "wind_speed_house_m_s": np.minimum(sample.wind_speed_m_s, _STRONGEST_WIND_M_S),
            "solar_window_w": window_w,
            "solar_wall_w": wall_w,
            "temperature_outdoor_degc": sample.temperature_degc,
            "wind_speed_m_s": sample.wind_speed_m_s,
            "irradiance_global_w_m2": sample.ghi_w_m2,
            "irradiance_poa_w_m2": self._weather.plane_of_array(times, self._tilt, self._azimuth),
            "temperature_mains_degc": self._weather.mains_water_degc(times),
        }
