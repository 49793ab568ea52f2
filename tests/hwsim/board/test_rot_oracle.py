"""What `yima board rot` counts is counted where it happens: around a log with a fault of its own it says so.

Each case is the core's own source with one line changed, as a slip of a hand could.
"""

import multiprocessing
import shutil
import subprocess
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.once import once
from yima.firmware_images.build import ROOT, includes
from yima.firmware_images.hardware import board
from yima.hwsim.board.rot import rot

CORE = ROOT / "validator/core"
APP = [ROOT / f"firmware_images/app/{name}.c" for name in ("settings", "parameters_flash", "flash_writer")]
FLAGS = ["-std=c11", "-fPIC", "-fvisibility=hidden"]
FLAGS += ["-DYIMA_PRODUCT_METRO_GATE", "-DYIMA_ENVIRONMENT=2", '-DYIMA_VERSION="0.0.0"']
LONG = [pytest.mark.long]
FURTHER = {
    "it names what it hands out",
    "it hands out what a weak bit made of a record",
    "it believes settings as they are",
}
OFTEN_USED = {"rot_model", "flashlog", "flashlog_layout", "sm3"}


class Slip(NamedTuple):
    """In `source`, `of` became `to`; then rot must count under `counted`, in the row `row`."""

    source: Path
    of: str
    to: str
    row: str
    counted: str


SLIPS = {
    "it names nothing that is lost": Slip(
        CORE / "flashlog.c", "while (expected < log->next) {", "while (0) {", "log", "silent"
    ),
    "it names what it hands out": Slip(
        CORE / "flashlog.c", "if (entry.number == expected) expected++;", "expected++;", "log", "silent"
    ),
    "it hands out what has rotted": Slip(
        CORE / "flashlog_layout.c",
        "if (crc_of(log, &found->entry, found->entry.chain) == found->entry.crc) {",
        "if (crc_of(log, &found->entry, found->entry.chain) != 0) {",
        "log",
        "silent",
    ),
    "it hands out what a weak bit made of a record": Slip(
        CORE / "flashlog.c", "return yima_crc32(crc, entry->chain, sizeof entry->chain) == entry->crc;",
        "return yima_crc32(crc, entry->chain, sizeof entry->chain) != 0;", "weak", "silent",
    ),
    "it forgets the number of what has rotted": Slip(
        CORE / "flashlog.c", "if (state < ENTRY_ROTTEN) continue;", "if (state < ENTRY_WHOLE) continue;",
        "log", "doubled",
    ),
    "it cannot acknowledge its last record": Slip(
        CORE / "flashlog.c", "if (number >= log->next) return 0;", "if (number >= log->next - 1) return 0;",
        "log", "jammed",
    ),
    "it believes settings as they are": Slip(
        APP[0], "return yima_crc32(0, copy + HEADER, size) == little(copy + 12, 4) ? size : 0;", "return size;",
        "settings", "silent",
    ),
}  # fmt: skip


class Built(NamedTuple):
    """Every source, compiled, and the folders that they include from."""

    objects: dict[Path, Path]
    folders: list[str]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folders = [f"-I{ROOT / one}" for one in includes(board())]
    sources = (*sorted(CORE.glob("*.c")), *APP, ROOT / "hwsim/board/rot_model.c")

    def make(folder: Path) -> None:
        for source in sources:
            compiled(source, folder / f"{source.stem}.o", "-O2" if source.stem in OFTEN_USED else "-O0", *folders)

    folder = once(tmp_path_factory, "rot", make)
    return Built({source: folder / f"{source.stem}.o" for source in sources}, folders)


def compiled(source: Path, to: Path, *flags: str) -> None:
    done = subprocess.run(["cc", *FLAGS, *flags, "-c", str(source), "-o", str(to)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
@pytest.mark.parametrize("name", [pytest.param(name, marks=LONG if name in FURTHER else ()) for name in SLIPS])
def test_a_slip_in_the_device_is_counted(name: str, built: Built, tmp_path: Path) -> None:
    slip = SLIPS[name]
    text = slip.source.read_text(encoding="utf-8")
    assert text.count(slip.of) == 1
    changed = tmp_path / slip.source.name
    changed.write_text(text.replace(slip.of, slip.to), encoding="utf-8")
    compiled(changed, tmp_path / "changed.o", "-O2", f"-I{slip.source.parent}", *built.folders)
    others = [str(made) for source, made in built.objects.items() if source != slip.source]
    library = tmp_path / "rot.so"
    subprocess.run(["cc", "-shared", *others, str(tmp_path / "changed.o"), "-o", str(library)], check=True)
    # The flash of the model lies at the device's addresses, which a worker that has run for long may have given away.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as apart:
        found = apart.submit(rot, 120, 3, model=library).result()
    assert getattr(found[slip.row], slip.counted) > 0, found
    assert not found[slip.row].is_sound
