"""`yima station`: what a station or a service laptop asks of one device over its station line.

The port is a serial device, or the pty of an emulated board (`yima board run --link station=PATH`).

Rules it keeps:
- A record is acknowledged only when it is on the disk; with a collector, only when that has it.
- Whatever changes something, and records, need a session that is signed; it ends with the command, but for `open`.
- The file of records holds riders' accounts: its owner alone may read it.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from yima.firmware_images.handing_on import hand_on
from yima.firmware_images.session import MINUTES, MINUTES_MAX, Role, Signer, bench_signer
from yima.firmware_images.station import Station
from yima.firmware_images.station_messages import Record, State
from yima.sdk.cli.arguments import WholeNumber, unix_seconds
from yima.sdk.parameters.signing import read_key_file
from yima.validator.errors import Kind, YimaError
from yima.validator.outside import bytes_of
from yima.validator.state.keys import DeviceKey
from yima.validator.system.disk import BINARY, flush, flush_folder, read_at
from yima.validator.texts import Text
from yima.validator.uplink.http import HttpUplink

HELP = "talk to a device over its station line 通过车站口与设备通信"
EXAMPLES = """\
examples 示例:
  yima station /dev/ttyUSB1 state                 how the device stands 设备状态
  yima station /dev/ttyUSB1 time                  sets its clock by this machine's 校时
  yima station /dev/ttyUSB1 place --line 7 --stop 2  where the bus is now 车辆当前位置
  yima station /dev/ttyUSB1 records trips.jsonl   takes records, then acknowledges 取走记录后确认
  yima station /dev/ttyUSB1 records --to https://collector.example --state station
                                                  hands them to a collector 交给采集端
  yima station /dev/ttyUSB1 parameters city.ymp   a signed package 下发参数
  yima station /dev/ttyUSB1 image update b.img    upload, to be tried at the next start 上传映像
  yima station /dev/ttyUSB1 image reset           start anew 重启
  yima station /dev/ttyUSB1 image confirm         the running image stays 确认当前映像
  yima station /dev/ttyUSB1 --key centre.key open for other tools on the same wire 为其他工具打开会话
  yima station /dev/ttyUSB1 close                 ends the session 结束会话
