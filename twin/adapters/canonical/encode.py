"""Our commands as canonical messages."""

from twin.adapters.port import Outbound
from twin.bus import codec, topics
from twin.bus.wire import CommandMessage
from twin.model.command import Command


def encode_command(pilot: str, endpoint: str, command: Command) -> Outbound:
    """`command` on the command topic of `endpoint`."""
    message = CommandMessage(
        id=command.id,
        device=command.device,
        quantity=command.quantity,
        value=command.value,
        issued_at=command.requested_at,
        expires_at=command.expires_at,
        priority=command.priority,
    )
    return Outbound(topic=topics.endpoint(pilot, endpoint, topics.COMMAND), payload=codec.encode(message))
