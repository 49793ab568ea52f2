"""The wire form of used codes: whatever bytes come, they are what the page says or an error that says why."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.validator.ports import DEVICE
from yima.validator.uplink.uses_wire import (
    ANSWER_MAX,
    USES_MAX,
    Question,
    Used,
    UsesError,
    encode_answer,
    encode_question,
    parse_answer,
    parse_question,
)

INT64 = (1 << 63) - 1
QUESTIONS = st.builds(
    Question,
    device=st.from_regex(DEVICE, fullmatch=True),
    at=st.integers(0, INT64),
    after=st.integers(0, INT64),
    wait_s=st.integers(0, 25),
    city=st.integers(0, 999_999),
    line=st.integers(0, 0xFFFF),
    station=st.integers(0, 0xFFFF_FFFF),
)
USES = st.builds(
    Used, st.binary(min_size=32, max_size=32), st.integers(0, INT64), st.integers(0, INT64), st.integers(0, 255),
    st.booleans(),
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["next", "uses", "code", "device", "at"]), inner),
    max_leaves=8,
)


@given(QUESTIONS)
def test_a_question_comes_back_as_it_was_and_is_plain_json(question: Question) -> None:
    body = encode_question(question)
    assert parse_question(body) == question
    assert json.loads(body) == {name: getattr(question, name) for name in Question.__dataclass_fields__}


@given(st.integers(0, INT64), st.lists(USES, max_size=5))
def test_an_answer_comes_back_as_it_was_and_is_what_the_page_says(number: int, uses: list[Used]) -> None:
    body = encode_answer(number, uses)
    assert parse_answer(body) == (number, uses)
    said = json.loads(body)
    assert said["next"] == number
    assert [Used(bytes.fromhex(one.pop("code")), **one) for one in said["uses"]] == uses


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    for parse in (parse_question, parse_answer):
        try:
            parse(body)
        except UsesError as error:
            assert str(error)


def answer(**changes: Any) -> bytes:
    use = {"code": "00" * 32, "at": 1, "good_until": 2, "family": 1, "taken_back": False}
    return json.dumps({"next": 1, "uses": [use | changes]}).encode()


@pytest.mark.parametrize(
    "body",
    [
        answer(code="00"), answer(code=1), answer(code="AA" * 32), answer(at=-1), answer(at=True), answer(at=1.0),
        answer(good_until=1 << 63), answer(family=256), answer(taken_back=0), answer(taken_back=None),
        b'{"next":1,"uses":{}}', b'{"next":1}', b'{"uses":[]}', b'{"next":1,"uses":[1]}', b"[]", b"[" * 5000,
        b" " * (ANSWER_MAX + 1), encode_answer(1, [Used(bytes(32), 1, 2, 1, False)] * (USES_MAX + 1)),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_refused(body: bytes) -> None:
    with pytest.raises(UsesError):
        parse_answer(body)
