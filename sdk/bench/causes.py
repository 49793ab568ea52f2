"""What can happen to a code on its way from the phone to the program, and what cures each: the one table.

`yima inspect`, the bench and docs/troubleshooting.md say nothing else. Names are part of the JSON; they do not change.
"""

from enum import StrEnum
from typing import NamedTuple

from yima.validator.texts import Text


class Cause(StrEnum):
    """What happened; the last that happened to the bytes where several did."""

    WHOLE = "whole"
    FRAMED = "framed"
    BOM = "bom"
    LENGTH_PREFIXED = "length-prefixed"
    HEX_TEXT = "hex-text"
    BASE64_TEXT = "base64-text"
    BASE32_TEXT = "base32-text"
    BASE45_TEXT = "base45-text"
    PERCENT_ENCODED = "percent-encoded"
    NUMBER_LIST = "number-list"
    ESCAPED_TEXT = "escaped-text"
    HID_POS = "hid-pos"
    SSI_PACKETS = "ssi-packets"
    BYTE_STUFFING = "byte-stuffing"
    COMPRESSED = "compressed"
    CODEWORDS = "codewords"
    UTF8_REENCODED = "utf8-reencoded"
    DOUBLE_UTF8 = "double-utf8"
    CHARSET_REENCODED = "charset-reencoded"
    CHARSET_REPLACED = "charset-replaced"
    KEYBOARD_LAYOUT = "keyboard-layout"
    CASE_FOLDED = "case-folded"
    SEVEN_BIT = "seven-bit"
    CONTROL_BYTES_DROPPED = "control-bytes-dropped"
    CONTROL_BYTES_REPLACED = "control-bytes-replaced"
    FLOW_CONTROL_DROPPED = "flow-control-dropped"
    NUL_DROPPED = "nul-dropped"
    NEWLINE_TRANSLATED = "newline-translated"
    BAUD_MISMATCH = "baud-mismatch"
    BIT_INVERTED = "bit-inverted"
    BIT_STUCK = "bit-stuck"
    BYTE_ORDER = "byte-order"
    NIBBLE_SWAPPED = "nibble-swapped"
    REPEATED_PIECE = "repeated-piece"
    CUT = "cut"
    UNDETERMINED = "undetermined"
    NOT_A_CODE = "not-a-code"


class Explained(NamedTuple):
    """What is seen and why, and what to do. harmless: nothing is lost or changed, so a program may just take it off."""

    what: Text
    cure: Text
    harmless: bool = False


_RAW = Text(
    "set the scanner to raw output, character set none; or to hex output, which is read as well",
    "将扫码器设为原始输出（字符集：无）；或设为十六进制输出，同样可读",
)
_BYTES = Text(
    "have it sent as bytes, hex or base64: a gate reads these",
    "请以字节、十六进制或 base64 发送：闸机可识读",
)
_NOTHING = Text("nothing to do: it is read as it is", "无需处理：可直接识读")

