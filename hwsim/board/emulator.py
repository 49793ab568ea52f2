"""The board as the rest of the tree sees it: a process that is spoken to, and a flash file that both sides map.

The flash says which board it is: the emulated one, or `posix`, whose firmware is a process.

Rules it keeps:
- Nothing here loads the emulator; it runs in `yima.hwsim.board.child`, and ends with this object.
- The flash file is the board's flash at every moment: what an operation wrote is in it, power or not.
- Answers are hostile to nobody but may be late: a child that is silent for ANSWER_S is gone.
"""

import json
import mmap
import os
import select
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from yima.firmware_images.hardware import Hardware
from yima.hwsim.board.bootrom import hardware_of
from yima.hwsim.board.errors import BoardError
from yima.hwsim.board.flash import Cut, Operation
from yima.hwsim.board.flaws import Flaws, Harm
from yima.hwsim.board.layout import MPS2, STATUS
from yima.validator.outside import json_of
from yima.validator.remedies import missing_module
from yima.validator.texts import Text

MHZ = 480  # a current Cortex-M7; one instruction a cycle is a model, and named so wherever it is used
ANSWER_S = 120.0


class PinChange(NamedTuple):
    """LED0 changed. now: cycles; insns and operations: how many there had been since power-on."""

    now: int
    insns: int
    pins: int
    operations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a stretch of time brought.

    state: "running", "off", "halted" (no image may start, or the processor locked up) or "power lost". slot: "A", "B"
    or None. now: cycles. insns: instructions of the firmware since power-on. operations: flash operations since
    power-on. sent: bytes by UART. pins: each change of LED0. notes: (cycles, text in both languages) of what a
    log of the bench would say: boots, resets, faults, lost bytes.
    """

    state: str
    slot: str | None
    now: int
    insns: int
    operations: int
    sent: Mapping[int, bytes] = field(default_factory=dict)
    pins: tuple[PinChange, ...] = ()
    notes: tuple[tuple[int, str], ...] = ()

    @property
    def status(self) -> str:
        """The status line's text."""
        return self.sent.get(STATUS, b"").decode("utf-8", "replace")

    def __add__(self, later: "Outcome") -> "Outcome":
        """Both stretches as one."""
        sent = {uart: self.sent.get(uart, b"") + later.sent.get(uart, b"") for uart in range(3)}
        return Outcome(
            state=later.state,
            slot=later.slot,
            now=later.now,
            insns=later.insns,
            operations=later.operations,
            sent={uart: data for uart, data in sent.items() if data},
            pins=self.pins + later.pins,
            notes=self.notes + later.notes,
        )


def hardware_in(flash: Path) -> Hardware:
    """Whose flash a file is. Raises HardwareError for a board that is not known."""
    try:
        with flash.open("rb") as file:
            return hardware_of(bytearray(file.read(4096).ljust(4096, b"\xff")))
    except OSError:
        return MPS2


def _hardware_of_flash(flash: Path) -> Hardware:
    """Raises BoardError where the file has not the size of that board's flash."""
    hardware = hardware_in(flash)
    if not flash.exists() or flash.stat().st_size != hardware.size:
        size = hardware.size >> 20
        raise BoardError(
            flash,
            Text(f"is no flash of {size} MB", f"不是 {size} MB 的闪存文件"),
            Text("Make one: yima board flash IMAGE", "请先执行 yima board flash IMAGE"),
        )
    return hardware


def _mapped(flash: Path) -> mmap.mmap:
    with flash.open("r+b") as file:
        return mmap.mmap(file.fileno(), 0)


