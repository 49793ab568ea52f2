"""The whole board: flash with its boot ROM, the processor through its resets, and the power switch.

Rules it keeps:
- Flash is what outlives power; time and the real-time clock outlive it as well. RAM outlives a reset, and after a loss
  of power holds anything; bytes on the line are lost with either.
- Flash operations are counted from power-on, the boot ROM's and the firmware's in one row; a cut is at one of them.
- Same flash, same clock, same bytes at the same moments: same run, to the instruction.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from yima.firmware_images.hardware import Starts
from yima.hwsim.board.bootrom import Boot, BootRom, hardware_of
from yima.hwsim.board.flash import Cut, Flash, Memory, Operation, PowerLostError
from yima.hwsim.board.flaws import Flaws, Harm, Noise
from yima.hwsim.board.layout import RAM_BASE, RAM_SIZE, Slot
from yima.hwsim.board.process import Process
from yima.hwsim.board.processor import Counted, Debugged, Event, Kind, Processor, Stop
from yima.hwsim.board.virt import Virt

_SLICE_MS: Final = 1
_ERASE: Final = 1 << 31


class BoardState(StrEnum):
    """What the board is doing."""

    OFF = "off"
    RUNNING = "running"
    HALTED = "halted"  # no image may start, or the processor locked up
    POWER_LOST = "power lost"


@dataclass(slots=True)
class Happened:
    """What a run brought.

    sent: bytes by UART. pins: (cycles, instructions, LED0, flash operations). notes: faults, resets, boots.
    """

    sent: dict[int, bytearray] = field(default_factory=lambda: {0: bytearray(), 1: bytearray(), 2: bytearray()})
    pins: list[tuple[int, int, int, int]] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)


class Machine:
    """A board on the bench."""

    def __init__(
        self,
        memory: Memory,
        *,
        mhz: int,
        keep_operations: bool = False,
        ram_seed: int = 0,
        file: Path | None = None,
    ) -> None:
        """memory: its flash, changed in place; which board it is, the flash says. mhz: instructions a microsecond of
        virtual time. ram_seed: chooses what RAM holds at power-on. file: what is mapped as memory; a board whose
        firmware is a process has to be told."""
        self.mhz = mhz
        self.state = BoardState.OFF
        self.boot: Boot | None = None
        self.flash = Flash(memory, keep_log=keep_operations, hardware=hardware_of(memory))
        self._file = file
        self.pins = 0
        self.paused = False
        """A debugger holds the processor: no time passes."""
        self.on_life: Callable[[Processor], None] = lambda _: None
        """Is told of each life of the processor that begins."""
        self._rtc = (0, False)
        self._power_on_ram = random.Random(f"RAM {ram_seed}").randbytes(RAM_SIZE)  # noqa: S311 - repeatable junk
        self._ram = bytearray(RAM_SIZE)
        self._engine: Processor | None = None
        self._resting: Processor | None = None  # the engine of the lives before
        self._marks: dict[int, int] = {}
        self._cut: tuple[int, Cut] | None = None
        self._is_brown_out = False
        self._flaws, self._noise = Flaws(), Noise(0)
        self._last: Operation | None = None  # that was begun
        self._buttons = 0
        self._now = 0
        self._earlier = 0  # instructions of the lives before

    @property
    def now(self) -> int:
        """Cycles since the board was made."""
        return self._engine.now if self._engine else self._now

    @property
    def insns(self) -> int:
        """Instructions of the firmware since power-on, over all resets."""
        return self._earlier + (self._engine.insns if self._engine else 0)

    def set_rtc(self, unix_s: int, *, stopped: bool = False) -> None:
        """Sets the battery-backed clock; stopped: its oscillator is dead."""
        self._rtc = unix_s, stopped
        if self._engine:
            self._engine.set_rtc(unix_s, stopped=stopped)

    def forward_clocks(self, seconds: int) -> None:
        """Real-time clock and millisecond counter go on while a debugger holds the processor."""
        if isinstance(self._engine, Debugged):
            self._engine.forward_clocks(seconds)

    def set_buttons(self, value: int) -> None:
        """Sets the input pins."""
        self._buttons = value
        if self._engine:
            self._engine.set_buttons(value)

    def mark(self, marks: dict[int, int]) -> None:
        """Function addresses and the parts of the cost that they begin."""
        self._marks = marks
        if self._engine:
            self._set_marks(self._engine)

    def set_flaws(self, flaws: Flaws) -> None:
        """What is slow or wrong about the board, from now on."""
        self._flaws, self._noise = flaws, Noise(flaws.noise)
        if self._engine:
            self._set_flaws(self._engine)

    def _set_flaws(self, engine: Processor) -> None:
        flaws = self._flaws
        engine.set_flaws(program_us=flaws.program_us, erase_us=flaws.erase_us, drift_ppm=flaws.drift_ppm)

    def cut_at(self, operation: int, where: Cut, *, brown_out: bool = False) -> None:
        """After the next power-on, power goes at this flash operation. brown_out: it dips, and the detector resets the
        processor; RAM keeps what it held."""
        self._cut, self._is_brown_out = (operation, where), brown_out

    def power_on(self) -> Happened:
        """Runs the boot ROM and readies the processor."""
        self.power_off()
        happened = Happened()
        self.flash.operations = 0
        self.flash.log.clear()
        if self._cut:
            self.flash.cut_at(*self._cut)
        self._earlier = 0
        self._ram[:] = self._power_on_ram
        self._reset(happened)
        return happened

    def power_off(self) -> None:
        """Takes the power away between two instructions."""
        self._end_life()
        self.state = BoardState.OFF

    def close(self) -> None:
        """Lets go of the memory; the board is not used any more."""
        self.power_off()
        if self._resting:
            self._resting.close()
            self._resting = None

    def feed(self, uart: int, data: bytes, harm: Harm = Harm.NONE) -> int:
        """Puts bytes onto the line into a UART; how many found room. Those without harm of their own meet the line's
        noise."""
        if self._engine is None:
            return 0
        pieces = self._noise.of(data) if harm is Harm.NONE else [(data, harm)]
        return sum(self._engine.feed(uart, piece, came_as) for piece, came_as in pieces)

    @property
    def engine(self) -> Processor | None:
        """The processor, None without power."""
        return self._engine

    def on_the_line(self, uart: int) -> int:
        """Bytes fed that have not arrived."""
        return self._engine.on_the_line(uart) if self._engine else 0

    def run(self, cycles: int, *, until: tuple[int, bytes] | None = None) -> Happened:
        """Lets time pass: `cycles`, or until a UART has sent certain bytes (looked for each millisecond)."""
        happened = Happened()
        end = self.now + cycles
        while self.state is BoardState.RUNNING and self._engine and self._engine.now < end and not self.paused:
            limit = min(end, self._engine.now + _SLICE_MS * 1000 * self.mhz) if until else end
            self._run_life(self._engine, limit, happened)
            if until and until[1] in happened.sent[until[0]]:
                break
        return happened

    def read_ram(self, address: int, size: int) -> bytes:
        """What RAM holds; less than `size` bytes where it ends, none beside it."""
        start = address - RAM_BASE
        return bytes(self._ram[start : start + size]) if 0 <= start < RAM_SIZE else b""

    def untouched(self, address: int, size: int) -> int:
        """How many bytes of RAM, from `address` up, still hold what they held at power-on: room that a stack growing
        down to there has left. Whole words, as one byte may be written with what it was."""
        start = address - RAM_BASE
        if start < 0 or size < 0 or start + size > RAM_SIZE:
            raise ValueError(f"{size} bytes at {address:#x} are not RAM")
        for at in range(start, start + size - size % 4, 4):
            if self._ram[at : at + 4] != self._power_on_ram[at : at + 4]:
                return at - start
        return size

    def spent(self) -> list[int]:
        """Instructions by part since the last clear_parts; index 0 is everything unmarked."""
        return [self._engine.spent(part) for part in range(64)] if isinstance(self._engine, Counted) else [0] * 64

    def entered(self) -> list[int]:
        """How often each part was begun since the last clear_parts."""
        return [self._engine.entered(part) for part in range(64)] if isinstance(self._engine, Counted) else [0] * 64

    def clear_parts(self) -> None:
        """Begins counting by parts anew."""
        if isinstance(self._engine, Counted):
            self._engine.clear_parts()

    def _run_life(self, engine: Processor, limit: int, happened: Happened) -> None:
        stop = engine.run(limit)
        for event in engine.events():
            self._last = self._note(event, happened) or self._last
        if stop is Stop.DEBUGGER:
            self.paused = True
        elif stop in {Stop.RESET, Stop.WATCHDOG}:
            happened.notes.append(
                (engine.now, "reset by the watchdog 看门狗复位" if stop is Stop.WATCHDOG else "reset 复位")
            )
            self._reset(happened)
        elif stop is Stop.LOCKUP:
            self.state = BoardState.HALTED
            if words := engine.last_words():
                happened.notes.append((engine.now, f"fault: {words}"))
        elif stop is Stop.POWER and self._last and self._cut:
            (number, where), last = self._cut, self._last
            place = slice(last.address, last.address + last.size)
            self.flash.memory[place] = last.cut(bytes(self.flash.memory[place]), where, number)
            if self._is_brown_out:
                happened.notes.append((engine.now, "brown-out: the supply dips 欠压复位"))
                self._uncut()
                self._reset(happened)
            else:
                self._lose_power()

    def _note(self, event: Event, happened: Happened) -> Operation | None:
        if event.kind is Kind.TX:
            happened.sent[event.a].append(event.b)
        elif event.kind is Kind.PINS:
            self.pins = event.a
            happened.pins.append((event.now, event.insns + self._earlier, event.a, self.flash.operations))
        elif event.kind is Kind.FLASH:
            data = None if event.a & _ERASE else event.b.to_bytes(4, "little") + event.c.to_bytes(4, "little")
            operation = Operation(event.a & ~_ERASE, data, self.flash.hardware)
            self.flash.note(operation)
            return operation
        elif event.kind is Kind.FAULT:
            what = {1: "memory 内存", 2: "instruction 指令", 3: "flash refused 闪存拒绝", 4: "stack 栈"}[event.a]
            happened.notes.append((event.now, f"fault: {what} at pc {event.b:#x} ({event.c:#x})"))
        elif event.kind is Kind.OVERRUN:
            happened.notes.append((event.now, f"UART{event.a} lost a byte 丢失字节"))
        elif event.kind is Kind.WATCHDOG:
            happened.notes.append((event.now, f"watchdog ran out 看门狗超时, pc {event.b:#x}"))
        return None

    def _reset(self, happened: Happened) -> None:
        self._end_life()
        try:
            self.boot = BootRom(self.flash).boot()
        except PowerLostError:
            is_brown_out = self._is_brown_out
            self._lose_power()
            if is_brown_out:
                self._reset(happened)
            return
        happened.notes.extend((self._now, note) for note in self.boot.notes)
        if self.boot.slot is None:
            self.state = BoardState.HALTED
            return
        version = ".".join(map(str, self.boot.version[:3])) if self.boot.version else ""
        happened.notes.append((self._now, f"boot ROM starts slot {self.boot.slot.name}, version {version} 启动该槽"))
        self.flash.memory[0:8] = self.boot.vectors
        engine = self._begin_life(self.boot.slot)
        engine.set_rtc(self._rtc[0], stopped=self._rtc[1])
        engine.set_buttons(self._buttons)
        self._set_flaws(engine)
        if self._cut:
            engine.cut_at(self._cut[0] - self.flash.operations)
        self._engine = engine
        self._set_marks(engine)
        self.on_life(engine)
        self.state = BoardState.RUNNING

    def _begin_life(self, slot: Slot) -> Processor:
        code = self.flash.read(slot.start, slot.size)
        engine = self._resting
        if engine and not engine.knows(slot.start, code):
            engine.close()
            engine = None
        engine = engine or self._processor()
        engine.reset(slot.start, code, self._now)
        self._resting = None
        return engine

    def _processor(self) -> Processor:
        if self.flash.hardware.starts is Starts.PROGRAM and self._file:
            return Process(self._file, mhz=self.mhz)
        if self.flash.hardware.starts is Starts.CODE:
            return Virt(self.flash.hardware, self.flash.memory, mhz=self.mhz)
        from yima.hwsim.board.engine import Engine  # noqa: PLC0415 - unicorn, which a process does not need

        return Engine(self.flash.memory, self._ram, mhz=self.mhz)

    def _set_marks(self, engine: Processor) -> None:
        if isinstance(engine, Counted):
            for address, part in self._marks.items():
                engine.mark(address, part)

    def _uncut(self) -> None:
        self._cut, self._is_brown_out = None, False
        self.flash.uncut()

    def _lose_power(self) -> None:
        self._end_life()
        self._uncut()
        self.state = BoardState.POWER_LOST

    def _end_life(self) -> None:
        if self._engine:
            self._now = self._engine.now
            self._earlier += self._engine.insns
            self._rtc = self._engine.rtc, self._rtc[1]
            self._engine.rest()
            self._resting = self._engine
            self._engine = None
        self.pins = 0
