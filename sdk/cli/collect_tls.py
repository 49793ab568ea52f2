"""The options of `yima collect` about TLS and brokers, and what comes of them."""

import argparse
from collections.abc import Callable
from pathlib import Path

from yima.sdk.centre.collector.certificates import Certificates
from yima.sdk.centre.collector.mqtt import MqttTaking
from yima.sdk.centre.collector.taking import Event, Taking
from yima.sdk.serving import Beside
from yima.sdk.tls import Tls, TlsError
from yima.validator.errors import YimaError
from yima.validator.texts import Text
from yima.validator.uplink.tls import ClientTls


def add_tls_arguments(parser: argparse.ArgumentParser) -> None:
    """--tls, and what clients show."""
    tls = parser.add_argument_group("TLS")
    tls.add_argument(
        "--tls", type=Path, metavar="FILE",
        help="speak TLS with this certificate: PEM with its chain and key; read again when it changes 采集端证书与私钥",
    )  # fmt: skip
    tls.add_argument(
        "--client-ca", type=Path, metavar="FILE",
        help="devices show certificates of this authority (`yima centre certificates`) 终端证书机构",
    )  # fmt: skip
    tls.add_argument(
        "--client-crl", type=Path, metavar="FILE", help="those it has revoked; read again when it changes 证书吊销列表"
    )
    tls.add_argument(
        "--client-certificates", choices=("required", "optional"), default="required",
        help="with --client-ca: whether a device without one is refused (default), or only one with another's"
        " 终端证书必需或可选",
    )  # fmt: skip


def add_broker_arguments(parser: argparse.ArgumentParser) -> None:
    """--mqtt, and how it knows the broker, and the broker it."""
    mqtt = parser.add_argument_group("MQTT")
    mqtt.add_argument(
        "--mqtt", metavar="URL",
        help="take batches through this broker too: mqtts://[USER[:PASSWORD]@]HOST[:PORT] 同时经消息代理接收",
    )  # fmt: skip
    mqtt.add_argument(
        "--mqtt-ca", type=Path, metavar="FILE", help="who gave the broker its certificate 消息代理证书机构"
    )
    mqtt.add_argument(
        "--mqtt-certificate",
        type=Path,
        metavar="FILE",
        help="shown to the broker: PEM with chain and key 向代理出示的证书",
    )


def broker_of(arguments: argparse.Namespace, taking: Taking, tell: Callable[[Event], None]) -> list[Beside]:
    """What takes from a broker, if there is one. Raises YimaError."""
    if arguments.mqtt is None:
        return []
    tls = ClientTls(ca=arguments.mqtt_ca, certificate=arguments.mqtt_certificate)
    tls.context()  # a file that is wrong is told at the start
    return [MqttTaking(arguments.mqtt, taking, tls=tls.context, on_event=tell).run]


def tls_of(arguments: argparse.Namespace, on_trouble: Callable[[YimaError], None]) -> Tls | None:
    """What it speaks; None: plain HTTP. Raises TlsError."""
    for option, needs in (("client_ca", "tls"), ("client_crl", "client_ca")):
        if getattr(arguments, option) is not None and getattr(arguments, needs) is None:
            name = needs.replace("_", "-")
            raise TlsError(
                f"--{option.replace('_', '-')}",
                Text(f"means nothing without --{name}", f"须与 --{name} 同用"),
                Text(f"Give --{name} too, or leave it out", f"请同时给出 --{name}，或去掉该选项"),
            )
    if arguments.tls is None:
        return None
    return Tls(arguments.tls, client_ca=arguments.client_ca, client_crl=arguments.client_crl, on_trouble=on_trouble)


def certificates_of(arguments: argparse.Namespace, tls: Tls | None) -> Certificates:
    """What is asked of those that devices show."""
    asks = tls if arguments.client_ca is not None else None
    return Certificates(asks, is_required=arguments.client_certificates == "required")
