"""SM2 as a board compiles it: the 32-bit kernel alone, with the table of the base point cut down to save flash."""

import ctypes
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from yima.sdk.sm2 import SigningKey
from yima.validator import _core

ROOT = Path(__file__).parents[3]
CORE = ROOT / "validator" / "core"
CRAFTED: list[dict[str, Any]] = [
    case
    for name in ("sm2-crafted", "sm2-exceptions")
    for case in json.loads((ROOT / f"tests/vectors/{name}.json").read_text())["cases"]
]
KEY_SIZE = 96
TABLE_SIZE_MAX = 32768


class Kernel(ctypes.Structure):
    """yima_sm2_kernel of sm2.h."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("available", ctypes.CFUNCTYPE(ctypes.c_int)),
        ("parse_key", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t)),
        ("verify", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p)),
        (
            "verify_table",
            ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_char_p, ctypes.c_char_p),
        ),
        ("build_table", ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint, ctypes.c_void_p)),
        ("export_key", ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p)),
    )


@pytest.fixture(scope="module", params=[1, 2, 4])
def board(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The SM2 part of the core built for this machine with a board's macros."""
    library = tmp_path_factory.mktemp("board") / "sm2.so"
    compiler = [found] if (found := shutil.which("cc")) else [sys.executable, "-m", "ziglang", "cc"]
    macros = ["-DYIMA_KERNEL_32=1", f"-DYIMA_G_BLOCKS={request.param}"]
    sources = [str(CORE / f"{name}.c") for name in ("sm3", "sm2", "sm2_32", "sm2_64", "sm2_adx")]
    command = [*compiler, "-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", *macros, *sources]
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}  # the sanitizers'
    subprocess.run([*command, "-o", str(library)], check=True, env=environment)
    loaded = ctypes.CDLL(str(library))
    loaded.yima_sm2_best.restype = ctypes.POINTER(Kernel)
    return loaded


def kernel_of(board: ctypes.CDLL) -> Kernel:
    found: Kernel = board.yima_sm2_best().contents
    return found


def key_of(kernel: Kernel, public: bytes) -> ctypes.Array[ctypes.c_uint64]:
    key = (ctypes.c_uint64 * (KEY_SIZE // 8))()
    assert kernel.parse_key(key, public, len(public)) == 1
    return key


def test_only_the_32_bit_kernel_is_there(board: ctypes.CDLL) -> None:
    kernels = board.yima_sm2_kernels
    kernels.restype = ctypes.POINTER(ctypes.POINTER(Kernel))
    assert kernels()[0].contents.name == b"32"
    assert not kernels()[1]


def test_crafted_cases_are_judged_alike_with_a_table_of_any_size(board: ctypes.CDLL) -> None:
    kernel = kernel_of(board)
    table = (ctypes.c_uint64 * (TABLE_SIZE_MAX // 8))()
    for case in CRAFTED:
        public, e, signature = (bytes.fromhex(case[name]) for name in ("public", "e", "signature"))
        key = key_of(kernel, public)
        assert kernel.verify(key, e, signature) == case["valid"], case["name"]
        for window in (4, 5, 6, 7, 8):
            kernel.build_table(table, window, key)
            assert kernel.verify_table(table, window, e, signature) == case["valid"], (case["name"], window)


def test_signatures_verify_as_on_the_host(board: ctypes.CDLL) -> None:
    kernel = kernel_of(board)
    table = (ctypes.c_uint64 * (TABLE_SIZE_MAX // 8))()
    for number in range(20):
        signer = SigningKey.generate()
        message = bytes(range(number * 9))
        signature = signer.sign(message)
        e = _core.sm2_digest(signer.public, message)
        key = key_of(kernel, signer.compressed)
        kernel.build_table(table, 4 + number % 5, key)
        assert kernel.verify(key, e, signature) == 1
        assert kernel.verify_table(table, 4 + number % 5, e, signature) == 1
        broken = signature[:63] + bytes([signature[63] ^ 1])
        assert kernel.verify(key, e, broken) == 0
        assert kernel.verify_table(table, 4 + number % 5, e, broken) == 0
