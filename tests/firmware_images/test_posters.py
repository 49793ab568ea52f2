"""What strangers hold up costs little of a device's log, and what an older firmware kept of it is handed out all the
same: the firmware's own C on the machine at hand."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

if not all(map(importlib.util.find_spec, ("imgtool", "cbor2", "smpclient"))):
    pytest.skip("the extra `firmware` is not installed", allow_module_level=True)

from tests.entries import tap
from tests.firmware_images.device_host import HostBoard
from yima.firmware_images.provision import Settings
from yima.firmware_images.session import bench_key
from yima.hwsim.board.log_reader import read_log
from yima.hwsim.board.workshop import CITY, CLOCK, World, make_world
from yima.sdk.sm2 import sm3
from yima.validator.journal.facts import TapFacts, parse

LONGEST = 3900  # of a payload that the log took whole


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


@pytest.fixture
def board(library: Path, world: World) -> HostBoard:
    made = HostBoard(
        library, Settings(terminal="T1", city=CITY, station_keys=[bench_key()]), bytes(world.parameters.image)
    )
    made.start(CLOCK, 1000)
    return made


def test_large_symbols_do_not_fill_the_log(board: HostBoard, world: World) -> None:
    """49 of them filled it to its last quarter, and riders were refused when that was full too."""
    at_first = board.room
    posters = [b"HTTP" + bytes([number]) * (LONGEST - 4) for number in range(49)]
    for number, poster in enumerate(posters):
        board.clock(CLOCK + 3 * number, 1000 + 3000 * number)
        board.tap(poster)
    board.tap(world.code(1, CLOCK + 3 * 49))
    assert [one["name"] for one in board.told()][-1] == "ACCEPTED"
    assert at_first - board.room <= 49 * (148 + 400 + 56) // 3800 + 1, "of 64 blocks"
    read = [parse(entry) for entry in board.log.records.values()]
    kept = [(facts.cut_from, body) for facts, body in read if isinstance(facts, TapFacts) and not facts.accepted]
    assert kept == [(LONGEST, poster[:368] + sm3(poster)) for poster in posters]


@pytest.mark.parametrize("size", [399, 400, 401])
def test_a_refused_payload_is_kept_whole_as_long_as_it_costs_no_more_than_a_part(board: HostBoard, size: int) -> None:
    poster = bytes(range(1, 101)) * 5
    board.tap(poster[:size])
    facts, body = parse(list(board.log.records.values())[-1])
    assert isinstance(facts, TapFacts)
    assert (facts.cut_from, len(body)) == (size if size > 400 else 0, min(size, 400))
    assert body == (poster[:368] + sm3(poster[:size]) if size > 400 else poster[:size])


def test_a_record_that_no_answer_holds_is_handed_out_in_pieces(board: HostBoard, world: World) -> None:
    """A record over 1,800 bytes was answered by none, which a station reads as "no more"."""
    older = tap(CLOCK, body=b"HTTP" + b"x" * 2900, reason=10, fare_fen=0)
    board.append(older)
    board.tap(world.code(1))
    board.open_session()
    records = list(handed_out(board))
    assert [number for number, _ in records] == list(range(1, len(records) + 1))
    assert [entry for _, entry in records] == [entry for _, entry in sorted(read_log(board.flash()).records.items())]
    assert older in dict(records).values()


def handed_out(board: HostBoard) -> Any:
    """(number, entry) of what the device answers a station that asks on and on."""
    start, begun = 1, b""
    while batch := board.ask(0, 64, 2, {"from": start, "off": len(begun)})["records"]:
        for record in batch:
            begun += record["d"]
            if len(begun) >= record.get("len", 0):
                yield record["n"], begun
                start, begun = record["n"] + 1, b""
