"""Builds the page's core: validator/core and glue.c as WebAssembly, by the pinned ziglang, into page/core_wasm.js;
and packs the scripts of the diagnosis for a worker into page/packed_search.js.

`python -m yima.sdk.web.build` does it; `make setup` and a release do it too. The module is packed and in base64 inside
a classic script, since a page opened from a disk may load nothing else.
"""

import base64
import gzip
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

_TOP: Final = Path(__file__).resolve().parents[2]
CORE: Final = _TOP / "validator" / "core"
PAGE: Final = Path(__file__).parent / "page"
BUILT: Final = PAGE / "core_wasm.js"
PACKED: Final = PAGE / "packed_search.js"
SEARCHED: Final = (
    "core", "causes", "wholeness", "charsets", "dumps", "pasted", "packets", "rewritten", "mapped", "restoring",
    "losses", "lines", "diagnosis", "card", "searcher",
)  # fmt: skip
"""What a search needs, in the order in which it loads."""
_FLAGS: Final = (
    "-target", "wasm32-freestanding", "-std=c11", "-ffreestanding", "-O2", "-DNDEBUG", "-DYIMA_KERNEL_32=1",
    "-Wall", "-Wextra", "-Wshadow", "-Wpedantic", "-Werror", "-Wl,--no-entry", "-Wl,--strip-all",
)  # fmt: skip


class WebBuildError(Exception):
    """The core was not compiled; the message holds what the compiler said."""


def module() -> bytes:
    """The core as a WebAssembly module that imports nothing. Raises WebBuildError; ModuleNotFoundError, no ziglang."""
    if importlib.util.find_spec("ziglang") is None:
        raise ModuleNotFoundError("No module named 'ziglang'", name="ziglang")
    left_out = {"sm2_64.c", "sm2_adx.c"}  # 128-bit products are function calls here: the 32-bit kernel is faster
    sources = [Path(__file__).with_name("glue.c"), *sorted(p for p in CORE.glob("*.c") if p.name not in left_out)]
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / "core.wasm"
        compiler = [sys.executable, "-m", "ziglang", "cc", *_FLAGS, f"-I{CORE}", f"-I{CORE / 'include'}"]
        command = [*compiler, *map(str, sources), "-o", str(made)]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
        if done.returncode or not made.exists():
            raise WebBuildError(done.stderr.strip())
        return made.read_bytes()


def script(name: str, module_bytes: bytes) -> str:
    """A classic script that leaves the packed module as globalThis.yima.packed[name]."""
    text = base64.b64encode(gzip.compress(module_bytes, mtime=0)).decode()
    return f"'use strict';\n((globalThis.yima ??= {{}}).packed ??= {{}}).{name} =\n  '{text}';\n"


def search_script() -> str:
    """page/packed_search.js: the scripts of a search, one after the other."""
    return script("search", "\n".join((PAGE / f"{name}.js").read_text("utf-8") for name in SEARCHED).encode())


def main() -> None:
    """Writes page/packed_search.js and page/core_wasm.js; told `search` or `core`, that one alone."""
    if sys.argv[1:] != ["core"]:
        PACKED.write_text(search_script(), encoding="utf-8")
    if sys.argv[1:] != ["search"]:
        built = module()
        BUILT.write_text(script("core", built), encoding="utf-8")
        print(f"{BUILT.name}: {len(built)} bytes 字节")


if __name__ == "__main__":
    main()
