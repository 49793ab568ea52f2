"""The bench's station: whatever comes back over the board's line is the answer to its question or a BoardError."""

from types import SimpleNamespace
from typing import Any, cast

import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from smp import packet

from yima.hwsim.board.emulator import Board
from yima.hwsim.board.errors import BoardError
from yima.hwsim.board.layout import STATION
from yima.hwsim.board.station import GROUP_YIMA, READ, Station


class Line:
    """What a station uses of a board, with somebody else at the other end."""

    def __init__(self, said: bytes) -> None:
        self._said = said

    def feed(self, uart: object, data: bytes) -> None:
        """Nobody listens."""

    def run(self, milliseconds: float, **_: object) -> object:
        """All of it comes at once, then nothing."""
        said, self._said = self._said, b""
        return SimpleNamespace(state="running", sent={STATION: said})


def ask(said: bytes) -> dict[str, Any]:
    return Station(cast(Board, Line(said))).ask(READ, GROUP_YIMA, 0, {})


def lines(message: bytes) -> bytes:
    return b"".join(packet.encode(message))


def answer(body: bytes, sequence: int = 1) -> bytes:
    return bytes([READ + 1 | 8, 0]) + len(body).to_bytes(2) + GROUP_YIMA.to_bytes(2) + bytes([sequence, 0]) + body


def test_the_answer_to_the_question_is_taken() -> None:
    assert ask(lines(answer(cbor2.dumps({"taps": 2})))) == {"taps": 2}


@pytest.mark.parametrize("body", [b"", b"\x80", b"\xbf", cbor2.dumps({"rc": 3}), cbor2.dumps({"err": {"rc": 1}})])
def test_an_answer_that_is_none_is_a_board_error(body: bytes) -> None:
    with pytest.raises(BoardError):
        ask(lines(answer(body)))


def test_an_answer_to_another_question_is_a_board_error() -> None:
    with pytest.raises(BoardError, match="something else"):
        ask(lines(answer(cbor2.dumps({}), sequence=9)))


@given(
    st.binary(max_size=60).map(lines) | st.binary(max_size=60) | st.binary(max_size=30).map(lambda b: lines(answer(b)))
)
@example(b"\n")
@example(b"\x06\x09====\n")
@example(b"\x06\x09AA\n\x04\x14!\n")
@example(lines(b""))
@example(lines(b"\x01"))
def test_any_bytes_on_the_line_are_an_answer_or_a_board_error(said: bytes) -> None:
    try:
        assert isinstance(ask(said), dict)
    except BoardError as refused:
        assert refused.remedy.zh
