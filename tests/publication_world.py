"""A small parameter centre for tests: a folder, two who answer for packages, a publisher, and how a file is fetched."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.packages_world import NOW, A, B, Disk, package
from yima.sdk.centre.packages.folder import Folder
from yima.sdk.centre.packages.releases import approved, proposed
from yima.sdk.sm2 import SigningKey
from yima.validator.judging import Moment
from yima.validator.packages import Chain, Pins, parse_package
from yima.validator.packages.publication import WHOLE, Document, Place, lot
from yima.validator.packages.refusals import MissingError, NotNowError
from yima.validator.packages.store import PackageStore
from yima.validator.texts import Text
from yima.validator.upkeep.pull_thread import HeldByStore
from yima.validator.upkeep.pulling import Fetched, Puller

PUBLISHER = SigningKey.from_int(0x9009)
TWO = Pins(keys=(A.compressed, B.compressed), needed=2)
AT = Moment.at(NOW)
PLACE = Place("gate-7", 320500, 99310000, "metro", "2")


def both(version: int, **changes: Any) -> bytes:
    """A package that two keys sign and that two must sign after."""
    plain: dict[str, Any] = {"next_keys": TWO.keys, "needed": 2, "previous": 0}
    return package(version, keys=(A, B), **(plain | changes))


def answered_for(data: bytes, **changes: Any) -> Document:
    """Its release: proposed by Li, approved by Wang."""
    plain: dict[str, Any] = {
        "targets": (), "why": "a fare of 1 January", "publisher": PUBLISHER.compressed, "by": "Li", "at": NOW, "key": A,
    }  # fmt: skip
    document = proposed(parse_package(data), **(plain | changes))
    return approved(document, by="Wang", at=NOW, key=B)


def publish(folder: Folder, data: bytes, now: int = NOW, *, steps: tuple[int, ...] = (WHOLE,), **changes: Any) -> str:
    """Proposes, approves and publishes a package; the release's id."""
    document = answered_for(data, **changes)
    folder.add(document, parse_package(data))
    folder.publish(document, PUBLISHER, now, steps=steps, hold_s=600, taps=50)
    return document.id


def share_with(data: bytes, devices: Iterable[str], count: int) -> int:
    """The share of a package's release that takes so many of these devices. Lots are drawn anew with each signature: of
    a share that is named it may be any number of them, and none."""
    return sorted(lot(answered_for(data).id, device) for device in devices)[count]


def _missing(path: str) -> MissingError:
    return MissingError(path, Text("is not there", "不存在"), Text("Wait", "等待"))


class FromFolder:
    """Fetches from a folder on this disk, by the rules of a web server; answers may be put in the place of files."""

    def __init__(self, www: Path) -> None:
        self.www = www
        self.instead: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.cut_at: int | None = None

    def document(self, path: str, etag: str) -> Fetched:
        self.asked.append(path)
        content = self.instead.get(path)
        if content is None:
            file = self.www / path
            if not file.exists():
                raise _missing(path)
            content = file.read_bytes()
        if etag and etag == f'"{hash(content)}"':
            return Fetched(None, etag)
        return Fetched(content, f'"{hash(content)}"')

    def package(self, path: str, size: int, into: Path) -> None:
        self.asked.append(path)
        if path not in self.instead and not (self.www / path).exists():
            raise _missing(path)
        content = self.instead[path] if path in self.instead else (self.www / path).read_bytes()
        have = into.stat().st_size if into.exists() else 0
        if self.cut_at is not None:
            into.write_bytes(content[: self.cut_at])
            raise NotNowError(path, Text("cut", "中断"), Text("Wait", "等待"))
        with into.open("ab") as file:
            file.write(content[have:size])


class Gate:
    """A device that pulls; `told` is what it said."""

    def __init__(self, fetch: Any, directory: Path, place: Place = PLACE) -> None:
        self.fetch, self.directory, self.place = fetch, directory, place
        self.disk = Disk()
        self.told: list[str] = []
        self.now = AT
        self.start()

    def start(self) -> None:
        """Begins, also again."""
        self.store = PackageStore(self.disk, TWO, "test")
        holding = HeldByStore(self.store, self._take)
        self.puller = Puller(self.fetch, self.directory, self.place, {Chain.PARAMETERS: holding}, roll=lambda: 0.999)

    def _take(self, data: bytes, source: str) -> None:
        self.store.take(data, self.now.unix_s, source)

    def ask(self, now: Moment = AT) -> int:
        self.now = now
        return self.puller.step(now, lambda error: self.told.append(str(error)))
