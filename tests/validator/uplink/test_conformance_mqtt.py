"""The suite of uplinks over MQTT, through a real broker; and what a broker alone can do wrong."""

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from starlette.responses import PlainTextResponse

from tests.mosquitto import Broker, broker, mosquitto
from tests.tls_world import Device, authority
from tests.uplink_conformance import TOTAL_S, UplinkConformance
from tests.uplinks import KEY, append, until
from yima.sdk.centre.collector.app import Collector
from yima.sdk.centre.collector.mqtt import MqttTaking
from yima.sdk.centre.collector.store import Store
from yima.sdk.serving import Serving
from yima.validator.errors import UplinkError
from yima.validator.journal import SegmentJournal
from yima.validator.state.keys import DeviceKey
from yima.validator.uplink.mqtt import MqttUplink
from yima.validator.uplink.mqtt_wire import broker_of
from yima.validator.uplink.tls import ClientTls

__all__ = ["mosquitto"]


@contextmanager
def listening(url: str, taking: Any, **more: Any) -> Iterator[list[dict[str, Any]]]:
    """A collector at the broker; what it tells."""
    told: list[dict[str, Any]] = []
    with Serving(PlainTextResponse("nothing"), beside=[MqttTaking(url, taking, on_event=told.append, **more).run]):
        until(lambda: bool(told))
        yield told


class TestMqtt(UplinkConformance):
    """One broker for all."""

    @pytest.fixture(autouse=True)
    def at(self, mosquitto: Broker) -> None:
        self._url = mosquitto.url

    @contextmanager
    def collecting(self, taking: Any) -> Iterator[None]:
        with listening(self._url, taking):
            yield

    def uplink(self, key: DeviceKey, device: str, epoch: int, total_s: float = TOTAL_S, port: int = 0) -> MqttUplink:
        url = f"mqtt://127.0.0.1:{port or self.port}"
        return MqttUplink(url, key=key, device=device, epoch=epoch, total_s=total_s)

    @property
    def port(self) -> int:
        return broker_of(self._url).port

    @property
    def collect_words(self) -> list[str]:
        return ["--listen", "127.0.0.1:0", "--mqtt", self._url]


@pytest.fixture
def uplink(mosquitto: Broker) -> Iterator[MqttUplink]:
    made = MqttUplink(mosquitto.url, key=KEY, device="gate-7", epoch=7, total_s=TOTAL_S)
    yield made
    made.close()


class Other:
    """Whoever else is at the broker, and hears a topic."""

    def __init__(self, url: str, topic: str) -> None:
        self.heard: list[paho.MQTTMessage] = []
        self.client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        ready = threading.Event()
        self.client.on_subscribe = lambda *_: ready.set()
        self.client.on_message = lambda _client, _data, message: self.happened(message)
        self.client.connect("127.0.0.1", broker_of(url).port)
        self.client.loop_start()
        self.client.subscribe(topic, qos=1)
        assert ready.wait(200)

    def happened(self, message: paho.MQTTMessage) -> None:
        self.heard.append(message)

    def __enter__(self) -> "Other":
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def test_that_the_broker_has_a_batch_moves_no_cursor(
    mosquitto: Broker, uplink: MqttUplink, journal: SegmentJournal
) -> None:
    append(journal, 2)
    with pytest.raises(UplinkError, match="no collector listens at the broker"):
        uplink.send(journal.pending(2))
    with Other(mosquitto.url, "yima/v1/batches/+") as deaf, pytest.raises(UplinkError, match="no collector answered"):
        uplink.send(journal.pending(2))
    assert len(deaf.heard) == 1


def test_a_line_that_has_ended_without_a_word_is_waited_on_no_longer(mosquitto: Broker, uplink: MqttUplink) -> None:
    until_s = time.monotonic() + 90
    uplink._connected(until_s)
    uplink._client.on_disconnect = None
    uplink._cut()
    with pytest.raises(OSError, match="connection was lost"):
        uplink._turn(until_s, lambda: False)


def test_an_answer_to_something_else_is_none(mosquitto: Broker, uplink: MqttUplink, journal: SegmentJournal) -> None:
    class Liar(Other):
        def happened(self, message: paho.MQTTMessage) -> None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.CorrelationData = b"another's"
            properties.UserProperty = [("status", "200")]
            self.client.publish("yima/v1/answers/gate-7", b'{"acknowledged":2}', qos=1, properties=properties)
            super().happened(message)

    append(journal, 2)
    with Liar(mosquitto.url, "yima/v1/batches/+") as liar, pytest.raises(UplinkError, match="no collector answered"):
        uplink.send(journal.pending(2))
    assert len(liar.heard) == 1


