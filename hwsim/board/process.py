"""The board `posix`: its image is an ELF, which runs here as a process on the flash file.

Rules it keeps:
- The process computes in no time, and time goes on only as far as `run` says: the same flash, clock and bytes give the
  same run. Cycles are counted as if they were those of the board's clock rate.
- Flash is the file that both sides map; an operation is told of before it is done.
- A process that ends without a word has had a fault: what it wrote on its standard error is its last words (a
  sanitizer's report, an assertion).
Not modelled: baud rates, noise, flash that takes its time, RAM that outlives a reset, faults that are told at the next
start.
"""

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from yima.hwsim.board.processor import Event, Kind, Stop

_ROOM: Final = 1 << 16  # bytes that wait on a line, as bench.h has it
_ERASE: Final = 1 << 31
_TOLD: Final = 2000  # characters of last words
_ENDS: Final = {"reset": Stop.RESET, "power": Stop.POWER, "watchdog": Stop.WATCHDOG}


class Process:
    """A processor, for Machine. `reset` comes first."""

    def __init__(self, flash: Path, *, mhz: int) -> None:
        """flash: the file. mhz: cycles a microsecond."""
        self.mhz = mhz
        self._flash = flash
        self._scratch = tempfile.TemporaryDirectory(prefix="yima-board-")
        self._process: subprocess.Popen[bytes] | None = None
        self._said: IO[bytes] | None = None
        self._events: list[Event] = []
        self._began = self._ms = 0
        self._fed = [0, 0, 0]
        self._rtc, self._rtc_at, self._rtc_stands = 0, 0, False

    def knows(self, _address: int, _code: bytes) -> bool:
        """Any code will do."""
        return True

    def reset(self, address: int, code: bytes, now: int) -> None:
        """Begins a life: takes the ELF out of the image and runs it."""
        self._end()
        self._began, self._ms, self._fed = now, 0, [0, 0, 0]
        header, size = int.from_bytes(code[8:10], "little"), int.from_bytes(code[12:16], "little")
        program = Path(self._scratch.name, "firmware")
        program.unlink(missing_ok=True)  # it may still run
        program.touch(0o700)
        program.write_bytes(code[header : header + size])
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        words = [str(program), str(self._flash), str(address)]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said)

    def rest(self) -> None:
        """It does nothing but in `run`."""

    def run(self, until: int) -> Stop:
        """Runs to a moment, in whole milliseconds, or until something stops it."""
        wanted = -(-(until - self._began) // self._cycles_a_ms)
        if wanted <= self._ms:
            return Stop.TIME
        self._order(f"run {wanted - self._ms}")
        self._fed = [0, 0, 0]  # all of it is taken before time goes on
        if self._process is None or self._process.stdout is None:
            return Stop.LOCKUP
        for line in self._process.stdout:
            ms, what, *numbers = line.decode("ascii", "replace").split() or ("0", "")
            if what == "done":
                self._ms = wanted
                return Stop.TIME
            if what in _ENDS:
                return _ENDS[what]
            self._ms = max(self._ms, int(ms))
            self._note(what, numbers)
        return Stop.LOCKUP

    def events(self) -> Iterator[Event]:
        """What happened since the last call, and forgets it."""
        events, self._events = self._events, []
        yield from events

    def set_flaws(self, *, program_us: int, erase_us: int, drift_ppm: int) -> None:
        """It computes in no time, and its clock is right."""
        if program_us or erase_us or drift_ppm:
            raise ValueError("a board that is a process has no slow flash and no clock that drifts")

    def feed(self, uart: int, data: bytes, harm: int = 0) -> int:
        """Puts bytes onto the line into a UART; how many found room."""
        if harm:
            raise ValueError("a board that is a process has clean lines")
        taken = data[: _ROOM - self._fed[uart]]
        self._fed[uart] += len(taken)
        self._order(f"feed {uart} {taken.hex()}")
        return len(taken)

    def on_the_line(self, uart: int) -> int:
        """Bytes fed that have not arrived yet."""
        return self._fed[uart]

    @property
    def now(self) -> int:
        """Cycles since the board was made."""
        return self._began + self._ms * self._cycles_a_ms

    @property
    def insns(self) -> int:
        """Nobody counts them."""
        return 0

    @property
    def rtc(self) -> int:
        """What the real-time clock shows."""
        return self._rtc + (0 if self._rtc_stands else (self._ms - self._rtc_at) // 1000)

    def set_rtc(self, unix_s: int, *, stopped: bool) -> None:
        """Sets the real-time clock; stopped: its oscillator is dead."""
        self._rtc, self._rtc_at, self._rtc_stands = unix_s, self._ms, stopped
        self._order(f"rtc {unix_s} {int(stopped)}")

    def set_buttons(self, value: int) -> None:
        """Sets the input pins."""
        self._order(f"inputs {value}")

    def cut_at(self, operation: int) -> None:
        """Loses power when flash operation `operation` of this life (from 0) is commanded."""
        self._order(f"cut {max(0, operation)}")

    def last_words(self) -> str:
        """What the process wrote on its standard error, and how it ended."""
        if self._process is None or self._said is None:
            return ""
        status = self._process.wait()
        self._said.seek(0)
        return (
            f"the process ended with {status} 进程退出: {self._said.read().decode('utf-8', 'replace')[:_TOLD].strip()}"
        )

    def close(self) -> None:
        """Ends the process."""
        self._end()
        self._scratch.cleanup()

    @property
    def _cycles_a_ms(self) -> int:
        return self.mhz * 1000

    def _order(self, text: str) -> None:
        if self._process is None or self._process.stdin is None:
            return
        with contextlib.suppress(BrokenPipeError):  # the next run finds that it has ended
            self._process.stdin.write(f"{text}\n".encode())
            self._process.stdin.flush()

    def _note(self, what: str, numbers: list[str]) -> None:
        def add(kind: Kind, a: int, b: int = 0, c: int = 0) -> None:
            self._events.append(Event(self.now, 0, kind, a, b, c))

        if what == "sent":
            for byte in bytes.fromhex(numbers[1]):
                add(Kind.TX, int(numbers[0]), byte)
        elif what == "pins":
            add(Kind.PINS, int(numbers[0]))
        elif what == "program":
            unit = bytes.fromhex(numbers[1])
            add(Kind.FLASH, int(numbers[0]), *(int.from_bytes(unit[at : at + 4], "little") for at in (0, 4)))
        elif what == "erase":
            add(Kind.FLASH, int(numbers[0]) | _ERASE)
        elif what == "rtc":
            self._rtc, self._rtc_at = int(numbers[0]), self._ms

    def _end(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._said):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._process = self._said = None
