"""A journal of the older form: nothing of it is lost. The file is one that the older version wrote."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from yima.validator.errors import JournalError
from yima.validator.journal.lock import locked
from yima.validator.journal.older import REMEMBERED_S, OlderJournal, older_hash
from yima.validator.judging.record import record_is_intact

FILE = Path(__file__).parents[2] / "vectors" / "older" / "journal-1.db"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return Path(shutil.copy(FILE, tmp_path / "journal.db"))


def test_its_entries_hang_together_and_what_waits_is_known(path: Path) -> None:
    journal = OlderJournal(path)
    assert (journal.device, journal.epoch) == ("gate-7", 117683544729589)
    assert (journal.last_sequence(), journal.acknowledged()) == (4, 1)
    waiting = journal.pending(10)
    assert [entry.key.sequence for entry in waiting] == [2, 3, 4]
    assert all(older_hash(entry) == entry.hash and record_is_intact(entry.content) for entry in waiting)
    assert [entry.previous for entry in waiting[1:]] == [entry.hash for entry in waiting[:-1]]
    assert [entry.key.sequence for entry in journal.accepted()] == [1, 2, 3]
    assert [entry.key.sequence for entry in journal.accepted(2)] == [2, 3]
    assert journal.newest_trusted_at() == waiting[-1].at
    journal.close(waiting[-1].at + 2 * REMEMBERED_S)
    assert path.exists(), "something still waits"


def test_when_the_collector_has_all_of_it_and_no_code_can_be_shown_any_more_the_file_is_put_by(path: Path) -> None:
    journal = OlderJournal(path)
    [newest] = journal.accepted(1)
    journal.acknowledge(4, {2: "why"}, at=5)
    assert journal.pending(10) == []
    journal.close(newest.at + REMEMBERED_S)
    again = OlderJournal(path)
    assert again.accepted(1) == [newest]
    again.close(newest.at + REMEMBERED_S + 1)
    assert not path.exists()
    assert path.with_name("journal.db.done").exists()


def test_who_went_back_to_the_older_version_for_a_while_has_two_files_put_by(path: Path) -> None:
    for _ in range(3):
        shutil.copy(FILE, path)
        journal = OlderJournal(path)
        [newest] = journal.accepted(1)
        journal.acknowledge(4, {})
        journal.close(newest.at + REMEMBERED_S + 1)
    assert sorted(file.name for file in path.parent.glob("*.done*")) == [
        "journal.db.done",
        "journal.db.done.2",
        "journal.db.done.3",
    ]


def test_a_cursor_that_could_not_be_moved_stands_and_moves_later(path: Path) -> None:
    """Somebody has the file open and reads in it just when the collector answers."""
    journal = OlderJournal(path)
    journal._connection.execute("PRAGMA busy_timeout=0")
    with closing(sqlite3.connect(path, isolation_level=None)) as looking:
        looking.execute("BEGIN")
        looking.execute("SELECT count(*) FROM entries").fetchone()
        with pytest.raises(JournalError, match="locked"):
            journal.acknowledge(3, {2: "why"})
    assert journal.acknowledged() == 1
    journal.acknowledge(4, {})
    assert journal.acknowledged() == 4
    journal.close(0)


def test_an_older_version_that_still_runs_is_told_apart(path: Path) -> None:
    holder = locked(path, path.with_name("journal.db.lock"))
    with pytest.raises(JournalError, match="in use by process"):
        OlderJournal(path)
    os.close(holder)
    journal = OlderJournal(path)
    assert sorted(file.name for file in path.parent.iterdir()) == ["journal.db", "journal.db.lock"], "no shared memory"
    journal.close(0)


@pytest.mark.parametrize("content", [b"", b"no database at all" * 400, None], ids=["empty", "rubbish", "another's"])
def test_what_is_no_older_journal_is_refused_and_stays(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "journal.db"
    if content is None:
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE entries (x)")
        connection.close()
    else:
        path.write_bytes(content)
    with pytest.raises(JournalError, match="the older journal cannot be used"):
        OlderJournal(path)
    assert path.exists()
