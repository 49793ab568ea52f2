"""With what status the `yima` command ends: the one table, told by `--help`, held against the docs by a test.

A supervisor decides by it whether to start again: what is wrong with the command line or a file will be wrong again,
a device or a network may come back.
"""

from typing import Final, NamedTuple

from yima.validator.errors import Kind, YimaError
from yima.validator.texts import Text


class Status(NamedTuple):
    """One way to end."""

    number: int
    meaning: Text


DONE: Final = Status(0, Text("done", "完成"))
NO: Final = Status(1, Text("the answer is no, or nobody reads the output", "结论为否，或输出无人读取"))
INTERRUPTED: Final = Status(130, Text("Ctrl-C", "Ctrl-C 中断"))
OF_KIND: Final = {
    Kind.USAGE: Status(2, Text("wrong usage, or a part is not installed", "用法错误或缺少组件")),
    Kind.INPUT: Status(3, Text("a file or code that cannot be used", "输入文件或码不可用")),
    Kind.DEVICE: Status(4, Text("a reader, gate or board", "读码器、闸机或板卡")),
    Kind.STATE: Status(
        5, Text("the state directory, a journal or store, a key, a full disk", "状态目录、日志、存储、密钥，或磁盘已满")
    ),
    Kind.PARAMETERS: Status(6, Text("parameters or a deny-list", "参数或黑名单")),
    Kind.NETWORK: Status(7, Text("a collector, a resolver, an address", "采集端、核验端或网络地址")),
}
TABLE: Final = (DONE, NO, *OF_KIND.values(), INTERRUPTED)


def status_of(error: YimaError) -> int:
    """The status with which a command ends on this error."""
    return OF_KIND[error.kind].number


def epilog() -> str:
    """The table as `--help` shows it."""
    rows = [f"  {status.number:<4} {status.meaning.en} {status.meaning.zh}" for status in TABLE]
    return "\n".join(["exit status 退出状态:", *rows])
