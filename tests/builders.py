"""Small checked pilots for tests, built by hand: no pilot file, no shipped network, nothing to read from disk."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from itertools import count, cycle, islice
from types import MappingProxyType

from twin.model.device import ON_CIRCUITS, DeviceKind, Pathway, with_defaults
from twin.model.network import ConnectionPoint, Line, Network, Node, Transformer
from twin.model.network import Source as Supply
from twin.model.topology import Device, Endpoint, Home, People, Pilot, Source, Weather

RATINGS: Mapping[DeviceKind, Mapping[str, float]] = MappingProxyType(
    {
        DeviceKind.METER: {},
        DeviceKind.PV: {"dc_power_w": 6_600.0, "ac_power_va": 6_000.0, "tilt_deg": 30.0, "azimuth_deg": 180.0},
        DeviceKind.BATTERY: {"energy_wh": 10_000.0, "power_w": 5_000.0},
        DeviceKind.EV_CHARGER: {"power_w": 7_400.0, "vehicle_energy_wh": 60_000.0, "discharge_power_w": 5_000.0},
        DeviceKind.HEAT_PUMP: {"heat_power_w": 8_000.0, "floor_area_m2": 120.0},
        DeviceKind.WATER_HEATER: {"volume_l": 200.0, "power_w": 3_000.0},
        DeviceKind.SMART_PANEL: {},
    }
)

USUAL_KINDS = tuple(kind for kind in DeviceKind if kind is not DeviceKind.SMART_PANEL)

ADAPTER: Mapping[Pathway, str] = MappingProxyType(
    {Pathway.GATEWAY: "canonical", Pathway.HEMS: "hems_home", Pathway.OEM: "oem_acme"}
)


def small_network(points: int = 3) -> Network:
    """Four nodes in a row behind a 100-kVA transformer; `points` single-phase connection points in turn on a, b, c."""
    nodes = tuple(
        Node(id=name, u_rated_v=volts, x_m=x, y_m=0.0)
        for name, volts, x in (("mv", 11_000.0, 0.0), ("lv", 400.0, 5.0), ("n1", 400.0, 60.0), ("n2", 400.0, 120.0))
    )
    lines = tuple(
        Line(
            id=f"{start}-{end}",
            from_node=start,
            to_node=end,
            length_m=60.0,
            r1_ohm=0.012,
            x1_ohm=0.005,
            r0_ohm=0.036,
            x0_ohm=0.015,
            i_max_a=200.0,
        )
        for start, end in (("lv", "n1"), ("n1", "n2"))
    )
    transformer = Transformer(
        id="tx",
        from_node="mv",
        to_node="lv",
        s_rated_va=100e3,
        u_hv_v=11_000.0,
        u_lv_v=400.0,
        short_circuit_voltage_pu=0.04,
        copper_loss_w=1_500.0,
        no_load_current_pu=0.01,
        no_load_loss_w=200.0,
        clock=11,
    )
    return Network(
        name="small",
        origin="made by hand for tests",
        frequency_hz=50.0,
        nodes=nodes,
        lines=lines,
        transformers=(transformer,),
        source=Supply(node="mv", u_ref_pu=1.0, short_circuit_power_va=200e6, rx_ratio=0.1),
        connection_points=tuple(
            ConnectionPoint(id=f"cp{index + 1}", node=("n1", "n2")[index % 2], phases="abc"[index % 3])
            for index in range(points)
        ),
    )


def device(
    home: str,
    kind: DeviceKind,
    endpoint: str,
    *,
    suffix: str = "",
    source: Source = Source.SIMULATED,
    ratings: Mapping[str, float] = MappingProxyType({}),
) -> Device:
    """A device named `{home}-{kind}{suffix}`, with typical ratings, overridden by `ratings`."""
    return Device(
        id=f"{home}-{kind.replace('_', '-')}{suffix}",
        kind=kind,
        home=home,
        endpoint=endpoint,
        ratings=MappingProxyType(with_defaults(kind, {**RATINGS[kind], **ratings})),
        source=source,
    )


def small_pilot(
    *,
    name: str = "small",
    seed: int = 7,
    homes: int = 3,
    pathways: Collection[Pathway] = (Pathway.GATEWAY, Pathway.HEMS, Pathway.OEM),
    kinds: Collection[DeviceKind] = USUAL_KINDS,
    batteries: int = 1,
    live: Collection[str] = (),
    interval_s: Mapping[Pathway, int] = MappingProxyType({}),
) -> Pilot:
    """`homes` homes `h1`, `h2`, ... in turn on `pathways`, each with one device of each of `kinds`.

    Gateways are `gw-h1`, HEMS `hems-h2`, one per home; one cloud `acme` speaks for all its homes. Home `h1` has
    `h1-meter`, `h1-pv`, `h1-battery` (`h1-battery-2` with `batteries=2`), `h1-ev-charger`, `h1-heat-pump`,
    `h1-water-heater`; with `kinds=tuple(DeviceKind)` also `h1-smart-panel`, which feeds PV, charger, heat pump and
    heater on circuits 1 to 4. Devices named in `live` are live; `interval_s` overrides a pathway's reporting interval.
    """
    made: list[Home] = []
    devices: list[Device] = []
    speaks_for: dict[str, list[str]] = {}
    pathway_of: dict[str, Pathway] = {}
    for number, pathway in enumerate(islice(cycle(pathways), homes), start=1):
        home = f"h{number}"
        endpoint = {Pathway.GATEWAY: f"gw-{home}", Pathway.HEMS: f"hems-{home}", Pathway.OEM: "acme"}[pathway]
        speaks_for.setdefault(endpoint, []).append(home)
        pathway_of[endpoint] = pathway
        circuits = dict(zip(ON_CIRCUITS, count(1), strict=False)) if DeviceKind.SMART_PANEL in kinds else {}
        own = [replace(device(home, kind, endpoint), circuit=circuits.get(kind)) for kind in kinds]
        if DeviceKind.BATTERY in kinds:
            own += [device(home, DeviceKind.BATTERY, endpoint, suffix=f"-{extra}") for extra in range(2, batteries + 1)]
        devices += own
        made.append(
            Home(
                id=home,
                feeder=0,
                connection_point=f"cp{number}",
                phases="abc"[(number - 1) % 3],
                occupants=1 + number % 4,
                annual_energy_wh=3.5e6,
                devices=tuple(item.id for item in own),
            )
        )
    return Pilot(
        name=name,
        title="Small pilot for tests",
        seed=seed,
        base=".",
        network=small_network(points=homes),
        feeders=1,
        weather=Weather(source="greensboro"),
        people=People(),
        homes=tuple(made),
        devices=tuple(replace(item, source=Source.LIVE) if item.id in live else item for item in devices),
        endpoints=tuple(
            _endpoint(identity, pathway_of[identity], tuple(homes_of), interval_s)
            for identity, homes_of in speaks_for.items()
        ),
    )


def _endpoint(identity: str, pathway: Pathway, homes: tuple[str, ...], interval_s: Mapping[Pathway, int]) -> Endpoint:
    variant, link, interval, max_age = {
        Pathway.GATEWAY: ("site", "site-ethernet", 1, 5.0),
        Pathway.HEMS: ("on-site", "site-wifi", 5, 15.0),
        Pathway.OEM: ("cloud", "cloud-oem", 60, 300.0),
    }[pathway]
    return Endpoint(
        id=identity,
        pathway=pathway,
        variant=variant,
        adapter=ADAPTER[pathway],
        link=link,
        interval_s=interval_s.get(pathway, interval),
        max_age_s=max_age,
        homes=homes,
    )
