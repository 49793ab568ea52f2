"""The register of devices: whose name is whose key, and everything that was done to it.

Rules it keeps:
- A name has one key, a key has one name. Who may send is who is enrolled; a device that is revoked keeps its name, so
  that nobody else can be it; only `release` frees a name.
- Whatever is done is kept with who did it, when, and why. Keys are public; every key that a name ever had stays known,
  for who checks what was signed before.
- A change counts for the next batch of the process that made it, and within LOOK_EVERY_S for every other one.
"""

import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from yima.sdk.centre.fleet.database import Database, FleetError, NotThereError, Statements
from yima.validator.errors import YimaError
from yima.validator.ports import DEVICE
from yima.validator.texts import Text
from yima.validator.uplink.batches import HASH

LOOK_EVERY_S = 0.5
WHY_MAX = 400
FIRST_USE = "first use"
LISTED_MOST = 1_000_000
NAMES_MOST = 10_000
"""Names that a bench takes by first use; beyond it strangers could fill the disk with them."""
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class State(StrEnum):
    """Where a device stands."""

    ENROLLED = "ENROLLED"
    REVOKED = "REVOKED"


class Verb(StrEnum):
    """What may be done to a name."""

    ENROL = "ENROL"
    ROTATE = "ROTATE"
    REVOKE = "REVOKE"
    RELEASE = "RELEASE"


class Device(NamedTuple):
    """A name that is taken. key: 64 hex digits. since: unix seconds at which it came into this state."""

    device: str
    key: str
    state: State
    since: int


class Done(NamedTuple):
    """One line of the log."""

    number: int
    at: int
    device: str
    verb: Verb
    key: str
    who: str
    why: str


