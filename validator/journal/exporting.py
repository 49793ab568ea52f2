"""A journal's entries for others: the ministry's records as they are, or every entry with its facts as JSON lines.

Rules it keeps:
- The records of accepted rides are the ministry's bytes, tags 0000 to 0011, and nothing of ours between them. A ride
  that a later entry reversed is none, and is left out.
- JSON lines say everything that an entry says. Accounts are masked unless they are asked for, and so is the body, in
  which they stand too. The lines are ASCII: nothing in them commands a terminal.
- What cannot be read is counted and told; it holds up nothing behind it.
- A file is made anew, for its owner alone; nothing is overwritten.
"""

import dataclasses
import json
import os
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from yima.validator.errors import JournalError
from yima.validator.journal.facts import Facts, FactsError, OutcomeFacts, TapFacts, parse
from yima.validator.journal.glance import reverses
from yima.validator.journal.salvage import Gap, Salvage
from yima.validator.judging import Reason, masked
from yima.validator.system.disk import create
from yima.validator.texts import Text

_REASONS = {int(reason): reason for reason in Reason}


class Exported(NamedTuple):
    """What was written: entries or records; and the entries that could not be read, one by one or as gaps."""

    written: int
    unreadable: tuple[Gap, ...]


def export_lines(journal: Salvage, out: BinaryIO, *, after: int, reveal: bool) -> Exported:
    """Every entry beyond `after` as a JSON object on a line."""
    written, unreadable = 0, []
    for frame in journal.frames(after):
        if isinstance(frame, Gap):
            unreadable.append(frame)
            continue
        line = json.dumps(as_mapping(frame.sequence, frame.entry, frame.hash, reveal=reveal))
        out.write(line.encode() + b"\n")
        written += 1
    return Exported(written, tuple(unreadable))


def export_records(journal: Salvage, out: Path, *, after: int) -> Exported:
    """The ministry's records of the rides beyond `after`: one behind the other in the file `out`, or, if `out` is a
    folder, one file each, named by device, epoch and sequence."""
    unreadable: list[Gap] = []
    records = _records(journal, after, unreadable)
    written = 0
    if out.is_dir():
        for sequence, record in records:
            with new_file(out / f"{journal.device}-{journal.epoch}-{sequence:010}.record") as file:
                file.write(record)
            written += 1
    else:
        with new_file(out) as file:
            for _, record in records:
                file.write(record)
                written += 1
    return Exported(written, tuple(unreadable))


def _records(journal: Salvage, after: int, unreadable: list[Gap]) -> Iterator[tuple[int, bytes]]:
    reversed_taps = set()
    for frame in journal.frames(after):
        if not isinstance(frame, Gap) and reverses(frame.entry):
            facts, _ = _read(frame.entry)
            reversed_taps |= {facts.tap} if isinstance(facts, OutcomeFacts) else set()
    for frame in journal.frames(after):
        if isinstance(frame, Gap):
            unreadable.append(frame)
            continue
        facts, body = _read(frame.entry)
        if facts is None:
            unreadable.append(Gap(frame.sequence, frame.sequence))
        if isinstance(facts, TapFacts) and facts.accepted and frame.sequence not in reversed_taps:
            yield frame.sequence, body


def as_mapping(sequence: int, entry: bytes, digest: bytes, *, reveal: bool) -> dict[str, Any]:
    """One entry as JSON has it: facts by their names in docs/facts.md, bytes as hex, times as unix seconds.

    reveal: whole accounts, and the body.
    """
    facts, body = _read(entry)
    kind = "unreadable" if facts is None else type(facts).__name__.removesuffix("Facts").lower()
    found: dict[str, Any] = {"sequence": sequence, "kind": kind}
    if facts is not None:
        found |= {field.name: _plain(getattr(facts, field.name)) for field in dataclasses.fields(facts)}
    if isinstance(facts, TapFacts):
        reason = _REASONS.get(facts.reason)  # a newer core may have reasons this one does not know
        account = facts.account.hex() if facts.account else None
        found |= {
            "reason": str(facts.reason) if reason is None else reason.name,
            "reason_number": facts.reason,
            "case": None if reason is None else reason.case,
            "account": account if reveal or account is None else masked(account),
        }
    elif facts is not None and body:
        found["text"] = body.decode("utf-8", "replace")
    return found | {"size": len(entry), "hash": digest.hex()} | ({"body": body.hex()} if reveal else {})


def new_file(path: Path) -> BinaryIO:
    """A file that was not there, for its owner alone. Raises JournalError."""
    try:
        return os.fdopen(create(path), "wb")
    except FileExistsError as error:
        raise JournalError(
            path,
            Text("is there already", "已存在"),
            Text("Give another --out: nothing is overwritten", "请另选 --out：不会覆盖已有文件"),
        ) from error
    except OSError as error:
        raise JournalError(
            path,
            Text(f"cannot be made: {error.strerror}", f"无法创建：{error.strerror}"),
            Text("Give an --out that this user may write", "请为 --out 指定当前用户可写的位置"),
        ) from error


def _read(entry: bytes) -> tuple[Facts | None, bytes]:
    try:
        return parse(entry)
    except FactsError:
        return None, entry


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return value
