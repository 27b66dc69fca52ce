"""The broker of last resort, run by `twin.bus.broker` as a child process. The only importer of amqtt.

amqtt 0.12 forgets a QoS 1 message that is not acknowledged within five seconds or before its connection ends, lets new
messages overtake those kept for a client that comes back, marks the latter as retained, and acknowledges what it has
not passed on yet, and begins with nothing after a restart. `KeepingHandler` and `KeepingBroker` deliver at least once
and in order, take no more than they can pass on, and remember subscriptions and retained messages in a file.
"""

import argparse
import asyncio
import base64
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import amqtt.broker
from amqtt.contexts import BaseContext
from amqtt.mqtt.constants import QOS_0, QOS_1
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.mqtt.puback import PubackPacket
from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import IncomingApplicationMessage, OutgoingApplicationMessage, Session

from twin.bus.broker import IN_FLIGHT, LOOPBACK, QUEUED, password_is

_SAVE_S: Final = 1.0

_log = logging.getLogger(__name__)


class PasswordFile(BaseAuthPlugin):  # type: ignore[misc]  # amqtt has no types
    """Lets in who knows a password of the file, or everyone when there is no file.

    Nobody counts as anonymous, for amqtt keeps no messages for those.
    """

    @dataclass
    class Config:
        """What amqtt reads from our configuration."""

        passwords: str | None = None

    def __init__(self, context: BaseContext) -> None:
        super().__init__(context)
        self._lines: dict[str, str] | None = None
        file = cast("PasswordFile.Config", self.config).passwords
        if file is not None:
            self._lines = {line.partition(":")[0]: line for line in Path(file).read_text().splitlines()}

    async def authenticate(self, *, session: Session) -> bool:
        """True for a known user with the right password, or when nobody needs one."""
        if self._lines is None:
            return True
        line = self._lines.get(session.username or "")
        return line is not None and password_is(line, session.password or "")


class KeepingHandler(BrokerProtocolHandler):  # type: ignore[misc]  # amqtt has no types
    """One client's connection; a QoS 1 message stays in the session until the client has acknowledged it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed on
        super().__init__(*args, **kwargs)
        self.caught_up = False
        self._writing: set[asyncio.Future[OutgoingApplicationMessage]] = set()

    async def catch_up(self) -> None:
        """Send what was kept while the client was away; from here on new messages may follow."""
        self.caught_up = True
        await self._send_kept()

    async def mqtt_publish(
        self,
        topic: str,
        data: bytes | bytearray,
        qos: int | None,
        retain: bool,  # noqa: FBT001 - amqtt's signature
        ack_timeout: int | None = None,
    ) -> OutgoingApplicationMessage:
        """Send now, or keep while older messages wait or the client has too many to acknowledge."""
        session = self.session
        must_wait = qos != QOS_0 and (
            session is None
            or not self.caught_up
            or not session.retained_messages.empty()
            or len(session.inflight_out) >= IN_FLIGHT
        )
        if session is None or not must_wait:
            return await super().mqtt_publish(topic, data, qos, retain, ack_timeout)
        return keep(session, OutgoingApplicationMessage(None, topic, qos, data, retain))

    def pass_on(self, topic: str, data: bytes, qos: int) -> None:
        """Publish without waiting for a slow client; QoS 0 is dropped when it is too far behind."""
        if qos == QOS_0 and len(self._writing) >= IN_FLIGHT:
            return
        writing = asyncio.ensure_future(self.mqtt_publish(topic, data, qos, retain=False))
        self._writing.add(writing)
        writing.add_done_callback(self._written)

    def _written(self, writing: "asyncio.Future[OutgoingApplicationMessage]") -> None:
        self._writing.discard(writing)
        if not writing.cancelled() and writing.exception() is not None:
            _log.warning("a client was not reached: %s", writing.exception())

    async def _handle_qos1_message_flow(
        self, app_message: OutgoingApplicationMessage | IncomingApplicationMessage
    ) -> None:
        if self.session is None or app_message.packet_id is None:
            return
        if isinstance(app_message, OutgoingApplicationMessage):
            self.session.inflight_out[app_message.packet_id] = app_message
            packet = app_message.build_publish_packet(dup=app_message.publish_packet is not None)
            app_message.publish_packet = packet
            await self._send_packet(packet)
        else:  # the broker acknowledges it when it has been passed on
            self.session.delivered_message_queue.put_nowait(app_message)

    async def handle_puback(self, puback: PubackPacket) -> None:
        """Forget the message and make room for one that waits."""
        if self.session is not None and puback.variable_header is not None:
            self.session.inflight_out.pop(puback.variable_header.packet_id, None)
            await self._send_kept()

    async def _send_kept(self) -> None:
        session = self.session
        while session is not None and not session.retained_messages.empty() and len(session.inflight_out) < IN_FLIGHT:
            kept = session.retained_messages.get_nowait()
            await super().mqtt_publish(kept.topic, kept.data, kept.qos, kept.retain)
            session = self.session


def keep(session: Session, message: OutgoingApplicationMessage) -> OutgoingApplicationMessage:
    """Put a message into the session's bounded queue; beyond the bound the newest is lost, and logged."""
    if session.retained_messages.qsize() < QUEUED:
        session.retained_messages.put_nowait(message)
    else:
        _log.warning("%s: more than %d messages wait, one is lost", session.client_id, QUEUED)
    return message


