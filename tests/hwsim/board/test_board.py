"""The emulated board with the firmware on it: a code over the scanner's line opens the gate, and bad input of every
kind has an answer on the status line."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.entries import taps_of
from tests.hwsim.board.boards import board_on
from yima.firmware_images.build import Product
from yima.firmware_images.image import read
from yima.hwsim.board.emulator import Board
from yima.hwsim.board.errors import BoardError
from yima.hwsim.board.flash import Cut
from yima.hwsim.board.layout import (
    FLASH_SIZE,
    LOG,
    PARAMETERS,
    PIN_BUZZER,
    PIN_GATE,
    PIN_GREEN,
    PIN_OUT_OF_SERVICE,
    PIN_RED,
    SCANNER,
    STATION,
)
from yima.hwsim.board.log_reader import read_log
from yima.hwsim.board.station import Station
from yima.hwsim.board.workshop import CLOCK, Firmware, World, equip, make_firmware, ready_board
from yima.validator.judging import GateContext, Mode, Validator

Start = Callable[..., Board]


def taps(status: str) -> list[dict[str, str]]:
    """The status line's taps."""
    lines = [line.split() for line in status.splitlines() if line.startswith("tap ")]
    return [dict(word.split("=", 1) for word in words[1:]) for words in lines]


def test_a_code_over_the_scanners_line_opens_the_gate(started: Start, world: World) -> None:
    board = started()
    code = world.code(1)
    board.feed(SCANNER, code + b"\r")
    outcome = board.run(1000)
    assert [tap["name"] for tap in taps(outcome.status)] == ["ACCEPTED"]
    first = outcome.pins[0]
    assert first.pins & PIN_GATE and first.pins & PIN_GREEN and first.pins & PIN_BUZZER
    assert not outcome.pins[-1].pins & PIN_GATE, "the gate of a bus validator shuts by itself"
    (record,) = taps_of(read_log(bytes(board.flash)).records).values()
    assert code in record


def test_a_refused_code_shows_red_and_opens_nothing(started: Start, world: World) -> None:
    board = started()
    code = bytearray(world.code(1))
    code[-1] ^= 1
    board.feed(SCANNER, bytes(code))
    outcome = board.run(1000)
    (tap,) = taps(outcome.status)
    assert (tap["accepted"], tap["stages"]) == ("0", "1112000"), "the rider's signature failed"
    assert any(change.pins & PIN_RED for change in outcome.pins)
    assert not any(change.pins & PIN_GATE for change in outcome.pins)


def test_two_runs_are_the_same_to_the_instruction(started: Start, world: World) -> None:
    code = world.code(1)
    found = []
    for _ in range(2):
        board = started()
        board.feed(SCANNER, code)
        found.append(board.run(700))
    assert found[0] == found[1]


def test_bytes_come_at_the_pace_of_115200_baud(started: Start, world: World) -> None:
    board = started()
    code = world.code(1)
    before = board.run(0.001)
    board.feed(SCANNER, code)
    outcome = board.run(1000, until=b"tap ")
    line_ms = len(code) * 10 / 115.2
    opened_ms = (outcome.pins[0].now - before.now) / board.mhz / 1000
    assert line_ms < opened_ms < line_ms + 60


def test_the_board_and_the_hosts_core_give_one_verdict(
    tmp_path: Path, firmware: Firmware, lab: dict[int, dict[str, object]]
) -> None:
    """Each of the lab's cases whose gate is a bus, each on a board with the parameters of the case."""
    from yima.validator.parameters import from_mapping

    for number in (5165, 5498, 5573, 5577, 5581, 5684, 5715, 5728, 6048, 6335):
        vector = lab[number]
        gate, pairs, roots = vector["gate"], vector["whitelist"], vector["roots"]
        assert isinstance(gate, dict)
        assert isinstance(pairs, list)
        assert isinstance(roots, list)
        parameters = from_mapping(
            {
                "environment": "test",
                "version": 1,
                "fares": {gate["mode"]: gate["fare_fen"]},
                "roots": roots,
                "whitelist": [{"organisation": pair[0], "platform": pair[1]} for pair in pairs],
            },
            source=str(number),
        )
        code, clock = bytes.fromhex(str(vector["code"])), int(str(vector["clock"]))
        equip(tmp_path / "flash", firmware.image, parameters)
        with board_on(tmp_path / "flash") as board:
            board.set_rtc(clock)
            board.power_on()
            assert "ready terminal" in board.run(2000, until=b"ready terminal").status
            board.run(50)
            board.feed(SCANNER, code)
            (tap,) = taps(board.run(1000).status)
        host = Validator(parameters, GateContext(mode=Mode.BUS, city=320500)).judge(code, clock)
        assert (tap["name"], int(tap["fare"])) == (host.reason.name, host.fare_fen), number


