"""Who may ask: keys by role, in the file keys.toml of the centre's folder.

    [[key]]
    id = "3f9a0c1e"
    role = "issuer"
    of = "99310000"
    digest = "9f86d0…"     # SHA-256 of the key, hex
    from = 2026-09-14
    to = 2027-09-14        # the first day on which it does not hold any more; may be left out
    revoked = true         # left out: it is not

Rules it keeps:

- A key is shown once, when it is made; kept are digests. It is 256 bits of chance, so one round of SHA-256 is enough:
  there is nothing to guess.
- A key is found by its id, which is no secret; what is compared takes the same time whatever differs, and as long for
  an id that nobody has.
- The file is replaced whole, one writer at a time. A key that is revoked stays in the list.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from yima.sdk.centre.clearing.toml_rows import FOR_EVER, Row, TermsError, read
from yima.sdk.centre.identity.statements import SERVICE
from yima.validator.errors import YimaError
from yima.validator.system.disk import write_whole
from yima.validator.system.locks import in_turn
from yima.validator.texts import Text

KEYS = "keys.toml"
_KEY = re.compile(r"yima_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")
_ABOUT = "# Who may read from `yima serve`: digests only, the keys themselves are nowhere. See docs/region.md.\n"


class KeysError(YimaError):
    """A key that cannot be made or revoked, a file of keys that cannot be written."""


class Role(StrEnum):
    """What a key is for; docs/region.md says what each one sees."""

    ISSUER = "issuer"
    OPERATOR = "operator"
    CITY = "city"
    REGION = "region"
    AUDITOR = "auditor"
    CLERK = "clerk"
    SERVICE = "service"


OF: Final[dict[Role, tuple[re.Pattern[str], Text]]] = {
    Role.ISSUER: (re.compile(r"[0-9]{8}"), Text("8 digits of the organisation", "8 位机构代码")),
    Role.OPERATOR: (re.compile(r"[0-9]{8}"), Text("8 digits of the organisation", "8 位机构代码")),
    Role.CITY: (re.compile(r"[0-9]{6}"), Text("6 digits of the division", "6 位行政区划代码")),
    Role.SERVICE: (SERVICE, Text("its name, as consents have it", "服务名称，与授权声明一致")),
}
"""Whose key it is, by role; the other roles are nobody's in particular."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key. of: see OF, else empty. since, until: days, `until` the first on which it does not hold."""

    id: str
    role: Role
    of: str
    digest: str = field(repr=False)
    since: int
    until: int = FOR_EVER
    revoked: bool = False

    def holds(self, day: int) -> bool:
        """Whether it may be used on that day."""
        return not self.revoked and self.since <= day < self.until


class KeyBook:
    """Keys by id."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self._keys = {key.id: key for key in keys}

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys.values())

    def find(self, shown: str, day: int) -> Key | None:
        """The key that this is, if it holds on that day."""
        match = _KEY.fullmatch(shown)
        key = self._keys.get(match[1]) if match else None
        is_it = hmac.compare_digest(_digest(shown), key.digest if key else _digest(""))
        return key if key and is_it and key.holds(day) else None


def read_keys(path: Path) -> KeyBook:
    """The file; nobody's keys where there is none. Raises TermsError."""
    return KeyBook(_keys(path)) if path.exists() else KeyBook([])


def make_key(path: Path, role: Role, of: str, *, since: int, until: int = FOR_EVER) -> tuple[Key, str]:
    """A new key in the file, and the key itself, which is nowhere else. Raises KeysError, TermsError."""
    if role in OF and not OF[role][0].fullmatch(of):
        raise KeysError(f"--of {of}", Text("is not whose key it may be", "不是密钥可归属的对象"), _of_remedy(role))
    if role not in OF and of:
        raise KeysError(f"--of {of}", Text(f"role {role} is nobody's in particular", f"角色 {role} 无归属"), _NO_OF)
    if until <= since:
        raise KeysError(
            f"--until {until}", Text("is over already", "已过期"), Text("Name a later day", "请指定更晚的日期")
        )
    with _changing(path) as keys:
        _refuse_alike(role, of, keys)
        known = {key.id for key in keys}
        name = next(name for name in iter(lambda: secrets.token_hex(4), "") if name not in known)
        shown = f"yima_{name}_{secrets.token_urlsafe(32)}"
        key = Key(id=name, role=role, of=of, digest=_digest(shown), since=since, until=until)
        keys.append(key)
    return key, shown


