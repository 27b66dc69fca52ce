"""Our commands in the HEMS's words: `{"path": "battery/1/setpoint", "value": -1500.0, "until": ...}`."""

import orjson

from twin.adapters.hems_home.sections import SECTIONS
from twin.adapters.port import Outbound
from twin.adapters.sections import Devices, place_of
from twin.model.command import Command


def encode_command(pilot: str, devices: Devices, endpoint: str, command: Command) -> Outbound:
    """`command` for `hems/{pilot}/{endpoint}/set`. Raises ValueError for a device or quantity not found there."""
    place = place_of(devices, SECTIONS, endpoint, command.device)
    field = place.field(command.quantity)
    request = {
        "request": command.id,
        "home": place.home,
        "path": f"{place.section.key}/{place.number}/{field.key}",
        "value": field.to_theirs(command.value),
        "at": command.requested_at,
        "until": command.expires_at,
        "rank": command.priority,
    }
    return Outbound(topic=f"hems/{pilot}/{endpoint}/set", payload=orjson.dumps(request, option=orjson.OPT_UTC_Z))
