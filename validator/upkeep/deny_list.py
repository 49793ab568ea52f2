"""Which deny-list of national size a device judges by: signed packages, or, on a bench, a bare list.

Rules it keeps:
- A device that is told whose keys to trust takes nothing unsigned; without keys, only a list of the test environment.
- To look at every byte of a list takes a second for a hundred megabytes. It is done once, before the list comes into
  force, on a thread of its own: taps go on, by the list before it. A start opens what is in force and looks at nothing.
- The judge is handed a list between two taps, on the device's own thread, which never waits here.
- Whatever is wrong with what was handed in, the list in force stays, and the trouble is told. A device that was told to
  use a list does not start without one.
- The expiry of a package is told before and when it comes, and no more: an old list refuses more of the right people
  than none. How old a list may be is for the parameters to say (LISTS_TOO_OLD), from when it was drawn up.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from yima.validator.deny.denylist import DenyList
from yima.validator.errors import ParametersError
from yima.validator.guarding.guards import trouble
from yima.validator.judging import Moment, Validator
from yima.validator.outside import bytes_of
from yima.validator.packages import Chain, Package, PackageError, Pins, Policy, Standing, is_package, read_package, when
from yima.validator.packages.package import SIZE_MAX
from yima.validator.packages.refusals import NotNowError, untrusted_clock
from yima.validator.packages.store import PackageStore, Stack, Taken
from yima.validator.texts import Text
from yima.validator.upkeep.expiry_alarm import ExpiryAlarm
from yima.validator.upkeep.offer import Offer
from yima.validator.upkeep.patience import Patience

MAGIC = b"YIMD"  # see core/deny.c
_PLAIN = Policy()


class Looked(NamedTuple):
    """What came of looking. deny: the list in force now, if it is another one; trouble: what was wrong."""

    deny: DenyList | None = None
    trouble: ParametersError | None = None


class DenySource(Protocol):
    """Where lists come from. Used by one thread at a time; `take` and `due` may take seconds."""

    trouble: ParametersError | None
    """What was wrong before anything was asked of it."""

    def in_force(self) -> DenyList | None:
        """The list of before, if one was kept. Raises ParametersError."""

    def take(self, now: Moment) -> Looked:
        """Looks at the files."""

    def is_due(self, now: Moment) -> bool:
        """Whether the time of what waited has come."""

    def due(self, now: Moment) -> Looked:
        """Brings into force what waited."""

    def standing(self, now: Moment) -> tuple[Standing, int]:
        """How what is in force stands, and when it expires, unix seconds."""


class PlainDenyList:
    """A full list and its increments as bare files, oldest first, for the bench; read whole whenever they are taken."""

    trouble: ParametersError | None = None

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(paths)
        self._digest = b""

    def in_force(self) -> DenyList | None:
        """Nothing is kept of bare files."""

    def take(self, now: Moment) -> Looked:
        """See DenySource."""
        try:
            deny = DenyList(*map(_bare, self._paths), sources=tuple(map(str, self._paths)))
            if deny.environment != "test":
                raise _unsigned(self._paths[-1])
            if deny.digest == self._digest:
                return Looked()
            deny.verify()
        except ParametersError as error:
            return Looked(trouble=error)
        self._digest = deny.digest
        return Looked(deny)

    def is_due(self, now: Moment) -> bool:
        """Never: a bare file has no times."""
        return False

    def due(self, now: Moment) -> Looked:
        """Nothing."""
        return Looked()

    def standing(self, now: Moment) -> tuple[Standing, int]:
        """Always good."""
        return Standing.GOOD, 0


class DenyPackages:
    """Package files, and the store of what was activated from them.

    paths: where packages are put, a full list and its increments, oldest first; any of them may have been taken before.
    environment: "production" or "test".
    """

    def __init__(
        self,
        paths: Sequence[Path],
        directory: Path,
        pins: Pins,
        environment: str,
        *,
        city: int = 0,
        policy: Policy = _PLAIN,
    ) -> None:
        """Opens the store. Raises ParametersError."""
        self._paths = tuple(paths)
        self._policy = policy
        self._verifying = False
        self._verified = b""
        self._offer: Offer | None = None
        self._patience = Patience()
        self.store = PackageStore(
            directory, pins, environment, chain=Chain.DENY, city=city, accept=self._usable, hash_at_open=False
        )
        self.trouble = self.store.trouble
        self._verifying = True

    @contextmanager
    def offered(self, data: bytes, source: str) -> Iterator[Offer]:
        """One package more, from another thread, until it has been looked at; the offer says when, and what came of
        it."""
        self._offer = offer = Offer(data, source)
        try:
            yield offer
        finally:
            self._offer = None

    def in_force(self) -> DenyList | None:
        """See DenySource."""
        return DenyList.of_packages(self.store.active) if self.store.active else None

    def take(self, now: Moment) -> Looked:
        """See DenySource. What is newer than all before comes into force, one file after the other.

        What another thread offers comes after the files, whatever is wrong with them; whoever gave it hears what came
        of it, nobody else.
        """
        offer = self._offer
        looked = self._changed_by(lambda: self._take(now, is_last=offer is None))
        if offer is None:
            return looked
        after = self._changed_by(lambda: self._take_offered(offer, now))
        return Looked(after.deny or looked.deny, looked.trouble or after.trouble)

    def is_due(self, now: Moment) -> bool:
        """See DenySource."""
        return now.trusted and self._patience.is_over(now) and self.store.due(now.unix_s) is not None

    def due(self, now: Moment) -> Looked:
        """See DenySource. What may not come into force is given up; on a disk that fails it is tried again."""
        return self._changed_by(lambda: self._activate(now))

    def standing(self, now: Moment) -> tuple[Standing, int]:
        """See DenySource. A clock that is not trusted says nothing about expiry."""
        expiry = min((package.expiry for package in self.store.active), default=0)
        return (self.store.standing(now.unix_s, self._policy) if now.trusted else Standing.GOOD), expiry

    def _changed_by(self, step: Callable[[], None]) -> Looked:
        before, known = [package.id for package in self.store.active], self.store.trouble
        trouble = None
        try:
            step()
        except ParametersError as error:
            trouble = error
        if trouble is None and self.store.trouble is not known:
            trouble = self.store.trouble
        changed = before != [package.id for package in self.store.active]
        return Looked(self.in_force() if changed else None, trouble)

    def _take(self, now: Moment, *, is_last: bool = True) -> None:
        """Takes the files. is_last: nothing comes after them."""
        for path in self._paths:
            package = _package(path)
            if package.id in {part.id for part in self.store.active}:
                continue
            newest, _ = self.store.trust.newest or (0, b"")
            if package.version < newest and not (is_last and path == self._paths[-1]):
                continue  # the list in force has gone past it; if the last file is behind too, somebody must know
            if not now.trusted:
                raise untrusted_clock(path)
            if self.store.take(package.data, now.unix_s, str(path)) is Taken.WAITING:
                if not self.store.active:
                    begin = when(package.not_before)
                    raise PackageError(path, "NOT_YET", Text(f"from {begin} on", f"自 {begin} 起"))
                return  # what builds on it can be taken when its time has come

    def _take_offered(self, offer: Offer, now: Moment) -> None:
        try:
            if not now.trusted:
                raise untrusted_clock(offer.source)
            self.store.take(offer.data, now.unix_s, offer.source)
            offer.refused = None
        except ParametersError as error:
            offer.refused = error
        finally:
            offer.looked_at.set()

    def _activate(self, now: Moment) -> None:
        package = self.store.due(now.unix_s)
        if package is None:
            return
        try:
            self.store.activate(now.unix_s, package)
        except NotNowError as error:
            if self._patience.is_news(error, now):
                raise
            return
        except ParametersError:
            self.store.drop(package)
            raise
        self._patience = Patience()
        self._take(now)

    def _usable(self, stack: Stack) -> None:
        deny = DenyList.of_packages(stack)
        if self._verifying and stack[-1].id != self._verified:
            deny.verify()
            self._verified = stack[-1].id


class DenyUpkeep:
    """Keeps a running device's deny-list up to date, beside its taps.

    changed: told what comes into force, or None when a request found nothing new. troubled: told what is wrong, each
    once. Both are called on the device's thread, like everything here but the looking itself.
    """

    def __init__(
        self,
        source: DenySource,
        *,
        changed: Callable[[DenyList | None], None] = lambda deny: None,
        troubled: Callable[[ParametersError], None] = lambda error: None,
    ) -> None:
        self.source = source
        self._changed = changed
        self._troubled = troubled
        self._thread = ThreadPoolExecutor(1, "deny-list")
        self._work: Future[Looked] | None = None
        self._judge: Validator | None = None
        self._wanted = False
        self._requested = False
        self._threadless = False
        self._alarm = ExpiryAlarm("deny-list", _ALARMS, Text("Supply a newer list", "请提供新的名单"), troubled)
        self._untold: list[ParametersError] = [source.trouble] if source.trouble else []
        self.deny: DenyList | None = None

    def start(self, now: Moment) -> DenyList:
        """The list to begin with: what is in force, and then the files are looked at beside the first taps; if nothing
        is, what the files say. Raises ParametersError if that is no list.
        """
        self.deny = self.source.in_force()
        if self.deny is not None:
            self._wanted = True
            return self.deny
        looked = self.source.take(now)
        self._untold += [looked.trouble] if looked.trouble else []
        if looked.deny is None:
            raise self._untold[-1]
        self.deny = looked.deny
        return self.deny

    def serve(self, judge: Validator) -> Validator:
        """Gives a judge the list, and from now on what comes after it. Raises ParametersError if they do not fit."""
        judge.set_deny(self.deny)
        self._judge = judge
        return judge

    def request(self) -> None:
        """Look at the files again. May be called by a signal handler."""
        self._requested = self._wanted = True

    def look(self, now: Moment) -> None:
        """Goes on with what there is to do; for the time between taps. Never waits."""
        while self._untold:
            self._troubled(self._untold.pop(0))
        if self._work is not None:
            if self._work.done():
                self._finish()
        elif self._wanted:
            self._wanted = False  # before it begins: whoever asks meanwhile asks for one look more
            if not self._begin(self.source.take, now):
                self._wanted = True
        elif self.source.is_due(now):
            self._begin(self.source.due, now)
        else:
            self._alarm.look(*self.source.standing(now))

    def close(self) -> None:
        """Waits for what is being looked at, and tells it."""
        self._thread.shutdown()
        if self._work is not None:
            self._finish()

    def _begin(self, look: Callable[[Moment], Looked], now: Moment) -> bool:
        """Looks on the other thread; False, and told once, while the machine has no thread to give."""
        try:
            self._work = self._thread.submit(look, now)
        except RuntimeError as error:
            if not self._threadless:
                self._troubled(trouble(ParametersError, "deny-list", error))
            self._threadless = True
            return False
        self._threadless = False
        return True

    def _finish(self) -> None:
        assert self._work is not None
        try:
            looked, self._work = self._work.result(), None
        except Exception as error:
            looked, self._work = Looked(trouble=trouble(ParametersError, "deny-list", error)), None
        requested, self._requested = self._requested and not self._wanted, self._wanted
        if looked.trouble:
            self._troubled(looked.trouble)
        if looked.deny:
            self._give(looked.deny)
        elif requested and not looked.trouble:
            self._changed(None)

    def _give(self, deny: DenyList) -> None:
        try:
            if self._judge is not None:
                self._judge.set_deny(deny)
        except ParametersError as error:  # a bare list beside parameters that have become production's
            self._troubled(error)
            return
        self.deny = deny
        self._changed(deny)


_ALARMS = {
    Standing.EXPIRING: Text("its package expires at {}", "名单包将于 {} 过期"),
    Standing.GRACE: Text("its package expired at {}: it stays in use", "名单包已于 {} 过期：继续使用"),
    Standing.EXPIRED: Text("its package expired at {}: it stays in use", "名单包已于 {} 过期：继续使用"),
}


def _package(path: Path) -> Package:
    try:
        return read_package(path)
    except PackageError as error:
        with path.open("rb") as file:
            bare = file.read(len(MAGIC)) == MAGIC
        raise (_unsigned(path) if bare else error) from error


def _unsigned(path: Path) -> ParametersError:
    return ParametersError(
        path,
        Text(
            "is an unsigned list: only a test device without --trust takes it",
            "名单未签名：仅未指定 --trust 的测试终端可用",
        ),
        Text(
            "Sign it: yima params deny sign, and name the signers with --trust",
            "请签名（yima params deny sign），并用 --trust 指定签名公钥",
        ),
    )


def _bare(path: Path) -> bytes:
    """A list file. It is read, not mapped: a file of anybody's may change under us."""
    try:
        data = bytes_of(path, SIZE_MAX)
    except OSError as error:
        raise ParametersError(
            path,
            Text(f"cannot be read: {error.strerror}", f"无法读取：{error.strerror}"),
            Text("Check the path and its permissions", "请检查路径与权限"),
        ) from error
    if is_package(data):
        raise ParametersError(
            path,
            Text("a signed package, and no keys to trust were given", "是已签名的名单包，但未指定信任的公钥"),
            Text("Name the signers' keys: --trust FILE", "请用 --trust FILE 指定签名者公钥"),
        )
    return data
