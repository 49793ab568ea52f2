"""What others have written is read, or is the one error, however it was written and however much of it there is."""

import json
import os
import tomllib
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.validator.outside import bytes_of, json_of, toml_of

DEEP = 100_000
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize("size", [0, 1, 1 << 16, (1 << 20) + 1])
def test_a_file_is_read_whole_up_to_what_it_may_have(tmp_path: Path, size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    path = tmp_path / "file"
    path.write_bytes(content[:size])
    assert bytes_of(path) == bytes_of(path, size) == content[:size]
    if size:
        with pytest.raises(OSError, match="larger than"):
            bytes_of(path, size - 1)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there are no such devices here")
def test_a_file_without_an_end_is_refused_and_one_without_a_size_is_read() -> None:
    with pytest.raises(OSError, match="larger than 3 MiB"):
        bytes_of(Path("/dev/zero"), 3 << 20)
    assert bytes_of(Path("/dev/null")) == b""
    if (status := Path("/proc/self/status")).exists():
        assert bytes_of(status).startswith(b"Name:")


def test_of_a_file_as_large_as_a_disk_no_more_is_read_than_it_may_have(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    os.truncate(path, 1 << 40)
    tracemalloc.start()
    try:
        with pytest.raises(OSError, match="larger than 1 MiB"):
            bytes_of(path, 1 << 20)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


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
