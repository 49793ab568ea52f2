"""A capture as a reader: each payload when it came, or as many times as fast."""

import json
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yima.validator.errors import ReaderError
from yima.validator.readers.replay import open_reader

ROWS = (
    {"at_ms": 0, "last_ms": 1, "payload": "a1"},
    {"at_ms": 30, "last_ms": 60, "payload": "b2", "faults": ["hex"]},
    {"at_ms": 70, "last_ms": 70},
)


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "capture.jsonl"
    path.write_text("\n".join(map(json.dumps, ROWS)))
    return path


@pytest.mark.parametrize(("speed", "ms"), [(1, 60), (2, 30)])
def test_each_payload_comes_at_its_moment(capture: Path, speed: int, ms: int) -> None:
    begun_ns = time.monotonic_ns()
    reader = open_reader(f"{capture}?speed={speed}")
    first, second = reader.read(60), reader.read(60)
    now_ns = time.monotonic_ns()
    assert first is not None and second is not None
    assert (first.payload, second.payload, second.faults) == (b"\xa1", b"\xb2", ("hex",))
    assert begun_ns + ms * 1_000_000 <= second.last_ns <= now_ns
    assert second.last_ns - second.first_ns == ms * 1_000_000 // 2
    assert (reader.exhausted, reader.skipped, reader.read(0)) == (True, 1, None)


def test_what_is_not_due_within_the_time_that_is_given_is_not_there_yet(tmp_path: Path) -> None:
    path = tmp_path / "capture.jsonl"
    path.write_text(json.dumps({"at_ms": 3_600_000, "last_ms": 3_600_000, "payload": "a1"}))
    reader = open_reader(str(path))
    assert (reader.read(0.01), reader.exhausted) == (None, False)
    at_once = open_reader(f"{path}?speed=0").read(0)
    assert at_once is not None and at_once.payload == b"\xa1"


@pytest.mark.parametrize(
    "row",
    [
        {"at_ms": 2, "last_ms": 1, "payload": "a1"},
        {"at_ms": -1, "last_ms": 1, "payload": "a1"},
        {"at_ms": 0, "last_ms": 3_660 * 86_400_000 + 1, "payload": "a1"},
        {"at_ms": 0, "last_ms": 1, "payload": ""},
        {"at_ms": 0, "last_ms": 1, "payload": "a1" * 4097},
        {"at_ms": 0, "payload": "a1"},
        {"at_ms": 10**400, "last_ms": 10**400, "payload": "a1"},
        [],
    ],
)
def test_a_line_that_is_no_presentation_is_named(tmp_path: Path, row: object) -> None:
    path = tmp_path / "capture.jsonl"
    path.write_text(json.dumps(ROWS[0]) + "\n" + json.dumps(row))
    with pytest.raises(ReaderError, match="line 2: no presentation"):
        open_reader(str(path))


@pytest.mark.parametrize("torn", ['{"at_ms": 5, "la', '{"at_ms": 5, "last_ms": 6}\0\0', "\0" * 50, "{"])
def test_a_last_line_that_a_power_cut_has_torn_costs_no_other(
    torn: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "capture.jsonl"
    path.write_text(json.dumps(ROWS[0]) + "\n" + torn)
    reader = open_reader(f"{path}?speed=0")
    first = reader.read(0)
    assert first is not None
    assert (first.payload, reader.exhausted, reader.skipped) == (b"\xa1", True, 0)
    [told] = caplog.messages
    assert f"{path}, line 2: torn" in told


@pytest.mark.parametrize("content", ["hello", '{"at_ms": 5, "la\n', '{"at_ms": 5, "la\n' + json.dumps(ROWS[0])])
def test_what_no_power_cut_leaves_is_no_torn_line(content: str, tmp_path: Path) -> None:
    path = tmp_path / "capture.jsonl"
    path.write_text(content)
    with pytest.raises(ReaderError, match="line 1: no presentation"):
        open_reader(str(path))


def test_a_bench_that_stood_for_longer_than_a_week_is_shown_again(tmp_path: Path) -> None:
    path = tmp_path / "capture.jsonl"
    path.write_text(json.dumps({"at_ms": 30 * 86_400_000, "last_ms": 30 * 86_400_000 + 1, "payload": "a1"}))
    reading = open_reader(f"{path}?speed=0").read(0)
    assert reading is not None and reading.payload == b"\xa1"


def test_an_editors_mark_and_characters_at_which_texts_are_broken_break_no_line(tmp_path: Path) -> None:
    path = tmp_path / "capture.jsonl"
    row = json.dumps({**ROWS[0], "note": "one\u2028two\x85three"}, ensure_ascii=False)
    path.write_bytes(b"\xef\xbb\xbf" + row.encode() + b"\r\n" + row.encode() + b"\r\n")
    reader = open_reader(f"{path}?speed=0")
    assert [reading.payload for reading in iter(lambda: reader.read(0), None)] == [b"\xa1"] * 2


def test_at_once_each_comes_when_it_is_asked_for(capture: Path) -> None:
    """All came at the beginning, so a device counted what it had done for the others as time that the last one took."""
    reader = open_reader(f"{capture}?speed=0")
    asked_ns = []
    came = []
    for _ in range(2):
        asked_ns.append(time.monotonic_ns())
        came.append(reader.read(0))
    for reading, at_ns in zip(came, asked_ns, strict=True):
        assert reading is not None
        assert at_ns <= reading.first_ns == reading.last_ns


NUMBER = st.integers() | st.integers(10**308, 10**310) | st.floats()
ANYTHING = NUMBER | st.none() | st.text() | st.lists(NUMBER | st.text())


@given(st.dictionaries(st.sampled_from(["at_ms", "last_ms", "payload", "faults"]), ANYTHING) | st.text() | st.binary())
def test_any_line_is_presentations_or_the_one_error(line: object) -> None:
    content = line if isinstance(line, bytes) else json.dumps(line).encode()
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(content)
        with suppress(ReaderError):
            reader = open_reader(f"{file.name}?speed=0")
            while not reader.exhausted:
                assert reader.read(0) is not None
