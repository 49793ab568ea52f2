"""What `yima run` is put together from beside its sources: judge, uplinks and what other gates tell, as the command
says."""

import argparse
from collections.abc import Callable
from pathlib import Path

from yima.sdk.cli.arguments import WholeNumber
from yima.sdk.cli.run_sources import Stated
from yima.validator.happenings import Happening, Notice
from yima.validator.judging import GateContext, Validator
from yima.validator.judging.record import Terminal
from yima.validator.parameters import Parameters
from yima.validator.parameters.family_rules import RESOLVED_FAMILIES
from yima.validator.parameters.rules import ReaderProfile
from yima.validator.ports import Clock
from yima.validator.readers.address import completed
from yima.validator.state import DeviceState
from yima.validator.uplink.http import HttpUplink
from yima.validator.uplink.mqtt import MqttUplink
from yima.validator.uplink.mqtt_wire import is_broker
from yima.validator.uplink.sender import BatchPolicy
from yima.validator.uplink.shared_uses import ASK_FOR_S, SharedUses, with_room
from yima.validator.uplink.tls import ClientTls

_BATCH_AGE_S = 5.0
_SPREAD_S = 30


def add_upload_arguments(parser: argparse.ArgumentParser) -> None:
    """The options about the collector."""
    upload = parser.add_argument_group("upload 上传")
    upload.add_argument(
        "--collector",
        metavar="URL",
        help="where trips go, https:// or, through a broker, mqtts://; without it they wait in the journal 采集端地址",
    )
    upload.add_argument(
        "--collector-ca", type=Path, metavar="FILE",
        help="who gave the collector its certificate, PEM; default: the system's authorities 采集端证书机构",
    )  # fmt: skip
    upload.add_argument(
        "--client-certificate", type=Path, metavar="FILE",
        help="the certificate of this device's key, PEM; read again when it changes 本设备证书，更换后自动重读",
    )  # fmt: skip
    upload.add_argument(
        "--batch-count",
        type=WholeNumber(1, 1000),
        default=100,
        metavar="N",
        help="entries that make a batch, default 100 每批条数",
    )
    upload.add_argument(
        "--batch-age", type=_seconds, metavar="S",
        help="seconds that the oldest may wait for a batch, default 5; 0 with --replay-feed 最长等待秒数",
    )  # fmt: skip
    upload.add_argument(
        "--first-within", type=_seconds, default=_SPREAD_S, metavar="S",
        help=f"the first batch after a start goes at a random moment within this, default {_SPREAD_S}, so that a depot"
        " does not come at once; no new tap waits for it 首批在此秒数内随机发出",
    )  # fmt: skip
    upload.add_argument(
        "--replay-feed", metavar="URL",
        help="a collector that tells which codes were used at the station's other gates; offline the gate goes by its"
        " own memory 接收同站其他闸机的已用码",
    )  # fmt: skip


class NothingShared:
    """A gate that goes by its own memory alone."""

    def turn(self) -> None:
        """Nothing."""

    def stop(self) -> None:
        """Nothing."""

    def __enter__(self) -> None:
        """Nothing."""

    def __exit__(self, *_: object) -> None:
        """Nothing."""


def policy(arguments: argparse.Namespace) -> BatchPolicy:
    """When a batch goes. What other gates are to hear of must not wait for company."""
    age_s = arguments.batch_age
    if age_s is None:
        age_s = 0.0 if arguments.replay_feed else _BATCH_AGE_S
    return BatchPolicy(count=arguments.batch_count, age_s=age_s, spread_s=arguments.first_within)


def validator_of(arguments: argparse.Namespace, parameters: Parameters, gate: GateContext) -> Validator:
    """The judge."""
    return with_room(parameters, gate) if arguments.replay_feed else Validator(parameters, gate)


def shared_uses(
    arguments: argparse.Namespace,
    state: DeviceState,
    validator: Validator,
    *,
    parameters: Parameters,
    clock: Clock,
    tell: Callable[[Notice], None],
) -> SharedUses | NothingShared:
    """What hears of codes used at other gates. Raises UplinkError for a bad URL."""
    if arguments.replay_feed is None:
        return NothingShared()
    return SharedUses(
        HttpUplink(
            arguments.replay_feed,
            key=state.key,
            device=state.device,
            epoch=0,
            tls=tls_of(arguments, state),
            total_s=ASK_FOR_S + 10.0,
        ),
        device=state.device,
        validator=validator,
        parameters=parameters,
        now=lambda: clock.now().unix_s,
        on_trouble=lambda error: tell(Notice(happening=Happening.USES_TROUBLE, error=error)),
        on_recovered=lambda: tell(Notice(happening=Happening.USES_BACK)),
    )


def tls_of(arguments: argparse.Namespace, state: DeviceState) -> ClientTls | None:
    """Certificates that are not the system's, if there are any."""
    ca, certificate = arguments.collector_ca, arguments.client_certificate
    return ClientTls(ca=ca, certificate=certificate, key=state.key_file) if ca or certificate else None


def uplink_of(
    arguments: argparse.Namespace, state: DeviceState, epoch: int, stated: Stated | None = None
) -> HttpUplink | MqttUplink | None:
    """Where trips go, if they go anywhere. Raises UplinkError for a bad URL."""
    if arguments.collector is None:
        return None
    kind = MqttUplink if is_broker(arguments.collector) else HttpUplink
    return kind(
        arguments.collector,
        key=state.key,
        device=state.device,
        epoch=epoch,
        versions=stated,
        tls=tls_of(arguments, state),
    )


def with_profile(specification: str, profile: ReaderProfile | None) -> str:
    """A scanner's line speaks as the parameters say, where the command does not say otherwise."""
    if profile is None:
        return specification
    return completed(
        specification,
        "serial",
        {
            "baud": str(profile.baud),
            "gap_ms": str(profile.gap_ms),
            "prefix": profile.prefix.hex(),
            "suffix": profile.suffix.hex(),
        },
    )


def terminal_of(arguments: argparse.Namespace, state: DeviceState) -> Terminal:
    """What its records say of it."""
    return Terminal(
        terminal=state.device,
        vendor=arguments.vendor,
        vehicle=arguments.vehicle,
        plate=arguments.plate,
        driver=arguments.driver,
        line=arguments.line,
        station=arguments.station,
        position=arguments.position,
    )


def a_resolver(text: str) -> tuple[str, str]:
    """An argument's type: FAMILY=URL."""
    family, _, specification = text.partition("=")
    if family not in RESOLVED_FAMILIES:
        names = ", ".join(RESOLVED_FAMILIES)
        raise argparse.ArgumentTypeError(f"FAMILY=URL, the family one of {names} 码类须为其中之一")
    return family, specification


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 86400:
        raise argparse.ArgumentTypeError("seconds, from 0 to 86400 请给出 0 至 86400 的秒数")
    return number