def test_garbage_on_every_line_at_once_harms_nothing(started: Start, world: World) -> None:
    board = started()
    junk = bytes(range(256)) * 30
    for uart in range(3):
        board.feed(uart, junk)
    outcome = board.run(2500)
    assert outcome.state == "running"
    assert not [note for _, note in outcome.notes if "fault" in note or "watchdog" in note or "reset" in note]
    assert not any(change.pins & PIN_GATE for change in outcome.pins)
    board.feed(SCANNER, world.code(1))
    assert [tap["name"] for tap in taps(board.run(1000).status)] == ["ACCEPTED"]
    assert Station(board).state()["taps"] >= 1


@pytest.mark.slow
def test_no_bytes_on_the_lines_stop_the_board(started: Start, world: World) -> None:
    board = started()

    @settings(max_examples=40)
    @given(scanner=st.binary(max_size=900), station=st.binary(max_size=900), frame=st.booleans())
    def check(scanner: bytes, station: bytes, frame: bool) -> None:
        board.feed(SCANNER, scanner)
        board.feed(STATION, (b"\x06\x09" if frame else b"") + station + b"\n")
        outcome = board.run(300)
        assert outcome.state == "running"
        assert not [note for _, note in outcome.notes if "lost" not in note]

    check()
    board.run(3000)
    assert Station(board).state()["serving"]


def test_a_dead_clock_is_said_and_refuses_with_time_untrusted(started: Start, world: World) -> None:
    board = started(clock=0, stopped=True)
    board.feed(SCANNER, world.code(1))
    assert [tap["name"] for tap in taps(board.run(1000).status)] == ["TIME_UNTRUSTED"]


def test_without_parameters_the_board_is_out_of_service_and_says_so(started: Start, world: World) -> None:
    board = started(parameters=None)
    board.feed(SCANNER, world.code(1))
    outcome = board.run(1000)
    assert [tap["name"] for tap in taps(outcome.status)] == ["NO_PARAMETERS"]
    assert all(change.pins & PIN_OUT_OF_SERVICE for change in outcome.pins)


def test_parameters_that_stop_half_way_leave_the_old_ones_in_force(started: Start, world: World) -> None:
    board = started()
    station = Station(board)
    image = bytes(world.parameters.image)
    station.ask(2, 64, 1, {"off": 0, "data": image[:100], "len": len(image)})
    board.power_off()
    board.power_on()
    assert "parameters version=1" in board.run(2000, until=b"ready terminal").status
    board.feed(SCANNER, world.code(1))
    assert [tap["name"] for tap in taps(board.run(1000).status)] == ["ACCEPTED"]
    assert board.flash[PARAMETERS[0] : PARAMETERS[0] + 4] == b"YPR1"


def test_a_minute_of_nothing_never_meets_the_watchdog(started: Start) -> None:
    board = started()
    for _ in range(6):
        outcome = board.run(10_000)
        assert outcome.state == "running"
        assert not outcome.notes


def test_a_cut_inside_a_record_loses_that_record_and_nothing_else(started: Start, world: World) -> None:
    board = started()
    board.feed(SCANNER, world.code(1))
    board.run(1000)

    def start() -> None:
        board.power_off()
        board.set_rtc(CLOCK)
        board.power_on()
        board.run(2000, until=b"ready terminal")

    start()
    kept, of_a_start = read_log(bytes(board.flash)).records, board.run(50).operations
    board.power_off()
    board.cut_at(of_a_start + 20, Cut.TORN)
    start()
    board.feed(SCANNER, world.code(2))
    outcome = board.run(1000)
    assert outcome.state == "power lost"
    assert not any(change.pins & PIN_GATE for change in outcome.pins), "the gate opens only behind a durable record"
    board.power_on()
    assert "torn=1" in board.run(2000, until=b"ready terminal").status
    assert taps_of(read_log(bytes(board.flash)).records) == taps_of(kept)
    assert kept.items() <= read_log(bytes(board.flash)).records.items()


