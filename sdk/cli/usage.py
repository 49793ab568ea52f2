"""The parser of command lines: argparse, whose words are Chinese where the rest is, and whose errors hold no secret."""

import argparse
import re
import sys
from typing import Final, NoReturn

from yima.validator.shown import masked_url, shown
from yima.validator.texts import Text, language, say

_ERROR: Final = Text("error", "错误")
_HEADS: Final = (
    ("usage: ", "用法："),
    ("positional arguments:\n", "参数：\n"),
    ("options:\n", "选项：\n"),
    ("show this help message and exit", "显示此帮助并退出"),
)
_ERRORS: Final = tuple(
    (re.compile(pattern, re.DOTALL), words)
    for pattern, words in (
        (r"the following arguments are required: (.*)", r"缺少参数：\1"),
        (r"one of the arguments (.*) is required", r"须给出其一：\1"),
        (r"unrecognized arguments: (.*)", r"无法识别的参数：\1"),
        (r"ambiguous option: (.*) could match (.*)", r"选项 \1 不明确，可能是：\2"),
        (r"argument (.*?): expected one argument", r"参数 \1：需要一个值"),
        (r"argument (.*?): expected at most one argument", r"参数 \1：至多一个值"),
        (r"argument (.*?): expected at least one argument", r"参数 \1：至少一个值"),
        (r"argument (.*?): expected (\d+) arguments?", r"参数 \1：需要 \2 个值"),
        (r"argument (.*?): invalid choice: (.*) \(choose from (.*)\)", r"参数 \1：无效取值 \2（可选：\3）"),
        (r"argument (.*?): invalid \S+ value: (.*)", r"参数 \1：无效取值 \2"),
        (r"argument (.*?): not allowed with argument (.*)", r"参数 \1：不能与 \2 同时使用"),
        (r"argument (.*?): ignored explicit argument (.*)", r"参数 \1：不接受取值 \2"),
        (r"argument (.*?): (.*)", r"参数 \1：\2"),
    )
)


class Parser(argparse.ArgumentParser):
    """Its errors quote the command line, which may hold an address with a password: they are masked."""

    def error(self, message: str) -> NoReturn:
        """Says what is wrong on stderr and ends with 2."""
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {say(_ERROR)}: {shown(masked_url(_said(message)))}\n")

    def format_usage(self) -> str:
        """As argparse makes it."""
        return _headed(super().format_usage())

    def format_help(self) -> str:
        """As argparse makes it."""
        return _headed(super().format_help())


def _said(message: str) -> str:
    if language() == "zh":
        for pattern, words in _ERRORS:
            if pattern.fullmatch(message):
                return pattern.sub(words, message)
    return message


def _headed(text: str) -> str:
    for head, words in _HEADS if language() == "zh" else ():
        text = text.replace(head, words, 1)
    return text
