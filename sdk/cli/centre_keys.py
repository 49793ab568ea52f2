"""`yima centre keys`: who may read over the interfaces; keys are made, listed and revoked."""

import argparse
import sys
import time
from pathlib import Path

from yima.sdk.centre.clearing.days import day_of
from yima.sdk.centre.clearing.folder import CentreFolder
from yima.sdk.centre.clearing.toml_rows import FOR_EVER
from yima.sdk.centre.interfaces.keys import KEYS, Key, Role, make_key, read_keys, revoke_key
from yima.sdk.cli.arguments import a_day
from yima.validator.shown import shown_json
from yima.validator.texts import Text, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its own verbs."""
    of_keys = parser.add_subparsers(dest="of_keys", required=True, metavar="VERB")
    make = of_keys.add_parser("make", help="a new key, shown once 生成密钥，只显示一次")
    make.add_argument("folder", type=Path, metavar="DIR", help="the centre's folder 清分中心的文件夹")
    make.add_argument("--role", choices=[str(role) for role in Role], required=True, help="what it is for 角色")
    make.add_argument(
        "--of", default="", metavar="WHO",
        help="issuer, operator: 8 digits; city: 6 digits; service: its name; others: leave out 归属",
    )  # fmt: skip
    make.add_argument("--until", type=a_day, default=FOR_EVER, metavar="DAY", help="holds to the day before 有效期至")
    make.set_defaults(run=_make)
    listed = of_keys.add_parser("list", help="the keys there are 列出密钥")
    listed.add_argument("folder", type=Path, metavar="DIR", help="the centre's folder 清分中心的文件夹")
    listed.set_defaults(run=_list)
    revoke = of_keys.add_parser("revoke", help="end a key, at once and for good 撤销密钥，立即生效")
    revoke.add_argument("folder", type=Path, metavar="DIR", help="the centre's folder 清分中心的文件夹")
    revoke.add_argument("id", metavar="ID", help="as list shows it 密钥编号")
    revoke.set_defaults(run=_revoke)
    for one in (make, listed, revoke):
        one.add_argument("--json", action="store_true", help="one JSON object a line 输出 JSON 行")


def _path(arguments: argparse.Namespace) -> Path:
    return CentreFolder(arguments.folder).path / KEYS


def _make(arguments: argparse.Namespace) -> int:
    today = day_of(int(time.time()))
    key, word = make_key(_path(arguments), Role(arguments.role), arguments.of, since=today, until=arguments.until)
    if arguments.json:
        print(shown_json({**_object(key), "key": word}))
        return 0
    print(word)
    note = Text("It is not kept: this is the only time that it is shown", "此密钥不会保存，仅显示这一次")
    print(f"{_line(key)}\n{say(note)}", file=sys.stderr)
    return 0


def _list(arguments: argparse.Namespace) -> int:
    for key in read_keys(_path(arguments)):
        print(shown_json(_object(key)) if arguments.json else _line(key))
    return 0


def _revoke(arguments: argparse.Namespace) -> int:
    key = revoke_key(_path(arguments), arguments.id)
    print(shown_json(_object(key)) if arguments.json else _line(key))
    return 0


def _object(key: Key) -> dict[str, object]:
    until = None if key.until == FOR_EVER else key.until
    return {
        "id": key.id, "role": str(key.role), "of": key.of, "from": key.since, "to": until, "revoked": key.revoked
    }  # fmt: skip


def _line(key: Key) -> str:
    until = "-" if key.until == FOR_EVER else key.until
    state = say(Text("revoked", "已撤销")) if key.revoked else ""
    return f"{key.id}  {key.role:8}  {key.of or '-':12}  {key.since}  {until}  {state}".rstrip()
