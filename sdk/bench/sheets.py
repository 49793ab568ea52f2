"""Set-up sheets of scanner modules: which settings a binary code needs, by each module's own names, and the commands of
which the form could be found in public.

Nothing here was tried on a module of ours, and each sheet says so. A setting's `source` says who prints the command or
sends it to modules of theirs; a setting without a command names what to look for in the module's manual.
"""

from dataclasses import dataclass
from typing import Final

from yima.validator.texts import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One thing to set. command: what is sent over the line, empty: none was found; source: where it was found. asks:
    the module's answer is what is wanted."""

    what: Text
    command: bytes = b""
    source: str = ""
    asks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One family of modules. baud: as it ships, 0: not known. check: what of the commands' form was checked here."""

    name: str
    modules: str
    settings: tuple[Setting, ...]
    baud: int = 0
    check: Text | None = None


UNTRIED: Final = Text(
    "nothing of this was tried on a module of ours; where no command is told, look for the setting in the manual",
    "以下均未在实物上试过；没有命令的设置请查模块手册",
)
_SPECTER: Final = "specter-diy, src/hosts/qr.py"
_SENT: Final = "public programs that send it"

_GROW: Final = (
    Setting(
        what=Text("codes go to the serial line (register 000D)", "码输出到串口（寄存器 000D）"),
        command=bytes.fromhex("7e000801000da0abcd"),
        source=_SPECTER,
    ),
    Setting(
        what=Text(
            "which firmware: the fifth byte of the answer; 69 changes binary codes until it is set to raw",
            "固件版本：应答的第 5 个字节；若为 69，设为原始输出前会改动二进制码",
        ),
        command=bytes.fromhex("7e00070100e201abcd"),
        source=_SPECTER,
        asks=True,
    ),
    Setting(
        what=Text(
            "raw output (register 00BC) for firmware 69; in no manual, and not for a GM805",
            "原始输出（寄存器 00BC），用于固件 69；手册未载，勿用于 GM805",
        ),
        command=bytes.fromhex("7e00080100bc08abcd"),
        source=_SPECTER,
    ),
    Setting(
        what=Text("115200 baud (register 002A)", "波特率 115200（寄存器 002A）"),
        command=bytes.fromhex("7e000802002a1a00abcd"),
        source=_SPECTER,
    ),
    Setting(what=Text("keep what was set", "保存设置"), command=bytes.fromhex("7e000901000000dec8"), source=_SPECTER),
    Setting(
        what=Text("the factory's settings again; it is at 9600 then", "恢复出厂设置；之后为 9600"),
        command=bytes.fromhex("7e000901000002fe8a"),
        source=_SPECTER,
    ),
    Setting(what=Text("STX and ETX, end mark: none", "STX、ETX 与结束符：无")),
)
_NEWLAND: Final = (
    Setting(
        what=Text("EM3070, EM3096 and their age: open the settings", "EM3070、EM3096 等较早型号：进入设置"),
        command=b"NLS0006010;",
        source=_SENT,
    ),
    Setting(
        what=Text("and close them", "退出设置"),
        command=b"NLS0006000;",
        source=_SENT,
    ),
    Setting(
        what=Text(
            "newer ones: 7E 01 30 30 30 30, @ to keep or # for now, the manual's tag, subtag and data, 3B 03",
            "较新型号：7E 01 30 30 30 30，@ 永久或 # 临时，手册中的标签、子标签和数据，最后 3B 03",
        ),
        source="NLS-HR52 User Manual, Command Syntax",
    ),
    Setting(what=Text("interface: USB virtual COM, or RS-232", "接口：USB 虚拟串口或 RS-232")),
    Setting(what=Text("terminator, prefix, suffix, code identifier: none", "结束符、前后缀、码制标识：无")),
    Setting(what=Text("character encoding: off or default, not UTF-8", "字符编码：关闭或默认，勿用 UTF-8")),
)
_HONEYWELL: Final = (
    Setting(
        what=Text("115200 baud; the full stop keeps it, ! is for now", "波特率 115200；句点为永久，! 为临时"),
        command=b"\x16M\r232BAD9.",
        source="N3680 Decoded Engine User Guide, Menu Command Syntax",
    ),
    Setting(what=Text("clear all suffixes", "清除全部后缀"), command=b"\x16M\rSUFCA2.", source=_SENT),
    Setting(what=Text("clear all prefixes", "清除全部前缀"), command=b"\x16M\rPRECA2.", source=_SENT),
    Setting(what=Text("interface: USB serial, or RS-232", "接口：USB 串口或 RS-232")),
    Setting(what=Text("code page of QR Code: none, so that bytes stay", "二维码代码页：无，以保留原始字节")),
)
_ZEBRA: Final = (
    Setting(
        what=Text(
            "Decode Data Packet Format: Send Raw Decode Data", "Decode Data Packet Format 设为 Send Raw Decode Data"
        )
    ),
    Setting(what=Text("host type: USB CDC, or standard RS-232", "主机类型：USB CDC 或标准 RS-232")),
    Setting(what=Text("code identifier, prefix, suffix: none", "码制标识、前后缀：无")),
    Setting(what=Text("software and hardware handshaking: none", "软件与硬件握手：无")),
)
_OTHER: Final = (
    Setting(what=Text("USB virtual COM (CDC), not keyboard", "USB 虚拟串口（CDC），勿用键盘模式")),
    Setting(what=Text("8 data bits, no parity, no flow control", "8 位数据、无校验、无流控")),
    Setting(what=Text("prefix, suffix, AIM or code identifier: none", "前后缀、AIM 或码制标识：无")),
    Setting(what=Text("character set or output coding: none, raw or hex", "字符集或输出编码：无、原始或十六进制")),
    Setting(what=Text("replacement of GS and control characters: off", "GS 及控制字符替换：关闭")),
    Setting(what=Text("QR Code on, its longest length 364 or more", "开启二维码，最大长度不少于 364")),
)

