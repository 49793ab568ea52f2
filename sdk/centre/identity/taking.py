"""The step of a day: files of statements are taken in, and who is one person, and in which group, is written down.

Rules it keeps:
- A file is taken whole or not at all, on the day that it names or the first one after that which is still open. The
  same bytes again are taken as done, and are not read a second time; other bytes under an issuer's number that was
  taken are refused.
- What was refused is looked at again on the next day: its reason stands in answers/<day>/statements.txt, a line a file,
  nothing of it in the tables. Of a file that is not in the form it says which line is wrong, and how.
- Persons and groups are written where they change, so that each row says from which day on. With a day on which nothing
  came in they may change as well: statements begin and end.
- A day adds nothing about groups that lies before its month or behind itself.
"""

import gc
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from yima.sdk.centre.clearing.folder import handed_in
from yima.sdk.centre.clearing.money.tables import PERSONS
from yima.sdk.centre.clearing.tables import Table
from yima.sdk.centre.clearing.workspace import Workspace
from yima.sdk.centre.identity.issuers import Issuers
from yima.sdk.centre.identity.members import changes, memberships
from yima.sdk.centre.identity.persons import Standing, refusal, standing
from yima.sdk.centre.identity.statements import (
    Consent,
    Link,
    Membership,
    Revocation,
    Said,
    Scope,
    Statement,
    StatementError,
    StatementFile,
    parse_statements,
)
from yima.validator.judging.judge import masked
from yima.validator.shown import shown
from yima.validator.system.disk import flush_folder, write_whole
from yima.validator.texts import Text

STEP = "identity"

# What issuers have stated. kind: LINK, GROUP, CONSENT, REVOKE. accounts, scope: joined by blanks; revoked_*: of which
# statement.
STATEMENTS = Table(
    name="statements",
    key=("issuer", "number", "place"),
    columns={
        "issuer": "text",
        "number": "int",
        "place": "int",
        "kind": "text",
        "accounts": "text",
        "group_name": "text?",
        "service": "text?",
        "scope": "text?",
        "revoked_number": "int?",
        "revoked_place": "int?",
        "since": "small",
        "until": "small",
        "day": "small",
    },
)

# What became of each file on each day on which it was looked at: TAKEN, or a word of REFUSALS. issuer, number: as the
# file names them, whoever wrote it; NULL where it cannot be read.
HEARD = Table(
    name="heard",
    key=("file",),
    columns={"file": "text", "issuer": "text?", "number": "int?", "code": "text", "day": "small"},
)

# Whether an account is in a group on the days from `since` on, as was found on `day`; without a row it is in none. A
# row takes the place of all that rows before it, in the order of (day, since), say of these days.
MEMBERS = Table(
    name="members",
    key=("account", "group_name", "since"),
    columns={"account": "text", "group_name": "text", "is_member": "flag", "day": "small", "since": "small"},
)

