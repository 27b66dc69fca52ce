"""Read a pilot file whole, or refuse it whole."""

from pathlib import Path

from pydantic import ValidationError

import twin
from twin.feeder import FeederError, load_network
from twin.model.topology import People, Pilot, Weather
from twin.pilot.generate import generate_homes
from twin.pilot.resolve import Resolver, note_validation_errors
from twin.pilot.schema import PilotEntry
from twin.pilot.source import Source

LINK_PROFILES = frozenset({"site-ethernet", "site-wifi", "cellular", "cloud-oem", "cloud-hems"})


def load_pilot(path: Path) -> Pilot:
    """The pilot described by the file at `path`. Raises PilotError with every problem found."""
    source = Source(path)
    entry = _entry(source)
    try:
        network = load_network(entry.feeder.network, base=path.parent)
    except FeederError as error:
        source.problem(("feeder", "network"), str(error))
        source.refuse_if_any()
        raise
    resolver = Resolver(
        source,
        network=network,
        copies=entry.feeder.copies,
        endpoints=entry.endpoints,
        adapters=known_adapters(),
        links=LINK_PROFILES,
        base=path.parent,
    )
    for index, home in enumerate(entry.homes):
        resolver.add_home(home, ("homes", index))
    if entry.generate is not None:
        taken = frozenset(home.id for home in entry.homes)
        for home in generate_homes(entry.generate, network=network, copies=entry.feeder.copies, taken=taken):
            resolver.add_home(home, ("generate", "endpoints"))
    if not entry.homes and entry.generate is None:
        source.problem((), "no homes; write `homes:` or a `generate:` block")
    source.refuse_if_any()
    homes, devices, endpoints = resolver.result()
    return Pilot(
        name=entry.pilot,
        title=entry.title or entry.pilot,
        seed=entry.seed,
        base=str(path.parent),
        network=network,
        feeders=entry.feeder.copies,
        weather=Weather(**entry.weather.model_dump()),
        people=People(**entry.people.model_dump()),
        homes=homes,
        devices=devices,
        endpoints=endpoints,
    )


def known_adapters() -> frozenset[str]:
    """Adapters are folders with a manifest; looked up by name, not imported, because they lie above the pilot."""
    folder = Path(twin.__file__).parent / "adapters"
    return frozenset(manifest.parent.name for manifest in folder.glob("*/manifest.yaml"))


def _entry(source: Source) -> PilotEntry:
    if not isinstance(source.content, dict):
        source.problem((), "a pilot file is a mapping: pilot, seed, feeder, weather, endpoints, homes or generate")
        source.refuse_if_any()
    try:
        return PilotEntry.model_validate(source.content)
    except ValidationError as error:
        note_validation_errors(source, error, ())
        source.refuse_if_any()
        raise
