"""The bus over MQTT 3.1.1: any broker, in the background, for as long as it takes. The only importer of paho.

At least once: what was handed over at QoS 1 is sent, in order and again after a reconnect, until the broker has it;
what is acknowledged by hand comes again until it is. A persistent session goes with the client id, so two buses must
never share one. Acknowledgements of an earlier connection are dropped: the broker sends those messages again, perhaps
under ids that now mean others.
"""

import logging
import socket
import sys
import threading
import zlib
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MessageType, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from twin.bus.outbox import Outbox, Outgoing
from twin.bus.port import BusError, Frame, Handler
from twin.bus.readahead import ReadAhead
from twin.bus.router import Router, check_topic
from twin.bus.url import BrokerUrl, tls_context
from twin.clock import Clock

MAX_OUTBOX: Final = 20_000  # below 65,535, for packet ids have 16 bits
MAX_OUTBOX_BYTES: Final = 256_000_000
INFLIGHT: Final = 200  # paho walks through all of them at every acknowledgement
MAX_PAYLOAD: Final = 11_000_000  # bytes; brokers hang up on larger packets, and we would send it again for ever

_RECONNECT_MIN_S: Final = 0.2
_RECONNECT_MAX_S: Final = 5.0
_POLL_S: Final = 0.005
_CONNECT_TIMEOUT_S: Final = 5.0
_REFUSED_FOR_GOOD: Final = frozenset(
    {"Not authorized", "Bad user name or password", "Client identifier not valid", "Unsupported protocol version"}
)

_log = logging.getLogger(__name__)


