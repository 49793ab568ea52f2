"""The processor core: unicorn, and the C library around it. The only module that imports unicorn.

Rules it keeps:
- `reset` begins a life of the processor. What was translated in the lives before is kept, as translating is most of a
  boot's work: so the code must be what it was (`knows`), and a board whose code has changed takes a new Engine.
- Flash is mapped read-only: a store into it by the processor is a fault, as the flash controller is the only way.
"""

import ctypes
from collections.abc import Iterator, Set
from typing import Any

from unicorn import (
    UC_ARCH_ARM,
    UC_HOOK_BLOCK,
    UC_HOOK_CODE,
    UC_HOOK_INTR,
    UC_HOOK_MEM_INVALID,
    UC_MODE_MCLASS,
    UC_MODE_THUMB,
    Uc,
    arm_const,
    unicorn_const,
)
from unicorn.unicorn_py3.unicorn import uclib

from yima.hwsim.board import native
from yima.hwsim.board.flash import Memory
from yima.hwsim.board.layout import FLASH_SIZE, RAM_BASE, RAM_SIZE
from yima.hwsim.board.processor import Event, Kind, Stop

_EVENTS = 1 << 14
_REGISTERS = ("R0", "R1", "R2", "R3", "R12", "SP", "LR", "PC", "XPSR", "PRIMASK", "CONTROL")  # as in soc_engine
_GDB_REGISTERS = tuple(
    getattr(arm_const, f"UC_ARM_REG_{name}") for name in (*(f"R{number}" for number in range(16)), "XPSR")
)
_PC = 15
_WATCHED = 16  # bytes from a breakpoint on: if it is in an IT block, its end is among them


class _Functions(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("uc", "emu_start", "emu_stop", "reg_read", "reg_write")),
        *((name.lower(), ctypes.c_int) for name in _REGISTERS),
    )


class _Event(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_uint64) for name in ("now", "insns")),
        *((name, ctypes.c_uint32) for name in ("kind", "a", "b", "c")),
    )


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(str(native.library()))
    pointer, word, wide = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint64
    for name, result, arguments in (
        ("soc_new", pointer, [pointer, pointer, pointer, word]),
        ("soc_free", None, [pointer]),
        ("soc_run", ctypes.c_int, [pointer, wide]),
        ("soc_take_events", word, [pointer, pointer]),
        ("soc_feed", word, [pointer, word, ctypes.c_char_p, word, word]),
        ("soc_set_flaws", None, [pointer, wide, wide, ctypes.c_int32]),
        ("soc_on_the_line", word, [pointer, word]),
        ("soc_mark", None, [pointer, word, ctypes.c_uint8]),
        ("soc_clear_parts", None, [pointer]),
        ("soc_spent", wide, [pointer, word]),
        ("soc_entered", wide, [pointer, word]),
        ("soc_now", wide, [pointer]),
        ("soc_insns", wide, [pointer]),
        ("soc_operations", wide, [pointer]),
        ("soc_reset", None, [pointer, wide]),
        ("soc_set_rtc", None, [pointer, word, word]),
        ("soc_forward_clocks", None, [pointer, word]),
        ("soc_rtc", word, [pointer]),
        ("soc_set_buttons", None, [pointer, word]),
        ("soc_set_cut", None, [pointer, wide]),
        ("soc_debug_attach", None, [pointer, word]),
        ("soc_debug_break", None, [pointer, word, word]),
        ("soc_debug_resume", None, [pointer, word]),
        ("soc_debug_moved", None, [pointer]),
    ):
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return library