def test_a_batch_in_the_topic_of_another_device_is_refused(mosquitto: Broker, store: Store) -> None:
    stranger = MqttUplink(mosquitto.url, key=KEY, device="gate-7", epoch=7, total_s=TOTAL_S)
    stranger._device = "gate-8"  # its topic; the batch says gate-7
    body = b'{"form":2,"device":"gate-7","epoch":7,"entries":[]}'
    with (
        listening(mosquitto.url, Collector(store).taking),
        pytest.raises(UplinkError, match="a batch of gate-7 in the topic of another"),
    ):
        stranger.exchange("", body, answer_max=1000)
    stranger.close()


def test_messages_that_are_none_are_answered_or_told_and_end_nothing(
    mosquitto: Broker, uplink: MqttUplink, store: Store
) -> None:
    with listening(mosquitto.url, Collector(store).taking) as told, Other(mosquitto.url, "yima/v1/answers/#") as other:
        other.client.publish("yima/v1/batches/x", b"\xff" * 100, qos=1)
        until(lambda: any("without correlation data" in str(event.get("why")) for event in told))
        for headers in ([], [("X-Yima-Key", "é"), ("X-Yima-Signature", "")], [("content-encoding", "gzip")]):
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.CorrelationData = b"mine"
            properties.UserProperty = headers
            other.client.publish("yima/v1/batches/x", b"\xff" * 100, qos=1, properties=properties)
        until(lambda: len(other.heard) == 3)
        assert uplink.send([]) == (0, {})
    statuses = sorted(dict(message.properties.UserProperty)["status"] for message in other.heard[:3])  # type: ignore[union-attr]
    assert statuses == ["401", "401", "415"]


def test_a_batch_that_ends_with_what_nobody_reckoned_with_is_told_and_taken_when_it_comes_again(
    mosquitto: Broker, uplink: MqttUplink, journal: SegmentJournal, store: Store
) -> None:
    taking = Collector(store).taking
    failures = [ZeroDivisionError("nobody reckoned with this")]

    class FailsOnce:
        async def answer(self, *asked: Any) -> Any:
            if failures:
                raise failures.pop()
            return await taking.answer(*asked)

    append(journal, 1)
    with listening(mosquitto.url, FailsOnce()) as told:
        with pytest.raises(UplinkError, match="no collector answered"):
            uplink.send(journal.pending(1))
        assert [str(event["why"]).partition(": ")[2] for event in told if event["event"] == "trouble"] == [
            "ZeroDivisionError: nobody reckoned with this"
        ]
        assert uplink.send(journal.pending(1)) == (1, {})


def test_a_broker_that_dies_is_told_once_and_found_again(tmp_path: Path, journal: SegmentJournal, store: Store) -> None:
    append(journal, 2)
    with broker(tmp_path) as one, listening(one.url, Collector(store).taking) as told:
        uplink = MqttUplink(one.url, key=KEY, device="gate-7", epoch=7, total_s=TOTAL_S)
        assert uplink.send(journal.pending(1)) == (1, {})
        one.kill()
        with pytest.raises(UplinkError, match="cannot be reached"):
            uplink.send(journal.pending(2))
        one.start()
        until(lambda: [event["event"] for event in told].count("broker") == 2)
        assert uplink.send(journal.pending(2)) == (2, {})
        uplink.close()
    assert [event["event"] for event in told if event["event"] in ("broker", "trouble")] == [
        "broker",
        "trouble",
        "broker",
    ]


LIST = """\
user collector
topic read $share/yima-collectors/yima/v1/batches/+
topic read yima/v1/batches/+
topic write yima/v1/answers/+
pattern write yima/v1/batches/%u
pattern read yima/v1/answers/%u
"""


