"""A log that other firmware wrote: codes it took stay used, its entries go out as they are, and runs are counted on."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.firmware_images.host_log import log_of
from tests.hwsim.board.boards import board_on
from yima.hwsim.board.emulator import Board
from yima.hwsim.board.layout import LOG, LOG_SIZE, SCANNER
from yima.hwsim.board.log_reader import read_log
from yima.hwsim.board.station import Station
from yima.hwsim.board.workshop import CLOCK, Firmware, World, equip
from yima.sdk.layouts import RECORD
from yima.validator import _core
from yima.validator.journal.facts import NoteFacts, parse, write
from yima.validator.journal.kept import fault_of
from yima.validator.judging import Reason
from yima.validator.judging.record import record_is_intact

Started = Callable[[Sequence[bytes]], Board]


def older_record(code: bytes, reason: int) -> bytes:
    """A tap as firmware before the facts kept it: the record alone, reason and trust as tags of its own."""
    values = {
        0x0000: b"\0",
        0x0001: code,
        0x0009: (200).to_bytes(4),
        0x0010: CLOCK.to_bytes(4),
        0x2001: reason.to_bytes(2),
        0x2002: b"\1",
    }
    body: bytes = RECORD.build([{"tag": tag, "value": value} for tag, value in values.items()])
    return body + bytes.fromhex("00110020") + _core.sm3(body)


@pytest.fixture
def started_on(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, firmware: Firmware, world: World
) -> Iterator[Started]:
    """Starts a board on a log that holds these entries."""
    boards = ExitStack()

    def start(entries: Sequence[bytes]) -> Board:
        path = tmp_path / "flash"
        equip(path, firmware.image, world.parameters)
        flash = bytearray(path.read_bytes())
        flash[LOG : LOG + LOG_SIZE] = log_of(tmp_path_factory, entries)
        path.write_bytes(flash)
        board = boards.enter_context(board_on(path))
        board.set_rtc(CLOCK + 5)
        board.power_on()
        assert "ready terminal" in board.run(2000, until=b"ready terminal").status
        board.run(500)
        return board

    with boards:
        yield start


def shown(board: Board, code: bytes) -> str:
    board.feed(SCANNER, code)
    status = board.run(1500, until=b"record=").status + board.run(50).status
    return next(word[5:] for word in status.split() if word.startswith("name="))


def test_codes_that_older_firmware_took_stay_used_and_its_records_go_out_as_they_are(
    started_on: Started, world: World
) -> None:
    used, refused = world.code(1), world.code(2)
    kept = [older_record(used, 0), older_record(refused, Reason.FARE_OVER_CAP)]
    board = started_on(kept)
    assert shown(board, used) == "REPEATED"
    assert shown(board, refused) == "ACCEPTED"
    records = [record.data for record in Station(board).records()]
    assert records[:2] == kept
    assert all(record_is_intact(record) for record in records[:2])
    assert [fault_of(record) for record in records[2:]] == [None] * 4, "the start, the parameters, two taps"
    assert [parse(record)[0].run for record in records[2:]] == [1, 1, 1, 1]


def test_each_start_is_a_run_of_its_own(started_on: Started, world: World) -> None:
    code = world.code(1)
    board = started_on([write(NoteFacts(at=CLOCK, trusted=True, run=41, tick_ms=5, note=1))])
    assert shown(board, code) == "ACCEPTED"
    board.power_off()
    board.power_on()
    board.run(2000, until=b"ready terminal")
    board.run(500)
    assert shown(board, code) == "REPEATED"
    runs = [parse(data)[0].run for data in read_log(bytes(board.flash)).records.values()]
    assert runs == [41, *[42] * 3, *[43] * 3], "each with its start, its parameters and a tap"
