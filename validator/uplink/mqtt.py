"""The uplink over a broker (MQTT 5): one signed message a batch, paho below.

Rules it keeps:

- The broker's acknowledgement says that the broker has a message. Only an answer of the collector moves the cursor, to
  this very message: it carries random bytes that only this exchange knows.
- An exchange runs on the thread that sends, and is bounded as a whole. After one that failed the connection is another,
  and what the broker still holds of the old one ends with it.
- Nothing of a broker outlives it: no session, no will, nothing retained.
"""

import secrets
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Any

from yima.validator.errors import UplinkError
from yima.validator.guarding.watched import ThreadError
from yima.validator.remedies import missing_module
from yima.validator.shown import masked_url
from yima.validator.state.keys import DeviceKey
from yima.validator.uplink.deadline import Deadline
from yima.validator.uplink.http import RETRY_AFTER_MAX_S, is_loopback
from yima.validator.uplink.mqtt_wire import ANSWERS, BATCHES, PACKET_MAX, broker_of, status_of
from yima.validator.uplink.refusals import no_address, nonsense, refused, unreachable
from yima.validator.uplink.signed import SignedUplink
from yima.validator.uplink.tls import ClientTls

KEEPALIVE_S = 30
"""It is the time of a TLS handshake, too."""
_FAILED = 0x80  # reason codes from here on are failures
_NOBODY = 0x10  # the broker knows of nobody who wants this topic