def test_over_tls_a_broker_lets_each_device_write_its_own_topic_alone(
    tmp_path: Path, journal: SegmentJournal, store: Store
) -> None:
    append(journal, 1)
    made = authority(tmp_path / "ca")
    gate, other, lost = (Device(tmp_path / "devices", name).given(made) for name in ("gate-7", "gate-8", "lost"))
    collector = Device(tmp_path / "devices", "collector").given(made)
    made.revoke("lost")
    (tmp_path / "list").write_text(LIST)
    ca = made.folder / "ca.pem"
    settings = (
        f"cafile {ca}\ncertfile {made.folder}/collector.pem\nkeyfile {made.folder}/collector.pem\n"
        f"crlfile {made.folder}/crl.pem\nrequire_certificate true\nuse_identity_as_username true\n"
        f"acl_file {tmp_path}/list"
    )

    def uplink(device: Device, name: str = "") -> MqttUplink:
        tls = ClientTls(ca=ca, certificate=device.certificate, key=device.key_file)
        return MqttUplink(url, key=device.key, device=name or device.name, epoch=7, tls=tls, total_s=5.0)

    shows = ClientTls(ca=ca, certificate=collector.certificate, key=collector.key_file)
    with broker(tmp_path, settings) as at:
        url = at.url.replace("mqtt:", "mqtts:")
        with listening(url, Collector(store).taking, tls=shows.context) as told:
            assert told[0]["event"] == "broker"
            good, false, gone = uplink(gate), uplink(other, "gate-7"), uplink(lost)
            assert good.encrypted
            assert good.send(journal.pending(1)) == (1, {})
            with pytest.raises(UplinkError, match="cannot be reached"):
                false.send([])
            with pytest.raises(UplinkError, match=r"lost\.pem is its authority's and has not ended"):
                gone.send([])
            for one in (good, false, gone):
                one.close()


def test_a_broker_that_asks_for_a_password_lets_in_who_knows_it_and_nobody_else(
    tmp_path: Path, journal: SegmentJournal, store: Store
) -> None:
    append(journal, 1)
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "gate", "right"], check=True, capture_output=True)
    with broker(tmp_path, f"allow_anonymous false\npassword_file {passwords}") as at:
        good, wrong, nobody = (
            MqttUplink(at.url.replace("//", f"//{who}"), key=KEY, device="gate-7", epoch=7, total_s=5.0)
            for who in ("gate:right@", "gate:wrong@", "")
        )
        with listening(at.url.replace("//", "//gate:right@"), Collector(store).taking) as told:
            assert told[0]["event"] == "broker"
            assert good.send(journal.pending(1)) == (1, {})
            for one in (wrong, nobody):
                with pytest.raises(UplinkError):
                    one.send([])
            for one in (good, wrong, nobody):
                one.close()


@pytest.mark.parametrize("url", ["mqtt://", "mqtt://h:x", "mqtt://h/topic", "mqtts://[", "mqtt://h?x=1", "mqtt:h"])
def test_an_address_that_is_no_brokers_is_refused_at_once(url: str) -> None:
    with pytest.raises(UplinkError, match="no address of a collector"):
        MqttUplink(url, key=KEY, device="gate-7", epoch=7)


def test_a_password_is_shown_nowhere(mosquitto: Broker) -> None:
    url = mosquitto.url.replace("//", "//user:geheim@")
    uplink = MqttUplink(url.replace(str(mosquitto.port), "1"), key=KEY, device="gate-7", epoch=7, total_s=TOTAL_S)
    with pytest.raises(UplinkError) as caught:
        uplink.send([])
    assert "geheim" not in str(caught.value)
    uplink.close()


@contextmanager
def brokers_saying(*connections: tuple[bytes, ...]) -> Iterator[str]:
    """A broker that says these very packets to each connection, one for each thing that it hears, and hangs up."""
    listening_at = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for packets in connections:
            line, _ = listening_at.accept()
            with line:
                for packet in packets:
                    line.recv(65536)
                    line.sendall(packet)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"mqtt://127.0.0.1:{listening_at.getsockname()[1]}"
    finally:
        thread.join()
        listening_at.close()


@pytest.mark.parametrize(
    "none",
    [b"\x40\x05\0\2\0\1\x7f", b"\x30\1\0", b"\x30\4\0\2\xff\xff", b"\x40\1\0"],
    ids=["unknown property", "publish of a byte", "topic that is no text", "acknowledgement of a byte"],
)
def test_a_packet_that_is_none_ends_its_connection_and_not_the_uplink(none: bytes) -> None:
    hears, refuses = (b"\x20\3\0\0\0", b"\x90\4\0\1\0\0"), (b"\x20\3\0\x87\0",)
    with brokers_saying((*hears, none), refuses) as url:
        uplink = MqttUplink(url, key=KEY, device="gate-7", epoch=7, total_s=TOTAL_S)
        with pytest.raises(UplinkError):
            uplink.send([])
        with pytest.raises(UplinkError, match="the broker refuses"):
            uplink.send([])
        uplink.close()
