"""The core and the application ask nothing of a processor's run-time library: not on a Cortex-M0+ either, which neither
divides nor multiplies to 64 bits."""

import ctypes
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.once import once
from yima.firmware_images.build import ROOT, Environment, Product, defines, includes, sources
from yima.firmware_images.hardware import board
from yima.firmware_images.host_build import host_library

WORD, WIDE, BY = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1), st.integers(0, 63)


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    built = once(
        tmp_path_factory, "words", lambda folder: host_library(["firmware_images/app/words.c"], folder / "words.so")
    )
    library = ctypes.CDLL(str(built / "words.so"))
    for name in ("multiply", "shift_left", "shift_right", "divide"):
        getattr(library, f"words_{name}").restype = ctypes.c_uint64
        getattr(library, f"words_{name}").argtypes = (ctypes.c_uint64, ctypes.c_uint64)
    library.words_divide.argtypes = (ctypes.c_uint32, ctypes.c_uint32)
    return library


@given(a=WIDE, b=WIDE)
@example(a=2**64 - 1, b=2**64 - 1)
def test_words_multiply(words: ctypes.CDLL, a: int, b: int) -> None:
    assert words.words_multiply(a, b) == a * b % 2**64


@given(value=WIDE, by=BY)
@example(value=2**64 - 1, by=32)
@example(value=2**64 - 1, by=0)
def test_words_shift(words: ctypes.CDLL, value: int, by: int) -> None:
    assert words.words_shift_left(value, by) == (value << by) % 2**64
    assert words.words_shift_right(value, by) == value >> by


@given(value=WORD, by=WORD.filter(bool))
@example(value=2**32 - 1, by=2**32 - 1)
@example(value=2**32 - 1, by=2**31 + 1)
def test_words_divide(words: ctypes.CDLL, value: int, by: int) -> None:
    found = words.words_divide(value, by)
    assert (found % 2**32, found >> 32) == divmod(value, by)


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    sources_ = ["firmware_images/app/runtime.c"]
    built = once(tmp_path_factory, "runtime", lambda folder: host_library(sources_, folder / "runtime.so"))
    library = ctypes.CDLL(str(built / "runtime.so"))
    library.yima_divide.restype = ctypes.c_uint64
    library.yima_divide.argtypes = (ctypes.c_uint64, ctypes.c_uint64, ctypes.POINTER(ctypes.c_uint64))
    return library


@given(value=WORD | WIDE, by=(WORD | WIDE).filter(bool))
@example(value=2**32 - 1, by=2**32 - 1)
@example(value=2**32, by=2**32 - 1)
@example(value=2**32 - 1, by=2**32)
@example(value=2**64 - 1, by=1)
def test_the_run_time_divides(runtime: ctypes.CDLL, value: int, by: int) -> None:
    rest = ctypes.c_uint64()
    assert (runtime.yima_divide(value, by, ctypes.byref(rest)), rest.value) == divmod(value, by)


@given(to=st.integers(0, 40), source=st.integers(0, 40), size=st.integers(0, 60))
@example(to=8, source=4, size=28)
def test_the_run_time_moves_what_overlaps(runtime: ctypes.CDLL, to: int, source: int, size: int) -> None:
    memory = bytearray(range(100))
    wanted = bytearray(memory)
    wanted[to : to + size] = wanted[source : source + size]
    place = (ctypes.c_uint8 * len(memory)).from_buffer(memory)
    begin = ctypes.addressof(place)
    runtime.memmove(ctypes.c_void_p(begin + to), ctypes.c_void_p(begin + source), ctypes.c_size_t(size))
    assert memory == wanted


@pytest.mark.long
@pytest.mark.skipif(importlib.util.find_spec("ziglang") is None, reason="the extra `firmware` is not installed")
@pytest.mark.parametrize(
    "target",
    [("thumb-freestanding-eabi", "cortex_m0plus"), ("thumb-freestanding-eabi", "cortex_m3"),
     ("riscv32-freestanding-none", "generic_rv32+m")],
    ids=lambda target: target[1],
)  # fmt: skip
def test_core_and_application_need_nothing_but_a_port(target: tuple[str, str], tmp_path: Path) -> None:
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import SymbolTableSection

    hardware = board()
    shared = [str(path) for path in sources(hardware, Product.METRO_GATE) if "boards" not in path.parts]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "ziglang", "cc", "-target", target[0], f"-mcpu={target[1]}", "-std=c11", "-Os"),
            *("-ffreestanding", "-fno-builtin", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables", "-nostdlib"),
            *(f"-D{one}" for one in defines(Product.METRO_GATE, Environment.TEST, hardware)),
            *(f"-I{folder}" for folder in includes(hardware)),
            *("-r", *shared, "-o", str(tmp_path / "all.o")),
        ],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with (tmp_path / "all.o").open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        wanted = {symbol.name for symbol in table.iter_symbols() if symbol["st_shndx"] == "SHN_UNDEF"} - {""}
    assert {name for name in wanted if not name.startswith("port_")} == set()
    assert "port_flash_program" in wanted