class MqttBus:
    """A Bus on a broker at `url`.

    `clock` stamps arrivals. `ca_file` replaces the system's authorities for mqtts://; `cert_file` and `key_file` are
    our own certificate where the broker asks for one. `max_outbox` and `max_outbox_bytes` bound what waits for the
    broker; `close_s` bounds how long `close` waits for it. Raises ValueError on an address or file that cannot be used.
    """

    def __init__(
        self,
        *,
        url: str,
        client_id: str,
        clock: Clock,
        ca_file: Path | None = None,
        cert_file: Path | None = None,
        key_file: Path | None = None,
        max_outbox: int = MAX_OUTBOX,
        max_outbox_bytes: int = MAX_OUTBOX_BYTES,
        inflight: int = INFLIGHT,
        keepalive_s: int = 20,
        close_s: float = 2.0,
    ) -> None:
        self.url = BrokerUrl.parse(url)
        if not client_id:
            raise ValueError("client id '': a name of one character or more is allowed, it is the session's")
        if not 0 < max_outbox <= MAX_OUTBOX:
            raise ValueError(f"outbox of {max_outbox} messages: 1 to {MAX_OUTBOX} are allowed")
        self._client_id = client_id
        self._clock = clock
        self._close_s = close_s
        self._keepalive_s = keepalive_s
        self._router = Router()
        self._lock = threading.Lock()
        self._outbox = Outbox(max_messages=max_outbox, max_bytes=max_outbox_bytes)
        # Filled on the network thread without the lock: paho holds a lock of its own there which `publish` needs too.
        self._settled: deque[int] = deque()
        self._epoch = 0
        self._unacknowledged: set[int] = set()
        self._subscribing: set[int] = set()
        self._connected = False
        self._opened = False
        self._closing = threading.Event()
        self._attempts = 0
        self._trouble: str | None = None
        self._trouble_is_final = False
        self._client = self._make_client(inflight)
        if self.url.tls:
            self._client.tls_set_context(tls_context(ca_file=ca_file, cert_file=cert_file, key_file=key_file))

    def _make_client(self, inflight: int) -> "_Client":
        client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            clean_session=False,
            protocol=MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
        )
        if self.url.user is not None:
            client.username_pw_set(self.url.user, self.url.password)
        client.max_inflight_messages = inflight
        client.connect_timeout = _CONNECT_TIMEOUT_S
        client.reconnect_delay_set(0, 0)  # we wait in the callbacks, with jitter, and `close` can end that wait
        client.on_pre_connect = self._on_pre_connect
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        return client

    # What the port asks for

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """As in the port. While the broker is away QoS 1 waits in the outbox and QoS 0 is lost."""
        check_topic(topic)
        if len(payload) > MAX_PAYLOAD:
            raise BusError(f"{topic}: {len(payload)} bytes, at most {MAX_PAYLOAD} are allowed", retryable=False)
        message = Outgoing(topic, payload, min(qos, 1), retain)
        with self._lock:
            if not self._opened or self._closing.is_set():
                raise BusError("the bus is not open", retryable=False)
            self._settle()
            full = self._outbox.full_for(payload)
            if full is not None:
                raise BusError(f"the outbox is full: {full}", retryable=True)
            if self._connected or message.qos:
                number = self._outbox.add(message)
                if self._connected:
                    self._send(number, message)

    def subscribe(self, topic_filter: str, handler: Handler, *, acknowledge_by_hand: bool = False) -> None:
        """As in the port; also before `open`, which is how frames kept in the session find their handler."""
        self._router.add(topic_filter, handler, by_hand=acknowledge_by_hand)
        with self._lock:
            if self._connected:
                self._subscribe([topic_filter])

    def acknowledge(self, frames: Sequence[Frame]) -> None:
        """As in the port; from any thread. Frames of an earlier connection are skipped, they come again."""
        with self._lock:
            given = (frame.token[1] for frame in frames if frame.token is not None and frame.token[0] == self._epoch)
            known = [packet_id for packet_id in dict.fromkeys(given) if packet_id in self._unacknowledged]
            self._unacknowledged.difference_update(known)
            self._client.ack_all(known)

    def set_will(self, topic: str, payload: bytes) -> None:
        """As in the port."""
        check_topic(topic)
        if self._opened:
            raise BusError("the will must be set before the bus is opened", retryable=False)
        self._client.will_set(topic, payload, qos=1, retain=True)

    def open(self) -> None:
        """Start the network thread, which connects and keeps connecting; `wait_until_ready` tells how that went."""
        if self._opened:
            raise BusError("a bus is opened once", retryable=False)
        self._opened = True
        self._client.connect_async(self.url.host, self.url.port, keepalive=self._keepalive_s)
        self._client.loop_start()

    def wait_until_ready(self, timeout_s: float) -> None:
        """Block until connected and every subscription is in force; BusError with the reason otherwise.

        The error is retryable unless the broker refused us (wrong password, forbidden client id).
        """
        deadline_s = self._clock.monotonic_s() + timeout_s
        while self._opened and not self._closing.is_set():
            if self._connected and not self._subscribing:
                return
            late = self._clock.monotonic_s() > deadline_s
            if late or self._trouble_is_final:
                trouble = self._trouble or f"{self.url}: no answer within {timeout_s:g} s"
                raise BusError(trouble, retryable=not self._trouble_is_final)
            self._closing.wait(_POLL_S)
        raise BusError("the bus is not open", retryable=False)

    def close(self) -> None:
        """As in the port; returns within twice `close_s`, whatever the network and the handlers do."""
        if not self._opened or self._closing.is_set():
            return
        deadline_s = self._clock.monotonic_s() + self._close_s
        pause = threading.Event()
        while self._connected and self.outbox and self._clock.monotonic_s() < deadline_s:
            pause.wait(_POLL_S)
        self._closing.set()
        self._client.disconnect()
        stopping = threading.Thread(target=self._client.loop_stop, daemon=True)  # it waits without a bound
        stopping.start()
        stopping.join(self._close_s)
        if self.outbox:
            _log.warning("%s: %s closed with %d messages unsent", self.url, self._client_id, self.outbox)

    @property
    def connected(self) -> bool:
        """True from the broker's yes until the connection ends."""
        return self._connected

    @property
    def outbox(self) -> int:
        """Messages handed over and not yet taken by the broker."""
        with self._lock:
            self._settle()
            return len(self._outbox)

    @property
    def trouble(self) -> str | None:
        """Why there is no connection, in words, or None while there is one."""
        return self._trouble

    @property
    def handler_failures(self) -> int:
        """How often a handler raised."""
        return self._router.handler_failures

    # With the lock held

    def _settle(self) -> None:
        while self._settled:
            self._outbox.settle(self._settled.popleft())

    def _send(self, number: int, message: Outgoing) -> None:
        sent = self._client.publish(message.topic, message.payload, message.qos, message.retain)
        if sent.rc in {MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN}:
            self._outbox.sent(number, sent.mid)  # without a connection it goes out on the next
        else:
            self._outbox.remove(number)
            raise BusError(f"{self.url}: {sent.rc.name}", retryable=True)

    def _subscribe(self, filters: Sequence[str]) -> None:
        _, packet_id = self._client.subscribe([(topic_filter, 1) for topic_filter in filters])
        if packet_id is not None:
            self._subscribing.add(packet_id)

    def _new_epoch(self) -> None:
        self._connected = False
        self._epoch += 1
        self._unacknowledged.clear()
        self._subscribing.clear()

    # On the network thread

    def _on_pre_connect(self, _client: Client, _userdata: object) -> None:
        with self._lock:
            self._new_epoch()

    def _on_connect(
        self,
        client: Client,
        _userdata: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._report(f"{self.url} refused {self._client_id}: {reason}")
            self._trouble_is_final = str(reason) in _REFUSED_FOR_GOOD  # last: who waits then reads what the trouble is
            return
        if self._closing.is_set():  # `close` was called while we were connecting
            client.drop_out_messages()
            client.disconnect()
            return
        with self._lock:
            self._settle()
            client.drop_out_messages()  # the outbox has them all, in order
            if self._router.filters:
                self._subscribe(self._router.filters)
            self._connected = True
            for number, message in self._outbox.reconnected():
                self._send(number, message)
        self._attempts = 0
        self._trouble = None
        self._trouble_is_final = False
        _log.info("%s: %s connected", self.url, self._client_id)

    def _on_connect_fail(self, _client: Client, _userdata: object) -> None:
        self._report(f"{self.url}: {sys.exception() or 'no connection'}")
        self._wait_before_next_attempt()

    def _on_disconnect(
        self,
        _client: Client,
        _userdata: object,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        with self._lock:
            was_connected = self._connected
            self._new_epoch()
        if self._closing.is_set():
            return
        if was_connected:
            self._report(f"{self.url}: connection lost ({reason})")
        self._wait_before_next_attempt()

    def _on_subscribe(
        self, _client: Client, _userdata: object, packet_id: int, reasons: list[ReasonCode], _properties: object
    ) -> None:
        with self._lock:
            self._subscribing.discard(packet_id)
        if any(reason.is_failure for reason in reasons):
            self._report(f"{self.url}: the broker does not let {self._client_id} subscribe to all it asked for")

    def _on_publish(self, _client: Client, _userdata: object, packet_id: int, _reason: object, _more: object) -> None:
        self._settled.append(packet_id)

    def _on_message(self, client: Client, _userdata: object, message: MQTTMessage) -> None:
        arrived_s = self._clock.monotonic_s()
        route = self._router.route(message.topic)
        token = None
        if message.qos and route.by_hand:
            with self._lock:
                token = (self._epoch, message.mid)
                self._unacknowledged.add(message.mid)
        frame = Frame(
            topic=message.topic,
            payload=bytes(message.payload),
            retained=message.retain,
            arrived_s=arrived_s,
            redelivered=message.dup,
            token=token,
        )
        self._router.deliver(route, frame)
        if message.qos and token is None:
            client.ack(message.mid, 1)

    def _report(self, trouble: str) -> None:
        """Log once, not at every attempt, what keeps us from the broker."""
        if trouble != self._trouble:
            _log.warning("%s", trouble)
        self._trouble = trouble

    def _wait_before_next_attempt(self) -> None:
        """Exponential with jitter, so that a returning broker is not met by all clients at once."""
        span_s = min(_RECONNECT_MIN_S * 2.0**self._attempts, _RECONNECT_MAX_S)
        jitter = zlib.crc32(f"{self._client_id}/{self._attempts}".encode()) / 2**32
        self._attempts = min(self._attempts + 1, 30)
        self._closing.wait(span_s * (0.5 + 0.5 * jitter))


class _Client(Client):
    """paho's client on sockets that send at once and read ahead, and with acknowledgements in bulk."""

    def _create_socket(self) -> ReadAhead:
        opened = super()._create_socket()
        if not isinstance(opened, socket.socket):
            raise TypeError(f"{type(opened).__name__}: only plain and TLS sockets are used")
        # With Nagle's algorithm a small packet waits up to 40 ms for company.
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return ReadAhead(opened)

    def ack_all(self, packet_ids: Sequence[int]) -> None:
        """One write for all: a PUBACK is its type, its length and the packet id (MQTT 3.1.1, 3.4)."""
        packets = b"".join(b"\x40\x02" + packet_id.to_bytes(2, "big") for packet_id in packet_ids)
        if packets:
            self._packet_queue(MessageType.PUBACK, packets, 0, 0)
