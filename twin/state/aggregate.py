"""The pilot at a glance: overview, comparison of the pathways, one home. Pure functions of the state and the time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

import numpy as np

from twin.model.device import DeviceKind, Pathway
from twin.model.health import Percentiles
from twin.model.topology import Home
from twin.state.columns import KIND_CODES, PATHWAY_CODES
from twin.state.device_twin import DeviceTwin, Freshness, freshness
from twin.state.endpoint_twin import EndpointTwin
from twin.state.registry import PilotState


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The whole pilot at one moment. Powers in W, load convention; None where no feeder has reported yet.

    `fresh_share` is the part of all devices whose newest measurement is within the promised age. A home counts for
    every pathway that reaches one of its devices. `transformer_loading` is the highest of any feeder, in pu.
    """

    at: datetime
    homes: int
    devices: int
    devices_reporting: int
    fresh_share: float
    endpoints: int
    endpoints_online: int
    homes_by_pathway: Mapping[Pathway, int]
    power_by_kind_w: Mapping[DeviceKind, float]
    head_power_w: float | None
    losses_w: float | None
    transformer_loading: float | None
    v_min_pu: float | None
    v_max_pu: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PathwayRow:
    """One pathway, measured. Ages, in s, are those of the newest measurements right now."""

    pathway: Pathway
    homes: int
    devices: int
    devices_reporting: int
    endpoints: int
    endpoints_online: int
    messages: int
    messages_per_s: float
    latency_ms: Percentiles
    age_p50_s: float
    age_max_s: float
    within_promise_share: float
    duplicates: int
    dead_letters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceView:
    """A device's twin and how fresh it is."""

    twin: DeviceTwin
    freshness: Freshness


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeView:
    """One home at one moment. `unmetered_w` is what the meter sees and no device reports: lights, kitchen, losses."""

    home: Home
    at: datetime
    pathways: tuple[Pathway, ...]
    power_w: float | None
    unmetered_w: float | None
    devices: tuple[DeviceView, ...]
    endpoints: tuple[EndpointTwin, ...]


def overview(state: PilotState, now: datetime) -> Overview:
    """The pilot at a glance."""
    pilot, columns = state.pilot, state.columns
    grids = list(state.grids.values())
    power_w = np.nan_to_num(columns.power_w)
    by_kind = np.bincount(columns.kind, weights=power_w, minlength=len(DeviceKind))
    return Overview(
        at=now,
        homes=len(pilot.homes),
        devices=len(pilot.devices),
        devices_reporting=int(np.count_nonzero(~np.isnan(columns.measured_s))),
        fresh_share=_share(columns.fresh(now)),
        endpoints=len(pilot.endpoints),
        endpoints_online=sum(track.endpoints_online for track in state.pathways.values()),
        homes_by_pathway=MappingProxyType(homes_by_pathway(state)),
        power_by_kind_w=MappingProxyType({kind: float(by_kind[code]) for kind, code in KIND_CODES.items()}),
        head_power_w=sum(sum(grid.head_power_w) for grid in grids) if grids else None,
        losses_w=sum(grid.losses_w for grid in grids) if grids else None,
        transformer_loading=max((grid.transformer_loading for grid in grids), default=None),
        v_min_pu=min((grid.v_min_pu for grid in grids), default=None),
        v_max_pu=max((grid.v_max_pu for grid in grids), default=None),
    )


def pathway_table(state: PilotState, now: datetime) -> Sequence[PathwayRow]:
    """One row for each pathway that the pilot has, in the order oem, gateway, hems."""
    homes = homes_by_pathway(state)
    return tuple(_pathway_row(state, pathway, homes[pathway], now) for pathway in Pathway if homes[pathway])


def _pathway_row(state: PilotState, pathway: Pathway, homes: int, now: datetime) -> PathwayRow:
    members = state.columns.pathway == PATHWAY_CODES[pathway]
    ages_s = state.columns.age_s(now)[members]
    known_s = ages_s[~np.isnan(ages_s)]
    p50, highest = (float(age) for age in np.quantile(known_s, (0.5, 1.0))) if known_s.size else (0.0, 0.0)
    traffic = state.pathways[pathway]
    return PathwayRow(
        pathway=pathway,
        homes=homes,
        devices=int(np.count_nonzero(members)),
        devices_reporting=int(known_s.size),
        endpoints=sum(endpoint.pathway is pathway for endpoint in state.pilot.endpoints),
        endpoints_online=traffic.endpoints_online,
        messages=traffic.messages,
        messages_per_s=traffic.messages_per_s(now),
        latency_ms=traffic.latency_ms,
        age_p50_s=p50,
        age_max_s=highest,
        within_promise_share=_share(state.columns.fresh(now)[members]),
        duplicates=traffic.duplicates,
        dead_letters=traffic.dead_letters,
    )


def home_view(state: PilotState, home: str, now: datetime) -> HomeView:
    """One home with its devices and endpoints. Raises KeyError when the pilot has no such home."""
    pilot = state.pilot
    found = pilot.home[home]
    twins = [state.device(device) for device in found.devices]
    powers = {twin.id: twin.reported["power_w"] for twin in twins if "power_w" in twin.reported}
    meter_w = powers.pop(pilot.meter_of.get(home, ""), None)
    endpoints = dict.fromkeys(twin.endpoint for twin in twins)
    return HomeView(
        home=found,
        at=now,
        pathways=tuple(dict.fromkeys(twin.pathway for twin in twins)),
        power_w=meter_w,
        unmetered_w=None if meter_w is None else meter_w - sum(powers.values()),
        devices=tuple(DeviceView(twin=twin, freshness=freshness(twin, now)) for twin in twins),
        endpoints=tuple(state.endpoint(endpoint) for endpoint in endpoints),
    )


def homes_by_pathway(state: PilotState) -> dict[Pathway, int]:
    """How many homes each pathway reaches; a home reached over two counts for both."""
    homes: dict[Pathway, set[str]] = {pathway: set() for pathway in Pathway}
    for endpoint in state.pilot.endpoints:
        homes[endpoint.pathway].update(endpoint.homes)
    return {pathway: len(members) for pathway, members in homes.items()}


def _share(mask: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> float:
    return float(np.mean(mask)) if mask.size else 0.0
