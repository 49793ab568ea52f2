"""The flash log over a model of flash in C (flash_model.c), for tests to fill, to cut and to look into."""

import ctypes
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.once import once
from yima.firmware_images.host_build import host_library

SOURCES: Sequence[str | Path] = (
    *(f"validator/core/{name}.c" for name in ("flashlog", "flashlog_layout", "sm3")),
    Path(__file__).with_name("flash_model.c"),
)
"""The log and the flash model under it."""
NEVER = 0xFFFFFFFF
BLOCKS, BLOCK_SIZE = 5, 1024
CAPACITY = 1 << 20
_OUT = ctypes.create_string_buffer(CAPACITY)


class Flash:
    """A flash model of C with an open log; see flash_model.c."""

    library: ctypes.CDLL

    def __init__(self, blocks: int = BLOCKS, block_size: int = BLOCK_SIZE, unit: int = 8) -> None:
        self.blocks = blocks
        self._size = blocks * block_size
        self._model = ctypes.c_void_p(self.library.model_of_units(blocks, block_size, unit))
        self.open()

    def begin(self) -> None:
        self.library.model_begin(self._model)

    def step(self) -> int:
        number: int = self.library.model_next(self._model)
        return number

    def close(self) -> None:
        self.library.model_free(self._model)

    def open(self, cut_at: int = NEVER, seed: int = 0) -> None:
        self.library.model_open(self._model, cut_at, seed)

    def append(self, payload: bytes) -> int:
        number: int = self.library.model_append(self._model, payload, len(payload))
        return number

    def acknowledge(self, number: int) -> bool:
        return bool(self.library.model_acknowledge(self._model, number))

    def idle(self, ahead: int) -> bool:
        return bool(self.library.model_idle(self._model, ahead))

    def chain_holds(self) -> bool:
        return bool(self.library.model_verify(self._model))

    def entries(self, start: int = 0) -> dict[int, bytes]:
        size: int = self.library.model_entries(self._model, start, _OUT, CAPACITY)
        data, at, entries = ctypes.string_at(_OUT, size), 0, {}
        while at < size:
            number, length = (int.from_bytes(data[at + i : at + i + 4], "little") for i in (0, 4))
            assert number not in entries, "an entry is doubled"
            entries[number] = data[at + 8 : at + 8 + length]
            at += 8 + length
        return entries

    def _value(self, which: int) -> int:
        value: int = self.library.model_value(self._model, which)
        return value

    def lost(self, start: int = 0) -> list[tuple[int, int]]:
        """Every range of numbers from `start` on that was not acknowledged and cannot be read."""
        ranges: list[tuple[int, int]] = []
        found = (ctypes.c_uint32 * 2)()
        while self.library.model_lost(self._model, start, found) or found[0]:
            ranges.append((found[0], found[1]))
            start = found[1] + 1
        return ranges

    @property
    def operations(self) -> int:
        return self._value(0)

    @property
    def violations(self) -> int:
        return self._value(1)

    @property
    def next(self) -> int:
        return self._value(3)

    @property
    def acknowledged(self) -> int:
        return self._value(4)

    @property
    def room(self) -> int:
        return self._value(6)

    @property
    def largest(self) -> int:
        return self._value(7)

    @property
    def erased(self) -> int:
        return sum(self.erases(block) for block in range(self.blocks))

    def wear_out(self, block: int) -> None:
        """This block cannot be erased any more."""
        self.library.model_wear_out(self._model, block)

    def stick(self, at: int) -> None:
        """This byte reads as FF, whatever is programmed there."""
        self.library.model_stick(self._model, at)

    def erases(self, block: int) -> int:
        count: int = self.library.model_erases(self._model, block)
        return count

    @property
    def image(self) -> bytes:
        return ctypes.string_at(self.library.model_bytes(self._model), self._size)

    def overwrite(self, data: bytes) -> None:
        ctypes.memmove(self.library.model_bytes(self._model), data.ljust(self._size, b"\xff"), self._size)


def library_file(factory: pytest.TempPathFactory) -> Path:
    """A shared library of the log and the model, compiled once a run."""
    return once(factory, "flash-model", lambda folder: host_library(SOURCES, folder / "flashlog.so")) / "flashlog.so"


def load_library(factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The same, loaded; makes every Flash use it."""
    built = ctypes.CDLL(str(library_file(factory)))
    built.model_of_units.restype = ctypes.c_void_p
    built.model_lost.restype = None
    built.model_bytes.restype = ctypes.c_void_p
    built.model_bytes.argtypes = [ctypes.c_void_p]
    built.yima_crc32.argtypes = [ctypes.c_uint32, ctypes.c_char_p, ctypes.c_size_t]
    for name in ("yima_crc32", "model_next", "model_append", "model_entries", "model_value", "model_erases"):
        getattr(built, name).restype = ctypes.c_uint32
    Flash.library = built
    return built
