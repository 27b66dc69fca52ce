"""Who may say and hear what on the pilot's broker: each endpoint its own topics, twin and world what they need.

Asks the adapters, so a new far side brings its topics along. Refuses an adapter whose topics do not name the endpoint:
nobody could then be kept from speaking for another.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from twin.adapters.port import Adapter
from twin.adapters.registry import load as load_adapter
from twin.bus import topics
from twin.model.command import Command
from twin.model.device import KINDS
from twin.model.quantity import QUANTITIES
from twin.model.topology import Endpoint, Pilot, Source

# An endpoint's id has no underscore, so none can take one of these names.
TWIN: Final = "hg_twin"
WORLD: Final = "hg_world"
HEALTH: Final = "hg_health"
SERVICES: Final = (TWIN, WORLD, HEALTH)

_UPTIME: Final = "$SYS/broker/uptime"
_ANY: Final = "+"
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)


class StackError(Exception):
    """The stack cannot be prepared or looked at: what, where, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The topics that one user of the broker may publish to and read; `+` stands for any one level."""

    user: str
    publish: tuple[str, ...]
    read: tuple[str, ...]


def grants(pilot: Pilot) -> Sequence[Grant]:
    """The grants of everyone: services first, then the endpoints in pilot order. Raises StackError."""
    spoken = {name: load_adapter(name)(pilot) for name in sorted({each.adapter for each in pilot.endpoints})}
    own = {each.id: _endpoint_grant(pilot, each, spoken[each.adapter]) for each in pilot.endpoints}
    return (
        _twin(pilot, spoken, own),
        _world(pilot, own),
        Grant(user=HEALTH, publish=(), read=(_UPTIME,)),
        *own.values(),
    )


def simulated(pilot: Pilot) -> tuple[str, ...]:
    """The endpoints for which the world speaks: those with a simulated device."""
    return tuple(
        endpoint.id
        for endpoint in pilot.endpoints
        if any(device.source is Source.SIMULATED for device in pilot.endpoint_devices[endpoint.id])
    )


def _endpoint_grant(pilot: Pilot, endpoint: Endpoint, adapter: Adapter) -> Grant:
    filters = adapter.topic_filters()
    for topic_filter in filters:
        if topic_filter.split("/").count(_ANY) != 1 or "#" in topic_filter:
            raise StackError(
                f"adapter {endpoint.adapter} listens to {topic_filter!r}; one level of it must be + for the endpoint, "
                "or an endpoint could speak for another"
            )
    publish = tuple(topic_filter.replace(_ANY, endpoint.id) for topic_filter in filters)
    return Grant(user=endpoint.id, publish=publish, read=tuple(sorted(_command_topics(pilot, endpoint.id, adapter))))


def _command_topics(pilot: Pilot, endpoint: str, adapter: Adapter) -> set[str]:
    found = set()
    for command in _commands(pilot, endpoint):
        with suppress(ValueError):  # a far side that has no word for it is never asked for it
            found.add(adapter.encode(endpoint, command).topic)
    return found


def _commands(pilot: Pilot, endpoint: str) -> Iterator[Command]:
    """One command for everything that can be asked for there, to learn on which topic it would leave."""
    for device in pilot.endpoint_devices[endpoint]:
        for quantity in KINDS[device.kind].controls:
            yield Command(
                id="topic",
                device=device.id,
                quantity=quantity,
                value=QUANTITIES[quantity].minimum,
                requested_at=_EPOCH,
                expires_at=_EPOCH,
                priority=0,
                origin="stack",
            )


def _twin(pilot: Pilot, spoken: Mapping[str, Adapter], own: Mapping[str, Grant]) -> Grant:
    heard = [topic_filter for adapter in spoken.values() for topic_filter in adapter.topic_filters()]
    heard += [topics.clock(pilot.name), topics.world(pilot.name), topics.world_status(pilot.name)]
    heard += [topics.grid(pilot.name, _ANY)]
    asked = {_for_any(topic, grant.user) for grant in own.values() for topic in grant.read}
    return Grant(user=TWIN, publish=(*sorted(asked), topics.pace(pilot.name)), read=tuple(heard))


def _world(pilot: Pilot, own: Mapping[str, Grant]) -> Grant:
    """All simulated endpoints by one user; as filters where nobody of that kind is live, else by name."""
    spoken_for = frozenset(simulated(pilot))
    live = {endpoint.adapter for endpoint in pilot.endpoints if endpoint.id not in spoken_for}
    publish: dict[str, None] = {}
    read: dict[str, None] = {}
    for endpoint in pilot.endpoints:
        if endpoint.id in spoken_for:
            all_of_kind = endpoint.adapter not in live
            for topic in own[endpoint.id].publish:
                publish[_for_any(topic, endpoint.id) if all_of_kind else topic] = None
            for topic in own[endpoint.id].read:
                read[_for_any(topic, endpoint.id) if all_of_kind else topic] = None
    own_affairs = (topics.clock(pilot.name), topics.world(pilot.name), topics.world_status(pilot.name))
    return Grant(
        user=WORLD,
        publish=(*publish, *own_affairs, topics.grid(pilot.name, _ANY)),
        read=(*read, topics.pace(pilot.name)),
    )


def _for_any(topic: str, endpoint: str) -> str:
    """`topic` with the endpoint's level, the last that reads like it, open."""
    levels = topic.split("/")
    position = max(index for index, level in enumerate(levels) if level == endpoint)
    return "/".join((*levels[:position], _ANY, *levels[position + 1 :]))