def revoke_key(path: Path, name: str) -> Key:
    """Ends a key for good. Raises KeysError for one that is not there."""
    with _changing(path) as keys:
        for place, key in enumerate(keys):
            if key.id == name:
                keys[place] = replace(key, revoked=True)
                return keys[place]
        raise KeysError(
            name,
            Text(f"no key of this id is in {path.name}", f"{path.name} 中没有此编号的密钥"),
            Text("yima centre keys list shows their ids", "编号可用 yima centre keys list 查看"),
        )


@contextmanager
def _changing(path: Path) -> Iterator[list[Key]]:
    """The keys in the file, written back at the end; whoever else changes them waits."""
    try:
        with in_turn(path.with_name(f".{path.name}.lock")):
            keys = _keys(path) if path.exists() else []
            before = list(keys)
            yield keys
            if keys != before:
                _write(path, keys)
    except OSError as error:
        raise _unwritable(path, error) from error


def _write(path: Path, keys: Iterable[Key]) -> None:
    parts = [_ABOUT]
    for key in keys:
        lines = {"id": f'"{key.id}"', "role": f'"{key.role}"'}
        lines |= {"of": f'"{key.of}"'} if key.of else {}
        lines |= {"digest": f'"{key.digest}"', "from": _date(key.since)}
        lines |= {"to": _date(key.until)} if key.until != FOR_EVER else {}
        lines |= {"revoked": "true"} if key.revoked else {}
        parts.append("\n[[key]]\n" + "".join(f"{name} = {value}\n" for name, value in lines.items()))
    try:
        write_whole(path, "".join(parts).encode())
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> KeysError:
    return KeysError(
        path,
        Text(f"cannot be written: {error.strerror}", f"无法写入：{error.strerror}"),
        Text("Name a centre's folder that can be written", "请指定可写的清分中心文件夹"),
    )


def _keys(path: Path) -> list[Key]:
    file = read(path)
    keys = [_key(row) for row in file.rows("key")]
    file.end()
    if len({key.id for key in keys}) != len(keys):
        raise TermsError(path, Text("holds an id twice", "编号重复"), Text("Take one of them out", "请删去其中之一"))
    return keys


def _key(row: Row) -> Key:
    role = Role(row.choice("role", [str(role) for role in Role]))
    of = row.word("of", OF[role][0], *OF[role][1]) if role in OF else ""
    since, until = row.period()
    key = Key(
        id=row.word("id", re.compile("[0-9a-f]{8}"), "8 hex digits", "8 位十六进制"),
        role=role,
        of=of,
        digest=row.word("digest", re.compile("[0-9a-f]{64}"), "64 hex digits", "64 位十六进制"),
        since=since,
        until=until,
        revoked=row.flag("revoked"),
    )
    row.end()
    return key


def _refuse_alike(role: Role, of: str, keys: Iterable[Key]) -> None:
    """Files name an organisation by its last seven digits: of two that share them, one would get the other's."""
    institutions = (Role.ISSUER, Role.OPERATOR)
    for other in keys:
        if role in institutions and other.role in institutions and other.of[-7:] == of[-7:] and other.of != of:
            raise KeysError(
                f"--of {of}",
                Text(f"has the last seven digits of {other.of}", f"后七位与 {other.of} 相同"),
                Text("Give one of them another code", "请为其中之一另编代码"),
            )


def _digest(shown: str) -> str:
    return hashlib.sha256(shown.encode("utf-8", "replace")).hexdigest()


def _date(day: int) -> str:
    return f"{day // 10000:04}-{day // 100 % 100:02}-{day % 100:02}"


def _of_remedy(role: Role) -> Text:
    said = OF[role][1]
    return Text(f"For role {role} give {said.en}", f"角色 {role} 请给出{said.zh}")


_NO_OF = Text("Leave --of out", "请省略 --of")
