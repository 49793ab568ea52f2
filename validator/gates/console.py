"""A gate for a bench without one: says on the console what a gate would do, in both languages.

`console:` writes to standard output, `console:stderr` to standard error.
"""

import sys
from collections.abc import Sequence
from typing import TextIO

from yima.validator.errors import GateError
from yima.validator.judging import Verdict
from yima.validator.texts import Text


class ConsoleGate:
    """One line a command, flushed before the command returns."""

    senses_passage = False

    def __init__(self, out: TextIO) -> None:
        self._out = out

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
        """Nothing to release."""

    def _line(self, command: str, verdict: Verdict, rest: str) -> None:
        text = f"{command}  {verdict.reason.english} {verdict.reason.chinese}  {rest}".rstrip()
        try:
            print(text, file=self._out, flush=True)
        except OSError as error:
            raise GateError(
                "console:",
                Text(f"cannot be written: {error.strerror}", f"无法写入：{error.strerror}"),
                Text("Check where the output goes", "请检查输出去向"),
            ) from error


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
