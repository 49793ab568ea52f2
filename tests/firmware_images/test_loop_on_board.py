"""The loop of a tap in the metro gate's firmware, on the emulated board: a clock that moves, codes that were used,
parameters that are too much or too old, and who has gone through the gate."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.entries import all_of
from tests.hwsim.board.boards import board_on
from tests.hwsim.board.other_boards import metro_firmware
from yima.firmware_images.keys import public_test_key
from yima.firmware_images.provision import Settings
from yima.firmware_images.session import bench_key
from yima.hwsim.board.emulator import Board
from yima.hwsim.board.errors import BoardError
from yima.hwsim.board.factory import make_flash
from yima.hwsim.board.layout import GATE_FAULT, PARAMETERS, PIN_GATE, PIN_OUT_OF_SERVICE, PIN_RED, SCANNER
from yima.hwsim.board.log_reader import read_log
from yima.hwsim.board.station import Station
from yima.hwsim.board.workshop import CITY, CLOCK, ORGANISATION, PLATFORM, World, make_world
from yima.sdk.parameters.signing import Envelope, sign_package
from yima.sdk.sm2 import SigningKey
from yima.validator.journal.facts import NoteFacts, Outcome, OutcomeFacts, TapFacts, TimeEvent, TimeFacts
from yima.validator.judging import Reason
from yima.validator.parameters import Parameters, from_mapping

pytestmark = pytest.mark.slow

DAY = 86_400
OUT_OF_VIEW_MS = 2500
Started = Callable[..., Board]
_Facts = TypeVar("_Facts", TapFacts, OutcomeFacts, TimeFacts, NoteFacts)


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return metro_firmware(tmp_path_factory).image


@pytest.fixture
def started(image: bytes, world: World, tmp_path: Path) -> Iterator[Started]:
    """Makes metro gates that have come up."""
    boards, numbers = ExitStack(), itertools.count()

    def start(parameters: bytes = bytes(world.parameters.image), *, clock: int = CLOCK) -> Board:
        path = tmp_path / f"flash-{next(numbers)}"
        settings = Settings(terminal="T1", city=CITY, station_keys=[bench_key()])
        make_flash(path, image, keys=[public_test_key()], settings=settings, parameters=parameters)
        board = boards.enter_context(board_on(path))
        restart(board, clock)
        return board

    with boards:
        yield start


def restart(board: Board, clock: int) -> str:
    """Power off, the battery-backed clock elsewhere, power on; what the status line says."""
    board.power_off()
    board.set_rtc(clock)
    board.power_on()
    status = board.run(2000, until=b"ready terminal").status + board.run(50).status
    assert "ready terminal" in status
    return status


def shown(board: Board, code: bytes) -> str:
    """The reason's name."""
    board.run(OUT_OF_VIEW_MS)
    board.feed(SCANNER, code)
    status = board.run(300).status
    assert "tap n=" in status
    return next(word[5:] for word in status.split() if word.startswith("name="))


def set_clock(board: Board, unix_s: int) -> str:
    """The station says what time it is; what the status line says."""
    station = Station(board)
    station.set_time(unix_s)
    return "".join(outcome.status for outcome in [*station.seen, board.run(300)])


def kept(board: Board, kind: type[_Facts]) -> list[_Facts]:
    return all_of(kind, read_log(bytes(board.flash)).records)


def parameters_like(world: World, version: int, **changes: Any) -> Parameters:
    """Those of the world under another version."""
    return from_mapping(
        {
            "environment": "test",
            "version": version,
            "fares": {"metro": 300},
            "roots": [{"certificate": world.root.certificate.hex()}],
            "whitelist": [{"organisation": ORGANISATION, "platform": PLATFORM}],
            **changes,
        },
        source=f"version {version}",
    )


def refusal(station: Station, parameters: bytes) -> str:
    """What the status line says of parameters that the device does not take."""
    with pytest.raises(BoardError, match="the device refused"):
        station.send_parameters(parameters)
    return "".join(outcome.status for outcome in station.seen)


