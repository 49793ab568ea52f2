"""`smpmgr`, a tool that nobody here wrote, updates each of the boards over its station line."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hwsim.board.other_boards import NO_QEMU, firmware_of
from tests.hwsim.board.test_live_board import Running
from yima.firmware_images.build import ROOT
from yima.firmware_images.hardware import board as board_named
from yima.hwsim.board.workshop import UPDATE, Firmware, World, equip
from yima.validator.version import VERSION

SMPMGR = shutil.which("smpmgr", path=ROOT / "build/smpmgr/bin") or shutil.which("smpmgr")
pytestmark = [pytest.mark.long, pytest.mark.skipif(SMPMGR is None, reason="smpmgr is not installed: .ci/setup long")]


@pytest.fixture(params=["mps2-an500", "posix", pytest.param("riscv32-virt", marks=NO_QEMU)])
def firmware(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Firmware:
    return firmware_of(board_named(request.param), tmp_path_factory)


@pytest.fixture
def board(tmp_path: Path, firmware: Firmware, world: World) -> Iterator[Running]:
    """Runs, its station line at tmp_path/station."""
    equip(tmp_path / "flash", firmware.image, world.parameters)
    running = Running(tmp_path / "flash", "--link", f"station={tmp_path / 'station'}")
    running.status("ready terminal")
    yield running
    running.stop()


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """A program with these words."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "COLUMNS": "400"}
        return subprocess.run(words, capture_output=True, text=True, timeout=300, check=False, env=environment)

    return run


def test_it_upgrades_with_its_defaults_lists_confirms_resets_and_is_refused_a_downgrade(
    board: Running, call: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, firmware: Firmware
) -> None:
    line = str(tmp_path / "station")

    def smpmgr(*words: str) -> subprocess.CompletedProcess[str]:
        return call(str(SMPMGR), "--port", line, "--timeout", "10", *words)

    def open_session() -> None:
        assert call(sys.executable, "-m", "yima.sdk.cli.main", "station", line, "open").returncode == 0

    update, older = tmp_path / "update.img", tmp_path / "older.img"
    update.write_bytes(firmware.update)
    older.write_bytes(firmware.image)
    open_session()
    board.said = ""
    upgraded = smpmgr("upgrade", str(update))
    assert "Upgrade complete" in upgraded.stdout, upgraded.stdout + upgraded.stderr
    board.status("ready terminal")
    assert f"yima version={UPDATE}" in board.said
    listed = smpmgr("image", "state-read").stdout
    assert UPDATE in listed and VERSION in listed
    assert "EACCESSDENIED" in smpmgr("image", "state-write", "--confirm").stdout, "the reset has ended the session"
    open_session()
    assert "EACCESSDENIED" not in smpmgr("image", "state-write", "--confirm").stdout
    refused = smpmgr("upgrade", str(older))
    assert "CURRENT_VERSION_IS_NEWER" in refused.stdout + refused.stderr
    assert "Upgrade complete" not in refused.stdout
    board.said = ""
    smpmgr("os", "reset")
    board.status("ready terminal")
    assert f"yima version={UPDATE}" in board.said, "confirmed, it stays"
