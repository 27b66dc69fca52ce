"""Which agent speaks which wire; the names are those of the adapters that understand them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from simulators.endpoints import canonical, hems_home, oem_acme
from simulators.endpoints.controls import Controls
from simulators.endpoints.port import Agent
from twin.model.topology import Pilot, Source

AGENTS: Final[Mapping[str, Callable[[Pilot, Controls, float], Agent]]] = MappingProxyType(
    {
        canonical.NAME: canonical.CanonicalAgent,
        hems_home.NAME: hems_home.HemsHomeAgent,
        oem_acme.NAME: oem_acme.OemAcmeAgent,
    }
)


def agents(pilot: Pilot, controls: Controls, start_s: float) -> list[Agent]:
    """One agent per adapter that speaks for a simulated device of `pilot`, by name; live devices speak for themselves.

    Raises ValueError for an adapter without a simulated far side.
    """
    needed = {pilot.endpoint[device.endpoint].adapter for device in pilot.devices if device.source is Source.SIMULATED}
    for name in sorted(needed):
        if name not in AGENTS:
            raise ValueError(f"adapter {name!r} has no simulated far side; there are: {', '.join(AGENTS)}")
    return [AGENTS[name](pilot, controls, start_s) for name in sorted(needed)]
