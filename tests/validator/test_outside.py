"""What others have written is read, or is a ValueError, however it was written."""

import json
import tomllib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.validator.outside import json_of, toml_of

DEEP = 100_000
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_json_says_what_was_written(value: object) -> None:
    assert json_of(json.dumps(value)) == json_of(json.dumps(value).encode()) == value


@given(st.binary() | st.text())
def test_what_is_no_json_is_a_value_error(data: bytes | str) -> None:
    with suppress(ValueError):
        json_of(data)


@given(st.text())
def test_what_is_no_toml_is_a_value_error(text: str) -> None:
    with suppress(ValueError):
        toml_of(text)


@pytest.mark.parametrize("text", ["[" * DEEP, '{"a":' * DEEP, b"[" * DEEP])
def test_json_nested_too_deeply_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        json_of(text)


@pytest.mark.parametrize("text", ["a=" + "[" * DEEP, "a=" + "{b=" * DEEP])
def test_toml_nested_too_deeply_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        toml_of(text)


def test_where_toml_is_wrong_in_its_form_it_is_said_where() -> None:
    with pytest.raises(tomllib.TOMLDecodeError, match="line 2"):
        toml_of("a = 1\nb c\n")


def test_a_name_that_stands_twice_can_be_refused() -> None:
    def once(pairs: list[tuple[str, int]]) -> dict[str, int]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("twice")
        return dict(pairs)

    assert json_of('{"a":1,"b":2}', pairs=once) == {"a": 1, "b": 2}
    with pytest.raises(ValueError, match="twice"):
        json_of('{"a":1,"a":2}', pairs=once)
