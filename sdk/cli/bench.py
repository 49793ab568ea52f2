"""`yima bench`: what a scanner or camera reads, live; nothing but the scanner is needed."""

import argparse
import json
import sys
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path

from yima.sdk.bench.capture import Capture, Level
from yima.sdk.bench.card import CARD
from yima.sdk.bench.devices import Found, found, sees_hid
from yima.sdk.bench.live import Presentation, Tally, is_worth_telling, watch
from yima.sdk.bench.rates import search
from yima.sdk.bench.sheets import SHEETS, UNTRIED, address, sheet
from yima.sdk.cli.arguments import WholeNumber
from yima.sdk.cli.reader_options import READERS
from yima.sdk.line_words import line_words
from yima.sdk.observing.silence import NOTHING_YET
from yima.sdk.qr import NO_BLOCKS, draws, qr_png, qr_text
from yima.sdk.roots import load_roots
from yima.validator.errors import Kind, YimaError
from yima.validator.judging import GateContext, Validator
from yima.validator.parameters import Mode, load
from yima.validator.ports import open_reader
from yima.validator.readers.replay import ReplayReader
from yima.validator.remedies import install_extras
from yima.validator.shown import shown as escaped
from yima.validator.texts import Text, say

HELP = "show what a scanner or camera reads, live, and what is wrong with it 实时显示扫码内容并诊断"

EXAMPLES = f"""\
examples 示例:
  yima bench                                     the scanner that is plugged in 自动查找
  yima bench --card card.png                     a symbol to test a scanner with 校准卡
  yima bench serial:/dev/ttyUSB0?baud=9600       its line at another speed 其他波特率
  yima bench serial:/dev/ttyUSB0 --find-baud     which speed it is 查找波特率
  yima bench --sheet gm65                        how to set a module for binary codes 模块设置单
  yima bench camera:0?width=1280&height=720      a camera 摄像头
  yima bench serial:/dev/ttyUSB0 --capture c.jsonl && yima bench replay:c.jsonl    kept, and shown again 记录并重放

{READERS}"""


