"""A board refuses an issuer that it has known, as soon as parameters over its station line withdraw the certificate."""

from collections.abc import Callable
from dataclasses import replace

from tests.hwsim.board.test_board import taps
from yima.hwsim.board.emulator import Board
from yima.hwsim.board.layout import SCANNER
from yima.hwsim.board.station import Station
from yima.hwsim.board.workshop import World
from yima.validator.parameters import from_rules
from yima.validator.parameters.rules import Revocation

Start = Callable[..., Board]


def test_a_known_issuer_is_refused_once_its_certificate_is_withdrawn(started: Start, world: World) -> None:
    board = started()

    def said(rider: int) -> str:
        board.feed(SCANNER, world.code(rider))
        (tap,) = taps(board.run(3000).status)
        return str(tap["name"])

    assert [said(1), said(2)] == ["ACCEPTED", "ACCEPTED"]
    others = Revocation(root=1, serial="000002")
    rules = replace(world.parameters.rules, version=2, revoked=[others])
    assert Station(board).send_parameters(bytes(from_rules(rules, "another's").image)) == 2
    assert said(3) == "ACCEPTED"
    rules = replace(rules, version=3, revoked=[others, Revocation(root=1, serial="000001")])
    assert Station(board).send_parameters(bytes(from_rules(rules, "stolen").image)) == 3
    assert [said(4), said(5)] == ["CERTIFICATE_REVOKED", "CERTIFICATE_REVOKED"]
