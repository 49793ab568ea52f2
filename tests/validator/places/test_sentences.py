"""The sentences of a stop announcer: what one says, and that nothing else says anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.hwsim.announcer import sentence
from yima.validator.judging import Direction
from yima.validator.places.sentences import SENTENCE_MAX, Sentences, whereabouts_of
from yima.validator.ports import Whereabouts

NUMBERS = st.none() | st.integers(0, 0xFFFF)
DIRECTIONS = st.sampled_from(["", "none", "entry", "exit"])


@given(NUMBERS, NUMBERS, DIRECTIONS)
def test_what_an_announcer_says_is_what_is_heard(line: int | None, stop: int | None, direction: str) -> None:
    due = Whereabouts(line=line, stop=stop, direction=Direction(direction) if direction else None)
    assert whereabouts_of(sentence(line, stop, direction).rstrip()) == due


def test_the_sentence_of_the_page_is_one() -> None:
    assert whereabouts_of(b"$YIMAP,101,7,*67") == Whereabouts(line=101, stop=7)


def test_numbers_go_to_65535() -> None:
    assert whereabouts_of(sentence(65535, 65535).rstrip()) == Whereabouts(line=65535, stop=65535)


@pytest.mark.parametrize(
    "line",
    [
        b"", b"$", b"YIMAP,101,7,*67", b"$YIMAP,101,7,*68", b"$YIMAP,101,7,", b"$YIMAP,101,7*4B",
        b"$GPGGA,,,,,,0,,,,,,,,*66",
        b"$YIMAP,-1,7,*4B", sentence(65536, 7).rstrip(), sentence(1, 99999).rstrip(), sentence(1, 2, "up").rstrip(),
        b" " + sentence(1, 2).rstrip(), sentence(1, 2).rstrip() + b" ", b"\xff" * 80, sentence(1, 2).rstrip().lower(),
    ],
)  # fmt: skip
def test_what_is_no_sentence_says_nothing(line: bytes) -> None:
    assert whereabouts_of(line) is None


@given(st.lists(st.tuples(NUMBERS, NUMBERS, DIRECTIONS), max_size=6), st.data())
def test_pieces_of_any_size_say_the_same(said: list[tuple[int | None, int | None, str]], data: st.DataObject) -> None:
    stream = b"".join(sentence(*one) for one in said)
    whole, pieces, heard, at = Sentences().feed(stream), Sentences(), [], 0
    while at < len(stream):
        size = data.draw(st.integers(1, len(stream) - at))
        heard += pieces.feed(stream[at : at + size])
        at += size
    assert heard == whole
    assert len(whole) == len(said)


@given(st.lists(st.binary(max_size=300) | st.just(b"\r\n") | st.just(sentence(1, 2)), max_size=20))
def test_whatever_comes_is_borne_and_little_of_it_is_held(pieces: list[bytes]) -> None:
    sentences = Sentences()
    for piece in pieces:
        sentences.feed(piece)
        assert len(sentences._held) <= SENTENCE_MAX
    assert sentences.feed(b"\n" + sentence(7, 8)) == [Whereabouts(line=7, stop=8)] or pieces[-1:] == [b"\r\n"]


def test_the_end_of_a_line_that_is_too_long_is_not_taken_for_a_sentence() -> None:
    assert Sentences().feed(b"x" * 100 + sentence(1, 2) + sentence(3, 4)) == [Whereabouts(line=3, stop=4)]
    held = Sentences()
    assert held.feed(b"x" * 100) == []
    assert held.feed(sentence(1, 2)) == []
    assert held.feed(sentence(3, 4)) == [Whereabouts(line=3, stop=4)]