class BenchError(YimaError):
    """Nothing to read from."""

    kind = Kind.USAGE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """[SPEC] [--list] [--sheet [NAME]] [--roots FILE]… [--params FILE] [--capture FILE] [--count N] [--json] …"""
    parser.add_argument(
        "spec", nargs="?", metavar="SPEC", help="serial:PORT, camera:N, file:FOLDER or replay:FILE; left out: what is "
        "plugged in 读码器；省略则自动查找",
    )  # fmt: skip
    parser.add_argument("--list", action="store_true", help="say what is plugged in, and end 列出已连接的设备")
    parser.add_argument(
        "--sheet", nargs="?", const="", metavar="NAME",
        help="how to set a scanner module for binary codes; without a name: which are known 模块设置单",
    )  # fmt: skip
    parser.add_argument(
        "--card", nargs="?", const="-", metavar="PNG",
        help="show the calibration card here, or draw it: one scan of it names what the scanner does 显示校准卡",
    )  # fmt: skip
    parser.add_argument(
        "--roots", type=Path, action="append", default=[], metavar="FILE", help="root certificates 根证书，可多次给出"
    )
    parser.add_argument(
        "--params", type=Path, metavar="FILE", help="say also what a gate would, by this TOML file 参数文件"
    )
    parser.add_argument(
        "--capture", type=Path, metavar="FILE", help="keep every presentation, JSON Lines, in a new file 记录到新文件"
    )
    parser.add_argument(
        "--keep", type=Level, choices=tuple(Level), default=Level.MASKED,
        help="how much of a payload a capture keeps; default masked 记录内容：仅形状、遮盖账户、全部",
    )  # fmt: skip
    parser.add_argument(
        "--count", type=WholeNumber(1, 1_000_000), metavar="N", help="end after so many 读到 N 次后结束"
    )
    parser.add_argument(
        "--quiet-s",
        type=WholeNumber(1, 3600),
        default=20,
        metavar="S",
        help="seconds of nothing, then a hint 静默提示秒数",
    )
    parser.add_argument(
        "--find-baud", action="store_true", help="try one speed after the other, a scan for each 逐个尝试波特率"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a presentation 输出 JSON")
    parser.add_argument("--reveal", action="store_true", help="show account numbers whole 显示完整账户号")
    parser.epilog = EXAMPLES


def run(arguments: argparse.Namespace) -> int:
    """0 when everything that was read was whole, 1 when something was not, or nothing came."""
    if arguments.list:
        return _list()
    if arguments.card:
        _show_card(arguments.card)
    if arguments.sheet is not None:
        _say(_sheet(arguments.sheet))
    if (arguments.card or arguments.sheet is not None) and not arguments.spec:
        return 0
    return _find_baud(arguments) if arguments.find_baud else _watch(arguments)


def _watch(arguments: argparse.Namespace) -> int:
    spec = arguments.spec or _only(found())
    roots = load_roots(arguments.roots)
    validator = Validator(load(arguments.params), GateContext(mode=Mode.BUS)) if arguments.params else None
    back_end = spec.partition(":")[0]
    hint = NOTHING_YET.get(back_end, NOTHING_YET[""])
    tally = Tally()
    with closing(open_reader(spec)) as reader, _capture(arguments) as capture:
        if not arguments.json:
            _say(f"{escaped(spec)}: show a code; Ctrl-C ends it 请出示乘车码，Ctrl-C 结束\n")
        try:
            for shown in watch(
                reader, roots=roots, validator=validator, baud=_baud(spec), reveal=arguments.reveal,
                quiet_s=arguments.quiet_s, quiet=lambda: print(f"{hint.en}\n{hint.zh}", file=sys.stderr),
            ):  # fmt: skip
                tally.add(shown)
                _say(json.dumps(shown.document(), ensure_ascii=False) + "\n" if arguments.json else lines(shown))
                if capture:
                    capture.add(shown)
                if shown.number == arguments.count:
                    break
        except KeyboardInterrupt:
            pass
        finally:  # a reader that is lost ends it too
            if not arguments.json:
                _say(summary(tally))
            if isinstance(reader, ReplayReader) and reader.skipped:
                print(say(_without_bytes(reader.skipped)), file=sys.stderr)
    return 0 if tally.presentations and tally.whole == tally.presentations else 1


def _without_bytes(count: int) -> Text:
    return Text(
        f"{count} presentations were captured without their bytes and could not be shown: --keep raw keeps every one",
        f"{count} 次出示在记录时未保存数据，无法重放：--keep raw 可保存全部数据",
    )


def _capture(arguments: argparse.Namespace) -> AbstractContextManager[Capture | None]:
    return closing(Capture(arguments.capture, arguments.keep)) if arguments.capture else nullcontext()


def lines(shown: Presentation) -> str:
    """A presentation for people: times, bytes, what they are, signatures, what happened, what a gate would say."""
    took = shown.last_ms - shown.at_ms
    again = "  the same again 同一码" if shown.again else ""
    told = [
        f"#{shown.number}  {shown.at_ms / 1000:.3f} s  {len(shown.reading.payload)} bytes 字节 in {took:.1f} ms  "
        f"{shown.family}{again}"
    ]
    told += [f"  reader 读码器: {escaped(line_words(fault))}" for fault in shown.reading.faults]
    if is_worth_telling(shown.diagnosis):
        what, cure, _ = shown.diagnosis.explained
        proved = "  proved 已验证" if shown.diagnosis.proved else ""
        detail = f" ({line_words(shown.diagnosis.detail)})" if shown.diagnosis.detail else ""
        told += [f"  {shown.diagnosis.cause}{detail}: {what.en} {what.zh}{proved}", f"  cure 处理: {cure.en} {cure.zh}"]
    for one in shown.dissection.fields:
        said = one.meaning if one.meaning and one.meaning != one.raw else one.raw
        told.append(f"  {one.number:>3} {one.offset:>4} {one.size:>3}  {one.name.en} {one.name.zh}: {escaped(said)}")
    told += [f"  signature 签名 {name}: {answer}" for name, answer in shown.dissection.signatures.items()]
    told += [f"  byte 字节 {one.offset}: {one.text.en} {one.text.zh}" for one in shown.dissection.problems]
    if shown.verdict is not None:
        reason = shown.verdict.reason
        word = "ACCEPTED 通过" if shown.verdict.accepted else "REFUSED 拒绝"
        told.append(f"  {word} {reason.name} {reason.english} {reason.chinese}")
    return "\n".join(told) + "\n"


def summary(tally: Tally) -> str:
    """What was read in all."""
    if not tally.presentations:
        return "nothing was read 未读到任何码\n"
    told = [f"{tally.presentations} read 读取, {tally.whole} whole 完整"]
    told += [f"  {cause}: {count}" for cause, count in sorted(tally.causes.items())]
    told.append("first to last byte 首末字节用时")
    told += [f"  {upper:>9} {count:>5} {bar}" for upper, count, bar in tally.histogram()]
    return "\n".join(told) + "\n"


def _find_baud(arguments: argparse.Namespace) -> int:
    spec, wait_s = arguments.spec or _only(found()), arguments.quiet_s
    if not spec.startswith("serial:"):
        remedy = Text("Name one, as in serial:/dev/ttyUSB0", "请指定串口，如 serial:/dev/ttyUSB0")
        raise BenchError(spec, Text("has no speed: it is no line", "不是串口，没有波特率"), remedy)
    place, _, query = spec.partition("?")
    kept = [part for part in query.split("&") if part and not part.startswith("baud=")]

    def at(rate: int) -> str:
        return f"{place}?{'&'.join([*kept, f'baud={rate}'])}"

    def ask(rate: int) -> None:
        _say(say(Text(f"{rate}: scan a code", f"{rate}：请扫码")) + "\n")

    found_rate = search(lambda rate: open_reader(at(rate)), ask, wait_s=wait_s)
    if found_rate is None:
        hint = NOTHING_YET["serial"]
        _say(say(Text(f"at no speed came a code; {hint.en}", f"各波特率均未读到码；{hint.zh}")) + "\n")
        return 1
    _say(
        say(Text(f"the scanner sends at {found_rate}", f"扫码器波特率为 {found_rate}"))
        + f": {escaped(at(found_rate))}\n"
    )
    return 0


def _list() -> int:
    _say("".join(f"{one.spec}  {escaped(one.name)}\n" for one in found()) or "nothing is plugged in 未连接设备\n")
    if not sees_hid():
        lacks = Text("scanners in HID-POS mode are not looked for", "未查找 HID-POS 模式的扫码器")
        print(f"{say(lacks)}: {say(install_extras('hid'))}", file=sys.stderr)
    return 0


def _sheet(name: str) -> str:
    known = "".join(f"{one.name:10} {one.modules}\n" for one in SHEETS)
    if not name:
        return known
    found = sheet(name)
    if found is None:
        names = ", ".join(one.name for one in SHEETS)
        raise BenchError(
            name,
            Text("no set-up sheet is known for it", "没有此模块的设置单"),
            Text(f"Take one of {names}; `other` is for any", f"可选 {names}；other 适用于任何扫码器"),
        )
    told = [f"{found.modules}", say(UNTRIED)]
    if found.baud:
        told.append(say(Text(f"it ships at {found.baud} baud", f"出厂波特率 {found.baud}")))
    else:
        told.append(say(Text("its speed: yima bench --find-baud", "波特率：yima bench --find-baud")))
    for number, setting in enumerate(found.settings, 1):
        told.append(f"{number}. {say(setting.what)}")
        if setting.command:
            told.append(f"   {setting.command.hex(' ').upper()}    {address(found, setting)}")
        if setting.source:
            told.append(f"   {say(Text('source', '出处'))}: {setting.source}")
    told += [say(found.check)] if found.check else []
    return "\n".join(told) + "\n"


def _show_card(place: str) -> None:
    if place == "-":
        if not draws(sys.stdout.encoding):
            remedy = Text("Have it drawn: yima bench --card card.png", "请输出为图片：yima bench --card card.png")
            raise BenchError("terminal", NO_BLOCKS, remedy)
        _say(qr_text(CARD))
        return
    try:
        qr_png(CARD, Path(place))
    except OSError as error:
        why = error.strerror or str(error)
        remedy = Text("Name a PNG in a folder that can be written", "请指定可写文件夹中的 PNG")
        raise BenchError(place, Text(f"cannot be written ({why})", f"无法写入（{why}）"), remedy) from error
    _say(f"{place}\n")


def _only(devices: list[Found]) -> str:
    if len(devices) == 1:
        return devices[0].spec
    there = ", ".join(one.spec for one in devices)
    if devices:
        raise BenchError(
            "bench",
            Text("several can be read from", "有多个可用设备"),
            Text(f"Name one: {there}", f"请指定其一：{there}"),
        )
    raise BenchError(
        "bench",
        Text("no scanner and no camera is plugged in", "未连接扫码器或摄像头"),
        Text(
            "Plug one in; a scanner in keyboard mode makes no port: scan its USB virtual COM setup code",
            "请连接设备；键盘模式的扫码器没有串口：请扫描其“USB 虚拟串口”设置码",
        ),
    )


def _baud(spec: str) -> int:
    """The speed of the line that a specification names; 0 where there is none."""
    if not spec.startswith("serial:"):
        return 0
    options = dict(part.partition("=")[::2] for part in spec.partition("?")[2].split("&"))
    said = options.get("baud", "115200")
    return int(said) if said.isdecimal() else 0


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