class Engine:
    """A processor with its peripherals. `reset` comes first."""

    def __init__(self, flash: Memory, ram: bytearray, *, mhz: int) -> None:
        """flash, ram: FLASH_SIZE and RAM_SIZE bytes, changed in place. mhz: instructions a microsecond."""
        if len(flash) != FLASH_SIZE or len(ram) != RAM_SIZE:
            raise ValueError(f"flash has {len(flash)} bytes, RAM {len(ram)}")
        self.mhz = mhz
        self._code: dict[int, bytes] = {}
        self._watched: dict[int, ctypes.c_size_t] = {}  # address -> the hook from there on
        self._library = _library()
        self._flash_view = (ctypes.c_uint8 * FLASH_SIZE).from_buffer(flash)
        self._ram_view = (ctypes.c_uint8 * RAM_SIZE).from_buffer(ram)
        self._events = (_Event * _EVENTS)()
        self._uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
        self._uc.ctl_set_cpu_model(arm_const.UC_CPU_ARM_CORTEX_M7)
        code = unicorn_const.UC_PROT_READ | unicorn_const.UC_PROT_EXEC
        self._uc.mem_map_ptr(0, FLASH_SIZE, code, ctypes.addressof(self._flash_view))
        self._uc.mem_map_ptr(RAM_BASE, RAM_SIZE, unicorn_const.UC_PROT_ALL, ctypes.addressof(self._ram_view))
        self._soc: Any = self._library.soc_new(
            ctypes.byref(self._functions()),
            ctypes.addressof(self._flash_view),
            ctypes.addressof(self._ram_view),
            mhz,
        )
        if not self._soc:
            raise MemoryError
        for kind, name in (
            (UC_HOOK_BLOCK, "soc_on_block"),
            (UC_HOOK_INTR, "soc_on_interrupt"),
            (UC_HOOK_MEM_INVALID, "soc_on_invalid"),
        ):
            self._hook(kind, name)
        self._map_registers()
        self._fresh = self._uc.context_save()

    def _functions(self) -> _Functions:
        return _Functions(
            self._uc._uch,
            *(_address(getattr(uclib, f"uc_{name}")) for name in ("emu_start", "emu_stop", "reg_read", "reg_write")),
            *(getattr(arm_const, f"UC_ARM_REG_{name}") for name in _REGISTERS),
        )

    def _hook(self, kind: int, name: str, begin: int = 1, end: int = 0) -> ctypes.c_size_t:
        handle = ctypes.c_size_t()
        status = uclib.uc_hook_add(
            self._uc._uch,
            ctypes.byref(handle),
            ctypes.c_int(kind),
            ctypes.c_void_p(_address(getattr(self._library, name))),
            ctypes.c_void_p(self._soc),
            ctypes.c_uint64(begin),
            ctypes.c_uint64(end),
        )
        if status:
            raise RuntimeError(f"hook {name}: {status}")
        return handle

    def _map_registers(self) -> None:
        for base, size, prefix in ((0x4000_0000, 0x30000, "soc_on_"), (0xE000_E000, 0x1000, "soc_on_system_")):
            status = uclib.uc_mmio_map(
                self._uc._uch,
                ctypes.c_uint64(base),
                ctypes.c_size_t(size),
                ctypes.c_void_p(_address(getattr(self._library, f"{prefix}read"))),
                ctypes.c_void_p(self._soc),
                ctypes.c_void_p(_address(getattr(self._library, f"{prefix}write"))),
                ctypes.c_void_p(self._soc),
            )
            if status:
                raise RuntimeError(f"mmio {base:#x}: {status}")

    def knows(self, address: int, code: bytes) -> bool:
        """Whether code at that address is what it was when it was started here before, or never was started."""
        return self._code.get(address, code) == code

    def reset(self, address: int, code: bytes, now: int) -> None:
        """Begins a life. address, code: what is started, known to be the same. now: cycles since the board was made."""
        self._code[address] = code
        self._uc.context_restore(self._fresh)
        self._uc.ctl_remove_cache(RAM_BASE, RAM_BASE + RAM_SIZE)
        self._library.soc_reset(self._soc, now)

    def run(self, until: int) -> Stop:
        """Runs to a moment in cycles, or until something stops it."""
        return Stop(self._library.soc_run(self._soc, until))

    def events(self) -> Iterator[Event]:
        """What happened since the last call, and forgets it."""
        count = self._library.soc_take_events(self._soc, self._events)
        for event in self._events[:count]:
            yield Event(event.now, event.insns, Kind(event.kind), event.a, event.b, event.c)

    def feed(self, uart: int, data: bytes, harm: int = 0) -> int:
        """Puts bytes onto the line into a UART; how many found room (the line holds 65,535). harm: as soc.h has it."""
        return int(self._library.soc_feed(self._soc, uart, data, len(data), harm))

    def set_flaws(self, *, program_us: int, erase_us: int, drift_ppm: int) -> None:
        """How long flash operations take, and how much faster than right the real-time clock goes."""
        self._library.soc_set_flaws(self._soc, program_us * self.mhz, erase_us * self.mhz, drift_ppm)

    def on_the_line(self, uart: int) -> int:
        """Bytes fed that have not arrived yet."""
        return int(self._library.soc_on_the_line(self._soc, uart))

    @property
    def now(self) -> int:
        """Cycles since the board was made."""
        return int(self._library.soc_now(self._soc))

    @property
    def insns(self) -> int:
        """Instructions executed in this life."""
        return int(self._library.soc_insns(self._soc))

    @property
    def operations(self) -> int:
        """Flash operations done in this life."""
        return int(self._library.soc_operations(self._soc))

    @property
    def rtc(self) -> int:
        """What the real-time clock shows."""
        return int(self._library.soc_rtc(self._soc))

    def set_rtc(self, unix_s: int, *, stopped: bool) -> None:
        """Sets the real-time clock; stopped: its oscillator is dead."""
        self._library.soc_set_rtc(self._soc, unix_s, int(stopped))

    def forward_clocks(self, seconds: int) -> None:
        """Time goes by for the real-time clock and the millisecond counter alone."""
        self._library.soc_forward_clocks(self._soc, seconds)

    def set_buttons(self, value: int) -> None:
        """Sets the input pins."""
        self._library.soc_set_buttons(self._soc, value)

    def cut_at(self, operation: int) -> None:
        """Loses power when flash operation `operation` of this life (from 0) is commanded."""
        self._library.soc_set_cut(self._soc, operation)

    def mark(self, address: int, part: int) -> None:
        """The function at `address`, with all it calls, is part `part` (1: interrupts, up to 63)."""
        self._library.soc_mark(self._soc, address & ~1, part)

    def spent(self, part: int) -> int:
        """Instructions spent in a part since the last clear_parts; 0 is everything unmarked."""
        return int(self._library.soc_spent(self._soc, part))

    def entered(self, part: int) -> int:
        """How often a part was begun."""
        return int(self._library.soc_entered(self._soc, part))

    def clear_parts(self) -> None:
        """Begins counting by parts anew."""
        self._library.soc_clear_parts(self._soc)

    def registers(self) -> list[int]:
        """r0 to r15, then xPSR, of a processor that does not run."""
        return [int(self._uc.reg_read(number)) for number in _GDB_REGISTERS]

    def set_register(self, number: int, value: int) -> None:
        """number: as in `registers`. A processor whose program counter is moved leaves the block it was stopped in."""
        if number == _PC:
            self._library.soc_debug_moved(self._soc)
        self._uc.reg_write(_GDB_REGISTERS[number], value | (number == _PC))

    def write_ram(self, address: int, data: bytes) -> None:
        """Changes RAM."""
        self._uc.mem_write(address, data)

    def debug(self, breakpoints: Set[int] | None, *, step: bool = False) -> None:
        """How the next runs go: they come back (Stop.DEBUGGER) at these addresses, which are in flash, or after one
        instruction. None: there is no debugger."""
        self._library.soc_debug_attach(self._soc, breakpoints is not None)
        watched = set(breakpoints or ())
        for address in self._watched.keys() | watched:
            self._library.soc_debug_break(self._soc, address, address in watched)
        if step:
            at = self.registers()[_PC]
            watched.add(at + (4 if at < FLASH_SIZE and self._flash_view[at | 1] >> 3 >= 0x1D else 2))
        for address in self._watched.keys() - watched:
            uclib.uc_hook_del(self._uc._uch, self._watched.pop(address))
        for address in watched - self._watched.keys():
            self._watched[address] = self._hook(UC_HOOK_CODE, "soc_on_instruction", address, address + _WATCHED)
            self._uc.ctl_remove_cache(address, address + _WATCHED)
        if breakpoints is not None:
            self._library.soc_debug_resume(self._soc, int(step))

    def rest(self) -> None:
        """It does nothing but in `run`."""

    def last_words(self) -> str:
        """What a life said at its end: nothing."""
        return ""

    def close(self) -> None:
        """Frees the processor; flash keeps what was written."""
        if self._soc:
            self._uc.mem_unmap(0, FLASH_SIZE)
            self._uc.mem_unmap(RAM_BASE, RAM_SIZE)
            del self._uc
            self._library.soc_free(self._soc)
            self._soc = None
            del self._flash_view, self._ram_view


def _address(function: Any) -> int:
    address = ctypes.cast(function, ctypes.c_void_p).value
    if address is None:
        raise RuntimeError("a function without an address")
    return address
