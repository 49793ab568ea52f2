"""The board at the pace of the host's clock, its UARTs on pseudo-terminals.

Any program opens a UART as it would open a serial port: a terminal, `yima run`, a vendor's tool. Bytes arrive at the
firmware at the baud rate that it set, in virtual time.

What it does not model: a pty ignores the baud rate of whoever opens it and has no modem lines. While the host computes
more slowly than the board would, virtual time lags, and catches up when the board sleeps.
"""

import contextlib
import os
import selectors
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from yima.hwsim.board.control import Control
from yima.hwsim.board.debugger import DebugPort
from yima.hwsim.board.layout import SCANNER, STATION, STATUS
from yima.hwsim.board.machine import BoardState, Happened, Machine
from yima.hwsim.pseudo_terminal import Name, PseudoTerminal

_NAMES = {SCANNER: "scanner", STATION: "station", STATUS: "status"}
_SLICE_S = 0.002
_CHUNK = 4096


class Live:
    """Runs a machine until told to stop. paths: the device of each UART by name."""

    def __init__(
        self,
        machine: Machine,
        links: dict[int, Path],
        say: Callable[[dict[str, Any]], None],
        *,
        control: str = "",
        gdb: int | None = None,
    ) -> None:
        """links: where to put a symbolic link to a UART's pty. control: path of the socket, see control.py, or "". gdb:
        the port at which to wait for a debugger (0: any), see debugger.py. Raises OSError, for the port BoardError, if
        one of these is taken."""
        self._machine = machine
        self._say = say
        self._lines: dict[int, PseudoTerminal] = {}
        self._names: list[Name] = []
        self.paths: dict[str, str] = {}
        self._watch = selectors.DefaultSelector()
        self._debug = None if gdb is None else DebugPort(gdb, machine, self._watch)
        if self._debug:
            self.paths["gdb"] = self._debug.address
        for uart, name in _NAMES.items():
            line = self._lines[uart] = PseudoTerminal(name)
            self.paths[name] = line.path
            self._watch.register(line.master, selectors.EVENT_READ, uart)
        try:
            for uart, link in links.items():
                self._names.append(Name(link, self._lines[uart].path))
            self._control = Control(control, self._watch)
        except OSError:
            self._let_go()
            raise
        if control:
            self.paths["control"] = control

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._let_go()
        self._control.close()

    def _let_go(self) -> None:
        if self._debug:
            self._debug.close()
        self._watch.close()
        for name in self._names:
            name.remove()
        for line in self._lines.values():
            line.close()

    def run(self, until: int) -> None:
        """Runs until the descriptor `until` has something to read, or the board stops."""
        self._watch.register(until, selectors.EVENT_READ, None)
        began, began_at, stood = time.monotonic(), self._machine.now, 0.0
        cycles_a_s = self._machine.mhz * 1_000_000
        while True:
            ready = [key for key, _ in self._watch.select(_SLICE_S)]
            if any(key.fd == until for key in ready):
                self._watch.unregister(until)
                return
            for key in ready:
                self._take(key)
            if (pins := self._control.changed(time.monotonic())) is not None:
                self._say({"event": {"now": self._machine.now, "host_pins": pins}})
            if self._machine.paused:  # a debugger's time is none, but for the clocks
                stood += time.monotonic() - began - (self._machine.now - began_at) / cycles_a_s
                began, began_at = time.monotonic(), self._machine.now
                self._machine.forward_clocks(max(0, int(stood)))
                stood -= max(0, int(stood))
            due = began_at + int((time.monotonic() - began) * cycles_a_s)
            end = time.monotonic() + _SLICE_S
            while self._going and self._machine.now < due and time.monotonic() < end:
                step = min(due - self._machine.now, int(_SLICE_S * cycles_a_s))
                self._give(self._machine.run(step))
            if self._debug:
                self._debug.look()
            if self._machine.state is not BoardState.RUNNING:
                self._say({"event": {"state": self._machine.state.value}})
                self._watch.unregister(until)
                return

    @property
    def _going(self) -> bool:
        return self._machine.state is BoardState.RUNNING and not self._machine.paused

    def _take(self, key: selectors.SelectorKey) -> None:
        if isinstance(key.data, int):
            data = os.read(int(key.fd), _CHUNK)
            if not (key.data == SCANNER and self._control.scanned(data)):
                self._machine.feed(key.data, data)
        else:
            key.data(key.fileobj)

    def _give(self, happened: Happened) -> None:
        for uart, data in happened.sent.items():
            if data:
                with contextlib.suppress(BlockingIOError):  # nobody reads: a wire that ends nowhere
                    os.write(self._lines[uart].master, data)
        if happened.sent[STATUS]:
            self._say({"event": {"status": happened.sent[STATUS].decode("utf-8", "replace")}})
        for now, _, pins, _ in happened.pins:
            self._say({"event": {"now": now, "pins": pins}})
        for now, note in happened.notes:
            self._say({"event": {"now": now, "note": note}})
