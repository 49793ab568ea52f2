"""The packages of one device: what is in force, what was before it, what waits for its time.

    state         what is in force, the one before, and whom to trust; replaced whole by a rename (`state_file`)
    waiting-<version>-<id>.ymp    checked, waiting for their time
    <version>-<id>.ymp    packages in force or kept; never changed after they are written

Rules it keeps:
- Nothing is kept to wait, and nothing activated, that does not keep every rule of yima.validator.packages at that
  moment.
- What waits survives what comes into force before it, though that may have a higher version, unless the newer one says
  that it replaces what waits; a newer deny-list always does. What can no longer come is given up at once, and told.
- Parameters are in force in the order of their times: one whose time began before that of the one in force is not
  taken after it, unless it says that it replaces. So it does not matter for the outcome who was off, or when.
- A power cut at any step leaves either the old package in force and the new one waiting, or the new one in force,
  whole. Opening writes nothing.
- Trust only moves forward: it comes from the newest package that was ever in force here.
- A package whose bytes rot is not used: the one before it comes back, and `trouble` says so.
- The store belongs to one process, which its owner sees to (the device's journal is locked).

Whoever can write here owns the device: the store defends it against packages, not against its own disk.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import contextmanager
from dataclasses import replace
from enum import Enum
from pathlib import Path

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
    refusals,
)
from yima.validator.packages.state_file import State
from yima.validator.packages.storage import DirectoryStorage, Storage
from yima.validator.texts import Text

Stack = tuple[Package, ...]  # a package, for deny-lists followed by the increments to it, in order
STATE = "state"
_STATE_NEW = "state.new"
WAITING = "waiting-"
WAITING_MOST = 4
"""Packages that may wait at once."""
_NAME = re.compile(r"[0-9]{10}-[0-9a-f]{64}\.ymp")


class Taken(Enum):
    """What became of a package that was handed in."""

    ACTIVATED = "activated"
    ALREADY = "already in force"
    PAST = "was in force, and another followed at its time"
    WAITING = "waiting for its time"


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
        self._first = State(environment=environment, chain=chain, keys=pins.keys, needed=pins.needed)
        self._state = self._first
        self._active: Stack = ()
        self._waiting: tuple[Package, ...] = ()
        self._half_way = ""
        self.trouble: ParametersError | None = None
        try:
            self._storage = DirectoryStorage(place) if isinstance(place, Path) else place
            self._open()
        except OSError as error:
            raise refusals.unusable(place, error) from error

    @property
    def active(self) -> Stack:
        """What is in force: nothing, a package, or a deny-list and its increments in order."""
        return self._active

    @property
    def waiting(self) -> tuple[Package, ...]:
        """What waits for its time, the first to come first."""
        return self._waiting

    @property
    def since(self) -> int:
        """When what is in force came into force here, unix seconds; 0: nothing is."""
        return self._state.since if self._active else 0

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
            waiting=max((package.version for package in self._waiting), default=0),
            active=self._active[-1].id if self._active else None,
        )

    def standing(self, now: int, policy: Policy) -> Standing:
        """How what is in force stands at `now`: as its part that stands worst; nothing in force is EXPIRED."""
        found = [package.standing(now, policy) for package in self._active]
        return Standing.NOT_YET if Standing.NOT_YET in found else max(found, default=Standing.EXPIRED)

    def take(self, data: bytes | memoryview, now: int, source: str = "package") -> Taken:
        """Brings a package into force, or keeps it until its time. Raises ParametersError; then nothing has changed."""
        package = parse_package(data, source)
        self._keep(package, now)
        if self._active and package.id == self._active[-1].id:
            return Taken.ALREADY
        if self._is_past(package):
            return Taken.PAST
        if now < package.not_before:
            return Taken.WAITING
        self.activate(now, package)
        return Taken.ACTIVATED

    def due(self, now: int) -> Package | None:
        """The first of those that wait whose time has come."""
        return next((package for package in self._waiting if package.not_before <= now), None)

    def activate(self, now: int, package: Package) -> Stack:
        """Brings one of those that wait into force. Raises ParametersError; then what was in force stays.

        What can no longer come after it is given up; `trouble` says so.
        """
        held = next(one for one in self._waiting if one.id == package.id)
        stack = self._examine(held, now, held=True)
        name = _name(held)
        state = replace(
            self._state,
            active=(*map(_name, stack[:-1]), name),
            before=tuple(map(_name, self._active)),
            since=now,
            replaced=max(self._state.replaced, held.version if self._gives_up(held) else 0),
        )
        if not state.newest or held.version > state.newest[0]:
            state = replace(state, newest=(held.version, held.id), keys=held.keys, needed=held.needed)
        with self._changing():
            self._put_back()
            self._storage.write(_STATE_NEW, state.to_text().encode())
            self._storage.sync(_STATE_NEW)
            self._storage.sync_names()
            self._storage.rename(WAITING + name, name)
            self._storage.sync_names()
            self._storage.rename(_STATE_NEW, STATE)
            self._storage.sync_names()
        self._state, self._active, self.trouble = state, stack, None
        self._waiting = self._that_count(self._waiting)
        self._give_up_the_hopeless(now)
        self._sweep()
        return stack

    def drop(self, package: Package) -> None:
        """Gives up what waits."""
        self._waiting = tuple(one for one in self._waiting if one.id != package.id)
        with self._changing():
            self._put_back()
            if WAITING + _name(package) in self._storage.names():
                self._storage.remove(WAITING + _name(package))
                self._storage.sync_names()

    def _keep(self, package: Package, now: int) -> None:
        """Checks a package and keeps it beside those that wait. Raises ParametersError; then nothing has changed."""
        held = any(one.id == package.id for one in self._waiting)
        try:
            self._examine(package, now, held=held or self._was_in_force(package))
        except PackageError as error:
            if error.rule != "NOT_YET":
                raise
        if held or self._is_past(package) or (self._active and package.id == self._active[-1].id):
            return
        self._find_a_place(package, now)
        with self._changing():
            self._storage.write("staged.new", package.data)
            self._storage.sync("staged.new")
            self._storage.rename("staged.new", WAITING + _name(package))
            self._storage.sync_names()
        kept = parse_package(self._storage.read(WAITING + _name(package)), package.source)
        self._waiting = self._that_count((*self._waiting, kept))

    def _find_a_place(self, package: Package, now: int) -> None:
        """Raises ParametersError where what waits, or the time of what is in force, leaves none for it."""
        for one in self._waiting:
            if one.version == package.version:
                raise PackageError(package.source, "SAME_VERSION")
            if self._gives_up(one) and package.version < one.version:
                raise refusals.replaced(package, one)
        active = self._active[-1] if self._active else None
        ordered = self._gives_up(package) or self._was_in_force(package)
        if active and not ordered and package.not_before < active.not_before:
            raise refusals.too_late(package, active)
        if now < package.not_before and len(self._that_count((*self._waiting, package))) > WAITING_MOST:
            raise refusals.too_many(package, WAITING_MOST)

    def _is_past(self, package: Package) -> bool:
        """Whether it is the newest, and what waited has followed it; one that rotted is not, and may come again."""
        return self._state.newest == (package.version, package.id) and not self._was_in_force(package)

    def _was_in_force(self, package: Package) -> bool:
        """Whether it is the last that came into force here; it may have rotted since."""
        return self._state.active[-1:] == (_name(package),)

    def _gives_up(self, package: Package) -> bool:
        """Whether what waits, of an older version, is given up for it."""
        return package.replaces or self._state.chain is Chain.DENY

    def _that_count(self, found: Iterable[Package]) -> tuple[Package, ...]:
        """Those of the packages found waiting that still may come into force, the first to come first."""
        found = tuple(found)
        floor = max([self._state.replaced, *(one.version for one in found if self._gives_up(one))])
        gone = {one.id for one in self._active}
        counting = (one for one in found if one.version >= floor and one.id not in gone and not self._is_past(one))
        return tuple(sorted(counting, key=lambda one: (one.not_before, one.version)))

    def _give_up_the_hopeless(self, now: int) -> None:
        """What may not follow what is in force now is not kept until its time comes and nothing happens."""
        for one in self._waiting:
            try:
                self._examine(one, max(now, one.not_before), held=True)
            except ParametersError as error:
                self._waiting = tuple(other for other in self._waiting if other is not one)
                self.trouble = refusals.hopeless(one, error)

    def _examine(self, package: Package, now: int, *, held: bool) -> Stack:
        """What would be in force with this package. held: it waits here already, so that a higher version may have been
        in force meanwhile. Raises ParametersError, NOT_YET last of all."""
        trust = self.trust
        if held and trust.newest and package.version < trust.newest[0]:
            trust = replace(trust, newest=None)
        later: PackageError | None = None
        try:
            check(package, trust, now)
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
            self.trouble = refusals.rotten(self._storage, error)
            self._active = self._load_before()
        self._half_way = self._find_half_way(names)
        found = (name for name in sorted(names) if name.startswith(WAITING) or name == self._half_way)
        self._waiting = self._that_count(filter(None, map(self._load_waiting, found)))

    def _load_before(self) -> Stack:
        try:
            return self._load(self._state.before)
        except (OSError, ParametersError) as error:
            self.trouble = refusals.rotten(self._storage, error)
            return ()

    def _load_waiting(self, name: str) -> Package | None:
        """A cut while it was written cannot show here; bytes that rot can, and are as if nothing waited."""
        if not _NAME.fullmatch(name.removeprefix(WAITING)):
            return None
        try:
            package = parse_package(self._storage.read(name), f"{self._storage}/{name}")
        except PackageError:
            return None
        return package if _name(package) == name.removeprefix(WAITING) else None

    def _find_half_way(self, names: Set[str]) -> str:
        """The one that bears its name in force, and the power went before the state said so: it still waits."""
        try:
            coming = State.from_text(bytes(self._storage.read(_STATE_NEW)).decode()).active[-1]
        except (OSError, ValueError, KeyError, IndexError):
            return ""
        is_known = coming in (*self._state.active, *self._state.before)
        return coming if coming in names and not is_known and _NAME.fullmatch(coming) else ""

    def _put_back(self) -> None:
        """What is half way bears its waiting name again, before the state that speaks of it is written over."""
        if self._half_way:
            self._storage.rename(self._half_way, WAITING + self._half_way)
            self._storage.sync_names()
            self._half_way = ""

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

    def _read_state(self) -> State:
        try:
            state = State.from_text(bytes(self._storage.read(STATE)).decode())
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
        kept = {*self._state.active, *self._state.before, *(WAITING + _name(one) for one in self._waiting)}
        try:
            for name in self._storage.names():
                if name not in kept and (
                    _NAME.fullmatch(name.removeprefix(WAITING)) or name in {_STATE_NEW, "staged.new"}
                ):
                    self._storage.remove(name)
        except OSError as error:
            self.trouble = refusals.unusable(self._storage, error)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """On a failure, what counts is what the disk now says."""
        try:
            yield
        except OSError as error:
            trouble = refusals.unusable(self._storage, error)
            try:
                self._open()
            except OSError as again:
                raise trouble from again
            raise trouble from error


def _name(package: Package) -> str:
    return f"{package.version:010}-{package.id.hex()}.ymp"
