"""Which parameters a device judges by, from its first start on: a plain file, or packages that it activates and keeps.

Rules it keeps:
- A device that is told whose keys to trust takes nothing that is not signed by them; one that is not takes parameters
  of the test environment only. Real fares are taken by what somebody answers for with a signature.
- New parameters come into force between two taps, without a restart; what was used stays used.
- Whatever is wrong with what was handed in, the last good parameters stay in force, and the trouble is told.
- Each package that waits comes into force at its time, also after an urgent one that came before it; where the disk is
  full just then, as soon as it has room.
- Packages are activated only while the clock is trusted. Their expiry is told before it comes; when it and the grace
  are over, no one rides until there is a newer one.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from yima.validator.errors import ParametersError
from yima.validator.judging import Moment
from yima.validator.packages import (
    ENVIRONMENTS,
    Label,
    Package,
    PackageError,
    Pins,
    Policy,
    Standing,
    parse_package,
    read_package,
    when,
)
from yima.validator.packages.refusals import NotNowError, untrusted_clock
from yima.validator.packages.store import PackageStore, Stack
from yima.validator.parameters import Parameters, from_image, load
from yima.validator.texts import Text
from yima.validator.upkeep.deny_list import DenyUpkeep
from yima.validator.upkeep.expiry_alarm import ExpiryAlarm
from yima.validator.upkeep.patience import Patience
from yima.validator.upkeep.pull_thread import Handover, PullThread
from yima.validator.upkeep.pulling import Puller

_PLAIN = Policy()

_LAST_S = (1 << 63) - 1  # the last second that the core knows: a package may be signed to hold for ever


class Source(Protocol):
    """Where parameters come from. Every call raises ParametersError; then what was in force stays."""

    def start(self, now: Moment) -> Parameters:
        """The parameters to begin with."""

    def again(self, now: Moment) -> Parameters | None:
        """Looks again at where they come from; None: nothing changed."""

    def due(self, now: Moment) -> Parameters | None:
        """What waited for its time, if that has come."""

    def standing(self, now: Moment) -> tuple[Standing, int]:
        """How they stand, and when they expire, unix seconds."""

    def until(self) -> int:
        """When they stop being used, unix seconds; 0: never."""

    @property
    def trouble(self) -> ParametersError | None:
        """What was wrong of late though there are parameters in force."""

    @property
    def waiting(self) -> tuple[Label, ...]:
        """What waits for its time, the first to come first."""

    def in_force(self) -> tuple[Label, int]:
        """What is in force, and since when, unix seconds; of what is no package, no id, and 0. After `start`."""


class PlainFile:
    """A TOML file, for the bench: taken as it is, and again when it changed.

    environment: what it must say, if given. Production is refused in any case.
    """

    trouble: ParametersError | None = None
    waiting: tuple[Label, ...] = ()

    def __init__(self, path: Path, environment: str | None = None) -> None:
        """Reads the file. Raises ParametersError."""
        self._path = path
        self._environment = environment
        self._parameters = self._read()

    def start(self, now: Moment) -> Parameters:
        """See Source."""
        return self._parameters

    def again(self, now: Moment) -> Parameters | None:
        """See Source."""
        before, self._parameters = self._parameters, self._read()
        return None if self._parameters.image == before.image else self._parameters

    def _read(self) -> Parameters:
        parameters = load(self._path)
        if parameters.environment != "test":
            raise _unsigned(self._path)
        if self._environment not in {None, parameters.environment}:
            raise PackageError(self._path, "OTHER_ENVIRONMENT")
        return parameters

    def in_force(self) -> tuple[Label, int]:
        """See Source."""
        return Label(self._parameters.version, b"", 0), 0

    def due(self, now: Moment) -> Parameters | None:
        """Never: a plain file has no times."""

    def standing(self, now: Moment) -> tuple[Standing, int]:
        """Always good."""
        return Standing.GOOD, 0

    def until(self) -> int:
        """Never."""
        return 0


def _unsigned(path: Path) -> ParametersError:
    return ParametersError(
        path,
        Text(
            "are production parameters, and unsigned: only a test device works without --trust",
            "是未签名的生产参数：未指定 --trust 时仅可用测试参数",
        ),
        Text(
            'Sign them (yima params sign) and name the signers with --trust, or set environment = "test"',
            '请签名（yima params sign）并用 --trust 指定签名公钥，或设 environment = "test"',
        ),
    )


class Packages:
    """A package file, and the store of what was activated from it.

    path: where newer packages are put; None where they are pulled. The store is what counts. environment: "production"
    or "test". first: where packages are pulled, asks for the first ones; it calls `give`, and so
    does puller later.
    """

    first: Callable[[Moment], None] | None = None
    puller: Puller | None = None

    def __init__(
        self,
        path: Path | None,
        directory: Path,
        pins: Pins,
        environment: str,
        *,
        city: int = 0,
        policy: Policy = _PLAIN,
    ) -> None:
        """Opens the store. Raises ParametersError."""
        assert environment in ENVIRONMENTS
        self._path = path
        self._policy = policy
        self.store = PackageStore(directory, pins, environment, city=city, accept=_readable)
        self._refused: ParametersError | None = None
        self._handover = Handover()
        self._patience = Patience()
        self._starting: Moment | None = None

    @property
    def trouble(self) -> ParametersError | None:
        """See Source."""
        return self.store.trouble or self._refused

    @property
    def waiting(self) -> tuple[Label, ...]:
        """See Source."""
        return tuple(package.label for package in self.store.waiting)

    def in_force(self) -> tuple[Label, int]:
        """See Source."""
        return self.store.active[-1].label, self.store.since

    def start(self, now: Moment) -> Parameters:
        """See Source. What is in force is enough to begin with; the file, or what is pulled, may add a newer one."""
        self._starting = now
        try:
            if self._path is not None and not (self.first and self.store.active):
                self._take(read_package(self._path), now)
            elif self.first and not self.store.active:
                self.first(now)
        except ParametersError as error:
            if not self.store.active:
                raise
            self._refused = error
        self._starting = None
        if not self.store.active:
            raise _nothing(self.store.waiting)
        return self._parameters()

    def give(self, data: bytes, source: str) -> None:
        """Takes a package that was pulled: on its thread, and brings it into force between two taps. Raises
        ParametersError."""
        if self._starting:
            self._take(parse_package(data, source), self._starting)
        else:
            self._handover.give(data, source)

    def again(self, now: Moment) -> Parameters | None:
        """See Source."""
        if self._path is None or self.first:
            return None
        return self._parameters() if self._take(read_package(self._path), now) else None

    def due(self, now: Moment) -> Parameters | None:
        """See Source. What may not come into force when its time has come is given up, so that it is told once; on a
        disk that fails it is tried again."""
        if offered := self._handover.offered():
            return self._parameters() if self._take_offered(*offered, now) else None
        package = self.store.due(now.unix_s) if now.trusted and self._patience.is_over(now) else None
        if package is None:
            return None
        try:
            self.store.activate(now.unix_s, package)
        except NotNowError as error:
            if self._patience.is_news(error, now):
                raise
            return None
        except ParametersError:
            self.store.drop(package)
            raise
        self._patience = Patience()
        return self._parameters()

    def standing(self, now: Moment) -> tuple[Standing, int]:
        """See Source. A clock that is not trusted says nothing about expiry."""
        expiry = min((package.expiry for package in self.store.active), default=0)
        return (self.store.standing(now.unix_s, self._policy) if now.trusted else Standing.GOOD), expiry

    def until(self) -> int:
        """See Source: the expiry and its grace."""
        expiry = min((package.expiry for package in self.store.active), default=0)
        return min(expiry + self._policy.grace_s, _LAST_S) if expiry else 0

    def _take_offered(self, data: bytes, source: str, now: Moment) -> bool:
        """Whether something else is in force now; who gave it is told what was wrong."""
        refused = None
        try:
            return self._take(parse_package(data, source), now)
        except ParametersError as error:
            refused = error
            return False
        finally:
            self._handover.taken(refused)

    def _take(self, package: Package, now: Moment) -> bool:
        """Whether something else is in force now."""
        before = [package.id for package in self.store.active]
        if before[-1:] == [package.id]:
            return False
        if not now.trusted:
            raise untrusted_clock(package.source)
        self.store.take(package.data, now.unix_s, package.source)
        if not self.store.active and not self.first:
            begin = when(package.not_before)
            raise PackageError(package.source, "NOT_YET", Text(f"from {begin} on", f"自 {begin} 起"))
        return before != [package.id for package in self.store.active]

    def _parameters(self) -> Parameters:
        package = self.store.active[-1]
        return from_image(package.image, package.source)


def _nothing(waiting: Sequence[Package]) -> ParametersError:
    if waiting:
        begin = when(waiting[0].not_before)
        return PackageError(waiting[0].source, "NOT_YET", Text(f"from {begin} on", f"自 {begin} 起"))
    return ParametersError(
        "--packages",
        Text("the publication has no parameters for this device", "发布中没有适用于本终端的参数"),
        Text("Check --city, --mode, --line and --device, and what is published", "请检查终端位置参数与已发布内容"),
    )


def _readable(stack: Stack) -> None:
    from_image(stack[-1].image, stack[-1].source)


class Upkeep:
    """Keeps a running device's parameters up to date, between taps.

    changed: told what comes into force, or None when a request found nothing new.
    troubled: told what is wrong, each once. deny: what keeps the deny-list, pull: what pulls packages; they look and
    are asked whenever this is.
    """

    def __init__(
        self,
        source: Source,
        *,
        changed: Callable[[Parameters | None], None] = lambda parameters: None,
        troubled: Callable[[ParametersError], None] = lambda error: None,
        deny: DenyUpkeep | None = None,
        pull: PullThread | None = None,
    ) -> None:
        self._source = source
        self._deny = deny
        self._pull = pull
        self._changed = changed
        self._troubled = troubled
        self._wanted = False
        self._alarm = ExpiryAlarm("parameters", _ALARMS, Text("Supply a newer package", "请提供新的参数包"), troubled)
        self._told: ParametersError | None = None

    def request(self) -> None:
        """Look again at the files before the next tap. May be called by a signal handler."""
        self._wanted = True
        if self._deny:
            self._deny.request()
        if self._pull:
            self._pull.request()

    @contextmanager
    def pulling(self) -> Iterator[None]:
        """While it lasts, packages are pulled, if they are."""
        if self._pull:
            self._pull.start()
        try:
            yield
        finally:
            if self._pull:
                self._pull.stop()

    def look(self, now: Moment) -> Parameters | None:
        """Other parameters, if others came into force; for the time between taps."""
        self._tell_trouble()
        if self._deny:
            self._deny.look(now)
        if self._pull:
            self._pull.look()
        if wanted := self._wanted:
            self._wanted = False  # who asks from now on, in a signal handler, asks for one look more
        try:
            parameters = self._source.again(now) if wanted else self._source.due(now)
        except ParametersError as error:
            self._troubled(error)
            return None
        if parameters or wanted:
            self._changed(parameters)
            self._tell_trouble()
        self._alarm.look(*self._source.standing(now))
        return parameters

    def _tell_trouble(self) -> None:
        trouble = self._source.trouble
        if trouble is not None and trouble is not self._told:
            self._troubled(trouble)
        self._told = trouble

    def until(self) -> int:
        """When those in force stop being used, their expiry and its grace; unix seconds, 0: never."""
        return self._source.until()


_ALARMS = {
    Standing.EXPIRING: Text("expire at {}", "将于 {} 过期"),
    Standing.GRACE: Text("expired at {}: used on for the grace", "已于 {} 过期：宽限期内继续使用"),
    Standing.EXPIRED: Text("expired at {}: no one can ride", "已于 {} 过期：停止服务"),
}
