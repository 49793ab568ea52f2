"""The packages of one device: what is in force, what was before it, what waits for its time.

    state         what is in force, the one before, and whom to trust; replaced whole by a rename
    staged.ymp    checked, waiting to be activated
    <version>-<id>.ymp    packages in force or kept; never changed after they are written

Rules it keeps:
- Nothing is staged, and nothing activated, that does not keep every rule of yima.validator.packages at that moment.
- A power cut at any step leaves either the old package in force or the new one, whole. Opening writes nothing.
- Trust only moves forward: it comes from the newest package that was ever in force here, also after `revert`.
- A package whose bytes rot is not used: the one before it comes back, and `trouble` says so.
- The store belongs to one process, which its owner sees to (the device's journal is locked).

Whoever can write here owns the device: the store defends it against packages, not against its own disk.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from yima.validator import _core
from yima.validator.errors import ParametersError
from yima.validator.packages import (
    Chain,
    Kind,
    Package,
    PackageError,
    Pins,
    Policy,
    Standing,
    Trust,
    check,
    image_is_intact,
    parse_package,
)
from yima.validator.packages.storage import DirectoryStorage, Storage
from yima.validator.texts import Text

Stack = tuple[Package, ...]  # a package, for deny-lists followed by the increments to it, in order
STATE = "state"
STAGED = "staged.ymp"
_FORM = "yima packages 1"
_NAME = re.compile(r"[0-9]{10}-[0-9a-f]{64}\.ymp")


class Taken(Enum):
    """What became of a package that was handed in."""

    ACTIVATED = "activated"
    ALREADY = "already in force"
    WAITING = "waiting for its time"


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    environment: str
    chain: Chain
    newest: tuple[int, bytes] | None = None
    keys: tuple[bytes, ...]
    needed: int
    active: tuple[str, ...] = ()
    before: tuple[str, ...] = ()

    def to_text(self) -> str:
        version, name = self.newest or (0, b"")
        lines = [
            _FORM,
            f"environment {self.environment}",
            f"chain {self.chain.value}",
            f"newest {version} {name.hex()}".rstrip(),
            " ".join(["keys", str(self.needed), *(key.hex() for key in self.keys)]),
            " ".join(["active", *self.active]),
            " ".join(["before", *self.before]),
        ]
        return "\n".join([*lines, _check_line(lines)]) + "\n"

    @classmethod
    def from_text(cls, text: str) -> "_State":
        """Raises ValueError if it is not what to_text wrote."""
        *lines, last = text.splitlines()
        if lines[:1] != [_FORM] or last != _check_line(lines):
            raise ValueError(text)
        fields = {word: rest for word, *rest in (line.split() for line in lines)}
        version, *name = fields["newest"]
        if not name and version != "0":
            raise ValueError(text)
        needed, *keys = fields["keys"]
        return cls(
            environment=fields["environment"][0],
            chain=Chain(fields["chain"][0]),
            newest=(int(version), bytes.fromhex(name[0])) if name else None,
            keys=tuple(bytes.fromhex(key) for key in keys),
            needed=int(needed),
            active=tuple(fields["active"]),
            before=tuple(fields["before"]),
        )


def _check_line(lines: list[str]) -> str:
    """Against accident, not against malice."""
    return f"check {_core.sm3(chr(10).join(lines).encode()).hex()}"


class PackageStore:
    """The packages of one chain on one device.

    accept: called with what is about to come into force, or is found in force; it raises ParametersError if the device
    cannot use it (its core cannot read the image). hash_at_open: whether opening hashes the images; signatures and
    digests were checked at activation, and a national deny-list takes half a second.
    """

    def __init__(
        self,
        place: Path | Storage,
        pins: Pins,
        environment: str,
        *,
        chain: Chain = Chain.PARAMETERS,
        city: int = 0,
        accept: Callable[[Stack], object] = lambda stack: None,
        hash_at_open: bool = True,
    ) -> None:
        """Opens the store; an empty one trusts the pinned keys. Raises ParametersError; changes nothing."""
        self._city = city
        self._accept = accept
        self._hash_at_open = hash_at_open
        self._first = _State(environment=environment, chain=chain, keys=pins.keys, needed=pins.needed)
        self._state = self._first
        self._active: Stack = ()
        self._staged: Package | None = None
        self.trouble: ParametersError | None = None
        try:
            self._storage = DirectoryStorage(place) if isinstance(place, Path) else place
            self._open()
        except OSError as error:
            raise _unusable(place, error) from error

    @property
    def active(self) -> Stack:
        """What is in force: nothing, a package, or a deny-list and its increments in order."""
        return self._active

    @property
    def staged(self) -> Package | None:
        """What waits for its time."""
        return self._staged

    @property
    def trust(self) -> Trust:
        """Whom the next package must satisfy."""
        state = self._state
        return Trust(
            environment=state.environment,
            chain=state.chain,
            city=self._city,
            keys=state.keys,
            needed=state.needed,
            newest=state.newest,
            active=self._active[-1].id if self._active else None,
        )

    def standing(self, now: int, policy: Policy) -> Standing:
        """How what is in force stands at `now`: as its part that stands worst; nothing in force is EXPIRED."""
        found = [package.standing(now, policy) for package in self._active]
        return Standing.NOT_YET if Standing.NOT_YET in found else max(found, default=Standing.EXPIRED)

    def take(self, data: bytes | memoryview, now: int, source: str = "package") -> Taken:
        """Brings a package into force, or keeps it until its time. Raises PackageError; then nothing has changed."""
        package = self.stage(data, now, source)
        if self._active and package.id == self._active[-1].id:
            return Taken.ALREADY
        if now < package.not_before:
            return Taken.WAITING
        self.activate(now)
        return Taken.ACTIVATED

    def stage(self, data: bytes | memoryview, now: int, source: str = "package") -> Package:
        """Checks a package and keeps it, in place of what was staged; the one in force is not staged again.

        One that is not valid yet is kept. Raises PackageError; then nothing has changed.
        """
        package = parse_package(data, source)
        try:
            self._examine(package, now)
        except PackageError as error:
            if error.rule != "NOT_YET":
                raise
        if self._active and package.id == self._active[-1].id:
            return package
        with self._changing():
            self._storage.write("staged.new", package.data)
            self._storage.sync("staged.new")
            self._storage.rename("staged.new", STAGED)
            self._storage.sync_names()
        self._staged = parse_package(self._storage.read(STAGED), source)
        return package

    def activate(self, now: int) -> Stack:
        """Brings what is staged into force. Raises PackageError; then what was in force stays."""
        if self._staged is None:
            raise ParametersError(
                self._storage,
                Text("nothing is staged", "没有待启用的参数包"),
                Text("Stage a package first", "请先提供参数包"),
            )
        package = self._staged
        stack = self._examine(package, now)
        name = _name(package)
        state = _State(
            environment=self._state.environment,
            chain=self._state.chain,
            newest=(package.version, package.id),
            keys=package.keys,
            needed=package.needed,
            active=(*map(_name, stack[:-1]), name),
            before=tuple(map(_name, self._active)),
        )
        with self._changing():
            self._storage.write("state.new", state.to_text().encode())
            self._storage.sync("state.new")
            self._storage.rename(STAGED, name)
            self._storage.sync_names()
            self._storage.rename("state.new", STATE)
            self._storage.sync_names()
        self._state, self._active, self._staged, self.trouble = state, stack, None, None
        self._sweep()
        return stack

    def drop(self) -> None:
        """Gives up what is staged."""
        self._staged = None
        with self._changing():
            if STAGED in self._storage.names():
                self._storage.remove(STAGED)
                self._storage.sync_names()

    def revert(self) -> Stack:
        """Brings back what was in force before. What this device trusts does not go back.

        Raises ParametersError if nothing is kept, or it cannot be used any more.
        """
        stack = self._load(self._state.before)
        if not stack:
            raise ParametersError(
                self._storage,
                Text("nothing is kept from before", "没有保留的上一版本"),
                Text("Build a newer version with the old content", "请以旧内容制作更高的版本"),
            )
        state = _State(
            environment=self._state.environment,
            chain=self._state.chain,
            newest=self._state.newest,
            keys=self._state.keys,
            needed=self._state.needed,
            active=self._state.before,
        )
        with self._changing():
            self._storage.write("state.new", state.to_text().encode())
            self._storage.sync("state.new")
            self._storage.rename("state.new", STATE)
            self._storage.sync_names()
        self._state, self._active = state, stack
        self._sweep()
        return stack

    def _examine(self, package: Package, now: int) -> Stack:
        """What would be in force with this package. Raises ParametersError, NOT_YET last of all."""
        later: PackageError | None = None
        try:
            check(package, self.trust, now)
        except PackageError as error:
            if error.rule != "NOT_YET":
                raise
            later = error
        if self._active and package.id == self._active[-1].id:
            return self._active
        stack = (*self._active, package) if package.kind is Kind.DENY_INCREMENT else (package,)
        self._accept(stack)
        if later:
            raise later
        return stack

    def _open(self) -> None:
        names = set(self._storage.names())
        self._state = self._read_state() if STATE in names else self._first
        if (self._state.environment, self._state.chain) != (self._first.environment, self._first.chain):
            rule = "OTHER_CHAIN" if self._state.chain is not self._first.chain else "OTHER_ENVIRONMENT"
            raise PackageError(self._storage, rule)
        self._active = ()
        try:
            self._active = self._load(self._state.active)
        except (OSError, ParametersError) as error:
            self.trouble = _rotten(self._storage, error)
            self._active = self._load_before()
        self._staged = self._load_staged() if STAGED in names else None

    def _load_before(self) -> Stack:
        try:
            return self._load(self._state.before)
        except (OSError, ParametersError) as error:
            self.trouble = _rotten(self._storage, error)
            return ()

    def _load_staged(self) -> Package | None:
        """A cut while it was written cannot show here; bytes that rot can, and are as if nothing were staged."""
        try:
            return parse_package(self._storage.read(STAGED), f"{self._storage}/{STAGED}")
        except PackageError:
            return None

    def _load(self, names: tuple[str, ...]) -> Stack:
        """The packages of these names, each of them what its name says. Raises OSError or ParametersError."""
        stack = []
        for name in names:
            package = parse_package(self._storage.read(name), f"{self._storage}/{name}")
            if _name(package) != name or (self._hash_at_open and not image_is_intact(package)):
                raise PackageError(package.source, "BAD_IMAGE")
            if self._city and package.city not in {0, self._city}:
                raise PackageError(package.source, "OTHER_CITY")
            stack.append(package)
        if stack:
            self._accept(tuple(stack))
        return tuple(stack)

    def _read_state(self) -> _State:
        try:
            state = _State.from_text(bytes(self._storage.read(STATE)).decode())
        except (ValueError, KeyError, IndexError) as error:
            raise ParametersError(
                f"{self._storage}/{STATE}",
                Text("is damaged", "已损坏"),
                Text(
                    "Check the disk; then empty this directory: the device begins anew with its pinned keys",
                    "请检查磁盘，然后清空该目录：设备将以预置公钥重新开始",
                ),
            ) from error
        if not all(_NAME.fullmatch(name) for name in (*state.active, *state.before)):
            raise PackageError(f"{self._storage}/{STATE}", "BAD_VALUE")
        return state

    def _sweep(self) -> None:
        """Removes files that the state does not name; what a failure or a power cut leaves is swept next time."""
        kept = {*self._state.active, *self._state.before}
        try:
            for name in self._storage.names():
                if name not in kept and (_NAME.fullmatch(name) or name in {"state.new", "staged.new"}):
                    self._storage.remove(name)
        except OSError as error:
            self.trouble = _unusable(self._storage, error)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """On a failure, what counts is what the disk now says."""
        try:
            yield
        except OSError as error:
            trouble = _unusable(self._storage, error)
            try:
                self._open()
            except OSError as again:
                raise trouble from again
            raise trouble from error


def _name(package: Package) -> str:
    return f"{package.version:010}-{package.id.hex()}.ymp"


def _rotten(where: object, error: OSError | ParametersError) -> ParametersError:
    return ParametersError(
        where,
        Text(f"a package that was in force cannot be used: {error}", f"曾启用的参数包无法使用：{error}"),
        Text("Check the disk, and give the newest package again", "请检查磁盘，并重新提供最新的参数包"),
    )


def _unusable(where: object, error: OSError) -> ParametersError:
    return ParametersError(
        where,
        Text(f"packages cannot be kept there: {error.strerror}", f"无法保存参数包：{error.strerror}"),
        Text(
            "Check that the disk is sound, not full, and writable for this user",
            "请检查磁盘是否完好、未满且当前用户可写",
        ),
    )
