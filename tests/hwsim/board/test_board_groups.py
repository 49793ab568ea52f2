"""A board whose parameters tell groups: it reduces a member's fare as the host's core does, offline."""

from collections.abc import Callable
from dataclasses import replace

from tests.entries import taps_of
from tests.hwsim.board.test_board import taps
from yima.hwsim.board.emulator import Board
from yima.hwsim.board.layout import SCANNER
from yima.hwsim.board.log_reader import read_log
from yima.hwsim.board.station import Station
from yima.hwsim.board.workshop import CITY, CLOCK, World
from yima.validator.journal.facts import TapFacts, parse
from yima.validator.judging import GateContext, Mode, Validator
from yima.validator.parameters import Parameters, from_rules
from yima.validator.parameters.rules import Concession, Funder, Member

Start = Callable[..., Board]
MEMBER, WITHIN, STRANGER = 1, 15, 30  # riders of the world


def account(rider: int) -> bytes:
    return bytes.fromhex(f"99{rider:018}")


def with_groups(world: World) -> Parameters:
    rules = replace(
        world.parameters.rules,
        version=2,
        concessions=[
            Concession(rule="senior-half", group="senior", percent=50, funded_by=Funder.RIDING_CITY),
            Concession(rule="student-less", group="student", percent=80, funded_by=Funder.OPERATOR),
        ],
        members=[
            Member(account(MEMBER), account(MEMBER), ("senior", "student")),
            Member(account(10), account(20), ("student",)),
        ],
    )
    return from_rules(rules, "groups")


def test_a_board_takes_groups_over_the_station_line_and_charges_as_the_host_does(started: Start, world: World) -> None:
    board, parameters = started(), with_groups(world)
    assert Station(board).send_parameters(bytes(parameters.image)) == 2
    host = Validator(parameters, GateContext(mode=Mode.BUS, city=CITY))
    expected = []
    for rider in (MEMBER, WITHIN, STRANGER):
        code = world.code(rider)
        verdict = host.judge(code, CLOCK)
        expected.append((verdict.fare_fen, [(rule.fen, rule.funder) for rule in verdict.rules]))
        board.feed(SCANNER, code)
        (tap,) = taps(board.run(3000).status)
        assert (tap["name"], int(tap["fare"])) == ("ACCEPTED", verdict.fare_fen)
    assert [fare for fare, _ in expected] == [100, 160, 200]
    facts = [parse(entry)[0] for entry in taps_of(read_log(bytes(board.flash)).records).values()]
    written = [
        (one.fare_fen, [(rule.fen, rule.funder) for rule in one.rules]) for one in facts if isinstance(one, TapFacts)
    ]
    assert written == expected
