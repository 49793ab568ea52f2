"""What an issuer states of its riders' accounts, in a signed file: lines that one can read, the last of which signs.

    {"statements": 1, "environment": "test", "issuer": "00083010", "number": 7, "issued": "2026-09-14"}
    {"link": ["31000000001000000001", "32050000001000000001"], "from": "2026-09-01", "to": "2027-01-01"}
    {"account": "31000000001000000001", "group": "senior", "from": "2026-09-01"}
    {"consent": "31000000001000000001", "service": "travel-app", "scope": ["rides"], "from": "…", "to": "…"}
    {"revoke": 3, "place": 1}
    signature 5d0c…

- `link`: these accounts are one person's. `group`: an account is in it. `consent`: the rider of this account lets a
  service see `scope` of it. `revoke`: statement `place` (from 1) of this issuer's file of that number holds no more.
- `from` is the first day on which a statement holds, `to` the first on which it does not any more; either may be left
  out, but not of a consent, which holds for CONSENT_DAYS_MAX days at most. Days are local (UTC+8). Accounts are 20
  hexadecimal digits, as in the tables.
- The signature is SM2, r‖s in hex, by a key of the issuer, over every byte before its line: nothing is made canonical,
  so what was signed is what one reads.
- An issuer's numbers name its files for ever, in any order. A file is taken whole or not at all.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final, NoReturn

from yima.sdk import sm2
from yima.sdk.centre.clearing.toml_rows import ALWAYS, FOR_EVER
from yima.sdk.groups import GROUP
from yima.validator.errors import Kind, YimaError
from yima.validator.outside import json_of
from yima.validator.texts import Text

FORM: Final = 1
FILE_MAX: Final = 64 << 20  # bytes
LINE_MAX: Final = 4096
NUMBER_MAX: Final = (1 << 31) - 1
LINKED_MAX: Final = 16  # accounts of one link
ENVIRONMENTS: Final = ("production", "test")

CONSENT_DAYS_MAX: Final = 366
SERVICE: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,30}")
"""How services are named."""

_ACCOUNT = re.compile(r"[0-9a-f]{20}")
_ISSUER = re.compile(r"[0-9]{8}")
_SIGNATURE = re.compile(rb"signature ([0-9a-f]{128})\n")


class StatementError(YimaError):
    """A file of statements that cannot be taken."""

    kind = Kind.INPUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Accounts of one person, ascending. since, until: days as numbers; on `until` it does not hold any more."""

    accounts: tuple[str, ...]
    since: int = ALWAYS
    until: int = FOR_EVER


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """An account is in a group; days as for a link."""

    account: str
    group: str
    since: int = ALWAYS
    until: int = FOR_EVER


class Scope(StrEnum):
    """What of an account a service may see."""

    RIDES = "rides"  # when, where and how one rode
    CHARGES = "charges"  # the same, and what it cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """A rider lets a service see rides of these days: since to the day before until, on which it ends for good."""

    account: str
    service: str
    scopes: tuple[Scope, ...]
    since: int
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """Statement `place` of the same issuer's file `number` holds no more."""

    number: int
    place: int


