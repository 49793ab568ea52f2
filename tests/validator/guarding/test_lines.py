"""Output that nobody reads holds up nobody: what finds no room is dropped, counted and told."""

import errno
import fcntl
import io
import json
import os
import termios
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.uplinks import until
from yima.validator.gates.console import ConsoleGate
from yima.validator.guarding import lines as lines_module
from yima.validator.guarding.lines import (
    WAITING_MAX,
    LineWriter,
    close_shared,
    lost_as_json,
    lost_as_line,
    shared_writer,
)


class Pipe:
    """A pipe of one page, and a stream that writes into it."""

    def __init__(self) -> None:
        self.reading, writing = os.pipe()
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
        self.stream = os.fdopen(writing, "w", encoding="utf-8")

    def read(self, writer: LineWriter) -> list[str]:
        """All lines, after the writer's end has been closed."""
        found = b""

        def drain() -> None:
            nonlocal found
            while part := os.read(self.reading, 65536):
                found += part

        reader = threading.Thread(target=drain)
        reader.start()
        writer.close(30)
        self.stream.close()
        reader.join(200)
        return found.decode().splitlines()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    os.close(made.reading)


def test_lines_go_out_whole_and_in_order(pipe: Pipe) -> None:
    writer = LineWriter(pipe.stream)
    for number in range(500):
        writer.write(f"line {number}")
    assert pipe.read(writer) == [f"line {number}" for number in range(500)]
    assert writer.dropped == 0


def test_a_line_for_which_a_pipe_has_room_is_in_it_when_write_returns(pipe: Pipe) -> None:
    before = threading.active_count()
    writer = LineWriter(pipe.stream)
    writer.write("OPEN")
    assert os.read(pipe.reading, 100) == b"OPEN\n"
    assert threading.active_count() == before  # a thread would wait for its turn behind the tap
    assert pipe.read(writer) == []


def test_whoever_shares_the_pipe_finds_it_as_it_was(pipe: Pipe) -> None:
    writer = LineWriter(pipe.stream)
    writer.write("ours")
    assert os.get_blocking(pipe.stream.fileno())
    assert pipe.read(writer) == ["ours"]


def test_a_line_longer_than_the_room_in_a_pipe_goes_out_whole(pipe: Pipe) -> None:
    writer = LineWriter(pipe.stream)
    lines = ["begin", "x" * 10_000, "end"]
    for line in lines:
        writer.write(line)
    assert pipe.read(writer) == lines


def test_a_terminal_is_written_to_at_once_and_one_that_is_held_blocks_nobody() -> None:
    reading, terminal = os.openpty()
    with os.fdopen(terminal, "w", encoding="utf-8") as stream:
        writer = LineWriter(stream)
        writer.write("OPEN 开闸")
        assert os.read(reading, 100).decode() == "OPEN 开闸\r\n"
        termios.tcflow(terminal, termios.TCOOFF)
        for number in range(1000):
            writer.write(f"line {number}")
        termios.tcflow(terminal, termios.TCOON)
        found = b""
        while b"line 999\r\n" not in found:
            found += os.read(reading, 65536)
        assert found.decode().split() == [word for number in range(1000) for word in ("line", str(number))]
        writer.close(30)
    os.close(reading)


def test_what_was_printed_before_stands_before(pipe: Pipe) -> None:
    pipe.stream.write("before\n")
    writer = LineWriter(pipe.stream)
    writer.write("after")
    assert pipe.read(writer) == ["before", "after"]


def test_a_pipe_that_nobody_reads_holds_up_no_writer_and_what_is_lost_is_told(pipe: Pipe) -> None:
    writer = LineWriter(pipe.stream)
    writer.lost = lost_as_json
    text = "x" * 1000
    for number in range(1000):  # a million characters into a pipe of 4096
        writer.write_json({"number": number, "text": text})
    assert writer.dropped > 500
    writer.close(0)
    found = [json.loads(line) for line in pipe.read(writer)]
    numbers = [line["number"] for line in found if "number" in line]
    assert numbers == list(range(1000 - writer.dropped))
    assert found[-1] == {"event": "lines_dropped", "count": writer.dropped}
    assert sum(len(json.dumps(line)) for line in found) < WAITING_MAX + 2 * 65536


