"""Files from institutions: disputes raised (ED) and the other party's word on them (CM); each is answered in LD.

Rules it keeps:
- A file is taken whole or not at all, once, on the day for which it is handed in, or the first one after that which is
  still open. The same bytes again have the same answer on that day, and are taken as done on a later one; other bytes
  under the name of a file that was taken are not.
- What is answered on a day is written down at once for all of its files: cut off before that, the day takes them again,
  as they are by then. What the run before wrote of them counts for nothing.
- What was refused is answered once, and looked at again when its bytes are others.
- Every record must be by the organisation in the file's name, and claim no more than a fare may be.
- A dispute's number is its raiser's and stands for ever: one that this raiser has given already is a file not taken. So
  is a second word of one party on one dispute. What others raise or say takes no number from anybody.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from yima.sdk.centre.clearing import parquet
from yima.sdk.centre.clearing.days import is_day
from yima.sdk.centre.clearing.files.layouts import NAME, file_name, header, line
from yima.sdk.centre.clearing.files.reading import ClearingFile, ClearingFileError, parse_file
from yima.sdk.centre.clearing.folder import handed_in
from yima.sdk.centre.clearing.money.tables import CONFIRMED, RAISED, Reason
from yima.sdk.centre.clearing.tables import Table
from yima.sdk.centre.clearing.workspace import Workspace, flush_all
from yima.validator.parameters.rules import FEN_MAX
from yima.validator.system.disk import flush_folder, remove

_WORD = re.compile(r"[!-~]+")  # nothing that cannot be seen, and no blank, which is no part of a text at its ends
TAKEN, AGAIN, MALFORMED, NOT_THEIRS, NUMBER_TAKEN, UNKNOWN_WORD = "0000", "0001", "0002", "0003", "0004", "0005"


def waiting_files(workspace: Workspace, day: int, paths: Iterable[Path]) -> list[Path]:
    """Of the files that lie there, those that this day has to answer: dated no later, and not answered before it.
    Raises FolderError."""
    waiting = []
    for path in paths:
        answered = _answered(workspace, path.name, _digest(handed_in(path)))
        if max(dated([path]), default=0) <= day and (answered is None or answered["day"] == day):
            waiting.append(path)
    return waiting


def dated(paths: Iterable[Path]) -> list[int]:
    """The days in the names of files; a name that is none, or says a day that there is not, has no day."""
    found = (NAME.fullmatch(path.name) for path in paths)
    return [day for match in found if match and is_day(day := 20_000_000 + int(match[2]))]


def take_files(workspace: Workspace, day: int, paths: Iterable[Path]) -> dict[str, str]:
    """Takes files in for a day that is not settled yet; returns a code for each name, and writes LD for each sender.
    Raises FolderError."""
    _sweep(workspace, day)
    codes: dict[str, str] = {}
    senders: dict[str, str] = {}
    told: dict[str, dict[str, int]] = {}
    numbers = {table.name: _Numbers(workspace, table, day) for table in (RAISED, CONFIRMED)}
    for path in sorted(paths):
        content = handed_in(path)
        digest = _digest(content)
        senders[path.name] = _sender(path.name, content)
        before = _answered(workspace, path.name, digest)
        if before is not None:
            codes[path.name] = f"{before['code']:04}" if before["day"] == day else AGAIN
            continue
        code = codes[path.name] = _take(workspace, day, path.name, content, numbers)
        where = f"file {path.name}" if code == TAKEN else f"refused {path.name}"
        told[where] = {"day": day, "digest": digest, "code": int(code)}
    if told:
        workspace.move_all("files", told)
    _answer(workspace, day, codes, senders)
    return codes


def _sweep(workspace: Workspace, day: int) -> None:
    """Takes away what a run that was cut off wrote of files that nobody was answered for: by now they may be others."""
    for table in (RAISED, CONFIRMED):
        for path in workspace.files(table, day=day):
            if workspace.cursor(f"file {path.stem}").get("day") != day:
                remove(path)
                flush_folder(path.parent)


class _Numbers:
    """The keys of disputes that a table has, of earlier days and by file of this one; each is read once."""

    def __init__(self, workspace: Workspace, table: Table, day: int) -> None:
        self._names = list(table.key)
        self._before = self._read(workspace.files(table, before=day))
        self.today = {path.stem: self._read([path]) for path in workspace.files(table, day=day)}

    def of(self, rows: Iterable[Mapping[str, object]]) -> list[tuple[object, ...]]:
        """The keys of rows or records, each as often as it is there."""
        return [tuple(row[name] for name in self._names) for row in rows]

    def has(self, numbers: set[tuple[object, ...]], *, beside: str) -> bool:
        """Whether one of these is there, in another file than that."""
        others = [mine for name, mine in self.today.items() if name != beside]
        return bool(self._before & numbers) or any(mine & numbers for mine in others)

    def _read(self, paths: list[Path]) -> set[tuple[object, ...]]:
        return {number for rows in parquet.read(paths, self._names) for number in self.of(rows.to_pylist())}


def _take(workspace: Workspace, day: int, name: str, content: bytes, numbers: Mapping[str, _Numbers]) -> str:
    code, rows = _looked_at(workspace, day, name, content, numbers)
    if rows is not None:
        table, found = rows
        workspace.write(table, day, name, pa.Table.from_pylist(found, table.schema).to_batches())
        numbers[table.name].today[name] = set(numbers[table.name].of(found))
    return code


def _looked_at(
    workspace: Workspace, day: int, name: str, content: bytes, numbers: Mapping[str, _Numbers]
) -> tuple[str, tuple[Table, list[dict[str, object]]] | None]:
    """The code of a file, and its rows if it is taken."""
    if workspace.cursor(f"file {name}"):
        return NUMBER_TAKEN, None
    try:
        file = parse_file(name, content)
    except ClearingFileError:
        return MALFORMED, None
    if file.kind not in ("ED", "CM"):
        return MALFORMED, None
    table = RAISED if file.kind == "ED" else CONFIRMED
    by = "raised_by" if file.kind == "ED" else "confirmed_by"
    code = _refusal(file, by, numbers[table.name])
    if code != TAKEN:
        return code, None
    rows = [_row(file.kind, record, day) for record in file.records]
    return code, (table, sorted(rows, key=lambda row: [str(row[name]) for name in table.key]))


def _answered(workspace: Workspace, name: str, digest: int) -> dict[str, int] | None:
    """What was answered to these bytes under this name; None: nothing yet."""
    records = (workspace.cursor(f"file {name}"), workspace.cursor(f"refused {name}"))
    return next((record for record in records if record and record["digest"] == digest), None)


def _digest(content: bytes) -> int:
    return int.from_bytes(hashlib.sha256(content).digest()[:7], "big")


def _refusal(file: ClearingFile, by: str, taken: _Numbers) -> str:
    if any(str(record[by]) != file.organisation for record in file.records):
        return NOT_THEIRS
    if file.kind == "ED" and any(int(record["claimed_fen"]) > FEN_MAX for record in file.records):
        return MALFORMED
    if file.kind == "ED" and any(record["reason"] not in set(Reason) for record in file.records):
        return UNKNOWN_WORD
    if file.kind == "CM" and any(record["agrees"] not in (0, 1) for record in file.records):
        return UNKNOWN_WORD
    numbers = taken.of(file.records)
    name = file_name(file.kind, file.day, file.organisation, file.sequence)
    is_twice = len(set(numbers)) != len(numbers) or taken.has(set(numbers), beside=name)
    return NUMBER_TAKEN if is_twice else TAKEN


def _row(kind: str, record: dict[str, str | int], day: int) -> dict[str, object]:
    if kind == "CM":
        return {**record, "agrees": record["agrees"] == 1, "day": day}
    names = ("dispute_id", "raised_by", "reason", "claimed_fen")
    return {**{name: record[name] for name in names}, "ride_id": record["reference"], "day": day}


def _answer(workspace: Workspace, day: int, codes: Mapping[str, str], senders: Mapping[str, str]) -> None:
    """LD: which files were taken, with a code each, for each sender. A name that is none gets no answer: one that no
    field can hold would make the whole of LD unreadable, also for who is innocent of it."""
    by_sender: dict[str, list[str]] = {}
    for name, code in sorted(codes.items()):
        if len(name) == 33 and _WORD.fullmatch(name) and name[15:22].isdecimal():
            by_sender.setdefault(senders[name], []).append(line("LD", {"file": name, "code": code}))
    write_answers(workspace.path / "answers" / str(day), "LD", day, by_sender)


def _sender(name: str, content: bytes) -> str:
    """Whose file it is: the name has seven digits of an organisation, the first line all eight, if it can be read."""
    seven, eight = name[15:22], content[19:27].decode("ascii", "replace")
    return eight if eight.isdecimal() and eight[1:] == seven else f"0{seven}"


def write_answers(folder: Path, kind: str, day: int, lines: Mapping[str, Sequence[str]]) -> list[Path]:
    """A file of a few records for each party, at once and durably; parties that share their last seven digits take
    turns at the numbers behind them."""
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    told: Counter[str] = Counter()
    for party, records in sorted(lines.items()):
        told[party[-7:]] += 1
        paths.append(write_answer(folder, kind, day, party, records, sequence=told[party[-7:]]))
    flush_all(folder)
    return paths


def write_answer(folder: Path, kind: str, day: int, party: str, lines: Sequence[str], *, sequence: int = 1) -> Path:
    """A file of a few records, at once."""
    path = folder / file_name(kind, day, party, sequence)
    path.write_text(header(kind, day, party, len(lines)) + "\n" + "".join(lines), encoding="ascii")
    return path