Statement = Link | Membership | Consent | Revocation


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A statement that was taken in: who said it, where it stands (file, place from 1), on which day it was taken."""

    issuer: str
    number: int
    place: int
    statement: Statement
    day: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementFile:
    """One file. issued: a day as a number. signed, signature: what was signed, and r‖s, 64 bytes."""

    environment: str
    issuer: str
    number: int
    issued: int
    statements: tuple[Statement, ...]
    signed: bytes
    signature: bytes

    def is_signed_by(self, keys: Iterable[bytes]) -> bool:
        """Whether one of these keys (compressed, 33 bytes) made the signature."""
        return any(sm2.verify(key, self.signed, self.signature) for key in keys)


def parse_statements(content: bytes, where: object) -> StatementFile:
    """A file from its bytes; its signature is not looked at. Raises StatementError with the line that is wrong."""
    if len(content) > FILE_MAX:
        _refuse(where, 0, Text("is larger than 64 MB", "超过 64 MB"), Text("Split it", "请拆分为多个文件"))
    body, last = content[: content.rfind(b"\n", 0, -1) + 1], content[content.rfind(b"\n", 0, -1) + 1 :]
    found = _SIGNATURE.fullmatch(last)
    if not found:
        _refuse(
            where,
            0,
            Text("does not end with the line of its signature", "末行不是签名"),
            Text("Send the whole file, as it was signed", "请发送签名后的完整文件"),
        )
    lines = body.split(b"\n")[:-1]
    head, *rest = [_Line(line, where, place) for place, line in enumerate(lines, 1)] or [_Line(b"", where, 1)]
    head.whole("statements", FORM, FORM)
    made = StatementFile(
        environment=head.word("environment", re.compile("|".join(ENVIRONMENTS))),
        issuer=head.word("issuer", _ISSUER),
        number=head.whole("number", 1, NUMBER_MAX),
        issued=head.day("issued", None),
        statements=tuple(_statement(line) for line in rest),
        signed=body,
        signature=bytes.fromhex(found[1].decode()),
    )
    head.end()
    return made


def sign_statements(
    statements: Iterable[Statement], key: sm2.SigningKey, *, environment: str, issuer: str, number: int, issued: int
) -> bytes:
    """The file. Raises StatementError for what no file may say."""
    head = {
        "statements": FORM, "environment": environment, "issuer": issuer, "number": number, "issued": _shown(issued),
    }  # fmt: skip
    lines = [json.dumps(one) for one in (head, *map(_mapping, statements))]
    body = "".join(line + "\n" for line in lines).encode()
    content = body + b"signature " + key.sign(body).hex().encode() + b"\n"
    parse_statements(content, "statements")
    return content


def _mapping(one: Statement) -> Mapping[str, object]:
    if isinstance(one, Revocation):
        return {"revoke": one.number, "place": one.place}
    if isinstance(one, Consent):
        days = {"from": _shown(one.since), "to": _shown(one.until)}
        return {"consent": one.account, "service": one.service, "scope": [*map(str, one.scopes)], **days}
    between = {"from": one.since, "to": one.until}
    shown = {name: _shown(day) for name, day in between.items() if day not in (ALWAYS, FOR_EVER)}
    if isinstance(one, Link):
        return {"link": list(one.accounts), **shown}
    return {"account": one.account, "group": one.group, **shown}


def _date(day: int) -> date:
    return date(day // 10000, day // 100 % 100, day % 100)


def _shown(day: int) -> str:
    return f"{day // 10000:04}-{day // 100 % 100:02}-{day % 100:02}"


def _statement(line: "_Line") -> Statement:
    if line.has("revoke"):
        made: Statement = Revocation(
            number=line.whole("revoke", 1, NUMBER_MAX), place=line.whole("place", 1, NUMBER_MAX)
        )
    elif line.has("link"):
        since, until = line.period()
        made = Link(accounts=line.accounts("link"), since=since, until=until)
    elif line.has("consent"):
        since, until = line.short_period()
        made = Consent(
            account=line.word("consent", _ACCOUNT), service=line.word("service", SERVICE), scopes=line.scopes("scope"),
            since=since, until=until,
        )  # fmt: skip
    else:
        since, until = line.period()
        made = Membership(
            account=line.word("account", _ACCOUNT), group=line.word("group", GROUP), since=since, until=until
        )
    line.end()
    return made


class _Line:
    """One line, value by value; every key that is asked for counts as known."""

    def __init__(self, line: bytes, where: object, place: int) -> None:
        self._where, self._place = where, place
        self._asked: set[str] = set()
        try:
            values = _object(line)
        except ValueError as error:
            _refuse(
                where,
                place,
                Text(f"is no JSON object ({error})", f"不是 JSON 对象（{error}）"),
                Text("Write one object a line, each key once", "请每行写一个对象，键不重复"),
            )
        self._values = values

    def has(self, key: str) -> bool:
        return key in self._values

    def _value(self, key: str) -> Any:
        self._asked.add(key)
        return self._values.get(key)

    def whole(self, key: str, low: int, high: int) -> int:
        value = self._value(key)
        if type(value) is not int or not low <= value <= high:
            self._wrong(key, f"a whole number from {low} to {high}", f"{low} 到 {high} 的整数")
        return value

    def word(self, key: str, pattern: re.Pattern[str]) -> str:
        value = self._value(key)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            self._wrong(key, f"a text like {pattern.pattern}", f"形如 {pattern.pattern} 的文字")
        return value

    def accounts(self, key: str) -> tuple[str, ...]:
        value = self._value(key)
        good = isinstance(value, list) and all(isinstance(one, str) and _ACCOUNT.fullmatch(one) for one in value)
        if not good or not 2 <= len(set(value)) == len(value) <= LINKED_MAX:
            self._wrong(key, f"2 to {LINKED_MAX} accounts of 20 hex digits", f"2 到 {LINKED_MAX} 个 20 位十六进制账户")
        return tuple(sorted(value))

    def scopes(self, key: str) -> tuple[Scope, ...]:
        value = self._value(key)
        known = [str(scope) for scope in Scope]
        if not isinstance(value, list) or not value or not all(value.count(one) == 1 and one in known for one in value):
            self._wrong(key, "some of " + ", ".join(known), "其中若干：" + "、".join(known))
        return tuple(scope for scope in Scope if scope in value)

    def day(self, key: str, default: int | None) -> int:
        value = self._value(key)
        if value is None and default is not None and not self.has(key):
            return default
        try:
            day = date.fromisoformat(value)
        except (TypeError, ValueError):
            day = None
        if day is None or str(day) != value:  # weeks, and days without dashes, are ISO 8601's too
            self._wrong(key, "a day as 2026-09-14", "形如 2026-09-14 的日期")
        return day.year * 10000 + day.month * 100 + day.day

    def period(self) -> tuple[int, int]:
        since, until = self.day("from", ALWAYS), self.day("to", FOR_EVER)
        if since >= until:
            self._wrong("to", "a day behind `from`", "晚于 from 的日期")
        return since, until

    def short_period(self) -> tuple[int, int]:
        since, until = self.day("from", None), self.day("to", None)
        if not 0 < (_date(until) - _date(since)).days <= CONSENT_DAYS_MAX:
            self._wrong(
                "to", f"a day at most {CONSENT_DAYS_MAX} behind `from`", f"from 之后至多 {CONSENT_DAYS_MAX} 天的日期"
            )
        return since, until

    def end(self) -> None:
        for key in self._values:
            if key not in self._asked:
                _refuse(
                    self._where,
                    self._place,
                    Text(f"has a key that is not known here: {key!r:.40}", f"含未知的键：{key!r:.40}"),
                    Text("Check the spelling, or take it out", "请检查拼写，或将其删去"),
                )

    def _wrong(self, key: str, english: str, chinese: str) -> NoReturn:
        there = f"{self._values.get(key)!r:.40}"
        _refuse(
            self._where,
            self._place,
            Text(f"{key}: {there} is not what belongs there", f"{key}：{there} 不是此处应有的值"),
            Text(f"Write {english}", f"请写{chinese}"),
        )


def _object(line: bytes) -> dict[str, Any]:
    if len(line) > LINE_MAX:
        raise ValueError("too long")
    values = json_of(line.decode("utf-8"), pairs=_once)
    if not isinstance(values, dict):
        raise ValueError("no object")  # noqa: TRY004 - told as the others are: what the line holds is wrong
    return values


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a key twice")
    return values


def _refuse(where: object, place: int, problem: Text, remedy: Text) -> NoReturn:
    raise StatementError(f"{where}:{place}" if place else where, problem, remedy)
