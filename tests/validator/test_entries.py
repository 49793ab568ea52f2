"""Many entries a call: whatever bytes and offsets come, the core stays inside them and answers every row.

What the columns mean is held against the second description in tests/sdk/centre/clearing/test_columns.py; here the same
calls run under the sanitizers.
"""

from array import array
from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import lab_vectors
from tests.validator.test_lab_vectors import parameters_of, validator_of
from yima.validator import _core
from yima.validator.judging import Moment
from yima.validator.judging.record import Terminal, tap_entry

CASE = next(vector for vector in lab_vectors() if vector["case"] == 5715)


def laid_out(entries: Sequence[bytes]) -> tuple[bytes, bytes]:
    """As Arrow lays binary values out."""
    places = array("i", [0])
    for entry in entries:
        places.append(places[-1] + len(entry))
    return b"".join(entries), places.tobytes()


def column(answer: dict[str, Any], name: str) -> list[int]:
    return array("q", answer[name]).tolist()


@cache
def image() -> bytes:
    return bytes(parameters_of(CASE).image)


@cache
def accepted() -> bytes:
    """An entry of a tap that the lab's terminal accepts."""
    validator = validator_of(CASE)
    moment = Moment.at(CASE["clock"])
    verdict = validator.judge(bytes.fromhex(CASE["code"]), moment)
    assert verdict.accepted
    return tap_entry(validator, verdict, terminal=Terminal(terminal="t"), record_id="r", moment=moment, run=1)


@given(st.lists(st.binary(max_size=300), max_size=4), st.integers(0, 1000), st.integers(0, 255))
def test_every_entry_is_answered_and_a_bad_one_harms_no_other(junk: list[bytes], place: int, byte: int) -> None:
    bent = bytearray(accepted())
    bent[place % len(bent)] = byte
    given_entries = laid_out([*junk, bytes(bent), accepted()])
    assert column(_core.entry_columns(*given_entries), "kind")[-1] == 1
    judge = _core.Judge((image(),), ())
    judged = judge.judge(*given_entries)
    assert [column(judged, name)[-1] for name in ("intact", "reason", "fare_fen", "signatures")] == [30, 0, 200, 7]
    numbers = array("q", [5] * (len(junk) + 2)).tobytes()
    assert column(judge.price(*given_entries, numbers, numbers), "fare_fen")[-1] == 200


@given(st.binary(max_size=40), st.lists(st.integers(-5, 50), max_size=5))
def test_offsets_that_lead_outside_are_refused(content: bytes, places: list[int]) -> None:
    is_good = bool(places) and places == sorted(places) and places[0] >= 0 and places[-1] <= len(content)
    for call, name in ((_core.entry_columns, "kind"), (_core.Judge((), ()).judge, "reason")):
        if is_good:
            assert len(column(call(content, array("i", places).tobytes()), name)) == len(places) - 1
        else:
            with pytest.raises(ValueError, match="offsets"):
                call(content, array("i", places).tobytes())


def test_a_code_is_judged_as_if_no_code_had_been_shown_before() -> None:
    judge = _core.Judge((image(),), ())
    for _ in range(40):  # often enough that the issuer gets its table
        assert column(judge.judge(*laid_out([accepted()] * 3)), "reason") == [0, 0, 0]


def test_entries_under_other_parameters_are_not_judged() -> None:
    answer = _core.Judge((), ()).judge(*laid_out([accepted()]))
    assert (column(answer, "reason"), column(answer, "intact")) == ([-1], [6])


def test_one_image_is_taken_for_every_tap_whatever_it_names() -> None:
    gate = CASE["gate"] | {"fare_fen": 777, "max_validity_s": 1100}
    other = bytes(parameters_of(CASE | {"gate": gate}).image)
    by_name = _core.Judge((other,), ()).judge(*laid_out([accepted()]))
    assert column(by_name, "reason") == [-1], "it names others"
    answer = _core.Judge((other,), (), True).judge(*laid_out([accepted()]))
    assert [column(answer, name)[0] for name in ("reason", "fare_fen", "signatures")] == [0, 777, 7]
    for images in ((), (other, image())):
        with pytest.raises(ValueError, match="one image"):
            _core.Judge(images, (), True)


def test_hashes_of_entries_are_the_chains() -> None:
    entries, previous = [b"one", b""], [bytes(32), b"\1" * 32]
    numbers = array("q", [7, 1 << 40]).tobytes(), array("q", [1, (1 << 62) + 5]).tobytes()
    hashes = _core.entry_hashes(*laid_out(entries), *laid_out([b"bus-1", b"b"]), *laid_out(previous), *numbers)
    first = previous[0] + b"\0\5bus-1" + (7).to_bytes(8) + (1).to_bytes(8) + b"one"
    second = previous[1] + b"\0\1b" + (1 << 40).to_bytes(8) + ((1 << 62) + 5).to_bytes(8)
    assert hashes == _core.sm3(first) + _core.sm3(second)
    with pytest.raises(ValueError, match="lengths"):
        _core.entry_hashes(*laid_out(entries), *laid_out([b"b"]), *laid_out(previous), *numbers)