CAUSES: dict[Cause, Explained] = {
    Cause.WHOLE: Explained(
        Text("every byte is there", "数据完整"),
        Text("nothing to do; a refusal has its own reason", "无需处理；若被拒绝，见拒绝原因"),
        harmless=True,
    ),
    Cause.FRAMED: Explained(
        Text("something stands before or behind the code", "码的前后有附加数据"),
        Text(
            "take prefix, suffix and AIM identifier off in the scanner; AT in front is ModemManager's: stop it",
            "在扫码器中关闭前缀、后缀和 AIM 标识；前面的 AT 来自 ModemManager：请停用",
        ),
        harmless=True,
    ),
    Cause.BOM: Explained(
        Text("a byte order mark stands before the text", "文本前有字节序标记"),
        Text("save or send without a BOM", "以无 BOM 的形式保存或发送"),
        harmless=True,
    ),
    Cause.LENGTH_PREFIXED: Explained(
        Text("a length stands before the code", "码前有长度字段"),
        Text("set the scanner's packet or protocol mode off", "关闭扫码器的数据包或协议模式"),
        harmless=True,
    ),
    Cause.HEX_TEXT: Explained(Text("the code as hexadecimal text", "十六进制文本形式的码"), _NOTHING, harmless=True),
    Cause.BASE64_TEXT: Explained(Text("the code as base64 text", "base64 文本形式的码"), _NOTHING, harmless=True),
    Cause.BASE32_TEXT: Explained(Text("the code as base32 text", "base32 文本形式的码"), _BYTES, harmless=True),
    Cause.BASE45_TEXT: Explained(Text("the code as base45 text", "base45 文本形式的码"), _BYTES, harmless=True),
    Cause.PERCENT_ENCODED: Explained(Text("the code as percent-encoded text", "百分号编码的码"), _BYTES, harmless=True),
    Cause.NUMBER_LIST: Explained(Text("the code as a list of numbers", "数字列表形式的码"), _BYTES, harmless=True),
    Cause.ESCAPED_TEXT: Explained(
        Text("the code as a program writes a string", "程序字符串（转义）形式的码"), _BYTES, harmless=True
    ),
    Cause.HID_POS: Explained(
        Text("reports of a scanner in HID-POS mode, 64 bytes each", "HID-POS 模式的报告，每份 64 字节"),
        Text("set it to USB virtual COM, or read it as hid:", "将扫码器设为 USB 虚拟串口，或用 hid: 识读"),
        harmless=True,
    ),
    Cause.SSI_PACKETS: Explained(
        Text("packets of Zebra's SSI protocol", "Zebra SSI 协议的数据包"),
        Text(
            "set its host type to USB CDC or standard RS-232, packet mode off",
            "主机类型设为 USB CDC 或标准 RS-232，关闭数据包模式",
        ),
        harmless=True,
    ),
    Cause.BYTE_STUFFING: Explained(
        Text(
            "a protocol on the line escapes some bytes: SLIP, HDLC, DLE, telnet",
            "线路协议对部分字节进行了转义：SLIP、HDLC、DLE、telnet",
        ),
        Text("switch the protocol off; for telnet use rfc2217://", "请关闭该协议；telnet 请用 rfc2217://"),
        harmless=True,
    ),
    Cause.COMPRESSED: Explained(
        Text("compressed data: gzip, zlib or zip", "压缩数据：gzip、zlib 或 zip"),
        Text("unpack it: a relay or a log packed what it passed on", "请先解压：中转程序或日志对数据进行了压缩"),
    ),
    Cause.CODEWORDS: Explained(
        Text(
            "the QR symbol's codewords, not its payload: 4 bits shifted, padded with EC 11",
            "二维码码字而非内容：错位 4 位，以 EC 11 填充",
        ),
        Text(
            "ask the decoder for the bytes of the payload, not for its raw bytes", "请向解码器取内容字节，而非 rawBytes"
        ),
    ),
    Cause.UTF8_REENCODED: Explained(
        Text(
            "bytes were taken for Latin-1 text and written as UTF-8: each over 7F became two",
            "字节被当作 Latin-1 文本并转为 UTF-8：7F 以上的每个字节变为两个",
        ),
        _RAW,
    ),
    Cause.DOUBLE_UTF8: Explained(Text("bytes were written as UTF-8 twice", "字节被两次转为 UTF-8"), _RAW),
    Cause.CHARSET_REENCODED: Explained(
        Text(
            "bytes were taken for text of a character set and written in another",
            "字节被当作某字符集的文本并转为另一字符集",
        ),
        _RAW,
    ),
    Cause.CHARSET_REPLACED: Explained(
        Text(
            "bytes that are no text were replaced (EF BF BD, or ?): they are lost for good",
            "无法作为文本的字节被替换（EF BF BD 或 ?），已无法恢复",
        ),
        _RAW,
    ),
    Cause.KEYBOARD_LAYOUT: Explained(
        Text(
            "a scanner in keyboard mode typed for another keyboard layout, or caps lock is on",
            "键盘模式扫码器的键盘布局与主机不同，或大写锁定已打开",
        ),
        Text(
            "set the scanner's keyboard country to the host's, caps lock off; better: USB virtual COM",
            "将扫码器的键盘国家设为与主机一致，关闭大写锁定；最好改用 USB 虚拟串口",
        ),
    ),
    Cause.CASE_FOLDED: Explained(
        Text(
            "all letters were made capital or small: bytes are changed for good", "字母被统一转为大写或小写，已无法恢复"
        ),
        Text(
            "switch the scanner's case conversion off, or set hex output", "关闭扫码器的大小写转换，或设为十六进制输出"
        ),
    ),
    Cause.SEVEN_BIT: Explained(
        Text("the eighth bit of every byte is lost", "每个字节的第 8 位丢失"),
        Text(
            "set 8 data bits, no parity, on both sides; keyboard mode cannot carry a code: use virtual COM",
            "两端设为 8 位数据、无校验；键盘模式无法传码，请用虚拟串口",
        ),
    ),
    Cause.CONTROL_BYTES_DROPPED: Explained(
        Text("bytes under 20 are missing", "小于 20 的字节丢失"),
        Text(
            "set the scanner to send control characters; keyboard mode cannot: use virtual COM",
            "设置扫码器发送控制字符；键盘模式不能传送，请用虚拟串口",
        ),
    ),
    Cause.CONTROL_BYTES_REPLACED: Explained(
        Text(
            "a byte under 20 was replaced by a visible one, such as 1D by 5D",
            "小于 20 的字节被可见字符替换，如 1D 变为 5D",
        ),
        Text("switch the scanner's replacement of GS and control characters off", "关闭扫码器对 GS 及控制字符的替换"),
    ),
    Cause.FLOW_CONTROL_DROPPED: Explained(
        Text(
            "bytes 11 and 13 are missing: the line takes them for XON and XOFF",
            "字节 11 和 13 丢失：线路将其当作 XON 和 XOFF",
        ),
        Text("software flow control off on both sides: stty -ixon -ixoff", "关闭两端的软件流控：stty -ixon -ixoff"),
    ),
    Cause.NUL_DROPPED: Explained(
        Text("bytes 00 are missing", "字节 00 丢失"),
        Text(
            "the program takes bytes for a string: read so many as came, not up to 00; in a terminal, raw mode",
            "程序把数据当作字符串：请按字节数读取，勿以 00 结束；终端请用原始模式",
        ),
    ),
    Cause.NEWLINE_TRANSLATED: Explained(
        Text("line ends were changed: 0D, 0A or the pair of them", "行结束符被转换：0D、0A 或二者"),
        Text(
            "raw mode: stty raw -icrnl -inlcr -igncr -opost; move files as binary",
            "使用原始模式：stty raw -icrnl -inlcr -igncr -opost；以二进制方式传文件",
        ),
    ),
    Cause.BAUD_MISMATCH: Explained(
        Text("the line was read at another speed than it was sent", "读取的波特率与发送的不同"),
        Text(
            "set the same baud rate on both sides; modules fall back to 9600 when they are reset",
            "两端设为相同波特率；模组复位后常回到 9600",
        ),
    ),
    Cause.BIT_INVERTED: Explained(
        Text("every bit is inverted", "所有位取反"),
        Text(
            "the level converter is of the wrong kind: TTL and RS-232 are inverse",
            "电平转换不符：TTL 与 RS-232 极性相反",
        ),
    ),
    Cause.BIT_STUCK: Explained(
        Text("one bit is the same in every byte", "每个字节的某一位固定不变"),
        Text(
            "mend the parallel bus or the level converter; on a UART see data bits and parity",
            "检修并行总线或电平转换；串口请检查数据位和校验",
        ),
    ),
    Cause.BYTE_ORDER: Explained(
        Text("bytes, bits or packets came in another order", "字节、位或数据包的顺序改变"),
        Text(
            "mend the program or driver that puts them together: the first byte goes first, its lowest bit first",
            "检查拼接数据的程序或驱动：首字节在前，低位先发",
        ),
    ),
    Cause.NIBBLE_SWAPPED: Explained(
        Text("the two halves of every byte are swapped", "每个字节的高低半字节互换"),
        Text(
            "the program that made the hex writes the lower half first: mend it", "生成十六进制的程序先写低位：请更正"
        ),
    ),
    Cause.REPEATED_PIECE: Explained(
        Text("a piece came twice", "有一段数据重复"),
        Text(
            "a driver or a relay sends it again: use another cable, hub or driver, and switch an echo on the line off",
            "驱动或转发程序重发了数据包：请更换线缆、集线器或驱动，并关闭线路回显",
        ),
    ),
    Cause.CUT: Explained(
        Text("bytes are missing: the code is not whole", "数据不完整，缺少字节"),
        Text(
            "no terminator or packet limit may end it; read on until the code's own length",
            "勿以结束符或包长截断；按码自身长度读完",
        ),
    ),
    Cause.UNDETERMINED: Explained(
        Text(
            "it looks like a code and is damaged; how, its bytes do not tell", "形似乘车码但已损坏，从数据无法判断原因"
        ),
        Text(
            "scan again: where it differs each time the line is bad, where not its issuer",
            "重新扫码：每次不同则为线路问题，每次相同则为发码方问题",
        ),
    ),
    Cause.NOT_A_CODE: Explained(
        Text(
            "no transit code of a known family, nor what a known damage leaves of one",
            "不是已知码类，也不像损坏的乘车码",
        ),
        Text(
            "show a transit code; a poster, a payment code or a ticket is none",
            "请出示乘车码；海报、付款码、票据均不是",
        ),
    ),
}
