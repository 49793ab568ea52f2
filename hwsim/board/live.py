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
import tty
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hwsim.board.control import Control
from hwsim.board.layout import SCANNER, STATION, STATUS
from hwsim.board.machine import Happened, Machine, State

_NAMES = {SCANNER: "scanner", STATION: "station", STATUS: "status"}
_SLICE_S = 0.002
_CHUNK = 4096


class Live:
    """Runs a machine until told to stop. paths: the device of each UART by name."""

    def __init__(
        self, machine: Machine, links: dict[int, Path], control: str, say: Callable[[dict[str, Any]], None]
    ) -> None:
        """links: where to put a symbolic link to a UART's pty. control: path of the socket, see control.py, or ""."""
        self._machine = machine
        self._say = say
        self._masters: dict[int, int] = {}
        self._slaves: list[int] = []
        self._links = links
        self.paths: dict[str, str] = {}
        self._watch = selectors.DefaultSelector()
        for uart, name in _NAMES.items():
            master, slave = os.openpty()
            tty.setraw(slave)  # held open here too, so that the line stays raw while nobody is there
            os.set_blocking(master, False)
            self._masters[uart] = master
            self._slaves.append(slave)
            self.paths[name] = os.ttyname(slave)
            if uart in links:
                links[uart].unlink(missing_ok=True)
                links[uart].symlink_to(self.paths[name])
            self._watch.register(master, selectors.EVENT_READ, uart)
        self._control = Control(control, self._watch)
        if control:
            self.paths["control"] = control

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watch.close()
        for descriptor in (*self._masters.values(), *self._slaves):
            os.close(descriptor)
        for link in self._links.values():
            link.unlink(missing_ok=True)
        self._control.close()

    def run(self, until: int) -> None:
        """Runs until the descriptor `until` has something to read, or the board stops."""
        self._watch.register(until, selectors.EVENT_READ, None)
        began, began_at = time.monotonic(), self._machine.now
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
            due = began_at + int((time.monotonic() - began) * cycles_a_s)
            end = time.monotonic() + _SLICE_S
            while self._machine.state is State.RUNNING and self._machine.now < due and time.monotonic() < end:
                step = min(due - self._machine.now, int(_SLICE_S * cycles_a_s))
                self._give(self._machine.run(step))
            if self._machine.state is not State.RUNNING:
                self._say({"event": {"state": self._machine.state.value}})
                self._watch.unregister(until)
                return

    def _take(self, key: selectors.SelectorKey) -> None:
        if isinstance(key.data, int):
            data = os.read(int(key.fd), _CHUNK)
            self._machine.feed(key.data, data)
            if key.data == SCANNER:
                self._control.scanned(data)
        else:
            key.data(key.fileobj)

    def _give(self, happened: Happened) -> None:
        for uart, data in happened.sent.items():
            if data:
                with contextlib.suppress(BlockingIOError):  # nobody reads: a wire that ends nowhere
                    os.write(self._masters[uart], data)
        if happened.sent[STATUS]:
            self._say({"event": {"status": happened.sent[STATUS].decode("utf-8", "replace")}})
        for now, _, pins, _ in happened.pins:
            self._say({"event": {"now": now, "pins": pins}})
        for now, note in happened.notes:
            self._say({"event": {"now": now, "note": note}})
