"""Batches that come through a broker (MQTT 5): the same batches, taken the same way, answered by a message.

Rules it keeps:

- Several collectors share one subscription: the broker gives each batch to one of them, whichever is there.
- A batch is its topic's device's, so that a broker that lets each device write its own topic alone (`%u` in mosquitto's
  list) keeps devices apart. What is signed, enrolled and full is judged as over HTTP.
- An answer goes to the device's own topic, never where a message would have it. Nothing is acknowledged by having come:
  if a collector dies with a batch in hand, no answer comes, and the device sends it again.
- A broker that is away is told once, and tried again and again; whoever comes by HTTP meanwhile notices nothing.
"""

import asyncio
import logging
import random
import socket
import ssl
from collections.abc import Callable
from types import ModuleType
from typing import Any

from yima.sdk.centre.collector.schema import StoreError
from yima.sdk.centre.collector.taking import Event, Taking
from yima.validator.remedies import missing_module
from yima.validator.shown import masked_url
from yima.validator.texts import Text
from yima.validator.uplink.mqtt_wire import (
    ANSWERS,
    BATCHES,
    CORRELATION_MAX,
    PACKET_MAX,
    RETRY_AFTER,
    SHARED,
    STATUS,
    broker_of,
)

QUEUED_MOST = 256
"""Messages that may wait here; what comes beyond is dropped, and its device sends it again."""
ANSWERED_WITHIN_S = 30
AGAIN_S = (0.5, 5.0)
_LOG = logging.getLogger("yima.mqtt")
_LOG.setLevel(logging.CRITICAL)


class MqttTaking:
    """Takes what comes through the broker at `url`, mqtt[s]://[USER[:PASSWORD]@]HOST[:PORT]. tls: for mqtts. Raises
    StoreError for a bad URL, and where aiomqtt is not installed."""

    def __init__(
        self,
        url: str,
        taking: Taking,
        *,
        tls: Callable[[], ssl.SSLContext] = ssl.create_default_context,
        on_event: Callable[[Event], None],
    ) -> None:
        self._aiomqtt = _aiomqtt()
        self._shown = masked_url(url)
        try:
            self._broker = broker_of(url)
        except ValueError as error:
            raise StoreError(
                self._shown,
                Text("no address of a broker", "不是消息代理地址"),
                Text("Give one like mqtts://broker.example", "格式如 mqtts://broker.example"),
            ) from error
        self._taking, self._tls, self._on_event = taking, tls, on_event
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_away = False

    async def run(self) -> None:
        """Until it is cancelled."""
        try:
            while True:
                try:
                    await self._listen()
                except Exception as error:  # whatever a broker answers, the next connection is tried
                    if not self._is_away:
                        self._is_away = True
                        self._on_event({"event": "trouble", "why": f"{self._shown}: no broker ({error})"})
                await asyncio.sleep(random.uniform(*AGAIN_S))  # noqa: S311 - it only has to differ
        finally:
            for task in self._tasks:
                task.cancel()

    async def _listen(self) -> None:
        """Takes what comes, for as long as this connection lasts."""
        broker = self._broker
        connect = _properties("CONNECT", MaximumPacketSize=PACKET_MAX)
        async with self._aiomqtt.Client(
            broker.host,
            broker.port,
            username=broker.username,
            password=broker.password,
            protocol=self._aiomqtt.ProtocolVersion.V5,
            tls_context=self._tls() if broker.is_tls else None,
            max_queued_incoming_messages=QUEUED_MOST,
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
            properties=connect,
            logger=_LOG,
        ) as client:
            await client.subscribe(SHARED, qos=1)
            self._is_away = False
            self._on_event({"event": "broker", "url": self._shown})
            async for message in client.messages:
                task = asyncio.create_task(self._answer(client, message))
                self._tasks.add(task)
                task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A batch that ends with what nobody reckoned with gets no answer, and comes again; it is told."""
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_event({"event": "trouble", "why": f"{self._shown}: {type(error).__name__}: {error}"})

    async def _answer(self, client: Any, message: Any) -> None:
        named = message.topic.value.removeprefix(BATCHES)
        correlation = getattr(message.properties, "CorrelationData", b"")
        if not 0 < len(correlation) <= CORRELATION_MAX:
            self._on_event({"event": "refused", "status": 400, "why": "a message without correlation data"})
            return
        said = getattr(message.properties, "UserProperty", ())
        headers = {name.lower().encode(): value.encode() for name, value in said}
        body = {"type": "http.request", "body": message.payload, "more_body": False}

        async def receive() -> Any:
            return body

        def allowed(device: str) -> str:
            return "" if device == named else f"a batch of {device} in the topic of another"

        status, answer, more = await self._taking.answer(headers, receive, allowed)
        properties = _properties(
            "PUBLISH",
            CorrelationData=correlation,
            MessageExpiryInterval=ANSWERED_WITHIN_S,
            UserProperty=[(STATUS, str(status)), *_later(more)],
        )
        try:
            await client.publish(ANSWERS + named, answer, qos=1, properties=properties)
        except (self._aiomqtt.MqttError, ValueError):
            return  # the connection has ended: no answer comes, and the device sends it again


def _later(headers: list[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(RETRY_AFTER, value.decode()) for name, value in headers if name == RETRY_AFTER.encode()]


def _properties(packet: str, **values: Any) -> Any:
    from paho.mqtt.packettypes import PacketTypes  # noqa: PLC0415 - as `_aiomqtt`
    from paho.mqtt.properties import Properties  # noqa: PLC0415

    made = Properties(getattr(PacketTypes, packet))  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(made, name, value)
    return made


def _aiomqtt() -> ModuleType:
    try:
        import aiomqtt  # noqa: PLC0415 - an optional extra: few collectors go by a broker
    except ModuleNotFoundError as missing:
        raise StoreError("--mqtt", *missing_module(missing)) from missing
    return aiomqtt
