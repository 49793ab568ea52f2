"""Which issuers a centre hears, of which accounts each may speak, and by which keys: the file identity.toml.

    environment = "test"
    [[issuer]]
    organisation = "00083010"
    accounts = ["310000"]                # accounts that begin so are this issuer's
    [[issuer.keys]]
    key = "02…"                          # SM2, compressed: 66 hex digits
    from = 2026-09-01                    # files taken in from this day on; `to`: from that day on no more

Rules it keeps:
- An account has one issuer: no beginning may be the beginning of another.
- A key holds for the day on which a file is taken in, whatever day the file names: who has an old key cannot date back.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from yima.sdk import sm2
from yima.sdk.centre.clearing.toml_rows import Row, TermsError, parse, read
from yima.sdk.centre.identity.statements import ENVIRONMENTS
from yima.validator.texts import Text

_BEGINNING = re.compile(r"[0-9a-f]{1,20}")
_KEY = re.compile(r"0[23][0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One public key, compressed, and the days on which files by it are taken in; `until` is the first no more."""

    key: bytes
    since: int
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuers:
    """All that a centre hears. keys: by organisation. beginnings: of accounts, to the organisation that issues them."""

    environment: str
    keys: dict[str, tuple[Key, ...]]
    beginnings: dict[str, str]
    _sizes: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_sizes", tuple({len(beginning) for beginning in self.beginnings}))

    def owner_of(self, account: str) -> str | None:
        """The organisation that issues an account; None: nobody who is heard."""
        for size in self._sizes:
            owner = self.beginnings.get(account[:size])
            if owner is not None:
                return owner
        return None

    def keys_of(self, organisation: str, day: int) -> Iterable[bytes]:
        """The keys that hold on that day."""
        return [one.key for one in self.keys.get(organisation, ()) if one.since <= day < one.until]


def read_issuers(path: Path) -> Issuers:
    """The file. Raises TermsError."""
    return _issuers(read(path))


def parse_issuers(text: str, where: str = "identity") -> Issuers:
    """The same from text. Raises TermsError."""
    return _issuers(parse(text, where))


def _issuers(file: Row) -> Issuers:
    environment = file.choice("environment", ENVIRONMENTS)
    keys: dict[str, tuple[Key, ...]] = {}
    beginnings: dict[str, str] = {}
    for row in file.rows("issuer"):
        organisation = row.party("organisation")
        if organisation in keys:
            row.refuse("organisation", "an organisation that is not there already", "尚未列出的机构")
        keys[organisation] = tuple(map(_key, row.rows("keys")))
        for beginning in row.words("accounts", _BEGINNING, "beginnings of accounts", "账户的开头"):
            _refuse_shared(beginning, beginnings, row.where)
            beginnings[beginning] = organisation
        row.end()
    file.end()
    return Issuers(environment=environment, keys=keys, beginnings=beginnings)


def _key(row: Row) -> Key:
    since, until = row.period()
    key = bytes.fromhex(
        row.word("key", _KEY, "an SM2 key, compressed, 66 hex digits", "压缩形式的 SM2 公钥，66 位十六进制")
    )
    row.end()
    if sm2.decompress(key) is None:
        row.refuse("key", "a point of the curve", "曲线上的点")
    return Key(key=key, since=since, until=until)


def _refuse_shared(beginning: str, known: Iterable[str], where: str) -> None:
    for other in known:
        if beginning.startswith(other) or other.startswith(beginning):
            raise TermsError(
                f"{where}, accounts",
                Text(
                    f"accounts that begin with {beginning} have an issuer already ({other})",
                    f"以 {beginning} 开头的账户已有发码机构（{other}）",
                ),
                Text("Give each account one issuer", "每个账户只能属于一个发码机构"),
            )
