"""The options of `yima collect` about TLS, and what comes of them."""

import argparse
from collections.abc import Callable
from pathlib import Path

from yima.sdk.centre.collector.certificates import Certificates
from yima.sdk.tls import Tls, TlsError
from yima.validator.errors import YimaError
from yima.validator.texts import Text


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
