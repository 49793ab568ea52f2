"""What `yima collect` runs beside the collector: register, who was heard of, judging again, the interface."""

import argparse
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp

from yima.sdk.centre.clearing.toml_rows import TermsError
from yima.sdk.centre.collector.app import Collector
from yima.sdk.centre.collector.certificates import Certificates
from yima.sdk.centre.fleet.beside import Beside
from yima.sdk.centre.fleet.database import open_fleet
from yima.sdk.centre.fleet.devices import Register
from yima.sdk.centre.fleet.hearing import Hearing
from yima.sdk.centre.interfaces.keys import Key, Role, read_keys
from yima.sdk.centre.interfaces.watched import Watched
from yima.validator.errors import YimaError
from yima.validator.texts import Text

if TYPE_CHECKING:
    from yima.sdk.centre.fleet.feed import Feed

READERS = frozenset({Role.OPERATOR, Role.AUDITOR, Role.CLERK, Role.REGION})
Event = dict[str, Any]


class FleetSide:
    """Opened for a collector's run, and ended by `ending`. tell: the collector's events, those from here among them.
    Raises YimaError."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        tell: Callable[[Event], None],
        ending: ExitStack,
        certificates: Certificates | None = None,
    ) -> None:
        self._arguments, self._tell, self._ending = arguments, tell, ending
        self._certificates = certificates
        self.database = open_fleet(arguments.store)
        ending.callback(self.database.close)
        self.register = Register(self.database, on_trouble=self._troubled)
        self.key_of = None if arguments.bench else keys_of(arguments.readers, self._troubled)
        self.hearing = Hearing(self.database)
        self.hearing.start()
        ending.callback(self.hearing.stop)
        self._feed: Feed | None = None
        self._listeners: list[Callable[[Event], None]] = [self.hearing.happened]

    @property
    def trust(self) -> Callable[[str, str], None] | None:
        """Who is told of every name and key: on a bench, the register."""
        return self.register.trust if self._arguments.bench else None

    def may_read(self, shown: str) -> bool:
        """Whether that key is a reader's."""
        key = self.key_of(shown) if self.key_of else None
        return key is not None and key.role in READERS

    def happened(self, event: Event) -> None:
        """An event of the collector; from any thread."""
        for listener in self._listeners:
            listener(event)

    def follow(self) -> None:
        """Judges again what comes, if there is to be judged. Raises YimaError."""
        if self._arguments.published is None:
            return
        from yima.sdk.centre.fleet.following import Follower  # noqa: PLC0415 - the extra centre, for who judges
        from yima.sdk.centre.fleet.sources import source_of  # noqa: PLC0415

        source = source_of(self._arguments.store)
        follower = Follower(self.database, source, self._arguments.published, on_event=self._tell)
        follower.start()
        self._ending.callback(follower.stop)

    def beside(self, collector: Collector) -> ASGIApp:
        """The collector with the fleet's interface."""
        return Beside(
            collector.app(), lambda: self._interface(collector), stopping=self._stopping, on_trouble=self._troubled
        )

    def _stopping(self) -> None:
        if self._feed is not None:
            self._feed.stop()

    def _interface(self, collector: Collector) -> ASGIApp:
        from yima.sdk.centre.fleet.api import Fleet, application  # noqa: PLC0415 - made when it is asked for
        from yima.sdk.centre.fleet.feed import Feed  # noqa: PLC0415
        from yima.sdk.centre.fleet.sources import source_of  # noqa: PLC0415

        source = source_of(self._arguments.store, chunk=500)
        page = self._metrics(collector, source.name)
        feed = self._feed = Feed(self.database, self.register.keys, certificates=self._certificates)
        fleet = Fleet(
            database=self.database,
            register=self.register,
            feed=feed,
            source=source,
            metrics=page,
            key_of=self.key_of,
        )
        return application(fleet)

    def _metrics(self, collector: Collector, source: str) -> Callable[[], bytes] | None:
        try:
            from yima.sdk.centre.fleet.metrics import Metrics  # noqa: PLC0415 - the extra metrics
        except ModuleNotFoundError:
            return None
        metrics = Metrics(self.database, source=source, depth=collector.depth)
        self._listeners.append(metrics.happened)
        return metrics.page

    def _troubled(self, error: YimaError) -> None:
        self._tell({"event": "trouble", "why": str(error)})


def keys_of(path: Path | None, troubled: Callable[[YimaError], None]) -> Callable[[str], Key | None]:
    """Whose key a shown one is; the file is looked at for each question, so that a revoked key ends at once, and read
    when it has changed. troubled: told of a file that has become wrong and lets nobody read, once for each wrong that
    it has. Raises TermsError for a file that is wrong from the start."""
    if path is None:
        return lambda shown: None
    book = Watched(path, read_keys)
    book.get()
    told = ""

    def key_of(shown: str) -> Key | None:
        nonlocal told
        try:
            found = book.get().find(shown, _today())
        except (TermsError, OSError) as error:
            if str(error) != told:
                troubled(_unreadable(path, error) if isinstance(error, OSError) else error)
            told = str(error)
            return None
        told = ""
        return found

    return key_of


def _unreadable(path: Path, error: OSError) -> TermsError:
    return TermsError(
        path,
        Text(f"cannot be read ({error.strerror}), so nobody may", f"无法读取（{error.strerror}）：拒绝所有读取方"),
        Text("Check the path and its permissions", "请检查路径与权限"),
    )


def _today() -> int:
    """The day in UTC+8, in which keys hold; without what else a centre needs to be installed."""
    return int(f"{datetime.now(UTC) + timedelta(hours=8):%Y%m%d}")