def test_a_clock_that_is_set_back_a_day_is_not_believed_however_evenly_it_goes(started: Started, world: World) -> None:
    board = started()
    yesterdays = world.code(1, CLOCK - DAY)
    board.set_rtc(CLOCK - DAY)
    assert "clock trusted=0" in (said := board.run(1000).status)
    assert "why=stepped" in said
    assert shown(board, yesterdays) == "TIME_UNTRUSTED"
    assert "clock" not in board.run(60_000).status
    assert shown(board, world.code(2, CLOCK - DAY + 60)) == "TIME_UNTRUSTED"
    stepped = kept(board, TimeFacts)[-1]
    assert (stepped.event, stepped.trusted) == (TimeEvent.STEPPED, False)
    assert abs(stepped.expected - stepped.found - DAY) <= 2


def test_a_clock_that_is_right_again_is_believed_again(started: Started, world: World) -> None:
    board = started()
    board.set_rtc(CLOCK - DAY)
    board.run(1000)
    elapsed = board.run(0.001).now // board.mhz // 1_000_000
    board.set_rtc(CLOCK + elapsed)
    assert "clock trusted=1" in board.run(1000).status
    assert kept(board, TimeFacts)[-1].event == TimeEvent.TRUSTED_AGAIN
    assert shown(board, world.code(1, CLOCK)) == "ACCEPTED"


def test_a_code_that_was_used_stays_used_whatever_clock_and_restart(started: Started, world: World) -> None:
    board = started()
    code = world.code(1)
    assert shown(board, code) == "ACCEPTED"
    restart(board, CLOCK)
    assert shown(board, code) == "REPEATED"
    restart(board, CLOCK + 2 * DAY)
    assert shown(board, world.code(2, CLOCK + 2 * DAY)) == "ACCEPTED"
    restart(board, CLOCK)
    assert shown(board, code) == "TIME_UNTRUSTED", "the newest record is of the day after tomorrow"
    assert "clock trusted=1" in set_clock(board, CLOCK + 5)
    assert shown(board, code) == "REPEATED"
    board.set_rtc(CLOCK + DAY)
    board.run(1000)
    assert "clock trusted=1" in set_clock(board, CLOCK + 5)
    assert shown(board, code) == "REPEATED"
    assert shown(board, world.code(3)) == "ACCEPTED"


def test_a_code_that_was_used_stays_used_under_other_parameters(started: Started, world: World) -> None:
    board = started()
    code = world.code(1)
    assert shown(board, code) == "ACCEPTED"
    assert Station(board).send_parameters(bytes(parameters_like(world, 2).image)) == 2
    assert shown(board, code) == "REPEATED"
    assert shown(board, world.code(2)) == "ACCEPTED"
    assert [note.a for note in kept(board, NoteFacts)] == [1, 2]
    assert [tap.parameters_version for tap in kept(board, TapFacts)] == [1, 2, 2]


def test_parameters_that_need_more_memory_than_the_board_has_are_refused_by_name(
    started: Started, world: World
) -> None:
    board = started()
    most = parameters_like(world, 2, limits={"taps_per_minute": 600})
    assert "parameters refused=MEMORY" in refusal(Station(board), bytes(most.image))
    assert shown(board, world.code(1)) == "ACCEPTED", "the old ones stay in force"
    never_good = started(bytes(most.image))
    assert "parameters refused=MEMORY" in restart(never_good, CLOCK)
    assert shown(never_good, world.code(1)) == "NO_PARAMETERS"


def test_expired_parameters_are_used_for_three_days_more_and_then_taps_are_refused_and_recorded(
    started: Started, world: World
) -> None:
    key = SigningKey.generate()
    envelope = Envelope(
        environment="test", version=1, not_before=CLOCK - 60, expiry=CLOCK + 100, next_keys=(key.compressed,)
    )
    board = started(sign_package(bytes(world.parameters.image), envelope, [key]))
    restart(board, CLOCK + 3 * DAY)
    assert shown(board, world.code(1, CLOCK + 3 * DAY)) == "ACCEPTED"
    board.power_off()
    board.set_rtc(CLOCK + 4 * DAY)
    board.power_on()
    assert board.run(2000).pins[-1].pins & PIN_OUT_OF_SERVICE
    assert shown(board, world.code(2, CLOCK + 4 * DAY)) == "PARAMETERS_EXPIRED"
    assert [tap.reason for tap in kept(board, TapFacts)] == [Reason.ACCEPTED, Reason.PARAMETERS_EXPIRED]