class Board:
    """A board on a flash file. Use as a context manager, or call close."""

    def __init__(self, flash: Path, *, mhz: int = MHZ, keep_operations: bool = False, ram_seed: int = 0) -> None:
        """flash: a file, of a size as its board has it; which that is, it says. mhz: instructions a microsecond.
        ram_seed: chooses what RAM holds at power-on. Raises BoardError."""
        self.hardware, self.mhz, self.flash = _hardware_of_flash(flash), mhz, _mapped(flash)
        self._child = subprocess.Popen(
            [sys.executable, "-m", "yima.hwsim.board.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            process_group=0,  # Ctrl-C and SIGTERM to our whole group are ours: we take the power away in order
        )
        self._buffer = b""
        try:
            self._open(flash, keep_operations=keep_operations, ram_seed=ram_seed)
        except BoardError:
            self.close()
            raise

    def become(self, flash: Path, *, mhz: int = MHZ, keep_operations: bool = False, ram_seed: int = 0) -> None:
        """A new board on another flash file: of this one nothing is left but the process, which takes longer to start
        than a board. As __init__."""
        hardware, memory = _hardware_of_flash(flash), _mapped(flash)
        self.flash.close()
        self.hardware, self.mhz, self.flash = hardware, mhz, memory
        self._open(flash, keep_operations=keep_operations, ram_seed=ram_seed)

    def _open(self, flash: Path, *, keep_operations: bool, ram_seed: int) -> None:
        self._ask("open", flash=str(flash), mhz=self.mhz, keep_operations=keep_operations, ram_seed=ram_seed)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the emulator. The flash file stays."""
        if self._child.stdin and not self._child.stdin.closed:
            self._child.stdin.close()
        try:
            self._child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        for pipe in (self._child.stdout, self._child.stderr):
            if pipe:
                pipe.close()
        self.flash.close()

    def power_on(self) -> Outcome:
        """Boots: the boot ROM has run, the processor is at the image's first instruction."""
        return _outcome(self._ask("power_on"))

    def power_off(self) -> Outcome:
        """Takes the power away between two instructions."""
        return _outcome(self._ask("power_off"))

    def set_flaws(self, flaws: Flaws) -> None:
        """What is slow or wrong about the board, from now on."""
        self._ask("set_flaws", **asdict(flaws))

    def feed(self, uart: int, data: bytes, harm: Harm = Harm.NONE) -> None:
        """Puts bytes onto the line into a UART; they arrive at its baud rate as time passes. harm: of each."""
        if self._ask("feed", uart=uart, data=data.hex(), harm=harm)["fed"] != len(data):
            raise BoardError(
                f"UART{uart}",
                Text("the line is full, or the board is off", "线路已满或板卡未上电"),
                Text("Let time pass first", "请先让时间推进"),
            )

    def run(self, milliseconds: float, *, until: bytes = b"", uart: int = STATUS) -> Outcome:
        """Lets virtual time pass; ends early once the UART has sent the bytes `until`."""
        cycles = round(milliseconds * 1000 * self.mhz)
        return _outcome(self._ask("run", cycles=cycles, uart=uart, until=until.hex()))

    def set_rtc(self, unix_s: int, *, stopped: bool = False) -> None:
        """Sets the battery-backed clock; stopped: its oscillator is dead."""
        self._ask("set_rtc", unix_s=unix_s, stopped=stopped)

    def set_buttons(self, value: int) -> None:
        """Sets the input pins."""
        self._ask("set_buttons", value=value)

    def cut_at(self, operation: int, where: Cut, *, brown_out: bool = False) -> None:
        """After the next power_on, power goes at this flash operation. brown_out: it only dips, which resets the
        processor and leaves RAM as it was."""
        self._ask("cut_at", operation=operation, where=where.value, brown_out=brown_out)

    def operations(self) -> list[Operation]:
        """The flash operations since power-on, if keep_operations was asked for."""
        found = self._ask("operations")["operations"]
        return [Operation(address, None if data is None else bytes.fromhex(data)) for address, data in found]

    def mark(self, marks: Mapping[int, int]) -> None:
        """Function addresses and the part of the cost (1 to 63; 1 is interrupts) that each begins."""
        self._ask("mark", marks={str(address): part for address, part in marks.items()})

    def parts(self, *, clear: bool = False) -> tuple[list[int], list[int]]:
        """Instructions by part, and how often each was begun; 0 is everything unmarked."""
        found = self._ask("parts", clear=clear)
        return found["spent"], found["entered"]

    def untouched(self, address: int, size: int) -> int:
        """How many bytes of RAM, from `address` up, nobody wrote since power-on; see Machine.untouched."""
        return int(self._ask("untouched", address=address, size=size)["size"])

    def live(
        self,
        heard: Callable[[dict[str, Any]], bool],
        *,
        links: Mapping[int, Path] | None = None,
        control: Path | None = None,
        gdb: int | None = None,
    ) -> Outcome:
        """Runs at the host's pace with UARTs on ptys, until `heard`, given each event, returns False. gdb: a port (0:
        any) at which the board waits for a debugger, before its first instruction.

        The first event is {"paths": {name: device}}; then {"status": text}, {"now": cycles, "pins": LED0} and the like;
        about twice a second an empty one.
        """
        names = {str(uart): str(path) for uart, path in (links or {}).items()}
        self._send("live", links=names, control=str(control or ""), gdb=gdb)
        going = True
        while (line := self._line(0.5 if going else ANSWER_S)) is None or "event" in line:
            if line is None and not going:
                raise self._gone()
            if going and not heard(line["event"] if line else {}):
                going = False
                self._send("power_off")
        answer = self._answer(line)
        return _outcome(answer if going else self._answer(self._line(ANSWER_S)))

    def _ask(self, verb: str, **members: Any) -> dict[str, Any]:
        self._send(verb, **members)
        return self._answer(self._line(ANSWER_S))

    def _send(self, verb: str, **members: Any) -> None:
        if self._child.stdin is None:
            raise ValueError("no pipe")
        try:
            self._child.stdin.write(json.dumps({"do": verb, **members}).encode() + b"\n")
            self._child.stdin.flush()
        except OSError as error:
            raise self._gone() from error

    def _line(self, patience_s: float) -> dict[str, Any] | None:
        """The next line from the child, None if there is none in time. Raises BoardError when the child is gone."""
        pipe = self._child.stdout
        if pipe is None:
            raise ValueError("no pipe")
        while b"\n" not in self._buffer:
            if not select.select([pipe], [], [], patience_s)[0]:
                return None
            piece = os.read(pipe.fileno(), 1 << 20)
            if not piece:
                raise self._gone()
            self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\n")
        found: dict[str, Any] = json_of(line)
        return found

    def _answer(self, line: dict[str, Any] | None) -> dict[str, Any]:
        if line is not None and "refused" in line:
            thing, problem, remedy = line["refused"]
            raise BoardError(thing, Text(*problem), Text(*remedy))
        if line is None or "ok" not in line:
            said = str((line or {}).get("error", "no answer"))
            raise BoardError("board", Text(said, said), Text("See docs/board.md", "请参阅 docs/board.md"))
        found: dict[str, Any] = line["ok"]
        return found

    def _gone(self) -> BoardError:
        self._child.kill()
        self._child.wait()
        said = self._child.stderr.read().decode("utf-8", "replace").strip() if self._child.stderr else ""
        last = said.splitlines()[-1] if said else f"status {self._child.returncode}"
        if "No module named 'unicorn'" in said:
            return BoardError("emulator", *missing_module(ModuleNotFoundError(name="unicorn")))
        return BoardError(
            "board",
            Text(f"the emulator ended: {last}", f"仿真进程已退出：{last}"),
            Text("Run it again; report it if it stays", "请重试；若仍出现请反馈"),
        )


def _outcome(answer: Mapping[str, Any]) -> Outcome:
    return Outcome(
        state=answer["state"],
        slot=answer["slot"],
        now=answer["now"],
        insns=answer["insns"],
        operations=answer["operations"],
        sent={int(uart): bytes.fromhex(data) for uart, data in answer["sent"].items()},
        pins=tuple(PinChange(*change) for change in answer["pins"]),
        notes=tuple((now, note) for now, note in answer["notes"]),
    )
