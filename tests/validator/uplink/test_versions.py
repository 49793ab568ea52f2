"""What a device says of its versions with every batch: one form, read back as it was written, and nothing else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.validator.packages import Label
from yima.validator.uplink.versions import STATEMENT_MAX, Versions, encode_versions, parse_versions

numbers = st.integers(0, (1 << 63) - 1)
ids = st.binary(min_size=32, max_size=32)
statements = st.builds(
    Versions,
    device=st.text("aZ09._-", max_size=63).map("g".__add__),
    software=st.text("0179az.+", min_size=1, max_size=20),
    parameters=numbers,
    parameters_id=ids | st.just(b""),
    since=numbers,
    waiting=st.lists(st.builds(Label, numbers, ids, numbers), max_size=4).map(tuple),
    deny=numbers,
    deny_issued_at=numbers,
)
PLAIN = Versions(device="gate-7", software="0.1.0", parameters=3, parameters_id=bytes(32), since=7)


@given(statements)
def test_what_is_said_is_read_back_and_the_same_says_the_same(said: Versions) -> None:
    statement = encode_versions(said)
    assert parse_versions(statement) == said
    assert encode_versions(parse_versions(statement)) == statement
    assert len(statement) <= STATEMENT_MAX


def test_what_a_device_does_not_say_is_nothing() -> None:
    said: dict[str, Any] = {"device": "gate-7", "software": "0.1.0", "parameters": 3}
    nothing: dict[str, Any] = {"parameters_id": b"", "since": 0, "waiting": (), "deny": 0, "deny_issued_at": 0}
    assert Versions(**said) == Versions(**said, **nothing)


@given(st.binary(max_size=300))
def test_any_other_bytes_are_an_error(statement: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_versions(statement)


@pytest.mark.parametrize(
    "changes",
    [
        {"form": 2},
        {"device": "a b"},
        {"device": 7},
        {"software": ""},
        {"more": 1},
        {"parameters": {"version": -1, "id": "", "since": 0}},
        {"parameters": {"version": True, "id": "", "since": 0}},
        {"parameters": {"version": 1, "id": "ABCD", "since": 0}},
        {"waiting": {}},
        {"waiting": [{}]},
        {"waiting": [{"version": 1, "id": "", "not_before": 1}] * 17},
        {"deny": None},
    ],
)
def test_a_statement_of_another_form_is_an_error(changes: dict[str, Any]) -> None:
    content = json.loads(encode_versions(PLAIN)) | changes
    with pytest.raises(ValueError, match=r"."):
        parse_versions(json.dumps(content, separators=(",", ":"), sort_keys=True).encode())


def test_a_statement_has_one_form_only() -> None:
    for other in (json.dumps(json.loads(encode_versions(PLAIN))).encode(), b" " * STATEMENT_MAX + b"1"):
        with pytest.raises(ValueError, match=r"not as a device|at most"):
            parse_versions(other)
