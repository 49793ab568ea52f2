"""What readers say that they mended, and the details of a diagnosis, in the language of the process.

They are English where programs read them; people get them by phrases of this one table, in Chinese.
"""

import re
from typing import Final

from yima.validator.texts import language

PHRASES: Final = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        # readers
        (r"(\d+) bytes of noise before the code dropped", r"已丢弃码前 \1 字节噪声"),
        (r"decoded from a (\w+) line", r"由 \1 文本行解码"),
        (r"(\d+) bytes behind the code dropped", r"已丢弃码后 \1 字节"),
        (r"cut short: (\d+) of (\d+) bytes came", r"被截短：\2 字节中收到 \1 字节"),
        (r"the line reported (\w+)", r"线路报告 \1"),
        (r"no (\w+) line, taken as it came", r"不是 \1 文本行，按原样处理"),
        (r"cut at (\d+) of (\d+) bytes", r"\2 字节中只保留 \1 字节"),
        (r"a report of (\d+) bytes, not (\d+)", r"报告为 \1 字节，应为 \2"),
        (r"report (\w\w), not (\w\w)", r"报告编号 \1，应为 \2"),
        (r"a report of (\d+) data bytes, more than (\d+)", r"报告含 \1 个数据字节，多于 \2"),
        (r"a report whose AIM identifier is (\w+)", r"报告的 AIM 标识为 \1"),
        (r"the report that was to go on did not come", "应有的后续报告未到"),
        (r"(\d+) reports of other ids dropped", r"已丢弃 \1 份其他编号的报告"),
        (r"(.+) is no QR code", r"\1 不是二维码"),
        (r"a report that is none of a barcode scanner: dropped", "不是条码扫描器的报告：已丢弃"),
        (r"no end in sight: cut, the rest up to a silence dropped", "未见结束：已截断，其后至静默前的数据已丢弃"),
        (r"no end in sight: cut", "未见结束：已截断"),
        (r"the last report said that more follows", "最后一份报告称后面还有"),
        (r"the scanner went away in the middle", "扫码器中途断开"),
        (r"unplugged", "已拔出"),
        # what was around the code, or how it was written
        (r"(\d+) layers", r"\1 层"),
        (r"taken for ([\w-]+), written as ([\w-]+)", r"当作 \1，写为 \2"),
        (r"AT alone: ModemManager asks for a modem, stop it", "只有 AT：ModemManager 在查找调制解调器，请停用"),
        (r"(\d+) (?:bytes, )?(big|little) end first", r"\1 字节，\2-endian"),
        (r"(\d+) reports", r"\1 份报告"),
        (r"(\d+) packets", r"\1 个数据包"),
        (r"other text around", "前后有其他文本"),
        (r"(\w+) before a byte xor 20", r"\1 之后的字节异或 20"),
        (r"\bAIM identifier\b", "AIM 标识"),
        (r"([^,]+) before\b", r"前有 \1"),
        (r", ([^,]+) behind\b", r"，后有 \1"),
        (r"([^,]+) behind\b", r"后有 \1"),
        (r"hex dump", "十六进制转储"),
        (r"(JSON|C) array", r"\1 数组"),
        (r"(JSON|escaped) string", "转义字符串"),
        (r"bytes literal", "bytes 字面量"),
        (r"number list", "数字列表"),
        (r"quoted-printable|percent-encoded", "百分号或等号编码"),
        (r"HTML or XML entities", "HTML 或 XML 实体"),
        # order, repetition, escapes
        (r"every byte came twice", "每个字节都重复"),
        (r"the whole came (\d+) times", r"整体出现 \1 次"),
        (r"(\d+) bytes from byte (\d+) on", r"自第 \2 字节起 \1 字节"),
        (r"the last byte came first", "字节次序颠倒"),
        (r"the bits of every byte are in reverse order", "每个字节的位次序颠倒"),
        (r"words of (\d+) bytes are in the other byte order", r"每 \1 字节的字节序相反"),
        (r"packets (\d+) and (\d+) of (\d+) bytes are swapped", r"第 \1 与第 \2 个 \3 字节数据包对调"),
        (r"packet (\d+)", r"第 \1 个数据包"),
        (r"DLE \(10\) is doubled", "DLE（10）被加倍"),
        (r"FF is doubled: telnet, or a terminal's PARMRK", "FF 被加倍：telnet 或终端的 PARMRK"),
        (r"names or signs of control characters for their bytes", "控制字符以名称或符号代替"),
        (r"the last hex digit came first", "十六进制数字次序颠倒"),
        (r"FF is doubled and 0D became 0D 00: telnet", "FF 被加倍，0D 后有 00：telnet"),
        (r"(\w\w) is doubled$", r"\1 被加倍"),
        (r"some bytes in hex", "部分字节写作十六进制"),
        (r"\+ became a blank: write %2B", "+ 变为空格：应写作 %2B"),
        (r"report ids were left in", "报告编号未去掉"),
        (r"raw deflate, stored as it was", "裸 deflate，未压缩存放"),
        (r"to capitals", "转为大写"),
        (r"to small letters", "转为小写"),
        (r"shift was held", "上档键被按住"),
        (r"caps lock is on", "大写锁定已打开"),
        (r"typed for (\w+), read as (\w+)", r"按 \1 键入，按 \2 读取"),
        (r" with caps lock", "，大写锁定已打开"),
        # losses
        (r"the eighth bit is always 1: mark parity", "第 8 位恒为 1：标记校验"),
        (r"the eighth bit is stripped", "第 8 位被去掉"),
        (r"the eighth bit is parity", "第 8 位是校验位"),
        (r"bit (\d) is always ([01])", r"第 \1 位（自 0 起）恒为 \2"),
        (r"all but printable ASCII became (\w\w)", r"可见 ASCII 以外均变为 \1"),
        (r"all but printable ASCII dropped", "可见 ASCII 以外均丢失"),
        (r"bytes over 7F dropped", "7F 以上的字节丢失"),
        (r"00 to 1F but tabs and line ends", "00 至 1F（制表与换行除外）"),
        (r"(\w\w) to (\w\w) and (\w\w)", r"\1 至 \2 及 \3"),
        (r"(\w\w) to (\w\w)", r"\1 至 \2"),
        (r"(\w\w) and (\w\w) dropped", r"\1 与 \2 丢失"),
        (r"(\w\w) dropped", r"\1 丢失"),
        (r"((?:\w\w ?)+) became ((?:\w\w ?)+)", r"\1 变为 \2"),
        (r"(\d+) times (U\+FFFD|\?)", r"\2 出现 \1 次"),
        (r"what is no text was left out", "非文本的字节被略去"),
        (r"(\d+) of (\d+) bytes came, the rest is 00", r"\2 字节中收到 \1 字节，其余为 00"),
        (r"(\d+) of (\d+) bytes came", r"\2 字节中收到 \1 字节"),
        (r"(\d+) bytes are missing around byte (\d+)", r"第 \2 字节附近缺 \1 字节"),
        (r"the first (\d+) bytes are missing", r"缺最前的 \1 字节"),
        (r"its signatures do not hold: a capture left the accounts out", "签名不成立：采集时已略去账号"),
        (r"its signatures do not hold: forged, or single bytes changed", "签名不成立：伪造，或个别字节被改动"),
        (r"neither signature holds: forged, or bytes changed", "两个签名均不成立：伪造，或字节被改动"),
        (r"sent at about (\d+), read at (\d+)", r"约以 \1 发送，以 \2 读取"),
        (r"sent at ([\d/]+) of the speed at which it was read", r"发送速率为读取速率的 \1"),
        (r"perhaps ", "可能："),
        (r"missing: ", "缺少："),
        (r" or ", " 或 "),
        (r"(\d+) bytes", r"\1 字节"),
    )
)
"""What is looked for, and what stands for it in Chinese; the browser's page has them as well."""


def line_words(text: str) -> str:
    """The text as it is, or its phrases in Chinese."""
    return in_chinese(text) if language() == "zh" else text


def in_chinese(text: str) -> str:
    """The text with its phrases in Chinese, whatever the language of the process is."""
    for pattern, words in PHRASES:
        text = pattern.sub(words, text)
    return text
