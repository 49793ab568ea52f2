"""The board's peripherals are C; here they become a library, once for each state of the sources.

The library is linked to nothing: it is handed the emulator's functions when it is used. It is kept in the user's cache
folder (or YIMA_BOARD_CACHE), named by the digest of its sources: a changed source is never run from an old build.
"""

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from yima.firmware_images.build import ROOT, includes
from yima.firmware_images.hardware import board, cache_folder
from yima.hwsim.board.errors import BoardError
from yima.validator.remedies import requirement_command
from yima.validator.texts import Text

_SOURCES = ("soc_core.c", "soc_debug.c", "soc_faults.c", "soc_system.c", "soc_devices.c")
_FLAGS = ["-std=c11", "-O2", "-g0", "-fPIC", "-shared", "-fvisibility=hidden"]


def library() -> Path:
    """The peripherals. Raises BoardError where there is no compiler."""
    return _built("soc", _SOURCES, ("soc.h",))


def witness() -> Path:
    """The plugin for QEMU. Raises BoardError where there is no compiler."""
    return _built("witness", ("witness.c",))


def rot_model() -> Path:
    """The firmware's log, settings and parameters over flash that decays. Raises BoardError where there is no
    compiler."""
    app = ROOT / "firmware_images/app"
    core = sorted((ROOT / "validator/core").glob("*.c"))
    parts = [app / f"{name}.c" for name in ("settings", "parameters_flash", "flash_writer")]
    folders = [ROOT / folder for folder in includes(board())]
    headers = [path for folder in folders for path in sorted(folder.rglob("*.h"))]
    defines = ("YIMA_PRODUCT_METRO_GATE", "YIMA_ENVIRONMENT=2", 'YIMA_VERSION="0.0.0"')
    flags = [*(f"-I{folder}" for folder in folders), *(f"-D{define}" for define in defines)]
    return _built("rot", ("rot_model.c", *map(str, core + parts)), tuple(map(str, headers)), flags)


def _built(name: str, sources: tuple[str, ...], headers: tuple[str, ...] = (), flags: Sequence[str] = ()) -> Path:
    here = Path(__file__).parent
    digest = hashlib.sha256("\n".join(Path(flag).name for flag in flags).encode())
    for source in (*headers, *sources):
        digest.update((here / source).read_bytes())
    cache = cache_folder()
    built = cache / f"{name}-{digest.hexdigest()[:24]}.so"
    if not built.exists():
        cache.mkdir(parents=True, exist_ok=True)
        _build([str(here / source) for source in sources], built, flags)
    return built


def _compiler() -> list[str]:
    if found := shutil.which("cc"):
        return [found]
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc"]
    raise BoardError(
        "cc",
        Text("there is no C compiler for the board's C parts", "没有 C 编译器，无法构建板卡外设"),
        Text(
            f"Install one: apt-get install gcc libc6-dev, or {requirement_command('ziglang')}",
            f"请安装：apt-get install gcc libc6-dev，或 {requirement_command('ziglang')}",
        ),
    )


def _build(sources: list[str], built: Path, flags: Sequence[str] = ()) -> None:
    with tempfile.TemporaryDirectory(dir=built.parent) as scratch:
        made = Path(scratch) / "soc.so"
        command = [*_compiler(), *_FLAGS, *flags, *sources, "-o", str(made)]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
        if done.returncode != 0:
            raise BoardError(
                "cc",
                Text(f"cannot build them: {done.stderr[-1000:]}", f"无法构建外设：{done.stderr[-1000:]}"),
                Text("Mend what it says, or install another compiler", "请按提示修复或更换编译器"),
            )
        made.replace(built)  # atomic: two builders at once make the same file
