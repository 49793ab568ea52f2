"""The deny-list as a person or a database writes it: what is wrong is named with line and column, accounts are not."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yima.sdk.parameters import deny_source
from yima.sdk.parameters.deny_source import read_csv
from yima.sdk.parameters.denylist import Accounts, accounts_of
from yima.validator.errors import ParametersError

A, B, C = "31048700000000000001", "3104870000000002FFFF", "3104870000000003ffff"


def hexes(accounts: Accounts) -> list[str]:
    data = accounts.tobytes()
    return [data[at : at + 10].hex() for at in range(0, len(data), 10)]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "deny.csv"


def test_accounts_ranges_and_exceptions(source: Path) -> None:
    source.write_text(f"account,last,action\n{A}\n{B},{C},add\n\n{C},,remove\n{A},,\n")
    changes = read_csv(source)
    assert hexes(changes.denied) == [A]
    assert hexes(changes.allowed) == [C]
    assert changes.denied_ranges == ((bytes.fromhex(B), bytes.fromhex(C)),)
    assert changes.allowed_ranges == ()


@pytest.mark.parametrize(
    "text",
    [
        f"account\n{B}\n{A}",
        f"account\r\n{A}\r\n{B}\r\n",
        f"\ufeffaccount,action\n{A},\n{B}, add\n",
        f'account,action,last\n"{A}",add,\n{B.lower()}\n',
    ],
)
def test_the_same_list_written_in_other_ways(source: Path, text: str) -> None:
    source.write_bytes(text.encode())
    assert hexes(read_csv(source).denied) == [A, B.lower()]


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("", "line 1", "does not name the columns"),
        (f"{A}\n", "line 1", "does not name the columns"),
        ("account,account\n", "line 1", "does not name the columns"),
        ("last,account\n", "line 1", "does not name the columns"),
        ("account,colour\n", "line 1", "does not name the columns"),
        (f"account\n{A}\n{A[:-1]}\n", "line 3, account", "19 characters"),
        (f"account\n{A}\n\n{A}0\n", "line 4, account", "21 characters"),
        ("account\n3.10487E+19\n", "line 2, account", "spreadsheet"),
        ("account\n3104F700000000000001\n", "line 2, account", "20 characters"),
        ("account\nFFFFFFFFFFFFFFFFFFFF\n", "line 2, account", "20 characters"),
        (f"account\n{A},{A}\n", "line 2", "not a line of this file's columns"),
        (f'account\n"{A}\n', "line 2", "not a line of this file's columns"),
        ("account\n\xff\xfe\n", "line 2, account", "2 characters"),
        (f"account,last\n{A},31\n", "line 2, last", "2 characters"),
        (f"account,last\n,{A}\n", "line 2, account", "0 characters"),
        (f"account,last\n{C},{B}\n", "line 2, last", "not a range"),
        (f"account,last\n{A},{B}\n", "line 2, last", "differ in length"),
        (f"account,action\n{A},block\n", "line 2, action", "no such action"),
        ("account\n" + "1" * 5000, "line 2", "not a line of this file's columns"),
    ],
)
def test_what_is_wrong_is_named_with_line_and_column(source: Path, text: str, place: str, problem: str) -> None:
    source.write_text(text)
    with pytest.raises(ParametersError) as caught:
        read_csv(source)
    assert caught.value.thing == f"{source}: {place}"
    assert problem in caught.value.problem.en
    assert caught.value.remedy.zh
    assert A[:12] not in str(caught.value).replace(str(source), "")


def test_bytes_that_are_no_text_are_named_too(source: Path) -> None:
    source.write_bytes(b"account\n\xff\xfe\n")
    with pytest.raises(ParametersError, match="line 2"):
        read_csv(source)


def test_a_file_that_is_not_there(source: Path) -> None:
    with pytest.raises(ParametersError, match="cannot be read"):
        read_csv(source)


def test_lines_are_counted_across_pieces_and_progress_is_told(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deny_source, "_CHUNK", 37)
    accounts = [f"310487{n:014}" for n in range(200)]
    source.write_text("account\n" + "\n".join(accounts))
    told: list[float] = []
    assert hexes(read_csv(source, told.append).denied) == accounts
    assert told == sorted(told)
    assert told[-1] == 1
    source.write_text("account\n" + "\n".join(accounts) + "\nwrong\n")
    with pytest.raises(ParametersError, match="line 202, account"):
        read_csv(source)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.from_regex(r"[0-9]{10,20}", fullmatch=True), st.booleans())))
def test_read_at_once_or_one_by_one_the_list_is_the_same(source: Path, rows: list[tuple[str, bool]]) -> None:
    accounts = [digits.ljust(20, "F") for digits, _ in rows]
    lines = [f'"{text}"' if quoted else text for text, (_, quoted) in zip(accounts, rows, strict=True)]
    source.write_text("\n".join(["account", *lines]))
    expected = accounts_of(map(bytes.fromhex, accounts))
    assert np.array_equal(read_csv(source).denied, expected)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.binary(max_size=200))
def test_any_file_is_read_or_refused_in_its_own_words(source: Path, tail: bytes) -> None:
    source.write_bytes(b"account,last,action\n" + tail)
    try:
        read_csv(source)
    except ParametersError as error:
        assert "line " in error.thing
