"""Who may give orders at a board's station line: the image itself, on the emulated processor."""

from collections.abc import Callable
from typing import Any

import pytest

from yima.firmware_images.session import Role, Signer, bench_signer
from yima.hwsim.board.emulator import Board
from yima.hwsim.board.errors import BoardError
from yima.hwsim.board.station import GROUP_IMAGE, GROUP_OS, GROUP_YIMA, READ, WRITE, Station
from yima.hwsim.board.workshop import CLOCK
from yima.sdk.sm2 import SigningKey

ORDERS: dict[str, tuple[int, int, int, dict[str, Any]]] = {
    "time": (WRITE, GROUP_OS, 4, {"datetime": "2026-11-29T00:00:00"}),
    "reset": (WRITE, GROUP_OS, 5, {}),
    "confirm": (WRITE, GROUP_IMAGE, 0, {"confirm": True}),
    "upload": (WRITE, GROUP_IMAGE, 1, {"off": 0, "data": b"image", "len": 5}),
    "erase": (WRITE, GROUP_IMAGE, 5, {}),
    "parameters": (WRITE, GROUP_YIMA, 1, {"off": 0, "data": b"city", "len": 4}),
    "records": (READ, GROUP_YIMA, 2, {"from": 0}),
    "acknowledge": (WRITE, GROUP_YIMA, 3, {"n": 1, "h": bytes(32)}),
}


def test_orders_and_records_without_a_session_are_refused_and_change_nothing(started: Callable[..., Board]) -> None:
    board = started()
    station = Station(board)
    before, time = bytes(board.flash), station.time()
    for number, order in enumerate(ORDERS.values(), 1):
        assert station._exchange(*order) == {"rc": 11}
        assert station.state()["refused"] == number
    assert bytes(board.flash) == before
    assert station.time()[:16] == time[:16]
    assert "ready terminal" not in board.run(2000).status
    assert "NEEDS_SESSION" in "".join(outcome.status for outcome in station.seen)


def test_an_old_answer_is_refused_and_so_is_a_key_that_the_settings_do_not_name(started: Callable[..., Board]) -> None:
    station = Station(started())
    asked = station._exchange(READ, GROUP_YIMA, 4, {})
    heard = bench_signer().answer(asked["challenge"], asked["terminal"], asked["environment"])
    assert station._exchange(WRITE, GROUP_YIMA, 4, heard) == {"role": 1, "minutes": 10}
    station.reset()
    assert station.state()["session"] == 0
    station._exchange(READ, GROUP_YIMA, 4, {})
    assert station._exchange(WRITE, GROUP_YIMA, 4, heard)["err"]["rc"] == 7
    with pytest.raises(BoardError, match="SIGNATURE"):
        station.open_session(Signer(key=SigningKey.from_int(5)))
    with pytest.raises(BoardError, match="NO_KEY"):
        station.open_session(Signer(key=bench_signer().key, role=Role.MAINTENANCE))
    assert station.state()["refused"] == 3
    station.set_time(CLOCK + 60)
    assert station.state()["session"] == 1
