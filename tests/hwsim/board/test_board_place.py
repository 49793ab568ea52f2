"""A board on a bus is told over its station line where it is: fares and records follow; nonsense changes nothing."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.entries import taps_of
from tests.hwsim.board.test_board import taps
from yima.hwsim.board.emulator import Board
from yima.hwsim.board.errors import BoardError
from yima.hwsim.board.layout import SCANNER
from yima.hwsim.board.log_reader import read_log
from yima.hwsim.board.station import Station
from yima.hwsim.board.workshop import CITY, World
from yima.validator.journal.facts import TapFacts, parse
from yima.validator.judging import Direction, Mode
from yima.validator.judging.record import fields_of
from yima.validator.parameters import Parameters, from_rules
from yima.validator.parameters.rules import Fare, FareKind, Stage
from yima.validator.parameters.rules import Station as Stop

Start = Callable[..., Board]
LINE, STATION = 0x000D, 0x000E  # tags of the ministry's record


def staged(world: World) -> Parameters:
    rules = replace(
        world.parameters.rules,
        version=2,
        fares=[Fare(rule="k7", mode=Mode.BUS, city=CITY, line=7, kind=FareKind.STAGES, table="k7")],
        stages={"k7": [Stage(up_to_m=3000, fen=100), Stage(up_to_m=None, fen=300)]},
        stations=[Stop(mode=Mode.BUS, city=CITY, line=7, station=n, metres=2500 * n) for n in (1, 2, 3)],
    )
    return from_rules(rules, "stages")


def test_a_board_charges_and_records_where_the_station_said_that_it_is(started: Start, world: World) -> None:
    board = started(parameters=staged(world))
    station = Station(board)
    said: list[tuple[str, int]] = []
    for rider, where in enumerate(({"line": 7, "stop": 1}, {"stop": 3}, {"stop": 99}), start=1):
        assert station.place(**where) == {"line": 7, "stop": where["stop"], "direction": 0}
        board.feed(SCANNER, world.code(rider))
        (tap,) = taps(board.run(3000).status)
        said.append((str(tap["name"]), int(tap["fare"])))
    assert said == [("ACCEPTED", 300), ("ACCEPTED", 100), ("RIDE_NOT_PRICED", 0)]
    written = [parse(entry) for entry in taps_of(read_log(bytes(board.flash)).records).values()]
    assert [(facts.line, facts.station, facts.direction) for facts, _ in written if isinstance(facts, TapFacts)] == [
        (7, 1, Direction.NONE),
        (7, 3, Direction.NONE),
        (7, 99, Direction.NONE),
    ]
    records = [dict(fields_of(body)) for _, body in written[:2]]
    assert [(record[LINE], record[STATION]) for record in records] == [(b"7", b"1"), (b"7", b"3")]

    wrong: list[dict[str, Any]] = [
        {"line": 65536},
        {"stop": "7"},
        {"stop": -1},
        {"direction": 3},
        {"line": 1, "stop": 1 << 40},
    ]
    for where in wrong:
        with pytest.raises(BoardError):
            station.place(**where)
    assert station.place() == {"line": 7, "stop": 99, "direction": 0}
    assert station.place(direction=2, line=0) == {"line": 0, "stop": 99, "direction": 2}