"""


DIRECTIONS = ("none", "entry", "exit")  # by their numbers


class StationFileError(YimaError):
    """A file that cannot be read or written."""


class StationUsageError(YimaError):
    """Words that do not go together."""

    kind = Kind.USAGE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """PORT state | time | place | records FILE | parameters FILE | image list, update FILE, … | open | close"""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument("port", metavar="PORT", help="serial device or pty 串口或伪终端")
    parser.add_argument(
        "--key", type=Path, metavar="FILE",
        help="signs the session (yima params new-key); default: the public TEST key 会话签名私钥，默认为公开测试密钥",
    )  # fmt: skip
    parser.add_argument(
        "--role", choices=[role.name.lower() for role in Role], default="centre", help="whose key it is 密钥的角色"
    )
    parser.add_argument(
        "--minutes", type=WholeNumber(1, MINUTES_MAX), default=MINUTES, metavar="N",
        help=f"of the session, default {MINUTES} 会话时长（分钟）",
    )  # fmt: skip
    verbs = parser.add_subparsers(
        dest="action", required=True, metavar="state|time|place|records|parameters|image|open|close"
    )
    verbs.add_parser("state", help="how the device stands, as JSON 设备状态")
    clock = verbs.add_parser("time", help="set its clock 校时")
    clock.add_argument(
        "--unix", type=unix_seconds, metavar="S", help="seconds UTC; default: this machine's time 默认本机时间"
    )
    place = verbs.add_parser("place", help="tell a bus where it is; what is left out stays 设置车辆当前位置")
    for name, text in (("line", "线路"), ("stop", "站点")):
        place.add_argument(
            f"--{name}", type=WholeNumber(0, 0xFFFF), metavar="N", help=f"number of the fare tables, 0: none {text}"
        )
    place.add_argument("--direction", choices=DIRECTIONS, help="what a tap means there 方向")
    records = verbs.add_parser("records", help="take records, into a file or to a collector 取记录")
    records.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help="is appended to, one JSON object a line 追加写入"
    )
    records.add_argument("--keep", action="store_true", help="do not acknowledge 不确认")
    records.add_argument("--to", metavar="URL", help="a collector (yima collect) instead of FILE 采集端地址")
    records.add_argument(
        "--state", type=Path, default=Path("station"), metavar="DIR",
        help="with --to: the station's key and journals, default ./station 车站状态目录",
    )  # fmt: skip
    parameters = verbs.add_parser("parameters", help="send a signed package 下发参数")
    parameters.add_argument("file", type=Path, metavar="FILE")
    image = verbs.add_parser("image", help="list | update FILE | confirm | reset 映像")
    image.add_argument("what", choices=("list", "update", "confirm", "reset"))
    verbs.add_parser("open", help="a session that stays open, for other tools 打开会话，供其他工具使用")
    verbs.add_parser("close", help="end the session 结束会话")
    image.add_argument("file", nargs="?", type=Path, metavar="FILE", help="with update: a signed image 映像文件")


def run(arguments: argparse.Namespace) -> int:
    """0; a YimaError if the device refuses or a file cannot be used."""
    _check(arguments)
    return asyncio.run(_talk(arguments))


def _check(arguments: argparse.Namespace) -> None:
    """Raises StationUsageError, before the device is asked anything."""
    if arguments.action == "image" and (arguments.what == "update") != (arguments.file is not None):
        raise StationUsageError(
            f"image {arguments.what}",
            Text("update names a file, and nothing else does", "update 须指定文件，其他操作不带文件"),
            Text(
                "yima station PORT image update FILE, or: image list, confirm, reset",
                "yima station PORT image update FILE，或 image list、confirm、reset",
            ),
        )
    if arguments.action == "records" and (
        (arguments.file is None) == (arguments.to is None) or (arguments.to and arguments.keep)
    ):
        raise StationUsageError(
            "records",
            Text(
                "goes either to a FILE or --to a collector; --keep is for a FILE",
                "须指定文件或采集端之一；--keep 仅用于文件",
            ),
            Text(
                "yima station PORT records FILE, or: records --to URL",
                "yima station PORT records FILE 或 records --to URL",
            ),
        )


async def _talk(arguments: argparse.Namespace) -> int:
    key = read_key_file(arguments.key) if arguments.key else bench_signer().key
    signer = Signer(key=key, role=Role[arguments.role.upper()], minutes=arguments.minutes)
    async with Station(arguments.port, signer=signer) as station:
        if arguments.action == "open":
            opened = await station.open_session(signer)
            _show({"session": Role(opened.role).name.lower(), "minutes": opened.minutes})
        elif arguments.action == "close":
            await station.end_session()
        elif arguments.action == "state":
            _show((await station.state()).model_dump(mode="json", include=set(State.__annotations__)))
        elif arguments.action == "time":
            await station.set_clock(int(time.time()) if arguments.unix is None else arguments.unix)
            _show({"unix": (await station.state()).unix})
        elif arguments.action == "place":
            way = None if arguments.direction is None else DIRECTIONS.index(arguments.direction)
            line, stop, direction = await station.place(line=arguments.line, stop=arguments.stop, direction=way)
            _show({"line": line, "stop": stop, "direction": DIRECTIONS[direction] if direction < 3 else direction})
        elif arguments.action == "records":
            await _records(station, arguments)
        elif arguments.action == "parameters":
            active = await station.send_parameters(_bytes_of(arguments.file))
            _show({"active": active, "waiting": (await station.state()).waiting})
        else:
            await _image(station, arguments.what, arguments.file)
    return 0


async def _records(station: Station, arguments: argparse.Namespace) -> None:
    if arguments.file:
        await _take(station, arguments.file, keep=arguments.keep)
        return
    arguments.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = DeviceKey.load_or_create(arguments.state / "key")

    def uplink(device: str, epoch: int) -> HttpUplink:
        return HttpUplink(arguments.to, key=key, device=device, epoch=epoch)

    _show((await hand_on(station, arguments.state, uplink))._asdict())


async def _take(station: Station, path: Path, *, keep: bool) -> None:
    """Every record that is not acknowledged, to the end of the file; then the device may forget them."""
    last: Record | None = None
    count = 0
    start = (await station.state()).ack + 1
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | BINARY, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            _end_torn_line(descriptor)
            async for record in station.records(start):
                file.write(json.dumps({"n": record.n, "d": record.d.hex(), "h": record.h.hex()}) + "\n")
                last = record
                count += 1
            lost = await station.lost(start)
            file.writelines(json.dumps({"lost": [one.start, one.end]}) + "\n" for one in lost)
            if last is None and lost:
                last = Record(n=lost[-1].end, d=b"", h=bytes(32))
            file.flush()
            flush(file.fileno())
        flush_folder(path.absolute().parent)  # a file that was made now has a name only then
    except OSError as error:
        raise _file_error(path, error) from error
    acknowledged = None if keep or last is None else await station.acknowledge(last)
    missing = sum(one.end - one.start + 1 for one in lost)
    _show({"records": count, "lost": missing, "acknowledged": acknowledged})


def _end_torn_line(descriptor: int) -> None:
    """What a power cut or a full disk has left half written stays a line of its own: its record comes once more, and
    behind it on the same line could not be read."""
    size = os.fstat(descriptor).st_size
    if size and read_at(descriptor, 1, size - 1) != b"\n":
        os.write(descriptor, b"\n")


async def _image(station: Station, what: str, path: Path | None) -> None:
    if path is not None:
        await station.update(_bytes_of(path))
    elif what == "confirm":
        await station.confirm()
    elif what == "reset":
        await station.reset()
        return
    for image in await station.images():
        digest = image.hash.hex() if image.hash else None
        flags = {name: bool(getattr(image, name)) for name in ("active", "confirmed", "pending")}
        _show({"slot": image.slot, "version": image.version, "hash": digest, **flags})


def _show(document: dict[str, Any]) -> None:
    print(json.dumps(document, ensure_ascii=False), file=sys.stdout, flush=True)


def _bytes_of(path: Path) -> bytes:
    try:
        return bytes_of(path)
    except OSError as error:
        raise _file_error(path, error) from error


def _file_error(path: Path, error: OSError) -> StationFileError:
    why = error.strerror or str(error)
    return StationFileError(
        path,
        Text(f"cannot be used: {why}", f"无法使用：{why}"),
        Text("Check the path and its permissions", "请检查路径与权限"),
    )