SHEETS: Final[tuple[Sheet, ...]] = (
    Sheet(
        name="gm65",
        modules="GROW GM60, GM65, GM67, GM69, GM805, GM861",
        baud=9600,
        settings=_GROW,
        check=Text(
            "the commands that keep and reset end with the CRC-16 (polynomial 1021, from 0) of what stands behind 7E "
            "00; the others have AB CD in its place",
            "保存和复位命令以 7E 00 之后内容的 CRC-16（多项式 1021，初值 0）结尾；其余以 AB CD 代替",
        ),
    ),
    Sheet(name="newland", modules="Newland EM20, EM2096, EM3070, EM3096, FM430, NLS-HR", settings=_NEWLAND),
    Sheet(name="honeywell", modules="Honeywell N3680, N6603, Xenon, Genesis", settings=_HONEYWELL),
    Sheet(
        name="zebra",
        modules="Zebra and Symbol SE and DS engines, SSI",
        settings=_ZEBRA,
        check=Text(
            "packets of SSI (length, F3, source, status, data, two bytes that make the sum 0) are taken apart by the "
            "diagnosis",
            "SSI 数据包（长度、F3、来源、状态、数据、使总和为 0 的两字节）可由诊断拆解",
        ),
    ),
    Sheet(name="other", modules="any other scanner 其他扫码器", settings=_OTHER),
)


def sheet(name: str) -> Sheet | None:
    """By its name, or by a module that it names."""
    wanted = name.casefold()
    by_name = (one for one in SHEETS if one.name == wanted)
    by_module = (one for one in SHEETS if len(wanted) > 2 and wanted in one.modules.casefold())
    return next(by_name, None) or next(by_module, None)


def address(one: Sheet, setting: Setting) -> str:
    """How `yima bench` sends a setting's command; empty where there is none."""
    if not setting.command:
        return ""
    speed = f"baud={one.baud}&" if one.baud else ""
    return f"serial:PORT?{speed}{'trigger' if setting.asks else 'init'}={setting.command.hex()}"
