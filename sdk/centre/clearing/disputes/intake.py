"""Files from institutions: disputes raised (ED) and the other party's word on them (CM); each is answered in LD.

Rules it keeps:
- A file is taken whole or not at all, once, on the day for which it is handed in; the same bytes again are taken as
  done, other bytes under its name are not.
- Every record must be by the organisation in the file's name.
- A dispute's number is its raiser's and stands for ever: one that is there already is a file not taken.
"""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from yima.sdk.centre.clearing.files.layouts import file_name, header, line
from yima.sdk.centre.clearing.files.reading import ClearingFile, ClearingFileError, parse_file
from yima.sdk.centre.clearing.money.tables import CONFIRMED, RAISED, Reason
from yima.sdk.centre.clearing.tables import Table
from yima.sdk.centre.clearing.workspace import Workspace

TAKEN, AGAIN, MALFORMED, NOT_THEIRS, NUMBER_TAKEN, UNKNOWN_WORD = "0000", "0001", "0002", "0003", "0004", "0005"


def take_files(workspace: Workspace, day: int, paths: Iterable[Path]) -> dict[str, str]:
    """Takes files in for a day that is not settled yet; returns a code for each name, and writes LD for each sender."""
    codes: dict[str, str] = {}
    for path in sorted(paths):
        content = path.read_bytes()
        codes[path.name] = _take(workspace, day, path.name, content)
    _answer(workspace, day, codes)
    return codes


def _take(workspace: Workspace, day: int, name: str, content: bytes) -> str:
    digest = int.from_bytes(hashlib.sha256(content).digest()[:7], "big")
    before = workspace.cursor(f"file {name}")
    if before:
        return AGAIN if before["digest"] == digest else NUMBER_TAKEN
    try:
        file = parse_file(name, content)
    except ClearingFileError:
        return MALFORMED
    if file.kind not in ("ED", "CM"):
        return MALFORMED
    table = RAISED if file.kind == "ED" else CONFIRMED
    by = "raised_by" if file.kind == "ED" else "confirmed_by"
    code = _refusal(workspace, table, file, by, day)
    if code == TAKEN:
        rows = [_row(file.kind, record, day) for record in file.records]
        rows.sort(key=lambda row: str(row["dispute_id"]))
        workspace.write(table, day, name, pa.Table.from_pylist(rows, table.schema).to_batches())
        workspace.move(f"file {name}", {"day": day, "digest": digest})
    return code


def _refusal(workspace: Workspace, table: Table, file: ClearingFile, by: str, day: int) -> str:
    if any(str(record[by])[-7:] != file.organisation or len(str(record[by])) != 8 for record in file.records):
        return NOT_THEIRS
    if file.kind == "ED" and any(record["reason"] not in set(Reason) for record in file.records):
        return UNKNOWN_WORD
    if file.kind == "CM" and any(record["agrees"] not in (0, 1) for record in file.records):
        return UNKNOWN_WORD
    numbers = [str(record["dispute_id"]) for record in file.records]
    name = file_name(file.kind, file.day, file.organisation, file.sequence)
    others = [path for path in workspace.files(table, before=day + 1) if path.stem != name]
    known = {number for path in others for number in pq.read_table(path)["dispute_id"].to_pylist()}
    return NUMBER_TAKEN if len(set(numbers)) != len(numbers) or known & set(numbers) else TAKEN


def _row(kind: str, record: dict[str, str | int], day: int) -> dict[str, object]:
    if kind == "CM":
        agrees = record["agrees"] == 1
        return {
            "dispute_id": record["dispute_id"],
            "confirmed_by": record["confirmed_by"],
            "agrees": agrees,
            "day": day,
        }
    names = ("dispute_id", "raised_by", "reason", "claimed_fen")
    return {**{name: record[name] for name in names}, "ride_id": record["reference"], "day": day}


def _answer(workspace: Workspace, day: int, codes: dict[str, str]) -> None:
    """LD: which files were taken, with a code each, one file a sender. A name that is none gets no answer."""
    by_sender: dict[str, list[str]] = {}
    for name, code in sorted(codes.items()):
        if len(name) == 33 and name.isascii() and name[15:22].isdecimal():
            by_sender.setdefault(name[15:22], []).append(line("LD", {"file": name, "code": code}))
    folder = workspace.path / "answers" / str(day)
    for sender, lines in by_sender.items():
        folder.mkdir(parents=True, exist_ok=True)
        write_answer(folder, "LD", day, f"0{sender}", lines)


def write_answer(folder: Path, kind: str, day: int, party: str, lines: Sequence[str]) -> Path:
    """A file of a few records, at once."""
    path = folder / file_name(kind, day, party, 1)
    path.write_text(header(kind, day, party, len(lines)) + "\n" + "".join(lines), encoding="ascii")
    return path