def test_a_line_after_the_lost_ones_stands_behind_their_count(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines_module, "WAITING_MAX", 100)
    writer = LineWriter(pipe.stream)
    writer.write("x" * 90_000 + "\n")  # more than fits, so it is dropped
    writer.write("after")
    first, second = pipe.read(writer)
    assert "1 " in first
    assert second == "after"


def test_a_count_of_lost_lines_is_of_those_since_the_last_one(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines_module, "WAITING_MAX", 100)
    writer = LineWriter(pipe.stream)
    writer.lost = str
    for lost in (3, 2):
        for _ in range(lost):
            writer.write("x" * 101)
        writer.write(f"after {lost}")
    assert pipe.read(writer) == ["3", "after 3", "2", "after 2"]
    assert writer.dropped == 5


def test_a_gate_on_a_console_that_nobody_reads_goes_on(pipe: Pipe) -> None:
    gate = ConsoleGate(pipe.stream)
    writer = shared_writer(pipe.stream)
    for _ in range(20_000):
        gate._out.write("OPEN   开闸  Accepted 请通行")
    assert writer is gate._out
    assert writer.dropped
    pipe.read(writer)


def test_the_end_of_the_reader_is_told_once() -> None:
    pipe = Pipe()
    gone: list[bool] = []
    writer = LineWriter(pipe.stream, on_broken=lambda: gone.append(True))
    os.close(pipe.reading)
    writer.write("nobody")
    until(lambda: writer.broken)
    writer.write("still nobody")
    writer.close()
    until(lambda: gone == [True])
    pipe.stream.close()


def test_a_full_disk_is_no_end_of_the_reader_and_what_found_no_room_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines_module, "WAITING_MAX", 100)
    write, refusals = os.write, [errno.ENOSPC, errno.EIO, errno.EDQUOT]
    is_full, has_room = threading.Event(), threading.Event()

    def full(descriptor: int, data: bytes) -> int:
        if data.startswith(b"first"):
            return write(descriptor, data[:3])  # room for three bytes
        if refusals:
            raise OSError(refusals.pop(), "no")
        is_full.set()
        if not has_room.is_set():
            has_room.wait(200)
        return write(descriptor, data)

    monkeypatch.setattr(lines_module, "_AGAIN_S", 0)
    monkeypatch.setattr(os, "write", full)
    ended: list[bool] = []
    with (tmp_path / "log").open("w", encoding="utf-8") as log:
        writer = LineWriter(log, on_broken=lambda: ended.append(True))
        writer.write("first")
        assert is_full.wait(200)
        writer.write("second")
        writer.write("x" * 90)
        assert writer.dropped == 1
        has_room.set()
        writer.close(30)
    assert (tmp_path / "log").read_text().splitlines() == ["first", "second", lost_as_line(1)]
    assert (writer.broken, ended) == (False, [])


def test_a_terminal_that_has_hung_up_is_the_end_of_the_reader() -> None:
    reading, terminal = os.openpty()
    with os.fdopen(terminal, "w", encoding="utf-8") as stream:
        writer = LineWriter(stream)
        os.close(reading)
        writer.write("nobody")
        until(lambda: writer.broken)
        writer.close(0)


def test_no_thread_to_be_had_is_no_error_and_the_next_line_tries_again(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    writer = LineWriter(pipe.stream)
    with monkeypatch.context() as without:
        without.setattr(threading.Thread, "start", refuse)
        writer.write("x" * 5000)  # more than there is room for
        writer.write("one")
    writer.write("two")
    assert pipe.read(writer) == ["x" * 5000, "one", "two"]


def test_a_stream_in_memory_is_written_at_once_and_escaped() -> None:
    out = io.StringIO()
    writer = LineWriter(out)
    writer.write("a\x1b[31m\nb\ud800")
    assert out.getvalue() == "a\\x1b[31m\nb\\ud800\n"
    out.close()
    writer.write("gone")
    assert writer.broken


def test_a_console_that_only_knows_ascii_gets_escapes() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="ascii") as stream:
        writer = LineWriter(stream)
        writer.write("开")
        writer.write_json({"¥": "😀"})
        writer.close(30)
    line, json_line = os.read(reading, 100).splitlines()
    assert line == b"\\u5f00"
    assert json.loads(json_line) == {"¥": "😀"}
    os.close(reading)


def test_one_stream_has_one_writer_until_the_end_of_the_process() -> None:
    out = io.StringIO()
    assert shared_writer(out) is shared_writer(out)
    close_shared()
    other = io.StringIO()
    assert shared_writer(other)._out is other
