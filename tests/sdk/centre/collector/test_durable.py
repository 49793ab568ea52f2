"""A SQLite file that keeps its word: what it asserts when opening, and what it says when it cannot be used."""

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from yima.sdk.centre.collector import durable
from yima.sdk.centre.collector.durable import DurableFile, FileKind
from yima.validator.errors import YimaError
from yima.validator.texts import Text


class NotebookError(YimaError):
    """The error of the files of these tests."""


KIND = FileKind(
    application_id=0x6E6F7465,
    version=3,
    schema=("CREATE TABLE lines (line TEXT NOT NULL) STRICT",),
    error=NotebookError,
    start_over=Text("Take a new notebook", "请换一本"),
)


def write(file: DurableFile, line: str) -> None:
    with file.transaction() as connection:
        connection.execute("INSERT INTO lines VALUES (?)", (line,))


def lines(file: DurableFile) -> list[str]:
    with file.reading() as connection:
        return [row[0] for row in connection.execute("SELECT line FROM lines ORDER BY rowid")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "notebook.db"


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A directory, and for the test the rights of a user for whom file modes count."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        root = os.geteuid() == 0
        if root:
            os.chown(directory, 65534, 65534)
            os.seteuid(65534)
        try:
            yield directory
        finally:
            if root:
                os.seteuid(0)
            directory.chmod(0o700)


def test_every_commit_is_synced_in_full_through_a_write_ahead_log(path: Path) -> None:
    file = DurableFile(path, KIND)
    with file.reading() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    file.close()


def test_where_a_commit_would_not_be_synced_in_full_nothing_is_opened(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was set is read back: here it reads other than what is asked for."""
    monkeypatch.setattr(durable, "SYNCHRONOUS_FULL", 3)
    with pytest.raises(NotebookError, match=r"cannot be written durably here \(journal_mode wal, synchronous 2\)"):
        DurableFile(path, KIND)


def test_where_there_is_no_write_ahead_log_nothing_is_opened(path: Path) -> None:
    class OnAShare(DurableFile):
        """A file system without memory that processes share."""

        def _connect(self, mode: str) -> sqlite3.Connection:
            return sqlite3.connect(f"{self.path.as_uri()}?mode={mode}&vfs=unix-none", uri=True, isolation_level=None)

    with pytest.raises(NotebookError, match=r"cannot be written durably here \(journal_mode delete, synchronous 2\)"):
        OnAShare(path, KIND)


def test_the_folder_of_a_new_file_is_flushed_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite syncs its files; the folder would not know them after a power cut."""
    flushed: list[Path] = []
    monkeypatch.setattr(durable, "flush_folder", flushed.append)
    for _ in range(2):
        DurableFile(path, KIND).close()
    assert flushed == [path.parent]


def test_only_the_owner_may_read_the_files(path: Path) -> None:
    file = DurableFile(path, KIND)
    write(file, "a")
    for beside in path.parent.iterdir():
        assert beside.stat().st_mode & 0o077 == 0, beside
    file.close()


def test_what_was_committed_is_there_after_opening_again(path: Path) -> None:
    file = DurableFile(path, KIND)
    write(file, "a")
    file.close()
    file.close()
    again = DurableFile(path, KIND)
    assert lines(again) == ["a"]
    again.close()
    with pytest.raises(NotebookError, match="is closed"):
        write(again, "b")


def test_a_transaction_that_raises_leaves_nothing(path: Path) -> None:
    file = DurableFile(path, KIND)
    with pytest.raises(ZeroDivisionError), file.transaction() as connection:
        connection.execute("INSERT INTO lines VALUES ('half')")
        _ = 1 // 0
    assert lines(file) == []
    write(file, "whole")
    assert lines(file) == ["whole"]
    file.close()


def test_a_second_process_is_told_which_one_has_the_file(path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path\n"
        "from yima.sdk.centre.collector.store import Store\n"
        "store = Store(Path(sys.argv[1]))\n"
        "print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(NotebookError, match=f"in use by process {other.pid}"):
            DurableFile(path, KIND)
        other.send_signal(signal.SIGKILL)
        other.wait()
    # The lock died with its process.
    with pytest.raises(NotebookError, match="something else"):
        DurableFile(path, KIND)


def test_another_program_that_locks_the_database_is_named_as_the_cause_and_waited_for_later(path: Path) -> None:
    file = DurableFile(path, KIND)
    browser = sqlite3.connect(path, isolation_level=None)
    browser.execute("BEGIN IMMEDIATE")
    with pytest.raises(NotebookError, match="locked by another program"):
        write(file, "a")
    browser.execute("ROLLBACK")
    browser.close()
    write(file, "b")
    assert lines(file) == ["b"]
    file.close()


def test_a_full_file_says_so_keeps_what_it_has_and_goes_on_when_there_is_room(path: Path) -> None:
    file = DurableFile(path, KIND, max_bytes=64 << 10)
    written = 0
    with pytest.raises(NotebookError, match="full"):
        for _ in range(100):
            write(file, "x" * 1000)
            written += 1
    assert 10 < written < 100
    assert len(lines(file)) == written
    file.close()
    roomier = DurableFile(path, KIND)
    write(roomier, "more")
    assert len(lines(roomier)) == written + 1
    roomier.close()


def test_a_disk_that_takes_no_more_bytes_is_an_error_and_loses_nothing_committed(path: Path) -> None:
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from tests.sdk.centre.collector.test_durable import KIND, NotebookError, write\n"
        "from yima.sdk.centre.collector.durable import DurableFile\n"
        "file, count = DurableFile(Path(sys.argv[1]), KIND), 0\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))\n"
        "try:\n"
        "    while True:\n"
        "        write(file, f'{count} ' + 2000 * 'x')\n"
        "        print(count)\n"
        "        count += 1\n"
        "except NotebookError as error: print(error, file=sys.stderr)\n"
    )
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert str(path) in done.stderr
    appended = [int(line) for line in done.stdout.split()]
    assert len(appended) > 10
    with sqlite3.connect(path) as connection:
        found = [row[0] for row in connection.execute("SELECT line FROM lines ORDER BY rowid")]
    connection.close()
    assert [int(line.split()[0]) for line in found] == appended


def test_a_directory_that_may_not_be_written_is_named(unprivileged: Path) -> None:
    unprivileged.chmod(0o500)
    with pytest.raises(NotebookError, match=r"(?s)notebook\.db: cannot be used: Permission denied.*written"):
        DurableFile(unprivileged / "notebook.db", KIND)


def test_a_file_that_may_not_be_written_is_named(unprivileged: Path) -> None:
    path = unprivileged / "notebook.db"
    DurableFile(path, KIND).close()
    path.chmod(0o400)
    with pytest.raises(NotebookError, match="Permission denied"):
        DurableFile(path, KIND)


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotebookError, match="Check that the directory exists"):
        DurableFile(tmp_path / "nowhere" / "notebook.db", KIND)


def test_bytes_that_are_no_database_are_refused_with_what_to_do(path: Path) -> None:
    path.write_bytes(b"not SQLite at all" * 400)
    with pytest.raises(NotebookError, match=r"no database.*Take a new notebook"):
        DurableFile(path, KIND)
    assert path.read_bytes().startswith(b"not SQLite at all")


def test_pages_overwritten_in_the_middle_are_found_when_opening(path: Path) -> None:
    file = DurableFile(path, KIND)
    for number in range(200):
        write(file, f"{number}" * 100)
    file.close()
    content = bytearray(path.read_bytes())
    content[8192:12288] = b"\xa5" * 4096
    path.write_bytes(content)
    with pytest.raises(NotebookError, match=r"is damaged.*Take a new notebook"):
        DurableFile(path, KIND)


def test_a_file_of_a_newer_version_is_left_alone(path: Path) -> None:
    DurableFile(path, KIND).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=4")
    connection.close()
    with pytest.raises(NotebookError, match="newer version"):
        DurableFile(path, KIND)


def test_a_database_of_another_program_is_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE photos (name)")
    connection.close()
    with pytest.raises(NotebookError, match="something else"):
        DurableFile(path, KIND)


def test_a_file_deleted_while_in_use_takes_no_more(path: Path) -> None:
    file = DurableFile(path, KIND)
    path.unlink()
    with pytest.raises(NotebookError, match="No such file"):
        write(file, "into the void")
    path.touch()
    with pytest.raises(NotebookError, match="was replaced while in use"):
        write(file, "into the void")
    file.close()


def test_looking_takes_no_lock_and_changes_nothing(path: Path) -> None:
    file = DurableFile(path, KIND)
    write(file, "a")
    view = DurableFile(path, KIND, read_only=True)
    write(file, "b")
    assert lines(view) == ["a", "b"]
    with pytest.raises(NotebookError, match="read-only"):
        write(view, "c")
    view.close()
    file.close()
    with pytest.raises(NotebookError, match="no such file"):
        DurableFile(path.with_name("other.db"), KIND, read_only=True)


def test_who_only_looks_is_shown_nothing_of_an_empty_file(path: Path) -> None:
    path.touch()
    with pytest.raises(NotebookError, match="something else"):
        DurableFile(path, KIND, read_only=True)
    assert path.stat().st_size == 0