REFUSALS = {
    "MALFORMED": Text("is not in the form of docs/clearing.md", "格式不符，见 docs/clearing.md"),
    "ENVIRONMENT": Text("is of the other environment: never mix them", "环境不符：测试与生产不可混用"),
    "UNKNOWN_ISSUER": Text("its issuer is not in identity.toml: add it there", "identity.toml 中无此机构：请先登记"),
    "SIGNATURE": Text("no key in force made its signature: sign it again", "签名不是现行密钥所作：请重新签名"),
    "NUMBER_TAKEN": Text("other bytes came under its number: give it the next", "编号已被不同内容使用：请换用新编号"),
    "NOT_YOURS": Text("speaks of accounts of others: take them out", "涉及他人账户：请删去"),
    "NOBODYS": Text("speaks of accounts that no issuer has: check them", "涉及无归属的账户：请核对"),
}
_PART = "centre"
_ACCOUNTS = re.compile(r"[0-9A-Fa-f]{12,}")  # what an error repeats of a file may be one, or most of one


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What the step gave. files: name to TAKEN, AGAIN or a word of REFUSALS. persons, members: rows that changed."""

    files: Mapping[str, str]
    persons: int
    members: int
    standing: Standing


def take_statements(workspace: Workspace, day: int, paths: Iterable[Path], issuers: Issuers) -> Taken:
    """Takes files in for a day that is not settled yet, and writes what follows; the step is done then. Raises
    FolderError."""
    heard, cursors = _take_all(workspace, day, sorted(paths), issuers)
    files = {one.name: one.code for one in heard}
    with _no_collection():
        said = _said(workspace, day)
        now = standing(said, issuers, day)
        before = {row["account"]: row["person"] for row in _rows(workspace, PERSONS, day)}
        persons = [
            {"account": account, "person": now.persons.get(account, account), "day": day}
            for account in sorted(before.keys() | now.persons.keys())
            if now.persons.get(account, account) != before.get(account, account)
        ]
        members = changes(memberships(said, issuers), _rows(workspace, MEMBERS, day), day)
    answers = [
        {"file": shown(one.name), "issuer": one.issuer, "number": one.number, "code": one.code, "day": day}
        for one in heard
        if one.code != "AGAIN"
    ]
    for table, rows in ((PERSONS, persons), (MEMBERS, members), (HEARD, answers)):
        workspace.write(table, day, _PART, pa.Table.from_pylist(rows, table.schema).to_batches())
    _answer(workspace, day, heard)
    workspace.done(STEP, day, cursors)
    return Taken(files=files, persons=len(persons), members=len(members), standing=now)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Everything that is made in between lives to its end: looking for garbage in it takes a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _rows(workspace: Workspace, table: Table, day: int) -> list[dict[str, Any]]:
    """Its rows of earlier days, the newest last; of a day in the order of the key."""
    by = [(name, "ascending") for name in dict.fromkeys(("day", *table.key))]
    found: list[dict[str, Any]] = workspace.read(table, before=day).sort_by(by).to_pylist()
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """A file and what became of it."""

    name: str
    code: str
    issuer: str | None = None
    number: int | None = None
    fault: StatementError | None = None


def _answer(workspace: Workspace, day: int, heard: Iterable[_Heard]) -> None:
    """What became of each file, for who has to mend it."""
    lines = [_line(one) for one in heard if one.code != "AGAIN"]
    folder = workspace.path / "answers" / str(day)
    if lines:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / "statements.txt", ("\n".join(sorted(lines)) + "\n").encode())
        for parent in (folder.parent, workspace.path):
            flush_folder(parent)
    else:  # a run that was cut off may have answered to files that are gone
        (folder / "statements.txt").unlink(missing_ok=True)


def _line(one: _Heard) -> str:
    """Name, word, what that means; of what is not in the form, what is wrong with it."""
    words = [shown(one.name), one.code]
    if one.code in REFUSALS:
        words.append(f"{REFUSALS[one.code].en} {REFUSALS[one.code].zh}")
    if one.fault is not None:
        thing, remedy = one.fault.thing, one.fault.remedy
        en, zh = (_ACCOUNTS.sub(lambda found: masked(found[0]), text) for text in one.fault.problem)
        words.append(f"{thing}: {en}. {remedy.en}. {thing}：{zh}。{remedy.zh}。")
    return "\t".join(words)


def _take_all(
    workspace: Workspace, day: int, paths: Iterable[Path], issuers: Issuers
) -> tuple[list[_Heard], dict[str, dict[str, int]]]:
    """Writes what the files state that may be taken; returns what becomes of each file that is not of a later day, and
    the cursors by which those that were taken are known again. They move with the end of the step: cut off before that,
    it is done again with what lies there then, and a file that is gone by then has not been taken."""
    heard: list[_Heard] = []
    cursors: dict[str, dict[str, int]] = {}
    rows: list[dict[str, Any]] = []
    for path in paths:
        content = handed_in(path)
        digest = hashlib.sha256(content).hexdigest()[:14]
        if workspace.cursor(f"statements by {digest}").get("day", day) != day:
            heard.append(_Heard(name=path.name, code="AGAIN"))
            continue
        try:
            file = parse_statements(content, path.name)
        except StatementError as error:
            heard.append(_Heard(name=path.name, code="MALFORMED", fault=error))
            continue
        if file.issued > day:
            continue
        name, cursor = f"statements {file.issuer}/{file.number}", {"day": day, "digest": int(digest, 16)}
        code = "TAKEN"
        if cursors.get(name, workspace.cursor(name) or cursor) != cursor:
            code = "NUMBER_TAKEN"
        elif why := _refusal(file, day, issuers):
            code = why
        elif name not in cursors:
            cursors |= {name: cursor, f"statements by {digest}": cursor}
            rows += [_row(file, place, day) for place in range(1, len(file.statements) + 1)]
        heard.append(_Heard(name=path.name, code=code, issuer=file.issuer, number=file.number))
    rows.sort(key=lambda row: tuple(row[name] for name in STATEMENTS.key))
    workspace.write(STATEMENTS, day, _PART, pa.Table.from_pylist(rows, STATEMENTS.schema).to_batches())
    return heard, cursors


def _refusal(file: StatementFile, day: int, issuers: Issuers) -> str:
    if file.environment != issuers.environment:
        return "ENVIRONMENT"
    if file.issuer not in issuers.keys:
        return "UNKNOWN_ISSUER"
    if not file.is_signed_by(issuers.keys_of(file.issuer, day)):
        return "SIGNATURE"
    return next((why for one in file.statements if (why := refusal(one, file.issuer, issuers))), "")


def _row(file: StatementFile, place: int, day: int) -> dict[str, object]:
    one = file.statements[place - 1]
    row: dict[str, object] = {
        "issuer": file.issuer, "number": file.number, "place": place, "kind": "REVOKE", "accounts": "",
        "group_name": None, "service": None, "scope": None, "revoked_number": None, "revoked_place": None,
        "since": 0, "until": 0, "day": day,
    }  # fmt: skip
    if isinstance(one, Revocation):
        return row | {"revoked_number": one.number, "revoked_place": one.place}
    row |= {"since": one.since, "until": one.until}
    if isinstance(one, Link):
        return row | {"kind": "LINK", "accounts": " ".join(one.accounts)}
    if isinstance(one, Consent):
        scope = " ".join(one.scopes)
        return row | {"kind": "CONSENT", "accounts": one.account, "service": one.service, "scope": scope}
    return row | {"kind": "GROUP", "accounts": one.account, "group_name": one.group}


def _said(workspace: Workspace, day: int) -> list[Said]:
    """Everything that was taken in up to this day, but consents: they make nobody a person."""
    rows = workspace.read(STATEMENTS, before=day + 1)
    return [said_of(row) for row in rows.filter(pc.not_equal(rows["kind"], "CONSENT")).to_pylist()]


def said_of(row: Mapping[str, Any]) -> Said:
    """A row of STATEMENTS as the statement that it was."""
    days = {"since": row["since"], "until": row["until"]}
    statement: Statement
    match row["kind"]:
        case "LINK":
            statement = Link(accounts=tuple(row["accounts"].split()), **days)
        case "GROUP":
            statement = Membership(account=row["accounts"], group=row["group_name"], **days)
        case "CONSENT":
            scopes = tuple(map(Scope, row["scope"].split()))
            statement = Consent(account=row["accounts"], service=row["service"], scopes=scopes, **days)
        case _:
            statement = Revocation(number=row["revoked_number"], place=row["revoked_place"])
    return Said(issuer=row["issuer"], number=row["number"], place=row["place"], day=row["day"], statement=statement)
