"""A source directory is what people and spreadsheets write: any bytes in any of its files are rules or one error."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.conftest import EXAMPLES
from yima.sdk.parameters.compile import compiled
from yima.sdk.parameters.example import SOURCE, write_source
from yima.sdk.parameters.source import read_source
from yima.validator.errors import ParametersError

# What turns up in such files: marks of spreadsheets, numbers at their ends, dates that are none, quotes left open.
FRAGMENTS = [
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\r", b"\0", b'"', b'""', b",", b",,,,", b"#", b"\n\n", b"\xe2\x80\xa8", b"\x1a"),
    *(b"-1", b"65536", b"4294967296", b"99999999999", b"1e3", b"0x", b"0xFF", b"\xef\xbc\x91", b"1_000", b" 1 "),
    *(b"2024-02-30", b"9999-12-31", b"0000-01-01", b"2024-01-01 24:00", b"bus metro", b"true", b"'''", b"[[roots]]\n"),
    *(b"[limits]\n", b"inf", b"nan", b"1979-05-27T07:32:00Z", b"\xf0\x9f\x9a\x87", b"\xed\xa0\x80", b"=1+1"),
]
FILES = st.sampled_from(sorted(SOURCE))


def read(name: str, content: bytes) -> None:
    """Rules that the core takes, or the one error, which names the place and what to do."""
    with TemporaryDirectory() as folder:
        city = Path(folder, "city")
        write_source(city)
        (city / name).write_bytes(content)
        try:
            compiled(read_source(city))
        except ParametersError as refused:
            assert str(city) in refused.thing or refused.thing
            assert refused.problem.en
            assert refused.remedy.zh


@given(FILES, st.binary(max_size=200))
@example("fares.csv", b"")
@example("fares.csv", b"\xef\xbb\xbf")
@example("whitelist.csv", b"organisation,platform\n\x00,\x00\n")
@example("package.toml", b"version = " + b"1" * 5000)
@example("package.toml", b"a = " + b"[" * 500)
@settings(max_examples=2 * EXAMPLES)
def test_any_bytes_as_a_file_are_rules_or_one_error(name: str, content: bytes) -> None:
    read(name, content)


@given(FILES, st.lists(st.tuples(st.floats(0, 1), st.sampled_from(FRAGMENTS), st.integers(0, 12)), max_size=3))
@example("stages.csv", [(0.99, b"99999999999", 4)])
@example("fares.csv", [(0.5, b"2024-02-30", 0)])
@settings(max_examples=4 * EXAMPLES)
def test_a_file_with_something_else_in_it_is_rules_or_one_error(
    name: str, changes: list[tuple[float, bytes, int]]
) -> None:
    content = SOURCE[name].encode()
    for place, fragment, dropped in changes:
        at = int(place * len(content))
        content = content[:at] + fragment + content[at + dropped :]
    read(name, content)


@pytest.mark.parametrize("name", sorted(SOURCE))
def test_the_example_itself_is_read(name: str, tmp_path: Path) -> None:
    write_source(tmp_path / "city")
    assert (tmp_path / "city" / name).read_text() == SOURCE[name]
    assert compiled(read_source(tmp_path / "city")).rules.fares