def test_who_has_gone_through_and_who_has_not_is_written_down(started: Started, world: World) -> None:
    board = started()
    codes = [world.code(rider) for rider in range(3)]
    for code in codes[:2]:
        board.feed(SCANNER, code)
        board.run(300)
    for _ in range(2):
        board.set_buttons(1)
        board.run(400)
        board.set_buttons(0)
        board.run(200)
    board.feed(SCANNER, codes[2])
    board.run(6000)
    records = read_log(bytes(board.flash)).records
    taps = [number for number, entry in records.items() if any(code in entry for code in codes)]
    outcomes = kept(board, OutcomeFacts)
    assert [outcome.tap for outcome in outcomes] == taps
    assert [outcome.outcome for outcome in outcomes] == [Outcome.PASSED, Outcome.PASSED, Outcome.NOT_PASSED]
    assert not any(outcome.reverses for outcome in outcomes), "the centre decides"
    assert shown(board, codes[2]) == "REPEATED"


def test_a_ride_whose_gate_cannot_open_is_reversed_and_the_code_may_be_shown_again(
    started: Started, world: World
) -> None:
    board = started()
    code = world.code(1)
    board.set_buttons(GATE_FAULT)
    board.run(OUT_OF_VIEW_MS)
    board.feed(SCANNER, code)
    failed = board.run(300)
    assert "name=GATE_FAILED" in failed.status
    assert not any(change.pins & PIN_GATE for change in failed.pins)
    assert any(change.pins & PIN_RED for change in failed.pins)
    (outcome,) = kept(board, OutcomeFacts)
    assert (outcome.outcome, outcome.reverses) == (Outcome.FAILED, True)
    restart(board, CLOCK)
    board.set_buttons(0)
    assert shown(board, code) == "ACCEPTED"
    assert shown(board, code) == "REPEATED"
    board.run(6000)
    assert [one.outcome for one in kept(board, OutcomeFacts)] == [Outcome.FAILED, Outcome.NOT_PASSED]


def test_what_moves_in_front_of_the_sensor_of_a_shut_gate_is_nobodys_passage(started: Started, world: World) -> None:
    board = started()
    board.set_buttons(1)
    board.run(400)
    board.set_buttons(0)
    board.run(400)
    assert kept(board, OutcomeFacts) == []
    assert shown(board, world.code(1)) == "ACCEPTED"


def test_who_stands_in_the_sensor_when_the_gate_shuts_has_gone_through(started: Started, world: World) -> None:
    board = started()
    board.feed(SCANNER, world.code(1))
    board.run(4000)
    board.set_buttons(1)
    assert "gate state=shut" in board.run(3000).status
    assert kept(board, OutcomeFacts) == []
    board.set_buttons(0)
    board.run(300)
    assert [outcome.outcome for outcome in kept(board, OutcomeFacts)] == [Outcome.PASSED]


def test_a_used_code_stays_used_where_parameters_were_lost_and_came_again(started: Started, world: World) -> None:
    """The judge is made ready only when the first parameters come, behind the start at which the log was read."""
    board = started()
    code = world.code(1)
    assert shown(board, code) == "ACCEPTED"
    board.power_off()
    board.flash[PARAMETERS[0] : PARAMETERS[0] + 2 * (PARAMETERS[1] - PARAMETERS[0])] = b"\xff" * (
        2 * (PARAMETERS[1] - PARAMETERS[0])
    )
    restart(board, CLOCK)
    assert shown(board, code) == "NO_PARAMETERS"
    assert Station(board).send_parameters(bytes(world.parameters.image)) == 1
    assert shown(board, code) == "REPEATED"
