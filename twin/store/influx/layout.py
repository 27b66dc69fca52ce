"""Which bucket, measurement and tags everything of history has: what dashboards rely on (docs/influxdb.md).

A device's tags say all that a dashboard groups by. One that the pilot no longer names has its id alone, in the
measurement `device`, because nothing else is known of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import unquote

from twin.model.network import Network
from twin.model.topology import Pilot

FEEDER: Final = "feeder"
NODE: Final = "node"
HEALTH: Final = "health_"  # and the scope
COMMAND: Final = "command"
EVENT: Final = "event"
DEAD_LETTER: Final = "dead_letter"
UNKNOWN_KIND: Final = "device"

RECEIVED: Final = "received_us"  # every report and grid report has it: what counts rows and finds times
PUBLISHED: Final = "published_us"
QUALITY: Final = "quality"
STRAGGLER: Final = "straggler_us"  # `received_us` again, on rows received long before or after they were measured
NODES: Final = "nodes"  # number of nodes whose voltages came with a grid report

PROMPT: Final = timedelta(seconds=120)
AHEAD: Final = timedelta(seconds=10)
"""A row received later than PROMPT after it was measured, or earlier than AHEAD before (clocks differ), straggles."""


_TAG = str.maketrans({"%": "%25", '"': "%22", "\\": "%5C", "\n": "%0A", "\r": "%0D", "\t": "%09"})


def as_tag(value: str) -> str:
    """`value` as a tag has it: what a line cannot hold in one is spelt as in a web address; ids stay as they are."""
    return value.translate(_TAG)


def of_tag(value: str) -> str:
    """What `as_tag` made `value` of."""
    return unquote(value) if "%" in value else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Buckets:
    """Names of the four buckets."""

    raw: str
    minutes: str
    quarters: str
    log: str

    @classmethod
    def of(cls, name: str) -> "Buckets":
        """Those that begin with `name`."""
        return cls(raw=name, minutes=f"{name}_1m", quarters=f"{name}_15m", log=f"{name}_log")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long each tier is kept; None for ever. The log is kept for ever."""

    raw: timedelta | None = timedelta(days=7)
    minutes: timedelta | None = timedelta(days=90)
    quarters: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A measurement and its tags."""

    measurement: str
    tags: Mapping[str, str]


class Layout:
    """Places of everything in one pilot."""

    def __init__(self, pilot: Pilot) -> None:
        self.pilot = pilot.name
        self.nodes = tuple(node.id for node in pilot.network.nodes)
        supply = _supply(pilot.network)
        self._devices = {}
        for device in pilot.devices:
            home = pilot.home[device.home]
            node = pilot.network.connection_point[home.connection_point].node
            tags = {
                "pilot": pilot.name,
                "home": home.id,
                "device": device.id,
                "pathway": pilot.pathway(device.id).value,
                "endpoint": device.endpoint,
                "phase": home.phases,
                "source": device.source.value,
            }
            if node in supply:
                tags["transformer"] = f"{home.feeder}/{supply[node]}"
            self._devices[device.id] = Place(measurement=device.kind.value, tags=tags)

    def device(self, device: str) -> Place:
        """Where the reports of `device` are."""
        known = self._devices.get(device)
        return known or Place(measurement=UNKNOWN_KIND, tags={"pilot": self.pilot, "device": device})

    def feeder(self, feeder: int) -> Place:
        """Where the grid reports of `feeder` are."""
        return Place(measurement=FEEDER, tags={"pilot": self.pilot, "feeder": str(feeder)})

    def node(self, feeder: int, number: int) -> Place:
        """Where the voltages of a node are; `number` counts in the order of the network."""
        return Place(
            measurement=NODE, tags={"pilot": self.pilot, "feeder": str(feeder), "node": self.node_name(number)}
        )

    def node_name(self, number: int) -> str:
        """The node's id; its number when the network has no such node."""
        return self.nodes[number] if number < len(self.nodes) else f"#{number}"

    def sample(self, scope: str, subject: str) -> Place:
        """Where the samples of a subject are."""
        return Place(measurement=HEALTH + scope, tags={"pilot": self.pilot, scope: subject})


def _supply(network: Network) -> Mapping[str, str]:
    """The transformer that supplies each node: its low-voltage side and all that lines lead to from there."""
    beside: dict[str, list[str]] = {}
    for line in network.lines:
        beside.setdefault(line.from_node, []).append(line.to_node)
        beside.setdefault(line.to_node, []).append(line.from_node)
    supply: dict[str, str] = {}
    for transformer in network.transformers:
        waiting = [transformer.to_node]
        while waiting:
            node = waiting.pop()
            if node not in supply:
                supply[node] = transformer.id
                waiting.extend(beside.get(node, ()))
    return supply