def test_a_board_without_a_signed_image_halts(tmp_path: Path) -> None:
    path = tmp_path / "flash"
    path.write_bytes(b"\xff" * FLASH_SIZE)
    with board_on(path) as board:
        outcome = board.power_on()
        assert (outcome.state, outcome.slot) == ("halted", None)
        assert any("no image may start" in note for _, note in outcome.notes)


def test_a_file_that_is_no_flash_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "flash"
    path.write_bytes(b"\xff" * 100)
    with pytest.raises(BoardError, match="no flash of 1 MB"):
        Board(path)


def test_the_other_line_speaks_smp_while_riders_tap(started: Start, world: World) -> None:
    board = started()
    station = Station(board)
    board.feed(SCANNER, world.code(1))
    assert station.state()["product"] == "yima-bus-validator"
    board.run(1000)
    records = station.records()
    assert {record.number: record.data for record in records} == read_log(bytes(board.flash)).records
    assert station.acknowledge(records[-1]) == len(records) == 3, "the start, the parameters, the tap"
    assert station.records(4) == []
    assert board.flash[LOG : LOG + 4] == b"YLG2"


@pytest.mark.slow
@pytest.mark.long
def test_an_update_over_the_station_line_is_tried_confirmed_and_stays(
    tmp_path: Path, firmware: Firmware, world: World
) -> None:
    path = tmp_path / "flash"
    equip(path, firmware.image, world.parameters)
    with ready_board(path) as board:
        station = Station(board)
        station.upload(firmware.update)
        station.try_image(read(firmware.update).digest)
        assert station.reset().slot == "B"
        board.power_off()
        assert board.power_on().slot == "A", "it was not confirmed"
        board.run(2000, until=b"ready terminal")
        station.upload(firmware.update)
        station.try_image(read(firmware.update).digest)
        station.reset()
        station.confirm()
        assert station.reset().slot == "B"
        board.power_off()
        assert board.power_on().slot == "B"


@pytest.mark.long
def test_a_flash_full_of_records_refuses_to_open_until_the_station_has_taken_them(started: Start, world: World) -> None:
    board = started()
    number = 0
    while True:  # refused taps fill three quarters of it
        before = len(read_log(bytes(board.flash)).records)
        for _ in range(20):
            number += 1
            board.feed(SCANNER, b"\x01" + number.to_bytes(4, "big") * 90)
            board.run(300, until=b"record=")
        if len(read_log(bytes(board.flash)).records) == before:
            break
    names = [""]
    while names[-1] != "CANNOT_RECORD":  # accepted ones the rest
        number += 1
        board.feed(SCANNER, world.code(number, CLOCK + board.run(0.001).now // board.mhz // 1_000_000))
        outcome = board.run(1000)  # long enough for the gate to shut again
        names += [tap["name"] for tap in taps(outcome.status)]
        assert names[-1] in {"ACCEPTED", "CANNOT_RECORD"}
    assert names.count("ACCEPTED") > 50
    assert outcome.pins[-1].pins & PIN_OUT_OF_SERVICE
    assert not any(change.pins & PIN_GATE for change in outcome.pins)
    station = Station(board)
    records = station.records()
    assert [record.number for record in records] == list(range(1, len(records) + 1)), "nothing was overwritten"
    station.acknowledge(records[-1])
    board.run(3000)
    board.feed(SCANNER, world.code(number + 1, CLOCK + board.run(0.001).now // board.mhz // 1_000_000))
    outcome = board.run(1000)
    assert [tap["name"] for tap in taps(outcome.status)] == ["ACCEPTED"]
    assert not outcome.pins[-1].pins & PIN_OUT_OF_SERVICE


@pytest.mark.slow
@pytest.mark.long
def test_an_image_for_another_product_is_refused_and_never_started(started: Start, tmp_path: Path) -> None:
    board = started()
    other = make_firmware(tmp_path / "metro", Product.METRO_GATE)
    station = Station(board)
    with pytest.raises(BoardError, match="the device refused"):
        station.upload(other.update)
    with pytest.raises(BoardError, match="the device refused"):
        station.try_image(read(other.update).digest)
    board.power_off()
    assert board.power_on().slot == "A"
