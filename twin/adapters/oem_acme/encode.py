"""Our commands as ACME's: equipment and unit of a site, kW, percent or degF, discharge positive, for some minutes."""

from typing import Final

import orjson

from twin.adapters.oem_acme.sections import SECTIONS, VENDOR
from twin.adapters.port import Outbound
from twin.adapters.sections import Devices, place_of
from twin.bus import topics
from twin.model.command import Command

_S_PER_MIN: Final = 60
_MS_PER_S: Final = 1000
_MINUTE_DIGITS: Final = 4  # the vendor takes parts of a minute


def encode_command(pilot: str, devices: Devices, endpoint: str, command: Command) -> Outbound:
    """`command` for the account's command topic. Raises ValueError for a device or quantity not found there."""
    place = place_of(devices, SECTIONS, endpoint, command.device)
    field = place.field(command.quantity)
    duration_s = (command.expires_at - command.requested_at).total_seconds()
    request = {
        "requestId": command.id,
        "siteId": place.home,
        "equipment": place.section.key,
        "unit": place.number,
        "setting": field.key,
        "value": field.to_theirs(command.value),
        "requestedAtMs": round(command.requested_at.timestamp() * _MS_PER_S),
        "durationMin": round(duration_s / _S_PER_MIN, _MINUTE_DIGITS),
        "priority": command.priority,
    }
    return Outbound(topic=topics.oem(VENDOR, f"{pilot}/{endpoint}/commands"), payload=orjson.dumps(request))
