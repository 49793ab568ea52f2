"""The metro gate's firmware on the emulated board: its pins against its sensor, its clock, long hours."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hwsim.board.boards import board_on
from tests.hwsim.board.other_boards import metro_firmware
from yima.hwsim.board.emulator import Board
from yima.hwsim.board.layout import PIN_GATE, SCANNER
from yima.hwsim.board.workshop import CLOCK, World, equip, make_world

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return metro_firmware(tmp_path_factory).image


@pytest.fixture
def board(image: bytes, world: World, tmp_path: Path) -> Iterator[Board]:
    """A metro gate that has come up."""
    path = tmp_path / "flash"
    equip(path, image, world.parameters)
    with board_on(path) as made:
        made.set_rtc(CLOCK)
        made.power_on()
        assert "ready terminal" in made.run(2000, until=b"ready terminal").status
        yield made


def _tap(board: Board, code: bytes) -> bool:
    """Shows a code; whether the gate is open behind it."""
    board.feed(SCANNER, code)
    outcome = board.run(300)
    assert "tap n=" in outcome.status
    return bool(outcome.pins[-1].pins & PIN_GATE)


def _passes(board: Board) -> bool:
    """One rider goes through the sensor; whether the gate is open behind him."""
    board.set_buttons(1)
    states = board.run(400).pins
    board.set_buttons(0)
    states += board.run(100).pins
    return bool(states[-1].pins & PIN_GATE) if states else True


def test_the_gate_shuts_behind_the_rider(board: Board, world: World) -> None:
    assert _tap(board, world.code(1))
    assert not _passes(board)


def test_the_gate_stays_open_for_as_many_as_were_let_through(board: Board, world: World) -> None:
    assert _tap(board, world.code(1))
    assert _tap(board, world.code(2))
    assert _passes(board)
    assert not _passes(board)


def test_a_refusal_does_not_shut_out_who_was_let_through_before(board: Board, world: World) -> None:
    assert _tap(board, world.code(1))
    assert _tap(board, b"no code\r")
    assert not _passes(board)


def test_who_does_not_come_in_time_is_not_waited_for(board: Board, world: World) -> None:
    assert _tap(board, world.code(1))
    assert "gate state=shut" in board.run(5000).status
    assert _tap(board, world.code(2))
    assert not _passes(board)


def test_a_clock_that_stands_still_is_not_believed(board: Board, world: World) -> None:
    board.set_rtc(CLOCK, stopped=True)
    assert "clock trusted=0" in board.run(25_000).status
    board.feed(SCANNER, world.code(1))
    assert "TIME_UNTRUSTED" in board.run(300).status


@pytest.mark.parametrize(("minutes", "between"), [(6, 3), pytest.param(60, 10, marks=pytest.mark.long)])
def test_nothing_restarts_in_idle_minutes_with_a_tap_now_and_then(
    board: Board, world: World, minutes: int, between: int
) -> None:
    for minute in range(0, minutes, between):
        assert _tap(board, world.code(minute, CLOCK + 60 * minute))
        outcome = board.run(60_000 * between)
        assert outcome.state == "running"
        assert "yima version" not in outcome.status
        assert not outcome.notes
