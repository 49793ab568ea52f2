"""The thread that pulls packages while taps go on, and how what it brings reaches the device between two taps."""

import threading
from collections.abc import Callable, Sequence

from yima.validator.errors import ParametersError, YimaError
from yima.validator.guarding.watched import Watched
from yima.validator.judging import Moment
from yima.validator.packages import Trust
from yima.validator.packages.refusals import not_taken_yet
from yima.validator.packages.store import PackageStore
from yima.validator.parameters.sections import Image
from yima.validator.upkeep.deny_list import DenyPackages
from yima.validator.upkeep.pulling import Puller

GIVE_S = 60.0
"""Seconds that a package may wait for the device to be between two taps."""


class HeldByStore:
    """What a store has (`pulling.Holding`). take: brings a package to whoever owns the store, and returns when that is
    done."""

    def __init__(self, store: PackageStore, take: Callable[[bytes, str], None]) -> None:
        self._store, self._take = store, take

    @property
    def trust(self) -> Trust:
        """See Holding."""
        return self._store.trust

    def has(self, version: int) -> bool:
        """See Holding."""
        newest, _ = self._store.trust.newest or (0, b"")
        return version <= newest or any(version == one.version for one in self._store.waiting)

    def images(self) -> Sequence[Image]:
        """See Holding."""
        return [package.image for package in (*self._store.active, *self._store.waiting)]

    def give(self, data: bytes, source: str) -> None:
        """See Holding."""
        self._take(data, source)


class Handover:
    """Passes one package from the puller's thread to the device's. `give` waits for `taken`."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._offered: tuple[bytes, str] | None = None
        self._outcome: ParametersError | bool = False

    def give(self, data: bytes, source: str) -> None:
        """Offers a package; on the puller's thread. Raises ParametersError when it was refused or not taken in time."""
        with self._changed:
            self._offered, self._outcome = (data, source), False
            done = self._changed.wait_for(lambda: self._outcome is not False, GIVE_S)
            self._offered = None
            if not done:
                raise not_taken_yet(source)
            if isinstance(self._outcome, ParametersError):
                raise self._outcome

    def offered(self) -> tuple[bytes, str] | None:
        """What is offered; on the device's thread, which never waits here."""
        return self._offered

    def taken(self, error: ParametersError | None) -> None:
        """What came of it."""
        with self._changed:
            self._outcome = error or True
            self._offered = None
            self._changed.notify()


class DenyHandover:
    """Brings a list to a device's DenyPackages, which look at it on a thread of their own."""

    def __init__(self, source: DenyPackages, request: Callable[[], None]) -> None:
        self._source, self._request = source, request

    def give(self, data: bytes, source: str) -> None:
        """Offers a list; on the puller's thread. Raises ParametersError when it was refused or not looked at in
        time."""
        with self._source.offered(data, source) as offer:
            self._request()
            offer.looked_at.wait(GIVE_S)
            if offer.refused:
                raise offer.refused


class PullThread:
    """Steps a puller from `start` to `stop`. clock: the moment; tell: told what is wrong, on this thread."""

    def __init__(self, puller: Puller, clock: Callable[[], Moment], tell: Callable[[ParametersError], None]) -> None:
        self._puller, self._clock, self._tell = puller, clock, tell
        self._wake = threading.Condition()
        self._wanted = self._over = False
        self._thread = Watched("yima-packages", self._run, on_trouble=self._died)

    def start(self) -> None:
        """Begins with a question at once."""
        self._thread.start()

    def look(self) -> None:
        """Begins the thread again if it has died; returns at once."""
        self._thread.look()

    def request(self) -> None:
        """Ask now. May be called by a signal handler."""
        self._wanted = True  # noticed within a second: a handler must not wait for a lock

    def stop(self) -> None:
        """Ends; what is half fetched goes on at the next start."""
        with self._wake:
            self._over = True
            self._wake.notify()
        self._thread.join(1.0)

    def _run(self) -> None:
        while not self._over:
            self._wanted = False
            self._puller.step(self._clock(), self._tell)
            left = self._puller.wait_s()
            with self._wake:
                while left > 0 and not self._over and not self._wanted:
                    self._wake.wait(min(left, 1.0))
                    left -= 1.0

    def _died(self, error: YimaError) -> None:
        self._tell(ParametersError(error.thing, error.problem, error.remedy))
