"""`yima centre packages`: propose, approve and publish packages, watch how they do, tell who has had which."""

import argparse
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from yima.sdk.centre.collector.enrolment import read_all_keys
from yima.sdk.centre.collector.opening import open_store
from yima.sdk.centre.packages.folder import Folder, Plan, stopped
from yima.sdk.centre.packages.releases import approved, proposed
from yima.sdk.centre.packages.report import Spell, spells
from yima.sdk.centre.packages.watching import Watch
from yima.sdk.cli.arguments import WholeNumber, organisation_number
from yima.sdk.parameters.compile import Opened
from yima.sdk.parameters.diff_parts import in_parts
from yima.sdk.parameters.signing import read_key_file
from yima.validator.packages import Chain, Kind, Package, read_package, read_pins, when
from yima.validator.packages.publication import WHOLE, PublicationError
from yima.validator.parameters import from_image
from yima.validator.texts import Text

_EXAMPLES = """\
examples 示例:
  yima centre packages propose centre/ city-9.ymp --why "fares of 1 January" --by li --key li.key \\
      --publisher publisher.pins --for city=320500,mode=metro
  yima centre packages list centre/
  yima centre packages approve centre/ 3f9a --by wang --key wang.key
  yima centre packages publish centre/ 3f9a --key publisher.key --steps 1,10,100 --hold 600
  yima centre packages watch centre/ --store trips.db --key publisher.key
  yima centre packages stop centre/ 3f9a --why "complaints at line 2" --key publisher.key
  yima centre packages report trips.db
Give out centre/www with any web server, and run devices with --packages URL. 用任意 Web 服务器发布 centre/www
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its own verbs."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EXAMPLES
    own = parser.add_subparsers(dest="action", required=True, metavar="VERB")
    propose = _verb(own, "propose", "a release of a package 提出发布", _propose)
    propose.add_argument("package", type=Path, metavar="PACKAGE", help="signed 已签名的参数包")
    propose.add_argument("--why", required=True, metavar="TEXT", help="what for 原因")
    propose.add_argument(
        "--publisher", required=True, type=Path, metavar="FILE", help="who may steer it: a file of one key 发布方公钥"
    )
    propose.add_argument(
        "--for", dest="targets", action="append", default=[], type=_target, metavar="NAME=VALUE,...",
        help="city, operator, mode, line, device; repeatable, one that fits is enough; default everybody 适用范围",
    )  # fmt: skip
    _add_person(propose)
    _verb(own, "list", "what is proposed and published 列出提案与发布", _list)
    _add_person(_verb_of(own, "approve", "by somebody else than who proposed it 批准（须由他人）", _approve))
    publish = _verb_of(own, "publish", "to a share of those it is for 发布给部分终端", _publish)
    publish.add_argument(
        "--steps", type=_shares, default=(WHOLE,), metavar="P,P,...",
        help="percent, one after the other; default 100, everybody at once 逐步放量的百分比，默认一次全部",
    )  # fmt: skip
    publish.add_argument(
        "--hold", type=WholeNumber(0, 30 * 86400), default=600, metavar="S", help="seconds a step, default 600 每步秒数"
    )
    publish.add_argument(
        "--taps", type=WholeNumber(0, 10**9), default=200, metavar="N", help="and taps, default 200 每步至少刷码次数"
    )
    _add_key(publish)
    stop = _verb_of(own, "stop", "no further device takes it 停止发布", _stop)
    stop.add_argument("--why", required=True, metavar="TEXT", help="what for 原因")
    _add_key(stop)
    share = _verb_of(own, "share", "give it to so many now 调整份额", _share)
    share.add_argument("percent", type=_percent, metavar="P")
    _add_key(share)
    watch = _verb(own, "watch", "stop what does harm, widen what does none 监视并自动停止或放量", _watch)
    watch.add_argument("--store", required=True, metavar="FILE|URL", help="of `yima collect` 采集库")
    watch.add_argument("--every", type=WholeNumber(1, 3600), default=10, metavar="S", help="default 10 间隔秒数")
    watch.add_argument("--once", action="store_true", help="one round 只执行一次")
    _add_key(watch)
    report = own.add_parser("report", help="what devices say that they run and hold, signed 各终端的版本声明")
    report.add_argument("store", metavar="STORE", help="of `yima collect` 采集库")
    report.add_argument("--devices", type=Path, metavar="FILE", help="devices.txt: whose keys count 设备清单")
    report.add_argument("--json", action="store_true", help="one JSON object a line 输出 JSON 行")
    report.set_defaults(run=_report)


def _verb(own: Any, name: str, about: str, call: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = own.add_parser(name, help=about, description=about)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the publication's 发布文件夹")
    parser.set_defaults(run=call)
    return parser


def _verb_of(own: Any, name: str, about: str, call: Any) -> argparse.ArgumentParser:
    parser = _verb(own, name, about, call)
    parser.add_argument("release", metavar="RELEASE", help="the beginning of its id 发布编号（前几位即可）")
    return parser


def _add_person(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--by", required=True, metavar="NAME", help="who 姓名")
    _add_key(parser)


def _add_key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--key", required=True, type=Path, metavar="KEYFILE", help="signs it 签名私钥")


def _target(text: str) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        if name not in {"city", "operator", "mode", "line", "device"} or not value:
            raise argparse.ArgumentTypeError("city=, operator=, mode=, line= or device=, apart by commas")
        if name == "city":
            found[name] = WholeNumber(1, 999_999)(value)
        else:
            found[name] = organisation_number(value) if name == "operator" else value
    return found


def _percent(text: str) -> int:
    share = float(text)
    if not 0.01 <= share <= 100:
        raise argparse.ArgumentTypeError("percent, from 0.01 to 100 百分比")
    return round(share * 100)


def _shares(text: str) -> tuple[int, ...]:
    steps = tuple(map(_percent, text.split(",")))
    if list(steps) != sorted(set(steps)):
        raise argparse.ArgumentTypeError("percent that grow, as 1,10,100 须递增")
    return steps


def _propose(arguments: argparse.Namespace) -> int:
    package = read_package(arguments.package)
    document = proposed(
        package,
        targets=arguments.targets,
        why=arguments.why,
        publisher=_publisher(arguments.publisher),
        by=arguments.by,
        at=int(time.time()),
        key=read_key_file(arguments.key),
    )
    folder = Folder(arguments.folder)
    for said in _in_parts(folder, package):
        print(f"{said.en} {said.zh}", file=sys.stderr)
    folder.add(document, package)
    print(document.id)
    return 0


def _publisher(path: Path) -> bytes:
    keys = read_pins(path).keys
    if len(keys) != 1:
        raise PublicationError(
            path,
            Text(
                f"has {len(keys)} keys, and one publisher steers a release", f"含 {len(keys)} 个公钥，而发布方只有一个"
            ),
            Text("Name a file of the publisher's key alone", "请指定仅含发布方公钥的文件"),
        )
    return keys[0]


def _there(path: Path) -> Folder:
    """A folder with proposals in it: in one that was mistyped there is nothing to list, and nothing stops harm."""
    if not (path / "proposals").is_dir():
        raise PublicationError(
            path,
            Text("is no folder of a publication", "不是发布文件夹"),
            Text("Name the one that `propose` was given", "请指定执行 propose 时使用的文件夹"),
        )
    return Folder(path)


def _in_parts(folder: Folder, package: Package) -> list[Text]:
    """What its parts cost devices with the newest published package of its city."""
    plans = folder.plans()
    older = [
        found for name, (release, document) in folder.releases().items()
        if name in plans and release.version < package.version and release.chain is Chain.PARAMETERS
        and (found := folder.package_of(document)).city == package.city
    ]  # fmt: skip
    if not older or package.kind is not Kind.PARAMETERS:
        return []
    old, new = (
        Opened(name=one.source, rules=from_image(one.image, one.source).rules, city=one.city, package=one)
        for one in (max(older, key=lambda one: one.version), package)
    )
    return in_parts(old, new)


def _list(arguments: argparse.Namespace) -> int:
    folder = _there(arguments.folder)
    plans = folder.plans()
    for name, (release, document) in folder.releases().items():
        plan = plans.get(name)
        share = "not published 未发布" if plan is None else f"{plan.share / 100:g} %  {plan.stopped}".rstrip()
        print(f"{name[:16]}  {release.chain.value} {release.version}  {share}")
        print(f"  for 范围  {json.dumps(list(release.targets), ensure_ascii=False)}  why 原因  {release.why}")
        for one in document.signatures:
            print(f"  {one.role}  {one.by}  {when(one.at)}  {one.key.hex()[:16]}")
    return 0


def _approve(arguments: argparse.Namespace) -> int:
    folder = Folder(arguments.folder)
    document = folder.proposal(arguments.release)
    key = read_key_file(arguments.key)
    folder.add(approved(document, by=arguments.by, at=int(time.time()), key=key))
    print(f"approved 已批准: {document.id}")
    return 0


def _publish(arguments: argparse.Namespace) -> int:
    folder = Folder(arguments.folder)
    document = folder.proposal(arguments.release)
    folder.publish(
        document, read_key_file(arguments.key), int(time.time()),
        steps=arguments.steps, hold_s=arguments.hold, taps=arguments.taps,
    )  # fmt: skip
    print(f"published 已发布: {document.id}  {arguments.steps[0] / 100:g} %")
    return 0


def _stop(arguments: argparse.Namespace) -> int:
    return _steered(arguments, partial(stopped, why=arguments.why))


def _share(arguments: argparse.Namespace) -> int:
    def change(plan: Plan) -> Plan:
        return replace(plan, steps=(arguments.percent,), step=0, stopped="", since=int(time.time()))

    return _steered(arguments, change)


def _steered(arguments: argparse.Namespace, change: Any) -> int:
    folder = Folder(arguments.folder)
    name = folder.proposal(arguments.release).id
    folder.steer({name: change}, read_key_file(arguments.key), int(time.time()))
    print(f"{name}  {folder.plans()[name].share / 100:g} %")
    return 0


def _watch(arguments: argparse.Namespace) -> int:
    folder = _there(arguments.folder)
    store = open_store(arguments.store, read_only=True)
    watch = Watch(folder, store, read_key_file(arguments.key))
    try:
        while True:
            found = watch.round(int(time.time()))
            for name, what in found.changes:
                print(f"{name[:16]}  {what}", flush=True)
            if arguments.once:
                return 0
            time.sleep(arguments.every)
    finally:
        store.close()


def _report(arguments: argparse.Namespace) -> int:
    store = open_store(arguments.store, read_only=True)
    try:
        keys = read_all_keys(arguments.devices) if arguments.devices else None
        found = spells(store.statements(), keys)
    finally:
        store.close()
    for spell in found:
        _say(spell, as_json=arguments.json)
    return 0


def _say(spell: Spell, *, as_json: bool) -> None:
    if as_json:
        row = asdict(spell) | {"waiting": [one.version for one in spell.waiting]}
        print(json.dumps(row, ensure_ascii=False))
        return
    since = when(spell.since) if spell.since else "-"
    proof = "signed 已签名" if spell.proven else "NOT PROVEN 未证实"
    heard = f"{when(spell.heard)} – {when(spell.heard_last)}"
    print(f"{spell.device}  {spell.version}  since 自 {since}  heard 收到 {heard}  {proof}")
