"""A log as a board's flash holds it, written on the host by the firmware's own source."""

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from tests.validator.core.flash import library_file
from yima.hwsim.board.layout import FLASH_BLOCK, LOG_SIZE


class _Log:
    def __init__(self, library: ctypes.CDLL) -> None:
        library.model_new.restype = library.model_bytes.restype = ctypes.c_void_p
        library.model_append.restype = ctypes.c_uint32
        self.library = library
        self.model = ctypes.c_void_p(library.model_new(LOG_SIZE // FLASH_BLOCK, FLASH_BLOCK))
        library.model_open(self.model, ctypes.c_uint32(0xFFFFFFFF), 0)

    def append(self, entry: bytes) -> bool:
        """Whether there was room."""
        return bool(self.library.model_append(self.model, entry, len(entry)))

    @property
    def flash(self) -> bytes:
        return ctypes.string_at(self.library.model_bytes(self.model), LOG_SIZE)


@contextmanager
def _empty(factory: pytest.TempPathFactory) -> Iterator[_Log]:
    log = _Log(ctypes.CDLL(str(library_file(factory))))
    yield log
    log.library.model_free(log.model)


def log_of(factory: pytest.TempPathFactory, entries: Sequence[bytes]) -> bytes:
    """A log of these entries."""
    with _empty(factory) as log:
        assert all(log.append(entry) for entry in entries)
        return log.flash


def full_log(factory: pytest.TempPathFactory) -> bytes:
    """A log without room."""
    with _empty(factory) as log:
        while log.append(bytes(600)):
            pass
        return log.flash
