"""The fuzz targets, and how one is built: by a clang that has libFuzzer, else by any compiler, with replay.c."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz import world
from yima.firmware_images.hardware import board, boards, write_map

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent.relative_to(ROOT)
CORPUS = HERE / "corpus"
BUILD = Path("build/fuzz")
_CORE, _APP, _BOARDS = Path("validator/core"), Path("firmware_images/app"), Path("firmware_images/boards")
INCLUDES = (_CORE, _CORE / "include", _APP, _BOARDS, _BOARDS / world.BOARD.name, HERE, BUILD / world.BOARD.name, BUILD)
_SCRIPT = HERE / "application.ld"


class BuildError(Exception):
    """What the compiler said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiler:
    """command: how it is called. fuzzes: it has libFuzzer; else it can only replay."""

    command: tuple[str, ...]
    fuzzes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One target: fuzz_<name>.c with the sources that it drives. max_len: of an input, bytes."""

    name: str
    sources: Sequence[Path]
    max_len: int
    defines: Sequence[str] = ()

    def objects(self, compiler: Compiler) -> list[tuple[Path, Sequence[str]]]:
        """Every source to compile, with its defines: only what belongs to a board has some."""
        main = [HERE / f"fuzz_{self.name}.c", *([] if compiler.fuzzes else [HERE / "replay.c"])]
        return [(source, () if source.parent == _CORE else self.defines) for source in [*main, *self.sources]]

    @property
    def link_flags(self) -> list[str]:
        """What the linker is to be told."""
        return [f"-Wl,-T,{ROOT / _SCRIPT}"] if self.defines else []

    @property
    def corpus(self) -> Path:
        """The inputs that stand in the repository."""
        return CORPUS / self.name

    @property
    def files(self) -> list[Path]:
        """They, by name."""
        return sorted((ROOT / self.corpus).glob("*"))


def _core(*names: str) -> list[Path]:
    return [_CORE / f"{name}.c" for name in names]


def _all_of(folder: Path) -> list[Path]:
    return [path.relative_to(ROOT) for path in sorted((ROOT / folder).glob("*.c")) if path.name != "runtime.c"]


_SM2 = _core("sm2", "sm2_32", "sm2_64", "sm2_adx", "sm3")
_APPLICATION = [HERE / "application.c", _BOARDS / world.BOARD.name / "port.c", *_all_of(_APP), *_all_of(_CORE)]


def _defines(product: str) -> Sequence[str]:
    return (f"YIMA_PRODUCT_{product}", "YIMA_ENVIRONMENT=2", 'YIMA_VERSION="fuzz"')


TARGETS = (
    Target(name="judge", sources=_all_of(_CORE), max_len=4096),
    Target(name="parameters", sources=_all_of(_CORE), max_len=4096),
    Target(name="package", sources=[*_core("package"), *_SM2], max_len=4096),
    Target(name="deny", sources=_core("deny", "sm3"), max_len=2048),
    Target(name="flashlog", sources=_core("flashlog", "flashlog_layout", "sm3"), max_len=1024),
    Target(name="facts", sources=_core("facts", "sm3"), max_len=1000),
    Target(name="record", sources=_core("record", "sm3"), max_len=1500),
    Target(name="sm2", sources=_SM2, max_len=130),
    Target(name="framing", sources=[_APP / "framing.c"], max_len=8192),
    Target(name="cbor", sources=[_APP / "cbor.c"], max_len=512),
    Target(name="smp", sources=_APPLICATION, max_len=6144, defines=_defines("BUS_VALIDATOR")),
    Target(name="flash", sources=_APPLICATION, max_len=6144, defines=_defines("BUS_VALIDATOR")),
    Target(name="scanner", sources=_APPLICATION, max_len=6144, defines=_defines("METRO_GATE")),
)


def find_compiler() -> Compiler:
    """The newest clang with libFuzzer, else what compiles C here."""
    newest_first = ["clang", *(f"clang-{version}" for version in range(30, 10, -1))]
    for name in filter(shutil.which, newest_first):
        if _links_libfuzzer(name):
            return Compiler(command=(name,), fuzzes=True)
    return Compiler(command=("cc",) if shutil.which("cc") else (sys.executable, "-m", "ziglang", "cc"), fuzzes=False)


def install_clang() -> None:
    """Asks apt for clang and its libFuzzer where that is allowed; otherwise nothing happens."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    _apt("update")
    _apt("install", "clang")
    version = subprocess.run(["clang", "-dumpversion"], capture_output=True, text=True, check=False).stdout
    if version:
        _apt("install", f"libclang-rt-{version.split('.')[0]}-dev")


def _apt(*what: str) -> None:
    command = ["apt-get", "-qq", "-y", "--no-install-recommends", *what]
    subprocess.run(
        command, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, stdout=subprocess.DEVNULL, check=False
    )


def _links_libfuzzer(clang: str) -> bool:
    """Debian's clang comes without libFuzzer, so that it is found only by trying."""
    program = b"int LLVMFuzzerTestOneInput(const char *d, long n) { return d == 0 && n < 0; }"
    command = [clang, "-fsanitize=fuzzer,address,undefined", "-x", "c", "-", "-o", os.devnull]
    return subprocess.run(command, input=program, capture_output=True, check=False).returncode == 0


def write_headers() -> None:
    """build/fuzz/world.h and map.h, rewritten only when they have changed."""
    write_map(board(), ROOT / BUILD)
    for name in boards():
        write_map(board(name), ROOT / BUILD / name)
    path, text = ROOT / BUILD / "world.h", world.header()
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def object_of(source: Path, defines: Sequence[str]) -> Path:
    """Where the object of a source lies, one for all targets that share it."""
    kind = "-".join([*source.with_suffix("").parts, *(define.lower() for define in defines[:1])])
    return BUILD / "objects" / f"{kind}.o"


def compile_object(source: Path, defines: Sequence[str], compiler: Compiler) -> Path:
    """Compiles one source; returns where its object lies. Raises BuildError."""
    output = object_of(source, defines)
    (ROOT / output).parent.mkdir(parents=True, exist_ok=True)
    _call(
        [
            *compiler.command,
            *("-std=c11", "-O1", "-g", "-fno-omit-frame-pointer", "-Wall", "-Wextra", "-c"),
            *_sanitized(compiler),
            *(["-fsanitize=fuzzer-no-link"] if compiler.fuzzes else []),
            *(f"-I{folder}" for folder in INCLUDES),
            *(f"-D{define}" for define in defines),
            *(str(source), "-o", str(output)),
        ]
    )
    return output


def link(target: Target, objects: Sequence[Path], compiler: Compiler) -> None:
    """The program of a target: build/fuzz/<name>. Raises BuildError."""
    fuzzer = ["-fsanitize=fuzzer"] if compiler.fuzzes else []
    output = str(BUILD / target.name)
    _call([*compiler.command, *_sanitized(compiler), *fuzzer, *map(str, objects), *target.link_flags, "-o", output])


def _sanitized(compiler: Compiler) -> list[str]:
    if "ziglang" in compiler.command:  # it comes without AddressSanitizer
        return ["-fsanitize=undefined"]
    return ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def _call(command: Sequence[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(f"{' '.join(command)}\n{done.stderr}")
