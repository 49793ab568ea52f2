"""A board whose flash takes its time, whose lines are noisy, whose clock drifts and whose supply dips: what the
application does of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hwsim.board.boards import board_on, ready_board_on
from yima.firmware_images.session import bench_signer
from yima.hwsim.board.emulator import Board, Outcome
from yima.hwsim.board.flash import Cut
from yima.hwsim.board.flaws import Flaws, Harm, Noise
from yima.hwsim.board.layout import PIN_GATE, SCANNER, STATION
from yima.hwsim.board.log_reader import read_log
from yima.hwsim.board.station import GROUP_IMAGE, WRITE, Station, framed
from yima.hwsim.board.workshop import CLOCK, Firmware, World, equip

REAL = Flaws(program_us=82, erase_us=22_000)
"""As of a Cortex-M that runs from the flash it writes: STM32L476xx datasheet, flash memory characteristics."""


@pytest.fixture
def path(tmp_path: Path, firmware: Firmware, world: World) -> Path:
    equip(tmp_path / "flash", firmware.image, world.parameters)
    return tmp_path / "flash"


@pytest.fixture
def board(path: Path) -> Iterator[Board]:
    with ready_board_on(path) as made:
        yield made


def tapped(board: Board, code: bytes) -> Outcome:
    board.feed(SCANNER, code)
    return board.run(1500, until=b"record=") + board.run(10)


def test_a_tap_waits_as_long_as_flash_takes(board: Board, world: World) -> None:
    def opens_after_us(code: bytes) -> float:
        start = board.run(6000).now  # the gate is shut again
        seen = tapped(board, code)
        assert "lost=" not in seen.status
        return (next(change.now for change in seen.pins if change.pins & PIN_GATE) - start) / board.mhz

    opens_after_us(world.code(1))
    quick = opens_after_us(world.code(2))
    board.set_flaws(REAL)
    assert 85 * 82 < opens_after_us(world.code(3)) - quick < 85 * 82 + 1500, "some 87 units are programmed"


def test_bytes_that_come_while_flash_is_erased_are_lost_counted_and_cost_no_ride(board: Board, world: World) -> None:
    board.set_flaws(REAL)
    code, station = world.code(1), Station(board)
    station.open_session(bench_signer())
    board.feed(STATION, framed(WRITE, GROUP_IMAGE, 5, {}))
    board.run(30)  # it looks at its own image first
    board.feed(SCANNER, code)
    seen = board.run(1500).status
    assert "image erased=1" in seen
    assert "scanner lost=" in seen
    assert "name=ACCEPTED" not in seen
    assert "watchdog" not in seen
    assert "name=ACCEPTED" in tapped(board, code).status, "the rider shows it again"


def test_a_station_brings_parameters_to_a_board_whose_flash_takes_its_time(board: Board, world: World) -> None:
    board.set_flaws(REAL)
    station = Station(board)
    assert station.send_parameters(bytes(world.parameters.image)) == world.parameters.version
    assert not any("lost=" in outcome.status for outcome in station.seen)


@pytest.mark.parametrize(
    ("harm", "told", "accepted"),
    [
        (Harm.BREAK, "scanner lost=0 framing=0 breaks=1", True),
        (Harm.FRAMING, "scanner lost=0 framing=1 breaks=0", False),
    ],
)
def test_what_is_wrong_on_a_line_is_told_and_a_break_is_no_byte(
    board: Board, world: World, harm: Harm, told: str, accepted: bool
) -> None:
    code = world.code(1)
    board.feed(SCANNER, code[:100])
    board.feed(SCANNER, b"?", harm)
    seen = tapped(board, code[100:]) + board.run(1500)
    assert told in seen.status
    assert ("name=ACCEPTED" in seen.status) == accepted


def test_noise_on_the_station_line_is_counted_and_the_station_heard_again(board: Board) -> None:
    board.feed(STATION, b"\x06\x09AA", Harm.FRAMING)
    board.feed(STATION, b"\0\0", Harm.BREAK)
    seen = board.run(2500).status
    assert seen.count("station lost=") <= 2, "noise on one line does not fill another"
    told = [dict(word.split("=") for word in line.split()[1:]) for line in seen.splitlines() if "framing" in line]
    assert [sum(int(one[name]) for one in told) for name in ("lost", "framing", "breaks")] == [0, 4, 2]
    assert Station(board).state()["terminal"] == "T1"


def test_noise_is_the_same_for_the_same_bytes_and_as_dense_as_it_says() -> None:
    data = bytes(range(256)) * 40
    pieces = list(Noise(100).of(data))
    assert pieces == list(Noise(100).of(data))
    assert sum(len(piece) for piece, _ in pieces) == len(data)
    spoilt = [harm for _, harm in pieces if harm is not Harm.NONE]
    assert 60 < len(spoilt) < 160
    assert set(spoilt) == {Harm.FRAMING, Harm.BREAK}
    assert list(Noise(0).of(data)) == [(data, Harm.NONE)]


@pytest.mark.parametrize(("ppm", "believed"), [(10_000, True), (-10_000, True), (60_000, False), (-60_000, False)])
def test_a_clock_that_drifts_is_believed_within_two_seconds(
    board: Board, world: World, ppm: int, believed: bool
) -> None:
    board.set_flaws(Flaws(drift_ppm=ppm))
    seen = board.run(60_000).status + tapped(board, world.code(1, CLOCK + 60)).status
    assert ("why=stepped" in seen) == (not believed)
    assert f"name={'ACCEPTED' if believed else 'TIME_UNTRUSTED'}" in seen


@pytest.mark.parametrize("where", [Cut.TORN, Cut.NEARLY])
@pytest.mark.parametrize("behind", [0, 50])
def test_a_brown_out_is_survived_and_no_ride_is_lost(path: Path, world: World, behind: int, where: Cut) -> None:
    with board_on(path) as board:
        board.set_rtc(CLOCK)
        board.power_on()
        first = board.run(2000, until=b"ready terminal").operations
        board.power_off()
        board.cut_at(first + behind, where, brown_out=True)
        board.power_on()
        board.run(2000, until=b"ready terminal")
        board.feed(SCANNER, world.code(1))
        seen = board.run(2000, until=b"ready terminal")
        assert seen.state == "running"
        assert any("brown-out" in note for _, note in seen.notes)
        assert "fault" not in seen.status, "what RAM keeps of faults is as it was"
        assert "name=ACCEPTED" in tapped(board, world.code(2)).status
        assert read_log(bytes(board.flash)).complaints == ()
