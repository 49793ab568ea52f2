"""A gate for a bench without one: says on the console what a gate would do, in both languages.

`console:` writes to standard output, `console:stderr` to standard error. A console that nobody reads holds up no tap:
what finds no room there is dropped, and counted (see guarding.lines).
"""

import sys
from collections.abc import Sequence
from typing import TextIO

from yima.validator.errors import GateError
from yima.validator.guarding.lines import shared_writer
from yima.validator.judging import Verdict
from yima.validator.texts import Text


class ConsoleGate:
    """One line a command."""

    senses_passage = False

    def __init__(self, out: TextIO) -> None:
        self._out = shared_writer(out)

    def open(self, verdict: Verdict) -> None:
        """Lets one rider pass: says so."""
        fare = f"{verdict.fare_fen / 100:.2f} yuan 元"
        self._line("OPEN   开闸", verdict, f"{fare}  {verdict.account_masked}")

    def refuse(self, verdict: Verdict) -> None:
        """Stays shut: says why."""
        case = f"case 用例 {verdict.case}" if verdict.case else ""
        self._line("REFUSE 拒绝", verdict, case)

    def show_again(self, verdict: Verdict) -> None:
        """The same presentation: says the answer again."""
        self._line("AGAIN  重示", verdict, "")

    def passages(self) -> Sequence[bool]:
        """Nobody goes through a console."""
        return ()

    def close(self) -> None:
        """Gives the last lines a moment to go out."""
        self._out.close()

    def _line(self, command: str, verdict: Verdict, rest: str) -> None:
        text = f"{command}  {verdict.reason.english} {verdict.reason.chinese}  {rest}".rstrip()
        self._out.write(text)
        if self._out.broken:
            raise GateError(
                "console:",
                Text("cannot be written: nobody reads it any more", "无法写入：输出端已关闭"),
                Text("Check where the output goes", "请检查输出去向"),
            )


def open_console(address: str) -> ConsoleGate:
    """A gate on the console; address: empty or `stdout`, or `stderr`. Raises GateError."""
    streams = {"": sys.stdout, "stdout": sys.stdout, "stderr": sys.stderr}
    if address not in streams:
        raise GateError(
            f"console:{address}",
            Text("no such output", "没有这种输出"),
            Text("Use console: or console:stderr", "请使用 console: 或 console:stderr"),
        )
    return ConsoleGate(streams[address])
