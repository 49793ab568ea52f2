"""`yima board port-check`: the self-test finds nothing on the boards that are here, and names what is wrong with a port
that is."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.hwsim.board.other_boards import BOARDS
from yima.firmware_images.build import ROOT
from yima.firmware_images.hardware import board as board_named
from yima.hwsim.board.port_check import check_port
from yima.hwsim.board.workshop import CLOCK
from yima.sdk.cli.main import main

CHECKED = {
    *("ms", "rtc", "slot", "flash_erase", "flash_program", "flash_neighbour", "flash_refuses", "pins", "inputs"),
    *("scanner", "written", "station", "notes", "reset", "watchdog", "power", "log", "done"),
}
# of the board posix: source, what stands there, what stands there instead, what finds it
WRONG = [
    ("flash.c", "memset(flash + address, 0xFF, PORT_FLASH_BLOCK);", "", "flash_neighbour"),
    ("flash.c", "address % size == 0 &&", "size &&", "flash_refuses"),
    ("port.c", "bench.inputs & (PORT_PASSAGE | PORT_GATE_FAULT)", "bench.inputs & PORT_PASSAGE", "inputs"),
    ("port.c", 'bench_say_number("pins", pins);', 'bench_say_number("pins", pins >> 1);', "pins"),
    ("port.c", "(bench.rtc_stands ? 0 :", "(1 ? 0 :", "rtc"),
    ("port.c", "if (arrived_ms) *arrived_ms = line->arrived_ms;", "(void)arrived_ms;", "scanner"),
    ("port.c", 'bench_end("watchdog")', "(void)0", "watchdog"),
]


@pytest.mark.parametrize("name", [*BOARDS, pytest.param("mps2-an500", marks=pytest.mark.long)])
def test_every_function_of_a_port_does_what_it_should(name: str, tmp_path: Path) -> None:
    checks = list(check_port(board_named(name), tmp_path, CLOCK))
    assert [check for check in checks if not check.is_good] == []
    assert {check.name for check in checks} == CHECKED


@pytest.fixture
def wrong() -> Iterator[Path]:
    """The board posix with every function of WRONG."""
    build = ROOT / "build"
    build.mkdir(exist_ok=True)  # a fresh clone has none
    with tempfile.TemporaryDirectory(dir=build, prefix="wrong-port-") as name:
        folder = Path(name, "posix")
        shutil.copytree(board_named("posix").folder, folder)
        for source, there, instead, _ in WRONG:
            text = (folder / source).read_text()
            assert there in text
            (folder / source).write_text(text.replace(there, instead))
        yield folder


def test_what_a_port_does_wrong_is_named(wrong: Path, tmp_path: Path) -> None:
    checks = check_port(replace(board_named("posix"), folder=wrong), tmp_path, CLOCK)
    bad = {check.name for check in checks if not check.is_good}
    assert {found for *_, found in WRONG} <= bad
    assert not bad & {"ms", "slot", "written", "reset", "done"}


@pytest.mark.long
def test_the_verb_says_good_of_each_function(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["board", "port-check", "--board", "posix"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines} == {"good"}
    assert {line.split()[1] for line in lines} == CHECKED