class Register:
    """The register in the fleet's tables. Threads may share it. now: unix seconds. on_trouble: told when the list
    cannot be read again; the one that was read before goes on counting. Every verb raises FleetError."""

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], float] = time.time,
        on_trouble: Callable[[YimaError], None] = lambda error: None,
    ) -> None:
        self._database, self._now, self._on_trouble = database, now, on_trouble
        self._turn = threading.Lock()
        self._version, self._looked_at = -1, 0.0
        self._is_stale = False
        self._keys: Mapping[str, str] = {}
        self._troubled = False
        with self._turn:
            self._load()

    def keys(self) -> Mapping[str, str]:
        """Who may send now: key by device."""
        with self._turn:
            moment = time.monotonic()
            if self._is_stale or moment - self._looked_at >= LOOK_EVERY_S:
                if self._is_stale:
                    self._is_stale, self._version = False, -1
                self._looked_at = moment
                try:
                    self._load()
                    self._troubled = False
                except FleetError as error:
                    if not self._troubled:
                        self._troubled = True
                        self._on_trouble(error)
            return self._keys

    def read_again(self) -> None:
        """At the next question: what SIGHUP asks for."""
        # A mark of its own: whoever is loading just now would write over the version and the time that it sets.
        self._is_stale = True

    def _load(self) -> None:
        with self._database.reading() as rows:
            version = rows.execute("SELECT COALESCE(MAX(number), 0) FROM device_log").fetchone()[0]
            if version == self._version:
                return
            found = rows.execute("SELECT device, key FROM devices WHERE state = ?", (State.ENROLLED,)).fetchall()
        self._keys, self._version = dict(found), version

    def enrol(self, device: str, key: str, *, who: str, why: str = "") -> Device:
        """A new name; with the key that it has already nothing changes."""
        return self._do(Verb.ENROL, device, key, who, why)

    def enrol_all(self, devices: Mapping[str, str], *, who: str, why: str = "") -> int:
        """All of them or, with a FleetError, none; how many are new."""
        with self._database.transaction() as rows:
            number = _last(rows)
            # The table has no index by key: to look through it for each of a city's devices takes minutes.
            owners: dict[str, str] = dict(rows.execute("SELECT key, device FROM devices").fetchall())
            for device, key in devices.items():
                done_to = self._change(rows, Verb.ENROL, device, key, (who, why), owner_of=owners.get)
                owners[done_to.key] = device
            done = _last(rows) - number
        self.read_again()
        return done

    def rotate(self, device: str, key: str, *, who: str, why: str = "") -> Device:
        """Another key for an enrolled device; from now on nothing counts that the old one signs."""
        return self._do(Verb.ROTATE, device, key, who, why)

    def revoke(self, device: str, *, who: str, why: str) -> Device:
        """It may not send any more; its name stays taken."""
        return self._do(Verb.REVOKE, device, "", who, why)

    def release(self, device: str, *, who: str, why: str) -> Device:
        """Its name is free again, whoever has it: a stranger's, a scrapped device's. Returns how it stood."""
        return self._do(Verb.RELEASE, device, "", who, why)

    def trust(self, device: str, key: str) -> None:
        """On a bench: the first key that a name shows is enrolled; a name that is taken stays as it is."""
        keys = self.keys()
        if device in keys or len(keys) >= NAMES_MOST:
            return
        try:
            self.enrol(device, key, who=FIRST_USE)
        except FleetError:
            self.read_again()  # the store says to the device that its key is another

    def listed(self, *, after: str = "", limit: int = LISTED_MOST) -> list[Device]:
        """The names behind that one that are taken, in their order."""
        with self._database.reading() as rows:
            found = rows.execute(
                "SELECT device, key, state, since FROM devices WHERE device > ? ORDER BY device LIMIT ?", (after, limit)
            ).fetchall()
        return [Device(device, key, State(state), since) for device, key, state, since in found]

    def log(self, device: str = "") -> list[Done]:
        """What was done to that name, or to any, oldest first."""
        which, values = ("WHERE device = ?", (device,)) if device else ("", ())
        with self._database.reading() as rows:
            found = rows.execute(
                f"SELECT number, at, device, verb, key, who, why FROM device_log {which} ORDER BY number",  # noqa: S608
                values,
            ).fetchall()
        return [
            Done(number, at, device, Verb(verb), key, who, why) for number, at, device, verb, key, who, why in found
        ]

    def all_keys(self) -> list[tuple[str, str]]:
        """Every key that a name ever had, for a centre's devices.txt."""
        with self._database.reading() as rows:
            found = rows.execute(
                "SELECT DISTINCT device, key FROM device_log WHERE verb IN (?, ?) ORDER BY device, key",
                (Verb.ENROL, Verb.ROTATE),
            ).fetchall()
        return [(device, key) for device, key in found]

    def _do(self, verb: Verb, device: str, key: str, who: str, why: str) -> Device:
        with self._database.transaction() as rows:
            done = self._change(rows, verb, device, key, (who, why))
        self.read_again()
        return done

    def _change(
        self,
        rows: Statements,
        verb: Verb,
        device: str,
        key: str,
        said_by: tuple[str, str],
        *,
        owner_of: Callable[[str], str | None] | None = None,
    ) -> Device:
        who, why = said_by
        key = _checked(verb, device, key, why)
        had = _one(rows, device)
        if verb is Verb.ENROL and had == (key, State.ENROLLED):
            return self._standing(rows, device)
        if verb in (Verb.ENROL, Verb.ROTATE):
            _refuse_taken(owner_of(key) if owner_of else _owner(rows, key), device)
        _refuse(verb, device, had)
        at = int(self._now())
        if verb is Verb.ENROL:
            rows.execute("INSERT INTO devices VALUES (?, ?, ?, ?)", (device, key, State.ENROLLED, at))
        elif verb is Verb.ROTATE:
            rows.execute("UPDATE devices SET key = ?, since = ? WHERE device = ?", (key, at, device))
        elif verb is Verb.REVOKE:
            rows.execute("UPDATE devices SET state = ?, since = ? WHERE device = ?", (State.REVOKED, at, device))
        else:
            rows.execute("DELETE FROM devices WHERE device = ?", (device,))
        said = key or (had[0] if had else "")
        line = (_last(rows) + 1, at, device, verb, said, one_line(who), one_line(why))
        rows.execute("INSERT INTO device_log VALUES (?, ?, ?, ?, ?, ?, ?)", line)
        state = State.REVOKED if verb is Verb.REVOKE else had[1] if verb is Verb.RELEASE and had else State.ENROLLED
        return Device(device, said, state, at)

    @staticmethod
    def _standing(rows: Statements, device: str) -> Device:
        found = rows.execute("SELECT device, key, state, since FROM devices WHERE device = ?", (device,)).fetchone()
        return Device(found[0], found[1], State(found[2]), found[3])