class KeepingBroker(amqtt.broker.Broker):  # type: ignore[misc]  # amqtt has no types
    """amqtt's broker with connections that keep, and with a memory: `state`, a JSON file, written when changed."""

    def __init__(self, config: dict[str, Any], state: Path) -> None:
        super().__init__(config)
        self._state = state
        self._changed = False

    async def keep_state(self) -> None:
        """Save what changed, once a second, for ever."""
        while True:
            await asyncio.sleep(_SAVE_S)
            if self._changed:
                self._changed = False
                self._save()

    def _save(self) -> None:
        clients: dict[str, dict[str, int]] = {}
        for topic_filter, subscriptions in self._subscriptions.items():
            for session, qos in subscriptions:
                if not session.clean_session:
                    clients.setdefault(session.client_id, {})[topic_filter] = qos
        retained = {
            topic: [message.qos or 0, base64.b64encode(message.data).decode()]
            for topic, message in self._retained_messages.items()
        }
        written = self._state.with_suffix(".new")
        written.write_text(json.dumps({"clients": clients, "retained": retained}))
        written.replace(self._state)

    async def _start_listeners(self) -> None:
        """Remember first, so that no message passes by a client that is yet to come back."""
        if self._state.exists():
            saved = json.loads(self._state.read_text())
            for topic, (qos, data) in saved["retained"].items():
                await self.retain_message(None, topic, base64.b64decode(data), qos)
            for client_id, filters in saved["clients"].items():
                handler, session = self.create_offline_session(client_id)
                session.will_retain = True  # all wills on our bus are; amqtt would not learn it on reconnect
                self._sessions[client_id] = (session, handler)
                for subscription in filters.items():
                    await self.add_subscription(subscription, session)
        await super()._start_listeners()

    async def add_subscription(self, subscription: tuple[str, int], session: Session) -> int:
        """As amqtt, remembered."""
        self._changed = True
        answer: int = await super().add_subscription(subscription, session)
        return answer

    async def retain_message(
        self, source_session: Session | None, topic_name: str, data: bytes, qos: int | None = None
    ) -> None:
        """As amqtt, remembered."""
        self._changed = True
        await super().retain_message(source_session, topic_name, data, qos)

    async def _del_all_subscriptions(self, session: Session) -> None:
        self._changed = True
        await super()._del_all_subscriptions(session)

    async def _client_message_loop(self, client_session: Session, handler: BrokerProtocolHandler) -> None:
        if isinstance(handler, KeepingHandler):
            await handler.catch_up()
        await super()._client_message_loop(client_session, handler)

    async def _publish_session_retained_messages(self, session: Session) -> None:
        """Nothing: `catch_up` does it, in order."""

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        handler = self._get_handler(session)
        if isinstance(handler, KeepingHandler) and handler.caught_up:  # else for filters that may be others'
            await super()._publish_retained_messages_for_subscription(subscription, session)

    async def _handle_message_delivery(
        self, client_session: Session, handler: BrokerProtocolHandler, wait_deliver: "asyncio.Future[Any]"
    ) -> bool:
        message = wait_deliver.result()
        allowed: bool = await super()._handle_message_delivery(client_session, handler, wait_deliver)
        if allowed and message is not None and message.qos == QOS_1:
            await handler._send_packet(PubackPacket.build(message.packet_id))  # noqa: SLF001 - as amqtt itself does
        return allowed

    async def _broadcast_message(
        self,
        session: Session | None,  # noqa: ARG002
        topic: str,
        data: bytes,
        force_qos: int | None = None,
    ) -> None:
        """Pass a message on to every client that wants it, once each."""
        wanting: dict[str, tuple[Session, int]] = {}
        for topic_filter, subscriptions in self._subscriptions.items():
            if self._matches(topic, topic_filter):
                for target, qos in subscriptions:
                    wanting[target.client_id] = (target, max(qos, wanting.get(target.client_id, (None, 0))[1]))
        for target, qos in wanting.values():
            handler = self._get_handler(target)
            if target.transitions.state == "connected" and isinstance(handler, KeepingHandler):
                handler.pass_on(topic, data, qos if force_qos is None else min(force_qos, qos))
            elif qos != QOS_0 and not target.clean_session:
                keep(target, OutgoingApplicationMessage(None, topic, qos, data, retain=False))


async def serve(*, host: str, port: int, state: Path, passwords: str | None, cert: str | None, key: str | None) -> None:
    """Run until a signal ends the process: amqtt's own shutdown would lose what is under way."""
    listener: dict[str, Any] = {"type": "tcp", "bind": f"{host}:{port}"}
    if cert is not None:
        listener |= {"ssl": True, "certfile": cert, "keyfile": key}
    plugins = {f"{PasswordFile.__module__}.{PasswordFile.__qualname__}": {"passwords": passwords}}
    amqtt.broker.BrokerProtocolHandler = KeepingHandler  # how it makes its connections
    broker = KeepingBroker({"listeners": {"default": listener}, "plugins": plugins}, state)
    await broker.start()
    await broker.keep_state()


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default=LOOPBACK)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--passwords")
    parser.add_argument("--cert")
    parser.add_argument("--key")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("amqtt").setLevel(logging.ERROR)  # it warns of every client that leaves without a goodbye
    asyncio.run(
        serve(
            host=chosen.host,
            port=chosen.port,
            state=chosen.state,
            passwords=chosen.passwords,
            cert=chosen.cert,
            key=chosen.key,
        )
    )


if __name__ == "__main__":
    main()
