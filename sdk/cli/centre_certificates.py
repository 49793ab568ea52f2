"""`yima centre certificates`: a small authority for collectors and devices: made, asked, renewed, revoked."""

import argparse
import time
from pathlib import Path

from yima.sdk.centre.fleet.authority import COLLECTOR_DAYS, DEVICE_DAYS, Authority, Issued
from yima.sdk.centre.fleet.database import FleetError
from yima.sdk.centre.fleet.devices import Register, State
from yima.sdk.centre.fleet.files import put, writing
from yima.sdk.cli.arguments import WholeNumber
from yima.sdk.cli.centre_fleet import add_store, local, opened, say_one
from yima.validator.texts import Text, say

_DAY_S = 86400


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its own verbs."""
    of_certificates = parser.add_subparsers(dest="of_certificates", required=True, metavar="VERB")
    make = of_certificates.add_parser("make", help="an authority, in a folder of its own 创建证书机构")
    _add_folder(make)
    make.set_defaults(run=_make)
    collector = of_certificates.add_parser("collector", help="a collector's certificate and key 采集端证书与私钥")
    _add_folder(collector)
    collector.add_argument("hosts", nargs="+", metavar="HOST", help="the names and addresses it has 主机名或地址")
    _add_days(collector, COLLECTOR_DAYS)
    collector.set_defaults(run=_collector)
    issue = of_certificates.add_parser("issue", help="certificates for enrolled devices 为已登记终端签发证书")
    _add_folder(issue)
    add_store(issue)
    issue.add_argument("devices", nargs="+", metavar="DEVICE", help="names in the register 登记的设备名")
    _add_days(issue, DEVICE_DAYS)
    _add_out(issue)
    issue.set_defaults(run=_issue)
    renew = of_certificates.add_parser(
        "renew", help="new ones for those that end soon or have ended 续签即将到期或已到期的证书"
    )
    _add_folder(renew)
    add_store(renew)
    renew.add_argument(
        "--within", type=WholeNumber(0, 36500), default=30, metavar="DAYS", help="default 30 多少天内到期，默认 30"
    )
    _add_days(renew, DEVICE_DAYS)
    _add_out(renew)
    renew.set_defaults(run=_renew)
    revoke = of_certificates.add_parser("revoke", help="all that a device has 吊销终端的全部证书")
    _add_folder(revoke)
    revoke.add_argument("device", metavar="DEVICE", help="its name 设备名")
    revoke.set_defaults(run=_revoke)
    listed = of_certificates.add_parser("list", help="those that hold 列出有效证书")
    _add_folder(listed)
    listed.add_argument("--json", action="store_true", help="one JSON object a line 输出 JSON 行")
    listed.set_defaults(run=_list)


def _add_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="the authority's folder 证书机构的文件夹")


def _add_days(parser: argparse.ArgumentParser, default: int) -> None:
    parser.add_argument(
        "--days", type=WholeNumber(1, 36500), default=default, metavar="N",
        help=f"how long it holds, default {default} 有效天数",
    )  # fmt: skip


def _add_out(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="where DEVICE.pem is put, for the device 输出文件夹"
    )


def _make(arguments: argparse.Namespace) -> int:
    made = Authority.make(arguments.folder)
    print(say(Text(f"{made.folder}/ca.key: keep it; ca.pem and crl.pem are for collectors and devices",
                   f"{made.folder}/ca.key 请妥善保管；ca.pem 与 crl.pem 供采集端与终端使用")))  # fmt: skip
    return 0


def _collector(arguments: argparse.Namespace) -> int:
    print(Authority(arguments.folder).collector(arguments.hosts, days=arguments.days))
    return 0


def _issue(arguments: argparse.Namespace) -> int:
    return _given(arguments, Authority(arguments.folder), arguments.devices)


def _renew(arguments: argparse.Namespace) -> int:
    authority = Authority(arguments.folder)
    with opened(arguments) as database:
        enrolled = Register(database).keys()
    due = [device for device in authority.due(time.time() + arguments.within * _DAY_S) if device in enrolled]
    return _given(arguments, authority, due)


def _given(arguments: argparse.Namespace, authority: Authority, devices: list[str]) -> int:
    with opened(arguments) as database:
        keys = {one.device: one.key for one in Register(database).listed() if one.state is State.ENROLLED}
    for device in devices:
        if device not in keys:
            raise FleetError(
                device,
                Text("is not enrolled: no certificate for it", "尚未登记，不能签发证书"),
                Text(
                    "Enrol it with its key first: yima centre devices enrol",
                    "请先用其公钥登记：yima centre devices enrol",
                ),
            )
    with writing(arguments.out):
        arguments.out.mkdir(parents=True, exist_ok=True)
    for device in devices:
        issued, pem = authority.issue(device, keys[device], days=arguments.days)
        put(arguments.out / f"{device}.pem", pem)
        _told(arguments, issued)
    return 0


def _revoke(arguments: argparse.Namespace) -> int:
    count = Authority(arguments.folder).revoke(arguments.device)
    print(
        say(
            Text(
                f"{arguments.device}: {count} revoked; give collectors and brokers the new crl.pem",
                f"{arguments.device}：已吊销 {count} 张；请将新的 crl.pem 交给采集端和消息代理",
            )
        )
    )
    return 0


def _list(arguments: argparse.Namespace) -> int:
    for issued in Authority(arguments.folder).issued():
        _told(arguments, issued)
    return 0


def _told(arguments: argparse.Namespace, issued: Issued) -> None:
    found: dict[str, object] = {
        "device": issued.device, "serial": f"{issued.serial:x}", "until": issued.until, "key": issued.key,
    }  # fmt: skip
    say_one(arguments, found, f"{issued.device:20}  {local(issued.until)}  {issued.serial:x}")