def lines_of(keys: Iterable[tuple[str, str]]) -> str:
    """As a centre's devices.txt has them."""
    return "".join(f"{device} {key}\n" for device, key in keys)


def _checked(verb: Verb, device: str, key: str, why: str) -> str:
    if not DEVICE.fullmatch(device):
        raise FleetError(
            device or "''",
            Text("is no name of a device", "不是设备名"),
            Text("1 to 64 letters, digits, dots, dashes, underscores", "请用 1 至 64 个字母、数字、点、横线或下划线"),
        )
    if verb in (Verb.REVOKE, Verb.RELEASE):
        if not why.strip():
            raise FleetError(
                device,
                Text("is not changed without a reason", "缺少原因，未作更改"),
                Text("Say why: it is kept", "请说明原因，原因将被保存"),
            )
        return ""
    if not HASH.fullmatch(key.lower()):
        raise FleetError(
            device,
            Text("its key is none", "公钥格式有误"),
            Text(
                "64 hexadecimal digits, as the device prints them when it is refused",
                "公钥为 64 位十六进制，设备被拒时会打印",
            ),
        )
    return key.lower()


def _one(rows: Statements, device: str) -> tuple[str, State] | None:
    found = rows.execute("SELECT key, state FROM devices WHERE device = ?", (device,)).fetchone()
    return (found[0], State(found[1])) if found else None


def _last(rows: Statements) -> int:
    return int(rows.execute("SELECT COALESCE(MAX(number), 0) FROM device_log").fetchone()[0])


def _owner(rows: Statements, key: str) -> str | None:
    found = rows.execute("SELECT device FROM devices WHERE key = ?", (key,)).fetchone()
    return str(found[0]) if found else None


def _refuse_taken(other: str | None, device: str) -> None:
    """A key of another name would let one device speak as two."""
    if other not in (None, device):
        raise FleetError(
            device,
            Text(f"its key is that of {other}", f"公钥已属于 {other}"),
            Text("Every device has a key of its own", "每台设备须有自己的密钥"),
        )


def _refuse(verb: Verb, device: str, had: tuple[str, State] | None) -> None:
    if verb is Verb.ENROL and had is not None:
        gone = had[1] is State.REVOKED
        raise FleetError(
            device,
            Text("is revoked", "已被撤销") if gone else Text("is enrolled with another key", "已用其他公钥登记"),
            Text("`release` frees the name, with a reason", "请先用 release 释放该名称，并说明原因")
            if gone
            else Text(
                "`rotate` gives it another key; `release` frees a name that a stranger took",
                "换密钥请用 rotate；名称被他人占用请用 release 释放",
            ),
        )
    if verb is not Verb.ENROL and had is None:
        raise NotThereError(
            device,
            Text("is not in the register", "不在登记册中"),
            Text("`list` shows the names that are", "list 列出已登记的名称"),
        )
    if verb in (Verb.ROTATE, Verb.REVOKE) and had is not None and had[1] is State.REVOKED:
        raise FleetError(
            device,
            Text("is revoked", "已被撤销"),
            Text("`release` frees the name, then enrol it anew", "请先用 release 释放，再重新登记"),
        )


def one_line(text: str) -> str:
    """Text that somebody gave, without what commands a terminal, of bounded length."""
    return _CONTROLS.sub(" ", text).strip()[:WHY_MAX]
