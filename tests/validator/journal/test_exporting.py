"""A journal handed on: the ministry's records and nothing between them; JSON lines with accounts masked; gaps told."""

import io
import json
from pathlib import Path

import pytest

from tests.entries import AT, note, reversal, tap
from tests.uplinks import record
from yima.validator.errors import JournalError
from yima.validator.journal import SegmentJournal
from yima.validator.journal.exporting import Exported, export_lines, export_records, new_file
from yima.validator.journal.files import FolderFiles
from yima.validator.journal.form import HEADER_SIZE
from yima.validator.journal.salvage import Gap, Salvage
from yima.validator.journal.segments import name_of

RIDES = [record(b"code %d" % number) for number in range(4)]

ACCOUNT = bytes.fromhex("99887766554433221100")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four rides of which the gate did not open for the second; a refused tap, a note, and what is no entry."""
    folder = tmp_path / "journal"
    journal = SegmentJournal(folder, "gate-7", epoch_for_new=9)
    for content in (
        tap(AT, body=RIDES[0], account=ACCOUNT),
        tap(AT + 1, body=RIDES[1]),
        reversal(2),
        tap(AT + 2, body=b"shown", reason=64, fare_fen=0, gross_fen=0),
        tap(AT + 3, body=RIDES[2]),
        note("\x1b[31m\u202e".encode()),
        b"no entry",
        tap(AT + 4, body=RIDES[3], account=ACCOUNT),
    ):
        journal.append(content)
    journal.close()
    return folder


def lines(folder: Path, *, after: int = 0, reveal: bool = False) -> list[dict[str, object]]:
    out = io.BytesIO()
    export_lines(Salvage(FolderFiles(folder)), out, after=after, reveal=reveal)
    assert out.getvalue().isascii()
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_the_ministry_gets_its_records_one_behind_the_other(folder: Path, tmp_path: Path) -> None:
    done = export_records(Salvage(FolderFiles(folder)), tmp_path / "rides.bin", after=0)
    assert done == Exported(3, (Gap(7, 7),))
    assert (tmp_path / "rides.bin").read_bytes() == RIDES[0] + RIDES[2] + RIDES[3]
    assert (tmp_path / "rides.bin").stat().st_mode & 0o777 == 0o600


def test_or_one_file_each(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "rides"
    out.mkdir()
    assert export_records(Salvage(FolderFiles(folder)), out, after=4).written == 2
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {
        "gate-7-9-0000000005.record": RIDES[2],
        "gate-7-9-0000000008.record": RIDES[3],
    }


def test_json_lines_say_every_entry_and_no_whole_account(folder: Path) -> None:
    found = lines(folder)
    assert [(line["sequence"], line["kind"]) for line in found] == [
        (1, "tap"), (2, "tap"), (3, "outcome"), (4, "tap"), (5, "tap"), (6, "note"), (7, "unreadable"), (8, "tap"),
    ]  # fmt: skip
    assert (found[0]["reason"], found[0]["mode"], found[0]["fare_fen"], found[0]["at"]) == ("ACCEPTED", "bus", 200, AT)
    assert (found[2]["tap"], found[2]["outcome"], found[2]["reverses"]) == (2, "failed", True)
    assert found[5]["text"] == "\x1b[31m\u202e"
    whole = ACCOUNT.hex()
    assert str(found[0]["account"]).endswith(whole[-4:])
    assert whole not in json.dumps(found)
    assert all("body" not in line for line in found)
    shown = lines(folder, after=7, reveal=True)
    assert [(line["account"], line["body"]) for line in shown] == [(whole, RIDES[3].hex())]


def test_nothing_is_overwritten_and_what_cannot_be_made_is_told(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("there", "link"):
        with pytest.raises(JournalError, match="is there already"):
            new_file(tmp_path / name)
    with pytest.raises(JournalError, match="cannot be made"):
        new_file(tmp_path / "no" / "folder")


def test_what_is_good_is_read_behind_what_is_damaged(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    journal = SegmentJournal(folder, "gate-7", epoch_for_new=9)
    for number in range(1, 121):  # 34 in a segment
        journal.append(note(bytes(10), at=AT + number).ljust(60_000, b"\0"))
    journal.close()
    for name, at in ((name_of(1), HEADER_SIZE + 3 * 60_056 + 500), (name_of(2), 20), (name_of(4), HEADER_SIZE + 20)):
        data = bytearray((folder / name).read_bytes())
        data[at] ^= 1
        (folder / name).write_bytes(data)
    found = list(Salvage(FolderFiles(folder)).frames(0))
    assert [one for one in found if isinstance(one, Gap)] == [Gap(4, 4), Gap(35, 68), Gap(103, 103)]
    assert [one.sequence for one in found if not isinstance(one, Gap)] == [
        1,
        2,
        3,
        *range(5, 35),
        *range(69, 103),
        *range(104, 121),
    ]
    (folder / name_of(3)).unlink()
    again = list(Salvage(FolderFiles(folder)).frames(30))
    assert [one for one in again if isinstance(one, Gap)] == [Gap(35, 102), Gap(103, 103)]
    (folder / name_of(4)).write_bytes(b"x" * 3000)
    assert list(Salvage(FolderFiles(folder)).frames(34)) == [Gap(35, None)]
