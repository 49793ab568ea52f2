"""What a collector holds, for others: from where they left off, in the form that they read.

Rules it keeps:
- A cursor says what was handed out. It is a text that means something here alone; what lies behind it is handed out in
  the same order whenever it is asked for, and nothing twice, nothing never.
- A folder's cursor moves when what lies before it is durable: killed in between, the same part is written again under
  the same names.
- One process exports into a folder at a time; a second is told so. Each would move the cursor over the other's part.
- JSON Lines tell facts by their names in docs/facts.md, the accounts masked unless they are asked for. Parquet has the
  devices' own bytes and their signatures, for a centre (a folder in its stores/). Records are the ministry's bytes, one
  behind the other, of rides that were accepted and not taken back by an entry in the same part.
"""

import base64
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from yima.sdk.centre.clearing import parquet
from yima.sdk.centre.clearing.taps.stores import FIELDS, SIGNED, Chunk, Source
from yima.sdk.centre.fleet.database import FleetError
from yima.sdk.centre.fleet.files import put, writing
from yima.validator.journal.exporting import as_mapping
from yima.validator.journal.facts import FactsError, OutcomeFacts, TapFacts, parse
from yima.validator.outside import json_of
from yima.validator.system.locks import HeldError, hold
from yima.validator.texts import Text

CURSOR = "cursor.json"
CURSOR_MAX = 600


class Form(StrEnum):
    """What is written."""

    JSONL = "jsonl"
    PARQUET = "parquet"
    RECORDS = "records"


class Page(NamedTuple):
    """Some records (rows of the sources' FIELDS) and where to go on; more: there may be others already."""

    rows: list[dict[str, Any]]
    next: str
    more: bool


def page(source: Source, after: str) -> Page:
    """The records behind a cursor, empty at first, a chunk of the source. Raises FleetError for what is no cursor."""
    cursor = decode(after)
    for chunk in source.chunks(cursor):
        cursor = chunk.cursor
        if chunk.rows.num_rows:
            return Page(chunk.rows.to_pylist(), encode(cursor), more=True)
    return Page([], encode(cursor), more=False)


def encode(cursor: Mapping[str, int]) -> str:
    """A cursor as a text for addresses."""
    return base64.urlsafe_b64encode(json.dumps(cursor, sort_keys=True, separators=(",", ":")).encode()).decode()


def decode(text: str) -> dict[str, int]:
    """Raises FleetError."""
    if not text:
        return {}
    if len(text) > CURSOR_MAX:
        raise _no_cursor()
    try:
        return _cursor(json_of(base64.urlsafe_b64decode(text.encode())))
    except ValueError as error:
        raise _no_cursor() from error


def _cursor(said: object) -> dict[str, int]:
    """Raises ValueError."""
    if (
        not isinstance(said, dict)
        or any(type(number) is not int or not 0 <= number < 1 << 62 for number in said.values())
        or any(not name.replace("_", "").isalpha() or len(name) > 32 for name in said)
    ):
        raise ValueError("no cursor")
    return said


def export(source: Source, folder: Path, form: Form, *, reveal: bool = False) -> int:
    """Writes what is new into a folder, and notes there how far it has come; how many records came. Raises FleetError,
    SourceError."""
    place = folder / CURSOR
    count = 0
    with _alone(folder):
        cursor, number = _left_off(place, source.name, form)
        for chunk in source.chunks(cursor):
            if chunk.rows.num_rows or (chunk.batches.num_rows and form is Form.PARQUET):
                number += 1
                _WRITERS[form](folder, number, chunk, reveal)
                count += chunk.rows.num_rows
            put(place, json.dumps(
                {"source": source.name, "form": form, "files": number, "cursor": chunk.cursor}
            ).encode())  # fmt: skip
    return count


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Around what is exported into a folder, which is made. Raises FleetError where another process is at it."""
    try:
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = hold(folder / ".lock")
    except HeldError as held:
        raise FleetError(
            folder,
            Text(f"another process exports into it: {held.holder}", f"另一进程（{held.holder}）正在导出到此处"),
            Text("Wait for it: it takes what is new along", "请等待其结束，新增记录会一并导出"),
        ) from None
    try:
        yield
    finally:
        os.close(lock)


def _left_off(place: Path, source: str, form: Form) -> tuple[dict[str, int], int]:
    try:
        if not place.exists():
            return {}, 0
        said = json_of(place.read_bytes())
        if (said["source"], said["form"]) != (source, form):
            raise FleetError(
                place,
                Text(f"is of an export of {said['source']} as {said['form']}", "属于另一个导出"),
                Text("Give each export a folder of its own", "请为每种导出使用各自的文件夹"),
            )
        return _cursor(said["cursor"]), int(said["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FleetError(
            place,
            Text(f"cannot be read: {error}", f"无法读取：{error}"),
            Text("Export into another folder, from the beginning", "请从头导出到另一个文件夹"),
        ) from error


def line_of(row: Mapping[str, Any], *, reveal: bool) -> dict[str, Any]:
    """A record as JSON has it."""
    head = {name: row[name] for name in ("device", "epoch", "received", "form", "rejected", "conflict", "batch")}
    if row["form"] != 2:
        return head | {"sequence": row["sequence"], "kind": "older", "hash": row["hash"].hex()}
    return head | as_mapping(row["sequence"], row["entry"], row["hash"], reveal=reveal)


def _write_lines(folder: Path, number: int, chunk: Chunk, reveal: bool) -> None:
    lines = (json.dumps(line_of(row, reveal=reveal)) + "\n" for row in chunk.rows.to_pylist())
    put(folder / f"{number:08}.jsonl", "".join(lines).encode())


def _write_parquet(folder: Path, number: int, chunk: Chunk, _reveal: bool) -> None:
    for place, schema, rows in ((folder / "batches", SIGNED, chunk.batches), (folder, FIELDS, chunk.rows)):
        path = place / f"{number:08}.parquet"
        with writing(path):
            place.mkdir(exist_ok=True)
            if rows.num_rows:
                parquet.write(path, schema, _as(rows, schema))


def _as(rows: pa.RecordBatch, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    yield pa.RecordBatch.from_arrays(rows.columns, schema=schema)


def _write_records(folder: Path, number: int, chunk: Chunk, _reveal: bool) -> None:
    rides: dict[tuple[str, int, int], bytes] = {}
    for row in chunk.rows.to_pylist():
        if row["form"] != 2 or row["rejected"] is not None or row["conflict"]:
            continue
        try:
            facts, body = parse(row["entry"])
        except FactsError:
            continue
        if isinstance(facts, TapFacts) and facts.accepted:
            rides[row["device"], row["epoch"], row["sequence"]] = body
        elif isinstance(facts, OutcomeFacts) and facts.reverses:
            rides.pop((row["device"], row["epoch"], facts.tap), None)
    put(folder / f"{number:08}.record", b"".join(rides.values()))


_WRITERS: dict[Form, Callable[[Path, int, Chunk, bool], None]] = {
    Form.JSONL: _write_lines,
    Form.PARQUET: _write_parquet,
    Form.RECORDS: _write_records,
}


def _no_cursor() -> FleetError:
    return FleetError(
        "after",
        Text("is no cursor that was handed out here", "不是本接口给出的游标"),
        Text("Send `next` of the answer before, or leave it out", "请使用上一次应答的 next，或省略"),
    )
