"""A small world of signed packages for tests: keys, images, and a disk whose power can be cut at any moment."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from yima.sdk.parameters.signing import Envelope, sign_package
from yima.sdk.sm2 import SigningKey
from yima.validator.packages import Kind, PackageError, Pins, Trust, parse_package
from yima.validator.packages.store import PackageStore, Taken

NOW = 1_795_000_000
DAY = 86400
A, B, C = (SigningKey.from_int(number) for number in (0x1001, 0x2002, 0x3003))
PINS = Pins(keys=(A.compressed,))


def image(version: int, environment: str = "test", content: bytes = b"what a core would read") -> bytes:
    """The least that a parameter image says of itself, and some content."""
    return (
        b"YIMP"
        + bytes(8)
        + bytes([{"production": 1, "test": 2}[environment]])
        + bytes(3)
        + version.to_bytes(4)
        + content
    )


def package(
    version: int = 1, *, keys: Iterable[SigningKey] = (A,), inside: bytes | None = None, **changes: Any
) -> bytes:
    """A package of the test environment, valid from an hour ago for thirty days; changes are Envelope's."""
    plain: dict[str, Any] = {
        "environment": "test",
        "version": version,
        "not_before": NOW - 3600,
        "expiry": NOW + 30 * DAY,
        "next_keys": (A.compressed,),
    }
    envelope = Envelope(**(plain | changes))
    return sign_package(image(version, envelope.environment) if inside is None else inside, envelope, list(keys))


def trust(**changes: Any) -> Trust:
    """What a test device trusts; changes are Trust's."""
    plain: dict[str, Any] = {"environment": "test", "keys": (A.compressed,)}
    return Trust(**(plain | changes))


class PowerCutError(Exception):
    """The device lost its power: nothing of the program runs on."""


@dataclass
class File:
    """durable: what the last sync left, None if none. now: what a program reads."""

    durable: bytes | None
    now: bytes


@dataclass
class Disk:
    """The storage port over memory. It loses its power in the middle of call number `cut_at`, counted from 0.

    It models what POSIX leaves open: contents that were not synced are gone, cut short, or rubbish; changes of names
    that were not synced survive in any combination. `after_cut` yields every disk that the device may wake up with.
    What it does not model: a disk that lies about sync, and bytes that rot.
    """

    cut_at: int | None = None
    fail_at: int | None = None
    calls: list[str] = field(default_factory=list)
    files: dict[str, File] = field(default_factory=dict)
    durable_names: dict[str, File] = field(default_factory=dict)
    pending: list[tuple[str, str, File | None]] = field(default_factory=list)  # (verb, name, file) not yet durable

    def __str__(self) -> str:
        return "disk"

    def names(self) -> list[str]:
        return list(self.files)

    def read(self, name: str) -> memoryview:
        if name not in self.files:
            raise FileNotFoundError(2, "No such file or directory", name)
        return memoryview(self.files[name].now)

    def write(self, name: str, content: bytes | memoryview) -> None:
        made = File(durable=None, now=bytes(content))
        self._change("write", [("put", name, made)])

    def sync(self, name: str) -> None:
        self._call("sync")
        self.files[name].durable = self.files[name].now

    def rename(self, name: str, to: str) -> None:
        if name not in self.files:
            raise FileNotFoundError(2, "No such file or directory", name)
        self._change("rename", [("move", f"{name}\n{to}", self.files[name])])

    def remove(self, name: str) -> None:
        self._change("remove", [("drop", name, None)])

    def sync_names(self) -> None:
        self._call("sync_names")
        self.durable_names = dict(self.files)
        self.pending = []

    def after_cut(self) -> Iterator["Disk"]:
        """Every disk that may be found: each combination of pending names, each fate of unsynced contents."""
        seen: set[tuple[tuple[str, bytes], ...]] = set()
        for kept in itertools.product((False, True), repeat=len(self.pending)):
            names = dict(self.durable_names)
            for change, holds in zip(self.pending, kept, strict=True):
                if holds:
                    _apply(names, change)
            for fates in itertools.product(*(_fates(file) for file in names.values())):
                found = tuple(zip(names, fates, strict=True))
                if found not in seen:
                    seen.add(found)
                    files = {name: File(durable=content, now=content) for name, content in found}
                    yield Disk(files=files, durable_names=dict(files))

    def _change(self, verb: str, changes: list[tuple[str, str, File | None]]) -> None:
        # Cut inside the call: the change may or may not have reached the disk, which is what `pending` says of it.
        self.pending += changes
        try:
            self._call(verb)
        except OSError:
            del self.pending[-len(changes) :]
            raise
        for change in changes:
            _apply(self.files, change)

    def _call(self, verb: str) -> None:
        number = len(self.calls)
        self.calls.append(verb)
        if number == self.cut_at:
            raise PowerCutError(f"in {verb}, call {number}")
        if number == self.fail_at:
            raise OSError(28, "No space left on device")


def _apply(names: dict[str, File], change: tuple[str, str, File | None]) -> None:
    verb, name, file = change
    if verb == "drop":
        names.pop(name, None)
    elif verb == "put" and file:
        names[name] = file
    elif verb == "move" and file:
        source, target = name.split("\n")
        if names.get(source) is file:
            del names[source]
        names[target] = file


def _fates(file: File) -> list[bytes]:
    """What may be read of a file after a cut."""
    if file.durable is not None:
        return [file.durable]
    size = len(file.now)
    return [b"", file.now[: size // 2], file.now[: size - 1], bytes(size), file.now]


# Stores


def versions(store: PackageStore) -> list[int]:
    return [found.version for found in store.active]


def filled(disk: Disk, *packages: bytes, **options: Any) -> PackageStore:
    """A store that took these packages."""
    store = PackageStore(disk, PINS, "test", **options)
    for data in packages:
        assert store.take(data, NOW) is Taken.ACTIVATED
    return store


def deny(version: int, base: bytes | None = None, **changes: Any) -> bytes:
    """A deny-list, or an increment to the package `base`."""
    if base is None:
        return package(version, kind=Kind.DENY_LIST, inside=b"full", **changes)
    return package(version, kind=Kind.DENY_INCREMENT, inside=b"more", base=parse_package(base).id, **changes)


def rule_of(call: Callable[[], object]) -> str:
    with pytest.raises(PackageError) as caught:
        call()
    return caught.value.rule


def waiting(store: PackageStore) -> list[int]:
    return [found.version for found in store.waiting]


def come(store: PackageStore, now: int) -> None:
    """Its time has come for the first that waits."""
    package = store.due(now)
    assert package is not None
    store.activate(now, package)


def parse_name(data: bytes) -> str:
    found = parse_package(data)
    return f"{found.version:010}-{found.id.hex()}.ymp"


def spoil(disk: Disk, name: str) -> None:
    file = disk.files[next(found for found in disk.files if found.startswith(name))]
    file.now = file.now[:-1] + bytes([file.now[-1] ^ 1])