class MqttUplink(SignedUplink):
    """Sends one journal's entries through the broker at `url`: mqtt[s]://[USER[:PASSWORD]@]HOST[:PORT].

    tls: None: the system's authorities, and no certificate is shown. connect_s bounds the connection, total_s the whole
    exchange. Raises UplinkError when made with a bad URL.
    """

    def __init__(
        self,
        url: str,
        *,
        key: DeviceKey,
        device: str,
        epoch: int,
        versions: Callable[[], bytes] | None = None,
        tls: ClientTls | None = None,
        connect_s: float = 3.0,
        total_s: float = 15.0,
    ) -> None:
        self._paho = _paho()
        super().__init__(masked_url(url), key=key, device=device, epoch=epoch, versions=versions)
        try:
            self._broker = broker_of(url)
        except ValueError as error:
            raise no_address(self.url) from error
        self.encrypted = self._broker.is_tls or is_loopback(self._broker.host)
        self._tls = (tls or ClientTls()) if self._broker.is_tls else None
        self._connect_s, self._total_s = connect_s, total_s
        self._client: Any = None
        self._stamp: object = None
        self._deadline = Deadline(self._cut)
        self._is_closed = False
        self._asked = b""  # correlation data of the exchange that runs
        self._status, self._later_s, self._answer = 0, None, None  # type: tuple[int, float | None, bytes | None]
        self._is_listening = False
        self._trouble = ""

    def exchange(self, path: str, body: bytes, *, answer_max: int) -> bytes:
        """As SignedUplink says; what the path says lies in the topic."""
        until = time.monotonic() + self._total_s
        try:
            with self._deadline.within(self._total_s + 1.0):  # cuts what waits below paho
                self._connected(until)
                self._publish(body)
                self._turn(until, lambda: self._answer is not None)
        except ThreadError as error:
            self._drop()
            raise UplinkError(self.url, error.problem, error.remedy) from error
        except (OSError, ValueError, self._paho.WebsocketConnectionError) as error:
            why = self._trouble or str(error) or type(error).__name__
            self._drop()
            raise self._unreachable(why) from error
        except UplinkError:
            self._drop()
            raise
        except Exception as error:
            # paho raises whatever it meets in a packet that is none, and would meet it again at each turn: it keeps the
            # packet until it has understood it. So the connection goes, and the packet with it.
            self._drop()
            raise nonsense(self.url, f"no MQTT packet: {type(error).__name__} {error}") from error
        answer, self._answer = self._answer or b"", None
        if len(answer) > answer_max:
            raise nonsense(self.url, "an endless answer")
        if self._status != 200:
            later = None if self._later_s is None else min(self._later_s, RETRY_AFTER_MAX_S)
            raise refused(self.url, self._status, answer[:200], enrolment=self.enrolment, retry_after_s=later)
        return answer

    def close(self) -> None:
        """Ends the connection."""
        self._is_closed = True
        self._deadline.close()
        self._drop()

    def _connected(self, until: float) -> None:
        """A connection that hears answers; the one that is there, if it still is."""
        stamp = self._tls and self._tls.stamp()
        if self._client is not None and stamp == self._stamp and self._client.loop(0) == 0 and self._is_listening:
            return
        self._drop()
        self._trouble = ""
        client = self._paho.Client(
            self._paho.CallbackAPIVersion.VERSION2, client_id="", protocol=self._paho.MQTTv5, reconnect_on_failure=False
        )
        if self._broker.username is not None:
            client.username_pw_set(self._broker.username, self._broker.password)
        if self._tls is not None:
            client.tls_set_context(self._tls.context())
        client.connect_timeout = self._connect_s
        client.on_connect, client.on_subscribe, client.on_publish = (
            self._on_connect,
            self._on_subscribe,
            self._on_publish,
        )
        client.on_message, client.on_disconnect = self._on_message, self._on_disconnect
        self._client, self._stamp = client, stamp
        properties = self._properties("CONNECT")
        properties.MaximumPacketSize = PACKET_MAX
        client.connect(self._broker.host, self._broker.port, KEEPALIVE_S, clean_start=True, properties=properties)
        # A message is one write: to wait for company would cost an exchange a tenth of a second.
        if (line := client.socket()) is not None:  # it may have ended already
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._turn(until, lambda: self._is_listening)

    def _publish(self, body: bytes) -> None:
        self._asked, self._answer = secrets.token_bytes(16), None
        properties = self._properties("PUBLISH")
        properties.ResponseTopic = ANSWERS + self._device
        properties.CorrelationData = self._asked
        properties.MessageExpiryInterval = max(1, int(self._total_s))  # later nobody waits for its answer
        properties.UserProperty = list(self.headers(body).items())
        self._client.publish(BATCHES + self._device, body, qos=1, properties=properties)

    def _turn(self, until: float, is_done: Callable[[], bool]) -> None:
        """Lets the connection work until then. Raises OSError when it ends or the time is over."""
        while not is_done():
            left = until - time.monotonic()
            if left <= 0 or self._is_closed:
                raise OSError("closed" if self._is_closed else "no collector answered in time")
            status = self._client.loop(min(left, 1.0))
            if self._trouble:
                raise OSError(self._trouble)
            if status != 0 and not is_done():
                raise OSError(self._paho.error_string(status))

    def _on_connect(self, client: Any, _data: object, _flags: object, reason: Any, _properties: object) -> None:
        if reason.value >= _FAILED:
            self._trouble = f"the broker refuses: {reason}"
        else:
            client.subscribe(ANSWERS + self._device, qos=1)

    def _on_subscribe(self, _client: Any, _data: object, _number: int, reasons: Any, _properties: object) -> None:
        if any(reason.value >= _FAILED for reason in reasons):
            self._trouble = f"the broker lets this device hear no answers: {reasons[0]}"
        else:
            self._is_listening = True

    def _on_publish(self, _client: Any, _data: object, _number: int, reason: Any, _properties: object) -> None:
        if reason.value == _NOBODY:
            self._trouble = "no collector listens at the broker"
        elif reason.value >= _FAILED:
            self._trouble = f"the broker takes no batch of this device: {reason}"

    def _on_message(self, _client: Any, _data: object, message: Any) -> None:
        properties = message.properties
        if getattr(properties, "CorrelationData", None) == self._asked and self._answer is None:
            self._status, self._later_s = status_of(getattr(properties, "UserProperty", ()))
            self._answer = bytes(message.payload)

    def _on_disconnect(self, _client: Any, _data: object, _flags: object, reason: Any, _properties: object) -> None:
        self._is_listening = False
        self._trouble = self._trouble or f"the broker ended the connection: {reason}"

    def _properties(self, packet: str) -> Any:
        from paho.mqtt.packettypes import PacketTypes  # noqa: PLC0415 - as `_paho`
        from paho.mqtt.properties import Properties  # noqa: PLC0415

        return Properties(getattr(PacketTypes, packet))  # type: ignore[no-untyped-call]

    def _drop(self) -> None:
        client, self._client, self._is_listening = self._client, None, False
        if client is not None:
            line, client.on_disconnect = client.socket(), None
            with suppress(OSError, ValueError):
                client.disconnect()
            if line is not None:
                line.close()

    def _cut(self) -> None:
        client = self._client
        line = client and client.socket()
        if line is not None:
            with suppress(OSError):  # it may have ended by itself meanwhile
                line.shutdown(socket.SHUT_RDWR)

    def _unreachable(self, why: str) -> UplinkError:
        return unreachable(self.url, why, certificate=self._tls and self._tls.certificate)


def _paho() -> ModuleType:
    try:
        import paho.mqtt.client as paho  # noqa: PLC0415 - an optional extra: few devices go by a broker
    except ModuleNotFoundError as missing:
        raise UplinkError("uplink", *missing_module(missing)) from missing
    return paho
