"""`yima board run --qemu`: the same flash on the other emulator, for a person at a terminal."""

import subprocess
import sys
from pathlib import Path

import pytest

from yima.hwsim.board.qemu import installed
from yima.hwsim.board.workshop import Firmware, World, equip


@pytest.fixture
def flash(tmp_path: Path, firmware: Firmware, world: World) -> Path:
    """A board's, ready to run."""
    equip(tmp_path / "flash", firmware.image, world.parameters)
    return tmp_path / "flash"


def run(flash: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "yima.sdk.cli.main", "board", "run", "--flash", str(flash), "--qemu", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False, stdin=subprocess.DEVNULL)


@pytest.mark.skipif(not installed(), reason="qemu-system-arm is not installed")
def test_it_runs_what_the_boot_rom_chose_and_ends_when_it_is_told_to(flash: Path) -> None:
    done = run(flash, "--seconds", "3")
    assert done.returncode == 0, done.stderr
    assert "boot ROM starts slot A" in done.stdout
    assert "ready terminal=T1" in done.stdout


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("--link", ["--link", "scanner=/tmp/nowhere"]),
        ("--control", ["--control", "/tmp/nowhere"]),
        ("--dead-rtc", ["--dead-rtc"]),
        ("--json", ["--json"]),
        ("--mhz", ["--mhz", "100"]),
    ],
)
def test_what_only_our_emulator_has_is_refused_by_name(flash: Path, name: str, words: list[str]) -> None:
    done = run(flash, *words)
    assert done.returncode == 2
    assert done.stderr.startswith(f"yima: {name}: ")
    assert "--qemu" in done.stderr
