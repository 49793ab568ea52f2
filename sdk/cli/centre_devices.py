"""`yima centre devices`: who may send to a collector; enrolled, given another key, revoked, released, listed."""

import argparse
from pathlib import Path

from yima.sdk.centre.collector.enrolment import read_devices
from yima.sdk.centre.fleet.database import FleetError
from yima.sdk.centre.fleet.devices import Device, Done, Register, lines_of
from yima.sdk.centre.fleet.hearing import heard_at
from yima.sdk.cli.centre_fleet import add_store, add_why, local, opened, say_one, who
from yima.validator.texts import Text, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its own verbs."""
    of_devices = parser.add_subparsers(dest="of_devices", required=True, metavar="VERB")
    enrol = of_devices.add_parser("enrol", help="a device may send from now on 登记终端")
    add_store(enrol)
    _add_device(enrol, optional=True)
    enrol.add_argument("key", nargs="?", default="", metavar="KEY", help="its public key, 64 hex digits 公钥")
    enrol.add_argument(
        "--from", dest="from_file", type=Path, metavar="FILE", help="all of a list, `device hexkey` a line 按清单登记"
    )
    add_why(enrol, required=False)
    enrol.set_defaults(run=_enrol)
    rotate = of_devices.add_parser("rotate", help="another key for a device 更换公钥")
    add_store(rotate)
    _add_device(rotate)
    rotate.add_argument("key", metavar="KEY", help="its new public key, 64 hex digits 新公钥")
    add_why(rotate, required=False)
    rotate.set_defaults(run=_rotate)
    for name, run, text in (
        ("revoke", _revoke, "it may not send any more; its name stays taken 撤销终端，名称保留"),
        ("release", _release, "its name is free again, whoever took it 释放名称"),
    ):
        ended = of_devices.add_parser(name, help=text)
        add_store(ended)
        _add_device(ended)
        add_why(ended, required=True)
        ended.set_defaults(run=run)
    listed = of_devices.add_parser("list", help="the names that are taken 列出终端")
    add_store(listed)
    which = listed.add_mutually_exclusive_group()
    which.add_argument(
        "--keys", action="store_true", help="every key that a name ever had, as a centre's devices.txt 历史公钥清单"
    )
    which.add_argument("--log", action="store_true", help="everything that was done, oldest first 操作记录")
    listed.set_defaults(run=_list)


def _add_device(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    more = {"nargs": "?", "default": ""} if optional else {}
    parser.add_argument("device", metavar="DEVICE", help="its name 设备名", **more)  # type: ignore[arg-type]


def _enrol(arguments: argparse.Namespace) -> int:
    if bool(arguments.from_file) == bool(arguments.device):
        raise FleetError(
            "yima centre devices enrol",
            Text("wants DEVICE KEY, or --from FILE", "需要 DEVICE KEY 或 --from FILE"),
            Text("Give one of the two", "请二选一"),
        )
    with opened(arguments, begin=True) as database:
        register = Register(database)
        if arguments.from_file:
            devices = read_devices(arguments.from_file)
            count = register.enrol_all(devices, who=who(), why=arguments.why)
            line = Text(f"{count} enrolled, of {len(devices)}", f"清单 {len(devices)} 台，新登记 {count} 台")
            say_one(arguments, {"listed": len(devices), "enrolled": count}, say(line))
            return 0
        return _told(arguments, register.enrol(arguments.device, arguments.key, who=who(), why=arguments.why))


def _rotate(arguments: argparse.Namespace) -> int:
    with opened(arguments) as database:
        return _told(
            arguments, Register(database).rotate(arguments.device, arguments.key, who=who(), why=arguments.why)
        )


def _revoke(arguments: argparse.Namespace) -> int:
    with opened(arguments) as database:
        return _told(arguments, Register(database).revoke(arguments.device, who=who(), why=arguments.why))


def _release(arguments: argparse.Namespace) -> int:
    with opened(arguments) as database:
        done = Register(database).release(arguments.device, who=who(), why=arguments.why)
    line = Text(f"{done.device} is free", f"{done.device} 已释放")
    say_one(arguments, {"device": done.device, "key": done.key, "state": "RELEASED", "since": done.since}, say(line))
    return 0


def _list(arguments: argparse.Namespace) -> int:
    with opened(arguments) as database:
        register = Register(database)
        if arguments.keys:
            for device_name, key in register.all_keys():
                say_one(arguments, {"device": device_name, "key": key}, lines_of([(device_name, key)]).rstrip())
        elif arguments.log:
            for done in register.log():
                say_one(arguments, done._asdict(), _log_line(done))
        else:
            heard = heard_at(database)
            for device in register.listed():
                _told(arguments, device, heard.get(device.device, 0))
    return 0


def _told(arguments: argparse.Namespace, device: Device, heard: int | None = None) -> int:
    """One device; heard: when its newest batch came, 0: none did, None: nobody asks."""
    line = f"{device.device:20}  {device.state:8}  {local(device.since)}  {device.key}"
    found: dict[str, object] = device._asdict()
    if heard is not None:
        found["heard_at"] = heard
        line += f"  {local(heard) if heard else '-'}"
    say_one(arguments, found, line)
    return 0


def _log_line(done: Done) -> str:
    return (
        f"{done.number:6}  {local(done.at)}  {done.verb:7}  {done.device}  {done.key}  {done.who}  {done.why}".rstrip()
    )
